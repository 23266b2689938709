"""What one state of a network came to on labelled windows: the numbers of an impact record."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from auricle.adaptation.checks.comparison import Comparison, Ints
from auricle.adaptation.checks.macro import f1_of, macro_f1
from auricle.adaptation.checks.paired import Bools
from auricle.adaptation.plan.table import Table
from auricle.conformal import PredictionSets


class Measured(Table):
    """Numbers on labelled windows. None stands where there is nothing to count.

    Examples
    --------
    >>> from auricle.adaptation.checks.comparison import compare
    >>> pair = compare(("N", "V"), ["N", "V"], [[2, 0], [1, 0]], [[2, 0], [0, 1]])
    >>> Measured.before(pair).right, Measured.after(pair).right
    (0.5, 1.0)
    """

    n: int = Field(ge=0)
    right: float | None
    """Share of the windows judged right."""
    macro_f1: float | None
    """Over the scored classes that have a window."""
    f1: dict[str, float | None]
    sensitivity: dict[str, float | None]
    coverage: dict[str, dict[str, float | None]] = Field(default_factory=dict)
    """By alpha and class: the share of the windows of the class whose set holds it."""
    mean_size: dict[str, float] = Field(default_factory=dict)
    """By alpha: mean number of labels in a set."""

    @classmethod
    def before(cls, pair: Comparison, sets: Sequence[PredictionSets] = ()) -> Self:
        """Measure the first of two states; `sets` are those of the same windows, one for each alpha."""
        return cls._of(pair, pair.before, sets)

    @classmethod
    def after(cls, pair: Comparison, sets: Sequence[PredictionSets] = ()) -> Self:
        """Measure the second of two states; `sets` are those of the same windows, one for each alpha."""
        return cls._of(pair, pair.after, sets)

    @classmethod
    def _of(cls, pair: Comparison, top: Ints, sets: Sequence[PredictionSets]) -> Self:
        k, n = len(pair.labels), len(pair)
        right = top == pair.y
        counts = np.zeros((k, k), np.int64)
        np.add.at(counts, (pair.y, top), 1)
        coverage: dict[str, dict[str, float | None]] = {}
        for one in sets:
            kept = one.member[np.arange(n), pair.y]
            coverage[f"{one.alpha:g}"] = {label: _mean(kept[pair.y == i]) for i, label in enumerate(pair.labels)}
        return cls(
            n=n,
            right=_mean(right),
            macro_f1=_number(macro_f1(counts, pair.scored)),
            f1={label: _number(value) for label, value in zip(pair.labels, f1_of(counts), strict=True)},
            sensitivity={label: _mean(right[pair.y == i]) for i, label in enumerate(pair.labels)},
            coverage=coverage,
            mean_size={f"{one.alpha:g}": float(one.size.mean()) for one in sets if n},
        )


def _number(value: ArrayLike) -> float | None:
    return float(np.asarray(value)) if np.isfinite(value) else None


def _mean(values: Bools) -> float | None:
    return float(values.mean()) if values.size else None
