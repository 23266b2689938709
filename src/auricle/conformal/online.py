"""Prediction sets that follow the labels of a stream: adaptive conformal inference, one level a class.

Each covered class k has a level of its own, at first alpha. A label stands in a window's set when its p-value exceeds
its class's level at that moment. When a true label k arrives, maybe late, the level of k alone moves: after n labels of
k, of which m were missing from the sets that had been shown,

    level = alpha + gamma (alpha n - m).

A miss lowers the level and so widens the next sets; a hit raises it a little.

References
----------
I. Gibbs, E. Candes, "Adaptive conformal inference under distribution shift", NeurIPS 2021: equation 2 and
proposition 4.1.
V. Vovk, "Conditional validity of inductive conformal predictors", ACML 2012: one level a label.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import index as whole
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from auricle.conformal._input import Floats, Label, as_array, exact, listed
from auricle.conformal.calibration import LabelConditional
from auricle.conformal.sets import PredictionSets
from auricle.errors import InputError

_KIND = "adaptive label-conditional levels"


@dataclass(frozen=True, kw_only=True)
class OnlineCoverage:
    """What the labels of one class said so far.

    Attributes
    ----------
    labels
        Labels that arrived.
    missed, fixed_missed
        How many of them were missing from the set that was shown, and from the one that the calibration alone gives.
    level
        The class's level now; alpha if it does not move.
    bound
        Certain limit of |missed / labels - alpha|, or None before the first label and for a class whose level does not
        move: uncovered or left out.
    """

    labels: int
    missed: int
    fixed_missed: int
    level: float
    bound: float | None


@dataclass(frozen=True)
class _Shown:
    """What is kept of a window until its label arrives: members of both sets, and each class's labels at the time."""

    member: tuple[bool, ...]
    fixed: tuple[bool, ...]
    labels: tuple[int, ...]


