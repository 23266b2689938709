"""Label-conditional conformal classification on the scores of any model."""

import warnings
from collections.abc import Mapping, Sequence
from math import inf
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from auricle.conformal._input import Floats, Label, check_labels, check_scores, check_subset, check_y, listed
from auricle.conformal.sets import PredictionSets
from auricle.conformal.thresholds import check_calibration, p_values_of_sorted, rank, threshold
from auricle.errors import InputError, NotCalibratedError

_KIND = "label-conditional scores"


class NoCalibrationSamplesWarning(UserWarning):
    """A label has no calibration sample at all, and so is uncovered at every alpha."""


class LabelConditional:
    """Prediction sets that keep each class's label with probability at least 1 - alpha.

    Calibrate once, on samples that the model was neither trained nor selected on; ask at any alpha. Only the
    order of the scores within a class counts: logits, log-probabilities and probabilities give the same
    sets, and a temperature per class changes none. Give the calibration and the new scores in the same floating
    type: a score rounded to float32 is no longer equal to the threshold that it had reached.

    Parameters
    ----------
    labels
        The K labels in the order of the columns of the scores; all strings or all integers.
    leave_out
        Labels that shall stand in no set, at any alpha; nothing is promised for them. By default a label with too few
        calibration samples stands in every set instead, marked as uncovered.

    Raises
    ------
    InputError
        If a label is given twice, `leave_out` names an unknown label, or no label would remain.

    Notes
    -----
    The promise is for samples exchangeable with the calibration samples of their class. Windows of one patient are
    not exchangeable with another's: see `coverage_report(..., subjects=...)`. The promise is on coverage;
    nothing is promised on how often a set of one label is right.

    Deviations from ConMIL (arXiv 2501.16215): exact order statistics instead of root finding, so a class with
    few samples raises no error; no temperature; empty sets stay empty.

    References
    ----------
    V. Vovk, "Conditional validity of inductive conformal predictors", ACML 2012.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> y = rng.choice(["N", "A"], 400)
    >>> scores = rng.normal(2.0 * (y[:, None] == ["N", "A"]))
    >>> conformal = LabelConditional(["N", "A"]).calibrate(scores[:200], y[:200])
    >>> conformal
    LabelConditional(labels 'N', 'A'; calibrated with 96 'N', 104 'A')
    >>> sets = conformal.predict_set(scores[200:], alpha=0.1)
    >>> sets
    PredictionSets(200 samples, labels 'N', 'A', alpha 0.1: 150 confident, 31 uncertain, 19 unfamiliar)
    """

    def __init__(self, labels: Sequence[Label], leave_out: Sequence[Label] = ()) -> None:
        self._labels = check_labels(labels)
        self._leave_out = check_subset(leave_out, self._labels, what="leave_out")
        if len(self._leave_out) == len(self._labels):
            raise InputError(f"leave_out holds every label, {listed(self._labels)}; at least one must remain")
        self._sorted: tuple[Floats, ...] | None = None

    @property
    def labels(self) -> tuple[Label, ...]:
        """The K labels in the order of the columns."""
        return self._labels

    @property
    def leave_out(self) -> tuple[Label, ...]:
        """Labels that stand in no set."""
        return self._leave_out

    @property
    def counts(self) -> dict[Label, int]:
        """Number of calibration samples of each label."""
        return {label: scores.size for label, scores in zip(self._labels, self._calibrated("counts"), strict=True)}

    def calibrate(self, scores: ArrayLike, y: ArrayLike) -> Self:
        """Keep, for each label, the scores that its own samples gave it. A second call replaces the first.

        Parameters
        ----------
        scores
            Shape (n, K), higher for a label that fits better.
        y
            The true labels, shape (n,).

        Raises
        ------
        InputError
            If there is no sample, a score is not finite, a shape is wrong or a label is unknown.

        Warns
        -----
        NoCalibrationSamplesWarning
            If a label that is not left out has no sample.
        """
        values = check_scores(scores, self._labels)
        if not len(values):
            raise InputError("scores holds no sample; calibration needs labelled samples, see smallest_n(alpha)")
        column = check_y(y, self._labels, samples=len(values))
        self._keep(tuple(np.sort(values[column == k, k]) for k in range(len(self._labels))))
        return self

    def p_values(self, scores: ArrayLike) -> Floats:
        """P-value of each label for each sample, shape (m, K); see `auricle.conformal.p_values`.

        They are computed for labels that are left out as well. A label without calibration samples has p-value 1.

        Raises
        ------
        InputError, NotCalibratedError
            If the scores can't be used, or `calibrate` has not been called.
        """
        calibration = self._calibrated("p_values")
        values = check_scores(scores, self._labels)
        columns = [p_values_of_sorted(ascending, values[:, k]) for k, ascending in enumerate(calibration)]
        return np.column_stack(columns)

    def thresholds(self, alpha: float) -> dict[Label, float]:
        """Threshold of each label: it is in the set of a sample whose score for it is at least this.

        -inf for an uncovered label, which every score reaches; inf for one that is left out.
        """
        return {
            label: inf if label in self._leave_out else threshold(ascending, alpha)
            for label, ascending in zip(self._labels, self._calibrated("thresholds"), strict=True)
        }

    def uncovered(self, alpha: float) -> tuple[Label, ...]:
        """Labels with too few calibration samples at this alpha (fewer than `smallest_n(alpha)`)."""
        return tuple(
            label
            for label, ascending in zip(self._labels, self._calibrated("uncovered"), strict=True)
            if label not in self._leave_out and rank(alpha, ascending.size) == 0
        )

    def predict_set(self, scores: ArrayLike, alpha: float) -> PredictionSets:
        """Prediction sets: a label is in the set when its p-value exceeds alpha.

        Parameters
        ----------
        scores
            Shape (m, K).
        alpha
            Level, 0 < alpha < 1.

        Raises
        ------
        InputError, NotCalibratedError
            If scores or alpha can't be used, or `calibrate` has not been called.
        """
        self._calibrated("predict_set")
        values = check_scores(scores, self._labels)
        return PredictionSets(
            member=values >= np.array([*self.thresholds(alpha).values()]),
            labels=self._labels,
            alpha=alpha,
            uncovered=self.uncovered(alpha),
            left_out=self._leave_out,
        )

    def to_dict(self) -> dict[str, object]:
        """Everything as JSON-able values; Python's json writes floats so that they are read back bit for bit."""
        return {
            "kind": _KIND,
            "labels": list(self._labels),
            "leave_out": list(self._leave_out),
            "scores": [ascending.tolist() for ascending in self._calibrated("to_dict")],
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, object]) -> Self:
        """Rebuild from `to_dict`.

        Raises
        ------
        InputError
            If a key is missing or unknown, the labels are wrong, or the scores of a label are not finite and ascending.

        Examples
        --------
        >>> one = LabelConditional(["N"]).calibrate([[0.3], [0.1]], ["N", "N"])
        >>> LabelConditional.from_dict(one.to_dict()).to_dict() == one.to_dict()
        True
        """
        expected = {"kind", "labels", "leave_out", "scores"}
        if not isinstance(given, Mapping) or set(given) != expected or given["kind"] != _KIND:
            found = listed(given) if isinstance(given, Mapping) else type(given).__name__
            raise InputError(
                f"a saved calibration has the keys {listed(sorted(expected))} and kind {_KIND!r}; got {found}"
                + (f" and kind {given['kind']!r}" if isinstance(given, Mapping) and "kind" in given else "")
            )
        for key in ("labels", "leave_out", "scores"):
            if not isinstance(given[key], list):
                raise InputError(f"{key} of a saved calibration must be a list; got {type(given[key]).__name__}")
        made = cls(given["labels"], given["leave_out"])  # type: ignore[arg-type]
        rows: list[object] = given["scores"]  # type: ignore[assignment]
        if len(rows) != len(made.labels):
            raise InputError(
                f"a saved calibration needs one list of scores a label, {len(made.labels)}; got {len(rows)}"
            )
        kept = tuple(made._saved(label, row) for label, row in zip(made.labels, rows, strict=True))
        if not sum(row.size for row in kept):
            raise InputError("the saved calibration holds no score; calibrate again")
        made._keep(kept)
        return made

    @staticmethod
    def _saved(label: Label, row: object) -> Floats:
        if not isinstance(row, list) or not all(isinstance(x, float | int) and not isinstance(x, bool) for x in row):
            raise InputError(f"the saved scores of {label!r} must be a list of numbers")
        try:
            scores = check_calibration(np.array(row, dtype=np.float64))
        except (InputError, OverflowError) as wrong:
            raise InputError(f"the saved scores of {label!r} can't be used: {wrong}") from None
        if (np.diff(scores) < 0).any():
            first = int(np.argmax(np.diff(scores) < 0))
            raise InputError(
                f"the saved scores of {label!r} must ascend; {scores[first]!s} is followed by {scores[first + 1]!s}. "
                "Was the file changed by hand? Calibrate again"
            )
        return scores

    def _keep(self, ascending: tuple[Floats, ...]) -> None:
        empty = [
            label
            for label, scores in zip(self._labels, ascending, strict=True)
            if not scores.size and label not in self._leave_out
        ]
        if empty:
            warnings.warn(
                f"no calibration sample has the label {listed(empty)}: it will stand in every set at every alpha, and "
                f"no set can be confident. Calibrate with samples of it, or declare leave_out={tuple(empty)}",
                NoCalibrationSamplesWarning,
                stacklevel=3,
            )
        for scores in ascending:
            scores.flags.writeable = False
        self._sorted = ascending

    def _calibrated(self, asked: str) -> tuple[Floats, ...]:
        if self._sorted is None:
            raise NotCalibratedError(f"call calibrate(scores, y) before {asked}")
        return self._sorted

    def __repr__(self) -> str:
        known = f"labels {listed(self._labels)}"
        known += f"; left out, so in no set: {listed(self._leave_out)}" if self._leave_out else ""
        if self._sorted is None:
            return f"LabelConditional({known}; not calibrated)"
        numbers = ", ".join(f"{n} {label!r}" for label, n in self.counts.items())
        return f"LabelConditional({known}; calibrated with {numbers})"
