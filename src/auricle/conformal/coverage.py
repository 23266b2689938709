"""Was the promise kept? Coverage per class and per subject, with exact intervals, as numbers and as text."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from auricle.conformal._input import Bools, Label, check_y, listed
from auricle.conformal.law import check_level, clopper_pearson, coverage_interval
from auricle.conformal.sets import PredictionSets, State
from auricle.conformal.spread import SubjectSpread, subject_spread
from auricle.conformal.thresholds import check_count, rank
from auricle.errors import InputError


@dataclass(frozen=True, kw_only=True)
class ClassCoverage:
    """Coverage of one class.

    Attributes
    ----------
    status
        "covered", "uncovered" (in every set) or "left out" (in no set). Only a covered class has an expectation.
    n, kept, value
        Test samples of the class, how many of their sets hold the label, and the share. None without samples.
    low, high
        Clopper-Pearson interval of the share: of this calibrated model, on samples drawn as these were.
    calibration_n
        Calibration samples of the class.
    expected, expected_low, expected_high
        Mean and interval of the share under the exact law, over draws of calibration and test, Bonferroni over the
        covered classes. None for a class that is not covered or has no test sample.
    inside
        Whether the share is inside that interval. Equal scores can move it above, never below.
    """

    label: Label
    status: Literal["covered", "uncovered", "left out"]
    n: int
    kept: int
    value: float | None
    low: float
    high: float
    calibration_n: int
    expected: float | None
    expected_low: float | None
    expected_high: float | None
    inside: bool | None


@dataclass(frozen=True, kw_only=True)
class CoverageReport:
    """What `coverage_report` found; `str()` gives it as text, `to_dict()` as JSON-able values.

    Attributes
    ----------
    n, alpha, level
        Test samples, level of the sets, level of the intervals.
    classes
        One `ClassCoverage` per label.
    mean_size
        Mean number of labels in a set, uncovered ones counted.
    share
        Share of the samples in each state; the four add up to 1.
    confident, confident_precision
        Number of confident sets and the share of them that hold the true label, None without any: measured, not
        promised.
    spread
        Coverage by subject, if subjects were given and a class is covered.
    """

    n: int
    alpha: float
    level: float
    classes: tuple[ClassCoverage, ...]
    mean_size: float
    share: dict[State, float]
    confident: int
    confident_precision: float | None
    spread: SubjectSpread | None = None

    def to_dict(self) -> dict[str, object]:
        """JSON-able values; `coverage` maps each label, as a string, to its `ClassCoverage`."""
        plain = asdict(self)
        plain["coverage"] = {str(one.pop("label")): one for one in plain.pop("classes")}
        for one in plain["spread"]["subjects"] if plain["spread"] else ():
            one["subject"] = str(one["subject"])
        return plain

    def __str__(self) -> str:
        tests = sum(one.inside is not None for one in self.classes)
        states = ", ".join(f"{state} {100 * part:.1f} %" for state, part in self.share.items())
        width = max(5, *(len(str(one.label)) for one in self.classes))
        title = f"Coverage at alpha {self.alpha:g} of {self.n} samples; intervals at {100 * self.level:g} %"
        lines = [
            f"{title}, those by chance over {tests} classes together" if tests > 1 else title,
            f"{'label':<{width}}  {'n':>6}  covered  {'interval':^14}  {'by chance':^14}  verdict",
            *(_line(one, width) for one in self.classes),
            f"Labels in a set: {self.mean_size:.2f} on average. States: {states}",
        ]
        if self.confident_precision is not None:
            lines.append(
                f"Confident sets that hold the true label: {100 * self.confident_precision:.1f} % of {self.confident} "
                "(measured, not promised)"
            )
        if self.spread is not None:
            lines.append(str(self.spread))
        return "\n".join(lines)


def coverage_report(
    sets: PredictionSets,
    y: ArrayLike,
    calibration_counts: Mapping[Label, int],
    *,
    subjects: ArrayLike | None = None,
    level: float = 0.99,
) -> CoverageReport:
    """Compare the coverage of labelled test samples with what the exact law allows.

    Parameters
    ----------
    sets
        Prediction sets of m test samples, m >= 1.
    y
        Their true labels, shape (m,).
    calibration_counts
        Number of calibration samples of each label: `LabelConditional.counts`.
    subjects
        Subject of each test sample, shape (m,), for coverage by subject.
    level
        Level of all intervals.

    Raises
    ------
    InputError
        If there is no sample, shapes or labels don't fit, or a count is missing or disagrees with the sets.

    Examples
    --------
    >>> from auricle.conformal import LabelConditional
    >>> rng = np.random.default_rng(0)
    >>> y = rng.choice(["N", "A"], 2000)
    >>> scores = rng.normal(2.0 * (y[:, None] == ["N", "A"]))
    >>> conformal = LabelConditional(["N", "A"]).calibrate(scores[:1000], y[:1000])
    >>> print(coverage_report(conformal.predict_set(scores[1000:], 0.1), y[1000:], conformal.counts))
    Coverage at alpha 0.1 of 1000 samples; intervals at 99 %, those by chance over 2 classes together
    label       n  covered     interval       by chance     verdict
    N         494    0.913  0.875 to 0.943  0.840 to 0.949  as expected
    A         506    0.923  0.887 to 0.950  0.844 to 0.949  as expected
    Labels in a set: 1.19 on average. States: confident 68.7 %, uncertain 25.1 %, unfamiliar 6.2 %, uncalibrated 0.0 %
    Confident sets that hold the true label: 97.1 % of 687 (measured, not promised)
    """
    check_level(level)
    if not isinstance(sets, PredictionSets) or not isinstance(calibration_counts, Mapping):
        raise InputError(
            "sets must be what predict_set gives, and calibration_counts what counts holds; "
            f"got {type(sets).__name__} and {type(calibration_counts).__name__}"
        )
    if not len(sets):
        raise InputError("there is no test sample; coverage needs at least one")
    column = check_y(y, sets.labels, samples=len(sets))
    counts = _check_counts(calibration_counts, sets)
    kept = sets.member[np.arange(len(sets)), column]
    n = np.bincount(column, minlength=len(sets.labels))
    tests = max(1, sum(bool(n[sets.labels.index(label)]) for label in sets.covered))
    confident = sets.state == "confident"
    spread = None
    if subjects is not None and sets.covered:
        promised = np.isin(column, [sets.labels.index(label) for label in sets.covered])
        spread = subject_spread(kept, column, subjects, counted=promised, level=level)
    return CoverageReport(
        n=len(sets),
        alpha=sets.alpha,
        level=level,
        classes=tuple(
            _class_coverage(sets, label, kept[column == k], counts[label], level=level, tests=tests)
            for k, label in enumerate(sets.labels)
        ),
        mean_size=float(sets.size.mean()),
        share=sets.share,
        confident=int(confident.sum()),
        confident_precision=float(kept[confident].mean()) if confident.any() else None,
        spread=spread,
    )


def _check_counts(given: Mapping[Label, int], sets: PredictionSets) -> dict[Label, int]:
    missing = [label for label in sets.labels if label not in given]
    if missing:
        raise InputError(f"calibration_counts must hold every label; {listed(missing)} is missing")
    counts = {label: check_count(given[label], what=f"calibration_counts[{label!r}]") for label in sets.labels}
    for label in sets.labels:
        if label not in sets.left_out and (rank(sets.alpha, counts[label]) == 0) != (label in sets.uncovered):
            is_not = "is" if label in sets.uncovered else "is not"
            raise InputError(
                f"calibration_counts says {counts[label]} for {label!r}, but in these sets at alpha {sets.alpha:g} the "
                f"label {is_not} uncovered. Give the counts of the calibration that made the sets"
            )
    return counts


def _class_coverage(
    sets: PredictionSets, label: Label, kept: Bools, calibration_n: int, *, level: float, tests: int
) -> ClassCoverage:
    n, k = kept.size, int(kept.sum())
    value = k / n if n else None
    low, high = clopper_pearson(k, n, level=level)
    expected = expected_low = expected_high = inside = None
    if label in sets.covered and value is not None:
        expected = 1 - rank(sets.alpha, calibration_n) / (calibration_n + 1)
        expected_low, expected_high = coverage_interval(calibration_n, n, sets.alpha, level=level, tests=tests)
        inside = expected_low <= value <= expected_high
    return ClassCoverage(
        label=label,
        status="uncovered" if label in sets.uncovered else "left out" if label in sets.left_out else "covered",
        n=n,
        kept=k,
        value=value,
        low=low,
        high=high,
        calibration_n=calibration_n,
        expected=expected,
        expected_low=expected_low,
        expected_high=expected_high,
        inside=inside,
    )


def _line(one: ClassCoverage, width: int) -> str:
    head = f"{one.label!s:<{width}}  {one.n:>6}  "
    if one.value is None:
        return head + "no test sample" + ("" if one.status == "covered" else f"; {one.status}")
    head += f"{one.value:7.3f}  {one.low:.3f} to {one.high:.3f}  "
    if one.status == "uncovered":
        return head + f"uncovered with {one.calibration_n} calibration samples: in every set"
    if one.status == "left out":
        return head + "left out: in no set, nothing promised"
    assert one.expected_low is not None
    assert one.expected_high is not None
    verdict = "below" if one.value < one.expected_low else "above" if one.value > one.expected_high else "as expected"
    return head + f"{one.expected_low:.3f} to {one.expected_high:.3f}  {verdict}"
