"""The plan's tests: each a pure function of arrays and a plan, each giving one sentence and a verdict."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom

from auricle.adaptation.checks.comparison import Comparison, columns
from auricle.adaptation.checks.macro import f1_of, macro_f1, macro_f1_interval
from auricle.adaptation.checks.paired import Bools, paired_interval
from auricle.adaptation.plan import CheckKind, Plan
from auricle.adaptation.plan.protocol import StretchName
from auricle.adaptation.plan.table import Table
from auricle.conformal import PredictionSets, clopper_pearson, coverage_interval
from auricle.errors import InputError

FEWEST_SUBJECTS: Final = 8
"""With fewer people the intervals over people bound nothing, or next to nothing."""


class Check(Table):
    """One test of the plan.

    Examples
    --------
    >>> from auricle.adaptation.plan import Plan
    >>> check_steps(900, Plan.from_dict({"description": {"most_steps": 400}})).text
    '900 steps taken; the plan allows 400.'
    """

    kind: CheckKind
    name: str
    """In words."""
    passed: bool | None
    """None: it could not be tested, and the text says why."""
    value: float | None = None
    limit: float | None = None
    """What `value`, or the end of the interval that the text names, was held against."""
    low: float | None = None
    high: float | None = None
    """Interval around `value`, where there is one."""
    text: str
    """What was found and what was allowed, in one sentence."""


class Decision(Table):
    """Whether a version may be used, and why."""

    accepted: bool
    reasons: tuple[str, ...]


def check_macro_f1(pair: Comparison, plan: Plan) -> Check:
    """Test on the reference set that macro F1 is not inferior: its change lies above minus the margin, at the level."""
    limit, level = -plan.assessment.macro_f1_margin, plan.assessment.level
    before, after = pair.confusions
    name = "macro F1 on the reference set"
    if not np.isfinite(macro_f1(before.sum(0), pair.scored)):
        return Check(
            kind="macro_f1", name=name, passed=None, text="The reference set holds no window of a scored class."
        )
    old, new = (float(macro_f1(each.sum(0), pair.scored)) for each in (before, after))
    found = {"value": new - old, "limit": limit}
    if pair.groups is not None and len(before) < FEWEST_SUBJECTS:
        text = (
            f"Macro F1 on the reference set went from {old:.3f} to {new:.3f}; that can't be tested, as its windows "
            f"come from {_count(len(before), 'subject')} and {FEWEST_SUBJECTS} are needed."
        )
        return Check(kind="macro_f1", name=name, passed=None, text=text, **found)
    low, high = macro_f1_interval(before, after, pair.scored, level=level)
    return Check(
        kind="macro_f1",
        name=name,
        passed=low > limit,
        low=low,
        high=high,
        text=f"Macro F1 on the reference set went from {old:.3f} to {new:.3f}: {_change(new - old, low, high, level)}; "
        f"the lower end must lie above {limit:.3f}.",
        **found,
    )


def check_sensitivity(pair: Comparison, plan: Plan) -> tuple[Check, ...]:
    """Test the same for the sensitivity of each class, by its own margin.

    All must pass, so each may be tested at the full level (an intersection-union test, R. L. Berger 1982). A class is
    not tested where its windows or people are so few that the lower end would miss the limit if nothing had changed.
    """
    return tuple(_sensitivity(pair, k, plan) for k in range(len(pair.labels)))


def _sensitivity(pair: Comparison, k: int, plan: Plan) -> Check:
    label = pair.labels[k]
    limit, level = -plan.assessment.margin_of(label), plan.assessment.level
    name = f"sensitivity of {label}"
    mine = pair.y == k
    n = int(mine.sum())
    if not n:
        text = f"The reference set holds no window of {label}."
        return Check(kind="sensitivity", name=name, passed=None, text=text)
    groups = None if pair.groups is None else pair.groups[mine]
    before, after = pair.before[mine] == k, pair.after[mine] == k
    old, new = float(before.mean()), float(after.mean())
    went = f"The sensitivity of {label} on the reference set went from {old:.3f} to {new:.3f}"
    if paired_interval(before, before, groups, level=level)[0] <= limit:
        of = "" if groups is None else f" of {_count(len(np.unique(groups)), 'subject')}"
        few = f"{_count(n, 'window')}{of} {'is' if n == 1 else 'are'} too few or too unequal"
        text = (
            f"{went}; that can't be tested, as {few}: even without any change the lower end of the interval would not "
            f"lie above {limit:.3f}."
        )
        return Check(kind="sensitivity", name=name, passed=None, value=new - old, limit=limit, text=text)
    low, high = paired_interval(before, after, groups, level=level)
    return Check(
        kind="sensitivity",
        name=name,
        passed=low > limit,
        value=new - old,
        limit=limit,
        low=low,
        high=high,
        text=f"{went}: {_change(new - old, low, high, level)}; the lower end must lie above {limit:.3f}.",
    )


def check_classes_kept(pair: Comparison, plan: Plan) -> Check:
    """Test on the reference set that no class which was recognised is lost; `value` is how many are."""
    had, lost = plan.assessment.class_had, plan.assessment.class_lost
    name = "no class lost"
    counted, gone = [], []
    for k, label in enumerate(pair.labels):
        mine = pair.y == k
        if mine.any() and float((pair.before[mine] == k).mean()) >= had:
            counted.append(label)
            if float((pair.after[mine] == k).mean()) <= lost:
                gone.append(label)
    rule = f"a class counts if at least {had:g} of its reference windows were recognised before"
    if not counted:
        return Check(kind="class_kept", name=name, passed=None, text=f"No class counts ({rule}).")
    what = (
        f"{', '.join(gone)} lost: at most {lost:g} of its windows are recognised now" if gone else "no class was lost"
    )
    text = f"Of {', '.join(counted)}, {what} ({rule})."
    return Check(kind="class_kept", name=name, passed=not gone, value=float(len(gone)), limit=0.0, text=text)


_PERSONAL = ("right on the patient's test stretch", "macro F1 of its frequent classes")


def untested_personal(n: int, plan: Plan) -> tuple[Check, ...]:
    """Say that n windows are too few to test on the patient's own test stretch."""
    text = (
        f"The patient's test stretch holds {_count(n, 'labelled window')}; {plan.assessment.personal_windows} are "
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
        passed=_at_least(new - old, -margin),
        value=new - old,
        limit=-margin,
        low=low,
        high=high,
        text=f"The share of the patient's test stretch judged right went from {old:.3f} to {new:.3f}: "
        f"{_change(new - old, low, high, level)}; the change itself must be no less than {-margin:.3f}.",
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
        passed=_at_least(new - old, -margin),
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
        return untested(f"with {_count(m, 'window')} {law} allows that none is kept", **found)
    behind = "" if n is None else f", {_count(n, 'calibration window')}"
    of = f"{_count(m, 'window')} of {label}"
    text = (
        f"{int(kept.sum())} of {of} kept {'its' if m == 1 else 'their'} label at alpha {sets.alpha:g} ({value:.3f}; "
        f"{low:.3f} to {high:.3f}){behind}; under {law} at least {limit:.3f} is expected."
    )
    return Check(kind="coverage", name=name, passed=_at_least(value, limit), text=text, **found)


def check_labels(counts: Mapping[StretchName, Mapping[str, int]], plan: Plan) -> Check:
    """Test that enough classes have enough labels in the stretches that the plan uses them for."""
    least, wanted = plan.protocol.labels_per_class, plan.protocol.taught_classes
    stretches: tuple[StretchName, ...] = ("adaptation",)
    if plan.protocol.calibration == "personal":
        stretches = ("adaptation", "calibration")
    known = list(dict.fromkeys(label for stretch in stretches for label in counts.get(stretch, {})))
    taught = [k for k in known if all(counts.get(stretch, {}).get(k, 0) >= least for stretch in stretches)]
    where = " and the ".join(stretches)
    listed = "; ".join(
        f"{stretch}: " + (", ".join(f"{n} {label}" for label, n in counts.get(stretch, {}).items()) or "none")
        for stretch in stretches
    )
    has = "has" if len(taught) == 1 else "have"
    which = f"{', '.join(taught)} {has}" if taught else "No class has"
    found = f"{which} {_count(least, 'label')} or more in the {where} stretch"
    return Check(
        kind="labels",
        name="labels",
        passed=len(taught) >= wanted,
        value=float(len(taught)),
        limit=float(wanted),
        text=f"{found}, and {_count(wanted, 'class')} {'is' if wanted == 1 else 'are'} needed ({listed}).",
    )


def check_steps(steps: int, plan: Plan) -> Check:
    """Test that no more steps were taken than planned."""
    most = plan.description.most_steps
    text = f"{_count(steps, 'step')} taken; the plan allows {most}."
    return Check(kind="steps", name="steps", passed=steps <= most, value=float(steps), limit=float(most), text=text)


def check_distance(relative: float, largest: float, plan: Plan) -> tuple[Check, ...]:
    """Test that the weights stayed near the base's.

    Parameters
    ----------
    relative
        Length of the difference of all weights from the base's, over the length of the base's weights (L2).
    largest
        Largest change of one weight.
    plan
        Both limits.
    """
    found = (
        ("distance of the weights", "The weights lie {:.4g} of their length from the base's", relative,
         plan.description.most_distance),
        ("largest change of a weight", "No weight changed by more than {:.4g}", largest, plan.description.most_change),
    )  # fmt: skip
    return tuple(
        Check(
            kind="distance",
            name=name,
            passed=bool(value <= limit),
            # A network that ran away has no length that JSON could hold.
            value=float(value) if np.isfinite(value) else None,
            limit=limit,
            text=f"{text.format(value)}; the plan allows {limit:g}.",
        )
        for name, text, value, limit in found
    )


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
    return Check(kind="harm", name=name, passed=_at_least(change, -margin), value=change, limit=-margin, text=text)


def decide(checks: Sequence[Check], plan: Plan) -> Decision:
    """Accept when no check failed and every kind that must be tested was.

    Examples
    --------
    >>> from auricle.adaptation.plan import Plan
    >>> plan = Plan.from_dict({"description": {"most_steps": 400}})
    >>> decide([check_steps(900, plan)], plan).reasons[0]
    '900 steps taken; the plan allows 400.'
    """
    reasons = [check.text for check in checks if check.passed is False]
    for kind in plan.assessment.must_be_tested:
        of_kind = [check for check in checks if check.kind == kind]
        if all(check.passed is None for check in of_kind):
            why = " ".join(dict.fromkeys(check.text for check in of_kind)) or "No such check was made."
            reasons.append(f"The plan asks for the test {kind!r}, which could not be made. {why}")
    if reasons:
        return Decision(accepted=False, reasons=tuple(reasons))
    passed = sum(check.passed is True for check in checks)
    open_ = len(checks) - passed
    rest = f"; {open_} could not be tested, which the plan allows" if open_ else ""
    return Decision(accepted=True, reasons=(f"All {passed} checks that could be made passed{rest}.",))


def _count(n: int, what: str) -> str:
    return f"{n} {what}{('es' if what.endswith('s') else 's') * (n != 1)}"


def _at_least(value: float, limit: float) -> bool:
    # A fall from 0.9 to 0.85 is 0.05 to a person and a little more to a computer.
    return value >= limit - 1e-9


def _change(value: float, low: float, high: float, level: float) -> str:
    return f"a change of {value:+.3f} ({100 * level:g} % interval {low:+.3f} to {high:+.3f})"
