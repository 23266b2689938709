"""Personal calibration: whose windows decide what stands in a patient's sets, and what that promises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from auricle.conformal import LabelConditional, smallest_n
from auricle.errors import InputError

Source = Literal["population", "personal", "combined", "none"]
Mode = Literal["auto", "population", "personal", "combined"]
Floats = NDArray[np.floating[Any]]

PROMISES: dict[Source, str] = {
    "population": "holds on average over patients like those of the population, not for this one",
    "personal": "holds for this patient, as long as the beats are like those that calibrated",
    "combined": "promises nothing exact: it lies between the population's and the patient's",
    "none": "promises nothing: there is nothing to calibrate with",
}


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Scores (n, K) by the network that is to be calibrated, and the true label (n,) of each window."""

    scores: Floats
    labels: NDArray[Any]

    def of(self, label: Any) -> Floats:
        """(m, K) the scores of one label's windows."""
        return np.asarray(self.scores[self.labels == label])


@dataclass(frozen=True, kw_only=True)
class PersonalCalibration:
    """A calibration and where it comes from.

    Attributes
    ----------
    calibration
        For the sets.
    source
        Whose windows calibrate each label.
    counts
        How many of the patient's there were of each label.
    """

    calibration: LabelConditional
    source: Mapping[Any, Source]
    counts: Mapping[Any, int]

    def promise(self, label: Any) -> str:
        """Say what the sets promise for a label."""
        return PROMISES[self.source[label]]


def calibrate(
    labels: Sequence[Any], population: Scored, personal: Scored, *, mode: Mode, alphas: Sequence[float],
    least: int = 1, leave_out: Sequence[Any] = (), otherwise: LabelConditional | None = None,
) -> PersonalCalibration:  # fmt: skip
    """Choose, label by label, whose windows calibrate.

    "population" and "personal" take one or the other, "auto" the patient's for each label that has enough of them and
    the population's for the others. "combined" fills the patient's up with evenly spaced quantiles of the population's,
    to as many as the smallest alpha needs, so that a few personal labels count and the rest does not drown them.

    Parameters
    ----------
    labels
        The K labels in the order of the scores.
    population, personal
        Windows of others and of the patient, scored by the network that the sets are for.
    mode
        Whose.
    alphas
        Levels that are promised; a label has enough of the patient's windows when the smallest can be promised of them.
    least
        Fewest of the patient's windows of a label that may speak for it.
    leave_out
        Labels that stand in no set.
    otherwise
        Stands there, promising nothing, if no window of any label may calibrate.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> others = Scored(scores=rng.normal(size=(60, 2)), labels=np.repeat(["N", "V"], 30))
    >>> own = Scored(scores=rng.normal(size=(22, 2)), labels=np.repeat(["N", "V"], [20, 2]))
    >>> made = calibrate(["N", "V"], others, own, mode="auto", alphas=[0.1, 0.05])
    >>> dict(made.source), made.calibration.counts
    ({'N': 'personal', 'V': 'population'}, {'N': 20, 'V': 30})
    """
    if mode not in {"auto", "population", "personal", "combined"}:
        raise InputError(f"mode={mode!r} was given; allowed are 'auto', 'population', 'personal' and 'combined'")
    enough = max(least, smallest_n(min(alphas)))
    kept, truth, source, counts = [], [], {}, {}
    for column, label in enumerate(labels):
        own, theirs = personal.of(label), population.of(label)
        counts[label] = len(own)
        chosen = _source(mode, own=len(own), theirs=len(theirs), enough=enough, least=least)
        rows = {"personal": own, "population": theirs, "none": own[:0]}.get(chosen)
        if rows is None:
            fill = min(len(theirs), max(0, enough - len(own)))
            rows = np.concatenate([own, _quantiles(theirs, column, fill)])
        kept.append(rows)
        truth += [label] * len(rows)
        source[label] = chosen
    if not truth and otherwise is not None:
        return PersonalCalibration(calibration=otherwise, source=source, counts=counts)
    made = LabelConditional(labels, leave_out).calibrate(np.concatenate(kept), truth)
    return PersonalCalibration(calibration=made, source=source, counts=counts)


def _source(mode: Mode, *, own: int, theirs: int, enough: int, least: int) -> Source:
    if mode == "population" or (mode == "auto" and own < enough) or (mode == "combined" and own < least):
        return "population" if theirs else "none"
    if mode == "combined" and own < enough:
        return "combined"
    return "personal" if own else "none"


def _quantiles(rows: Floats, column: int, count: int) -> Floats:
    """Choose rows whose scores in a column are evenly spaced in rank."""
    order = np.argsort(rows[:, column], kind="stable")
    places = (np.arange(count) + 0.5) / max(1, count) * len(rows)
    return np.asarray(rows[order[places.astype(int)]])
