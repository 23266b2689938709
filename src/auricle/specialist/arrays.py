"""Arrays as scikit-learn hands them over: checked, conditioned, and turned into what the network and a finding take."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle import folder
from auricle.conformal import OverlapWarning
from auricle.errors import InputError
from auricle.signals import Preprocessing, Window, assess, condition
from auricle.training import Floats


def conditioned(
    values: Floats, lengths: ArrayLike | None, channels: int, preprocessing: Preprocessing
) -> list[Floats]:  # fmt: skip
    """Cut rows (n, channels, time) or (n, time) to their lengths and condition them as the network was trained.

    Raises
    ------
    InputError
        Another shape, or lengths that can't be.
    """
    values = _with_channels(values)
    if values.ndim != 3 or values.shape[1] != channels:
        raise InputError(f"X has shape {values.shape}; (n, {channels}, time) is needed")
    own = _lengths(values, lengths)
    return [condition(row[:, :length], preprocessing) for row, length in zip(values, own, strict=True)]


def rows_as_windows(X: ArrayLike, lengths: ArrayLike | None, preprocessing: Preprocessing) -> Iterator[Window]:
    """Give the rows of an array as windows of recordings called `row 0`, `row 1`, ..."""
    values = _with_channels(np.asarray(X, np.float32))
    own = _lengths(values, lengths)
    for i, (row, length) in enumerate(zip(values, own.tolist(), strict=True)):
        samples = row[:, :length]
        yield Window(
            recording=f"row {i}",
            subject=None,
            samples=samples,
            fs=preprocessing.fs,
            start=0.0,
            stop=length / preprocessing.fs,
            quality=assess(samples[: len(samples) - preprocessing.marks], preprocessing.fs, preprocessing.unit),
        )


def classes_of(y: NDArray[Any], labels: Sequence[Any] | None) -> NDArray[Any]:
    """(K,) the classes: `labels` in their order, or what `y` holds, sorted."""
    found = np.unique(y)
    if labels is not None:
        if strange := set(found.tolist()) - set(labels):
            raise InputError(f"y holds {sorted(map(str, strange))}; the labels are {list(labels)}")
        found = np.array(list(labels))
        if len(set(found.tolist())) < len(found):
            raise InputError(f"a label stands twice in {list(labels)}")
    if len(found) < 2:
        raise InputError(f"a classifier needs at least two classes; y holds one class, {found.tolist()}")
    return found


def columns_of(y: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.int64]:
    """(n,) the place of each label among the classes."""
    place = {label: i for i, label in enumerate(classes.tolist())}
    if strange := set(y.tolist()) - set(place):
        raise InputError(f"y holds {sorted(map(str, strange))}; the labels are {list(place)}")
    return np.array([place[label] for label in y.tolist()], np.int64)


def digests(groups: ArrayLike, n: int) -> tuple[str, ...]:
    """Give the digests under which the subjects of n windows are remembered."""
    subjects = np.asarray(groups)
    if subjects.shape != (n,):
        raise InputError(f"groups has shape {subjects.shape}; one subject per window, ({n},), is needed")
    return tuple(folder.digest(str(s)) for s in subjects.tolist())


def warn_of_overlap(calibration: Sequence[str], parts: Mapping[str, Sequence[str]]) -> None:
    """Warn the caller's caller when digests of calibration subjects are those of subjects the network has seen."""
    for part in ("train", "validation"):
        if shared := set(parts.get(part, ())) & set(calibration):
            warnings.warn(
                f"{len(shared)} of {len(set(calibration))} calibration subjects are in the {part} part too: the "
                "network has seen them, so the sets promise too much for others; calibrate on other subjects",
                OverlapWarning,
                stacklevel=3,
            )


def _with_channels(values: Floats) -> Floats:
    return values[:, None] if values.ndim == 2 else values


def _lengths(values: Floats, lengths: ArrayLike | None) -> NDArray[np.integer]:
    own = np.full(len(values), values.shape[2]) if lengths is None else np.asarray(lengths)
    if own.shape != (len(values),) or own.dtype.kind not in "iu" or own.min() < 1 or own.max() > values.shape[2]:
        raise InputError(
            f"lengths must be {len(values)} whole numbers from 1 to {values.shape[2]}, the valid samples of each row"
        )
    return own
