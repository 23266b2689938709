"""What is accepted as labels, levels and scores, and what is said of anything else."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.errors import InputError

Label = str | int
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def listed(labels: Iterable[object]) -> str:
    """Labels as an error message shows them.

    >>> listed(("N", "A"))
    "'N', 'A'"
    """
    return ", ".join(map(repr, labels))


def exact(alpha: object) -> Fraction:
    """Read a level as the decimal that a person means by it.

    Twelve significant digits are kept, so 1 - 0.9 is one tenth as well, although it is another float.

    >>> exact(0.1), exact(1 - 0.9)
    (Fraction(1, 10), Fraction(1, 10))
    """
    try:
        # str first: float32's 0.7 prints as 0.7 and is 0.699999988 as a float.
        level = Fraction(0) if isinstance(alpha, str) else Fraction(f"{float(str(alpha)):.12g}")
    except (ValueError, OverflowError):
        level = Fraction(0)
    if not 0 < level < 1:
        raise InputError(f"alpha must be a number between 0 and 1, such as 0.1; got {alpha!r}")
    return level


def check_labels(labels: Sequence[Label] | NDArray[np.generic]) -> tuple[Label, ...]:
    """All labels as Python strings, or all as integers, each once."""
    if isinstance(labels, str):
        raise InputError(f"labels must be a sequence such as ('N', 'A'); got the single string {labels!r}")
    if isinstance(labels, int):
        raise InputError(f"labels must be a sequence such as (0, 1); got the single number {labels}")
    given = np.asarray(labels, dtype=object).ravel().tolist()
    checked: list[Label] = []
    for label in given:
        if isinstance(label, str):
            checked.append(str(label))
        elif isinstance(label, int | np.integer) and not isinstance(label, bool):
            checked.append(int(label))
        else:
            raise InputError(f"a label must be a string or an integer; got {label!r}")
    if not checked:
        raise InputError("labels is empty; give at least one label")
    if len({type(label) for label in checked}) > 1:
        raise InputError(f"labels must be all strings or all integers; got {listed(checked)}")
    twice = [label for label in dict.fromkeys(checked) if checked.count(label) > 1]
    if twice:
        raise InputError(f"each label must occur once; {listed(twice)} occurs more often in {listed(checked)}")
    return tuple(checked)


def check_subset(some: Iterable[Label], labels: tuple[Label, ...], *, what: str) -> tuple[Label, ...]:
    """Bring `some` into the order of `labels`; refuse an unknown label."""
    if isinstance(some, str):
        raise InputError(f"{what} must be a sequence such as ({some!r},); got the single string {some!r}")
    if not isinstance(some, Iterable):
        raise InputError(f"{what} must be a sequence, empty for none; got {some!r}")
    given = list(some)
    unknown = [label for label in given if label not in labels]
    if unknown:
        raise InputError(f"{what} holds {listed(unknown)}; the labels are {listed(labels)}")
    return tuple(label for label in labels if label in given)


def as_array(values: ArrayLike, *, what: str) -> NDArray[np.generic]:
    """Turn nested sequences into an array; refuse rows of unequal length."""
    try:
        return np.asarray(values)
    except ValueError as error:
        raise InputError(f"{what} must be an array; the rows that were given have unequal lengths") from error


def real(values: ArrayLike, *, what: str) -> Floats:
    """Real numbers of any kind as float64."""
    given = as_array(values, what=what)
    if given.dtype.kind not in "fiu":
        raise InputError(f"{what} must be real numbers; got an array of type {given.dtype}")
    return given.astype(np.float64)


def check_finite(values: Floats, *, what: str) -> Floats:
    """Name the first value that is NaN or infinite."""
    wrong = ~np.isfinite(values)
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        place = ", ".join(map(str, first))
        raise InputError(
            f"{what} must be finite; {int(wrong.sum())} of {values.size} are not, "
            f"the first is {what}[{place}] = {values[first]}. Leave these samples out or mend them first"
        )
    return values


def check_scores(scores: ArrayLike, labels: tuple[Label, ...]) -> Floats:
    """Finite scores of shape (samples, labels)."""
    values = real(scores, what="scores")
    if values.ndim != 2 or values.shape[1] != len(labels):
        raise InputError(
            f"scores must have shape (samples, {len(labels)}), one column for each of {listed(labels)}; "
            f"got shape {values.shape}"
        )
    return check_finite(values, what="scores")


def check_y(y: ArrayLike, labels: tuple[Label, ...], *, samples: int) -> NDArray[np.intp]:
    """Column of each sample's label, shape (samples,)."""
    given = as_array(y, what="y")
    if given.shape != (samples,):
        raise InputError(f"y must hold one label for each sample, shape ({samples},); got shape {given.shape}")
    column = {label: k for k, label in enumerate(labels)}
    values = given.tolist()
    try:
        unknown = [value for value in dict.fromkeys(values) if value not in column]
    except TypeError as error:
        raise InputError(f"y must hold labels such as {listed(labels[:2])}; {error}") from error
    if unknown:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        hint = "; for positions, give np.array(labels)[y]" if given.dtype.kind in "iu" else ""
        raise InputError(f"y holds {listed(unknown[:5])}{more}; the labels are {listed(labels)}{hint}")
    return np.array([column[value] for value in values], dtype=np.intp)
