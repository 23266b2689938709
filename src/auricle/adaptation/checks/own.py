"""Tests on the patient's own windows: what is judged right, coverage, and harm."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom

from auricle.adaptation.checks.comparison import Comparison, columns
from auricle.adaptation.checks.macro import f1_of, macro_f1
from auricle.adaptation.checks.paired import Bools, paired_interval
from auricle.adaptation.checks.verdict import Check, at_least, change_text
from auricle.adaptation.plan import Plan
from auricle.conformal import PredictionSets, clopper_pearson, coverage_interval
from auricle.counted import counted
from auricle.errors import InputError

_PERSONAL = ("right on the patient's test stretch", "macro F1 of its frequent classes")


def untested_personal(n: int, plan: Plan) -> tuple[Check, ...]:
    """Say that n windows are too few to test on the patient's own test stretch."""
    text = (
        f"The patient's test stretch holds {counted(n, 'labelled window')}; {plan.assessment.personal_windows} are "
        "needed. Label more of the recording."
    )
    return tuple(Check(kind="personal", name=name, passed=None, text=text) for name in _PERSONAL)


def check_personal(pair: Comparison, plan: Plan) -> tuple[Check, ...]:
    """Test on the patient's own test stretch that neither the share judged right nor macro F1 fell by too much.

    The estimates themselves are held against the margins. The interval of the share takes windows as independent, and
    is shown so that nobody takes the estimate for more than it is.
    """
    fewest, level, names = plan.assessment.personal_windows, plan.assessment.level, _PERSONAL
    if len(pair) < fewest:
        return untested_personal(len(pair), plan)
    before, after = pair.before == pair.y, pair.after == pair.y
    old, new = float(before.mean()), float(after.mean())
    low, high = paired_interval(before, after, level=level)
    margin = plan.assessment.personal_accuracy_margin
    right = Check(
        kind="personal",
        name=names[0],
        passed=at_least(new - old, -margin),
        value=new - old,
        limit=-margin,
        low=low,
        high=high,
        text=f"The share of the patient's test stretch judged right went from {old:.3f} to {new:.3f}: "
        f"{change_text(new - old, low, high, level)}; the change itself must be no less than {-margin:.3f}.",
    )
    n = np.bincount(pair.y, minlength=len(pair.labels))
    enough = [k for k in pair.scored if n[k] >= fewest]
    if not enough:
        text = f"No scored class has {fewest} windows in the patient's test stretch."
        return right, Check(kind="personal", name=names[1], passed=None, text=text)
    old, new = (float(macro_f1(each.sum(0), enough)) for each in pair.confusions)
    margin = plan.assessment.personal_macro_f1_margin
    macro = Check(
        kind="personal",
        name=names[1],
        passed=at_least(new - old, -margin),
        value=new - old,
        limit=-margin,
        text=f"Macro F1 over {', '.join(pair.labels[k] for k in enough)} (classes with {fewest} windows in the "
        f"patient's test stretch) went from {old:.3f} to {new:.3f}; the change of {new - old:+.3f} must be no less "
        f"than {-margin:.3f}.",
    )
    return right, macro


