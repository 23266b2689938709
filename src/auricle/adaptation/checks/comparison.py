"""The same labelled windows, judged before and after an adaptation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.adaptation.checks.macro import Counts, confusion
from auricle.errors import InputError

Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Labelled windows with the class that scored highest before and after; `compare` makes it.

    Attributes
    ----------
    labels
        The K classes.
    y
        Column of each window's true label, (n,).
    before, after
        Column of the class with the highest score, (n,).
    groups
        Subject of each window as a number, (n,), or None if windows are taken as independent.
    scored
        Columns of the classes that macro F1 is taken over.
    """

    labels: tuple[str, ...]
    y: Ints
    before: Ints
    after: Ints
    groups: Ints | None
    scored: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.y)

    @property
    def confusions(self) -> tuple[Counts, Counts]:
        """Confusion matrices by group before and after, each int64 (S, K, K)."""
        k = len(self.labels)
        return confusion(self.y, self.before, k, self.groups), confusion(self.y, self.after, k, self.groups)


def compare(
    labels: Sequence[str], y: ArrayLike, before: ArrayLike, after: ArrayLike, *, subjects: ArrayLike | None = None,
    scored: Sequence[str] = (),
) -> Comparison:  # fmt: skip
    """Put the scores of labelled windows before and after an adaptation side by side.

    Parameters
    ----------
    labels
        The K classes in the order of the columns.
    y
        True labels, (n,).
    before, after
        Scores of the same windows in the same order, (n, K); the highest is the judgement.
    subjects
        Subject of each window, (n,). Without them windows count as independent, which those of one person are not.
    scored
        Classes that macro F1 is taken over; all if empty.

    Raises
    ------
    InputError
        A shape doesn't fit, a label is unknown, or a score is not finite.

    Examples
    --------
    >>> pair = compare(("N", "V"), ["N", "V"], [[2, 0], [1, 0]], [[2, 0], [0, 1]], subjects=["a", "b"])
    >>> pair.before.tolist(), pair.after.tolist()
    ([0, 0], [0, 1])
    """
    names = tuple(map(str, labels))
    column = columns(names, y)
    if strange := [label for label in scored if label not in names]:
        raise InputError(f"scored names {strange[0]!r}; the classes are {', '.join(names)}")
    groups = None
    if subjects is not None:
        given = np.asarray(subjects)
        if given.shape != column.shape:
            raise InputError(
                f"subjects must name the subject of each of {len(column)} windows; got shape {given.shape}"
            )
        groups = np.unique(given, return_inverse=True)[1].astype(np.intp)
    return Comparison(
        names,
        column,
        _top(before, names, len(column), what="scores before"),
        _top(after, names, len(column), what="scores after"),
        groups,
        tuple(names.index(label) for label in scored or names),
    )


def columns(labels: Sequence[str], y: ArrayLike) -> Ints:
    """Column of each label, (n,).

    Raises
    ------
    InputError
        A label is unknown, or y is not of shape (n,).
    """
    given = np.asarray(y)
    if given.ndim != 1:
        raise InputError(f"y must hold one label for each window, shape (n,); got shape {given.shape}")
    place = {label: k for k, label in enumerate(labels)}
    if strange := [str(label) for label in dict.fromkeys(given.tolist()) if str(label) not in place]:
        raise InputError(f"y holds {', '.join(map(repr, strange[:5]))}; the classes are {', '.join(labels)}")
    return np.array([place[str(label)] for label in given.tolist()], np.intp)


def _top(scores: ArrayLike, labels: Sequence[str], n: int, *, what: str) -> Ints:
    values = np.asarray(scores, np.float64)
    if values.shape != (n, len(labels)):
        raise InputError(
            f"{what} must have shape ({n}, {len(labels)}), one row for each window and one column for each of "
            f"{', '.join(labels)}; got shape {values.shape}"
        )
    if wrong := int((~np.isfinite(values)).any(1).sum()):
        raise InputError(f"{what} are not finite for {wrong} of {n} windows; such a network can't be judged or used")
    top: Ints = values.argmax(1)
    return top
