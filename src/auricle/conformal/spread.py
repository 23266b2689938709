"""Coverage by subject: how much more it differs between subjects than chance explains."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.conformal._input import Bools, Floats, as_array
from auricle.conformal.law import clopper_pearson
from auricle.errors import InputError


@dataclass(frozen=True, kw_only=True)
class SubjectCoverage:
    """Coverage of one subject's samples of covered classes, with a Clopper-Pearson interval."""

    subject: Hashable
    n: int
    kept: int
    value: float
    expected: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class SubjectSpread:
    """How much more coverage differs between subjects than chance explains.

    If samples were exchangeable within each class, a subject's number of kept labels would, given each class's
    total, be a sum of hypergeometric numbers: mean and variance follow exactly, whatever the model.

    Attributes
    ----------
    subjects
        One entry per subject, lowest coverage first. `expected` is what the subject's mix of classes gives.
    variance_ratio
        Sum over subjects of (kept - expected)^2, over the sum of the exact variances: 1 on average if subjects don't
        matter. None if nothing can vary.
    sd
        Standard deviation of coverage between subjects with chance removed (method of moments; 0 when there is
        no excess). None if no subject has two samples.
    """

    subjects: tuple[SubjectCoverage, ...]
    variance_ratio: float | None
    sd: float | None

    def __str__(self) -> str:
        if not self.subjects:
            return "Subjects: none has a sample of a covered class"
        worst = self.subjects[0]
        text = f"Subjects: {len(self.subjects)}; lowest coverage {worst.value:.3f} "
        text += f"({worst.subject}, n {worst.n}, interval {worst.low:.3f} to {worst.high:.3f})"
        if self.variance_ratio is not None and self.sd is not None:
            text += f"\nSpread between subjects: variance {self.variance_ratio:.1f} times that of chance; "
            text += f"standard deviation beyond chance {self.sd:.3f}"
        return text


def subject_spread(
    kept: Bools, column: NDArray[np.intp], subjects: ArrayLike, *, counted: Bools, level: float = 0.99
) -> SubjectSpread:
    """Compare coverage between subjects.

    Parameters
    ----------
    kept
        Whether the sample's own label is in its set, shape (m,).
    column
        Number of the sample's class, shape (m,).
    subjects
        Subject of each sample, shape (m,).
    counted
        Which samples count: those of covered classes, shape (m,).
    level
        Level of the intervals.

    Raises
    ------
    InputError
        If `subjects` doesn't hold one id a sample.
    """
    given = as_array(subjects, what="subjects")
    if given.shape != kept.shape:
        raise InputError(f"subjects must hold one id for each sample, shape {kept.shape}; got shape {given.shape}")
    if unknown := sum(one is None or one != one for one in given.tolist()):  # noqa: PLR0124 -- NaN alone differs from itself
        raise InputError(
            f"{unknown} of {given.size} samples have no subject (None or NaN); leave these samples out, "
            "or give no subjects"
        )
    names: list[Hashable] = list(dict.fromkeys(given[counted].tolist()))
    position = {name: i for i, name in enumerate(names)}
    row = np.array([position[name] for name in given[counted].tolist()], dtype=np.intp)
    classes = int(column.max(initial=-1)) + 1
    n, hits = np.zeros((len(names), classes)), np.zeros((len(names), classes))
    np.add.at(n, (row, column[counted]), 1)
    np.add.at(hits, (row, column[counted]), kept[counted])
    expected, ratio, sd = excess_spread(hits, n)
    entries = []
    for name, m, k, mean in zip(names, n.sum(axis=1), hits.sum(axis=1), expected, strict=True):
        low, high = clopper_pearson(int(k), int(m), level=level)
        value, chance = float(k / m), float(mean / m)
        entries.append(
            SubjectCoverage(subject=name, n=int(m), kept=int(k), value=value, expected=chance, low=low, high=high)
        )
    entries.sort(key=lambda one: (one.value, -one.n))
    return SubjectSpread(subjects=tuple(entries), variance_ratio=ratio, sd=sd)


def excess_spread(kept: Floats, n: Floats) -> tuple[Floats, float | None, float | None]:
    """Compare the spread of coverage with the exact one under exchangeability within classes.

    Given that a class has N samples in all, K of them kept, a subject's n_s samples of it hold a hypergeometric number
    of kept ones: mean n_s K / N, variance n_s (N - n_s) K (N - K) / (N^2 (N - 1)). Classes are independent.

    Parameters
    ----------
    kept, n
        Kept labels and samples of each subject and class, shape (subjects, classes).

    Returns
    -------
    expected : ndarray
        Mean number of kept labels of each subject, shape (subjects,).
    ratio, sd : float or None
        See `SubjectSpread`.
    """
    total = n.sum(axis=0)  # (classes,)
    rate = kept.sum(axis=0) / np.maximum(total, 1)
    expected = (n * rate).sum(axis=1)
    chance = float((n * (total - n) * rate * (1 - rate) / np.maximum(total - 1, 1)).sum())
    seen = float(((kept.sum(axis=1) - expected) ** 2).sum())
    size = n.sum(axis=1)
    # What one unit of variance between subjects adds to `seen` - `chance`, the common mean being estimated as well.
    weight = float((size * (size - 1) * (1 - size / max(size.sum(), 1))).sum())
    ratio = seen / chance if chance > 0 else None
    sd = float(np.sqrt(max(seen - chance, 0.0) / weight)) if weight > 0 else None
    return expected, ratio, sd