class AdaptiveConformal:
    """Sets whose long-run share of misses per class tends to alpha, whatever the windows and labels are.

    Parameters
    ----------
    calibration
        A calibrated `LabelConditional`; it is not changed.
    alpha
        Level of the sets before any label, and the share of misses that each class tends to, 0 < alpha < 1.
    gamma
        Step: how far a level moves with a label, above 0. A larger one follows changes sooner and varies more.

    Raises
    ------
    InputError, NotCalibratedError
        If alpha or gamma can't be used, or the calibration holds no scores.

    Notes
    -----
    Without labels no level moves, and the sets are those of the calibration.

    The guarantee needs no assumption, exchangeability included. A level is below 1 when a label was kept and above 0
    when one was missed, so it stays in reach of [0, 1]: after T labels of a class, each of which arrived before more
    than D further labels of its class had arrived since its set was shown (D = 0 if every label arrives at once),

        |misses / T - alpha| <= (max(alpha + gamma (1 - alpha) (D + 1), 1 - alpha + gamma alpha (D + 1))) / (gamma T).

    With D = 0 this is within the paper's (max(alpha, 1 - alpha) + gamma) / (gamma T). It is an average over time, says
    little for the first 1 / gamma labels, and nothing for one window. A level at or below 0 keeps the label in
    every set, one at or above 1 in none, until labels have moved it back.

    An uncovered class stays in every set and a class that is left out in none; their labels are counted and move
    nothing.

    Deviations from the paper: a level for each class; late labels count against the set that was shown; p-values of the
    fixed calibration in place of quantiles that are fitted anew.

    Examples
    --------
    >>> calibration = LabelConditional(["N"]).calibrate([[x / 20] for x in range(20)], ["N"] * 20)
    >>> online = AdaptiveConformal(calibration, alpha=0.1, gamma=0.05)
    >>> online.show(0, [0.04]).labels_of(0), online.update(0, "N")
    ((), True)
    >>> online.levels
    {'N': 0.055}
    >>> online.show(1, [0.04]).labels_of(0), online.update(1, "N")
    (('N',), False)
    """

    def __init__(self, calibration: LabelConditional, *, alpha: float = 0.1, gamma: float = 0.05) -> None:
        exact(alpha)
        if isinstance(gamma, bool) or not isinstance(gamma, float | int) or not 0 < gamma < float("inf"):
            raise InputError(f"gamma must be a number above 0, such as 0.05; got {gamma!r}")
        self._calibration, self._alpha, self._gamma = calibration, float(str(alpha)), float(gamma)
        self._uncovered = calibration.uncovered(self._alpha)
        still = self._uncovered + calibration.leave_out
        self._moves = np.array([label not in still for label in calibration.labels])
        self._always = np.array([label in self._uncovered for label in calibration.labels])
        classes = len(calibration.labels)
        self._labels, self._missed, self._fixed, self._delay = ([0] * classes for _ in range(4))
        self._shown: dict[int, _Shown] = {}
        self._next = 0

    @property
    def alpha(self) -> float:
        """Share of misses that each class tends to."""
        return self._alpha

    @property
    def gamma(self) -> float:
        """How far a level moves with a label."""
        return self._gamma

    @property
    def moving(self) -> tuple[Label, ...]:
        """Labels whose level moves: neither uncovered nor left out."""
        return tuple(label for label, moves in zip(self._calibration.labels, self._moves, strict=True) if moves)

    @property
    def levels(self) -> dict[Label, float]:
        """Level of each label whose level moves; below 0 it is always in the set, above 1 never."""
        return {label: self._level(k) for k, label in enumerate(self._calibration.labels) if self._moves[k]}

    @property
    def waiting(self) -> int:
        """Number of windows that were shown and have no label yet."""
        return len(self._shown)

    def predict_set(self, scores: ArrayLike) -> PredictionSets:
        """Give the sets at the levels of now, and remember nothing.

        Parameters
        ----------
        scores
            Shape (m, K).

        Raises
        ------
        InputError
            If the scores can't be used.
        """
        return self._sets(self._calibration.p_values(scores))

    def _sets(self, p_values: Floats) -> PredictionSets:
        levels = np.array([self._level(k) for k in range(len(self._labels))])
        return PredictionSets(
            member=np.where(self._moves, p_values > levels, self._always),
            labels=self._calibration.labels,
            alpha=self._alpha,
            uncovered=self._uncovered,
            left_out=self._calibration.leave_out,
        )

    def show(self, index: int, scores: ArrayLike) -> PredictionSets:
        """Give one window's set at the levels of now, and remember it until its label arrives.

        Parameters
        ----------
        index
            Number of the window in the stream, larger than every one before.
        scores
            Shape (K,).

        Raises
        ------
        InputError
            If the number is not larger, or the scores can't be used.
        """
        number = _index(index)
        if number < self._next:
            raise InputError(f"window {number} was given after window {self._next - 1}; numbers must grow")
        row: Floats = np.atleast_2d(as_array(scores, what="scores"))
        if len(row) != 1:
            raise InputError(f"scores must be those of one window; got shape {row.shape}")
        p_values = self._calibration.p_values(row)
        sets, fixed = self._sets(p_values), np.where(self._moves, p_values > self._alpha, self._always)
        self._next = number + 1
        self._shown[number] = _Shown(
            member=tuple(sets.member[0].tolist()), fixed=tuple(fixed[0].tolist()), labels=tuple(self._labels)
        )
        return sets

    def update(self, index: int, label: Label) -> bool:
        """Take the true label of a window that was shown; say whether its set had missed it.

        Raises
        ------
        InputError
            If the label is unknown, or the window was not shown or had its label before. Then nothing has changed.
        """
        number = _index(index)
        column = self._column(label)
        if number not in self._shown:
            why = "had its label before, or was never shown" if number < self._next else "was not shown yet"
            raise InputError(f"window {number} {why}; a label belongs to a window that waits for one")
        shown = self._shown.pop(number)
        missed = not shown.member[column]
        self._delay[column] = max(self._delay[column], self._labels[column] - shown.labels[column])
        self._labels[column] += 1
        self._missed[column] += missed
        self._fixed[column] += not shown.fixed[column]
        return missed

    @property
    def coverage(self) -> dict[Label, OnlineCoverage]:
        """What the labels of each class said so far."""
        return {
            label: OnlineCoverage(
                labels=self._labels[k],
                missed=self._missed[k],
                fixed_missed=self._fixed[k],
                level=self._level(k),
                bound=self._bound(k) if self._moves[k] and self._labels[k] else None,
            )
            for k, label in enumerate(self._calibration.labels)
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything but the calibration as JSON-able values."""
        return {
            "kind": _KIND,
            "alpha": self._alpha,
            "gamma": self._gamma,
            "classes": list(self._calibration.labels),
            "labels": list(self._labels),
            "missed": list(self._missed),
            "fixed_missed": list(self._fixed),
            "delay": list(self._delay),
            "next": self._next,
            "shown": [[i, [*s.member], [*s.fixed], [*s.labels]] for i, s in self._shown.items()],
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any], calibration: LabelConditional) -> Self:
        """Rebuild from `to_dict` and the calibration it was made with.

        Raises
        ------
        InputError
            If it is not such a state, was changed by hand, or belongs to a calibration of other labels.

        Examples
        --------
        >>> calibration = LabelConditional(["N"]).calibrate([[x / 20] for x in range(20)], ["N"] * 20)
        >>> online = AdaptiveConformal(calibration)
        >>> sets = online.show(3, [0.4])
        >>> AdaptiveConformal.from_dict(online.to_dict(), calibration).to_dict() == online.to_dict()
        True
        """
        expected = cls(calibration).to_dict().keys()
        if not isinstance(given, Mapping) or given.keys() != expected or given["kind"] != _KIND:
            found = listed(given) if isinstance(given, Mapping) else type(given).__name__
            raise InputError(f"saved levels have the keys {listed(expected)} and kind {_KIND!r}; got {found}")
        if given["classes"] != list(calibration.labels):
            raise InputError(
                f"the saved levels are of {listed(given['classes'])}, "
                f"and the calibration of {listed(calibration.labels)}"
            )
        made = cls(calibration, alpha=given["alpha"], gamma=given["gamma"])
        try:
            made._restore(given)
        except (InputError, TypeError, ValueError) as wrong:
            raise InputError(f"the saved levels can't be used: {wrong}; begin anew") from None
        return made

    def _restore(self, given: Mapping[str, Any]) -> None:
        self._labels, self._missed, self._fixed, self._delay = (
            self._per_class(given[key], key) for key in ("labels", "missed", "fixed_missed", "delay")
        )
        if any(max(some) > n for n, *some in zip(self._labels, self._missed, self._fixed, strict=True)):
            raise ValueError("more labels were missed than arrived")
        self._next = _index(given["next"])
        for number, member, fixed, labels in given["shown"]:
            if _index(number) >= self._next or number in self._shown:
                raise ValueError(f"window {number} was shown twice, or is yet to come")
            members = [tuple(map(bool, self._per_class(row, "a set"))) for row in (member, fixed)]
            self._shown[number] = _Shown(members[0], members[1], tuple(self._per_class(labels, "labels")))

    def _per_class(self, given: object, what: str) -> list[int]:
        classes = len(self._calibration.labels)
        if not isinstance(given, list) or len(given) != classes:
            raise ValueError(f"{what} must be a list of {classes} numbers")
        return [_index(int(one) if isinstance(one, bool) else one) for one in given]

    def _column(self, label: Label) -> int:
        try:
            return self._calibration.labels.index(label)
        except ValueError:
            raise InputError(f"label {label!r} was given; the labels are {listed(self._calibration.labels)}") from None

    def _level(self, k: int) -> float:
        if not self._moves[k]:
            return self._alpha
        return self._alpha + self._gamma * (self._alpha * self._labels[k] - self._missed[k])

    def _bound(self, k: int) -> float:
        alpha, steps = self._alpha, self._gamma * (self._delay[k] + 1)
        reach = max(alpha + steps * (1 - alpha), 1 - alpha + steps * alpha)
        return reach / (self._gamma * self._labels[k])

    def __repr__(self) -> str:
        levels = ", ".join(f"{label!r} {level:.3f}" for label, level in self.levels.items()) or "none moves"
        return (
            f"AdaptiveConformal(alpha {self._alpha:g}, gamma {self._gamma:g}, {sum(self._labels)} labels; "
            f"levels: {levels})"
        )


def _index(given: object) -> int:
    """Return a window's number as an int >= 0."""
    try:
        number = -1 if isinstance(given, bool) else whole(given)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if number < 0:
        raise InputError(f"a whole number, 0 or more, is needed; got {given!r:.60}")
    return number