def check_coverage(
    sets: Sequence[PredictionSets], y: ArrayLike, counts: Mapping[str, int] | None, plan: Plan
) -> tuple[Check, ...]:
    """Test on the patient's test stretch that every covered class is covered as promised, at each alpha.

    Parameters
    ----------
    sets
        Sets of the same m windows, one for each of the plan's alphas, made by the calibration that shall be used.
    y
        True labels, (m,).
    counts
        Calibration windows of each class behind those sets, for the exact beta-binomial law. None where there is no
        such number, as for a weighted calibration: then the share kept is held against the binomial law of 1 - alpha,
        which is exact for a threshold known without error, and a little too strict for one that is not.
    plan
        `coverage_level` holds over all classes and alphas together (Bonferroni).

    Returns
    -------
    tuple of Check
        One per class and alpha, but none for a class that is left out of the sets. `low` and `high` are the
        Clopper-Pearson interval of the share kept; `limit` is the low end under the law. A class is not tested where it
        is uncovered, or where so few windows would pass whatever they were.

    Raises
    ------
    InputError
        The sets are not at the plan's alphas, or labels don't fit.

    Notes
    -----
    Exact for windows that are exchangeable with the calibration windows. Beats of one recording follow each other, so
    this holds the more loosely the further the stretches are apart.
    """
    given, planned = [one.alpha for one in sets], list(plan.protocol.alphas)
    if sorted(given) != sorted(planned):
        raise InputError(
            f"sets at alpha {', '.join(f'{a:g}' for a in given) or 'none'} were given; the plan asks for "
            f"{', '.join(f'{a:g}' for a in planned)}"
        )
    labels = tuple(map(str, sets[0].labels))
    column = columns(labels, y)
    if len(column) != len(sets[0]):
        raise InputError(f"y holds {len(column)} labels for {len(sets[0])} sets; give one for each")
    m = np.bincount(column, minlength=len(labels))
    tests = sum(bool(m[labels.index(str(label))]) for one in sets for label in one.covered)
    level = plan.assessment.coverage_level
    return tuple(
        _coverage(one, k, one.member[column == k, k], None if counts is None else counts.get(label, 0), level, tests)
        for one in sets
        for k, label in enumerate(labels)
        if sets[0].labels[k] not in one.left_out
    )


def _coverage(sets: PredictionSets, k: int, kept: Bools, n: int | None, level: float, tests: int) -> Check:
    label, m = str(sets.labels[k]), len(kept)
    name = f"coverage of {label} at alpha {sets.alpha:g}"

    def untested(why: str, **found: float) -> Check:
        return Check(kind="coverage", name=name, passed=None, text=f"The {name} can't be tested: {why}.", **found)

    if sets.labels[k] in sets.uncovered:
        return untested(
            "the class has too few calibration windows, stands in every set, and nothing is promised for it"
        )
    if not m:
        return untested("the patient's test stretch holds no window of it")
    if n is None:
        law, limit = "the binomial law", float(binom.ppf((1 - level) / 2 / tests, m, 1 - sets.alpha)) / m
    else:
        law, limit = "the exact law", coverage_interval(n, m, sets.alpha, level=level, tests=tests)[0]
    value = float(kept.mean())
    low, high = clopper_pearson(int(kept.sum()), m, level=level)
    found = {"value": value, "limit": limit, "low": low, "high": high}
    if limit <= 0:
        return untested(f"with {counted(m, 'window')} {law} allows that none is kept", **found)
    behind = "" if n is None else f", {counted(n, 'calibration window')}"
    of = f"{counted(m, 'window')} of {label}"
    text = (
        f"{int(kept.sum())} of {of} kept {'its' if m == 1 else 'their'} label at alpha {sets.alpha:g} ({value:.3f}; "
        f"{low:.3f} to {high:.3f}){behind}; under {law} at least {limit:.3f} is expected."
    )
    return Check(kind="coverage", name=name, passed=at_least(value, limit), text=text, **found)


def check_harm(pair: Comparison, plan: Plan) -> Check:
    """Test on windows that the attempt has not seen whether it did harm: a loss of F1 of the plan's class."""
    label, margin = plan.assessment.harm_class, plan.assessment.harm_margin
    if label not in pair.labels:
        raise InputError(f"the plan's harm_class is {label!r}; the classes are {', '.join(pair.labels)}")
    k = pair.labels.index(label)
    name = f"harm to F1 of {label}"
    before, after = (float(f1_of(each.sum(0))[k]) if len(pair) else float("nan") for each in pair.confusions)
    if not np.isfinite(before):
        return Check(kind="harm", name=name, passed=None, text=f"No window of {label} is there to show harm.")
    change = after - before
    text = f"F1 of {label} went from {before:.3f} to {after:.3f}; a loss of more than {margin:g} counts as harm."
    return Check(kind="harm", name=name, passed=at_least(change, -margin), value=change, limit=-margin, text=text)
