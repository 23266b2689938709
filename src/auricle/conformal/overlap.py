"""Subjects or samples that calibration and test have in common."""

import warnings
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np

from auricle.conformal._input import listed
from auricle.errors import InputError


class OverlapWarning(UserWarning):
    """Calibration and test share subjects or ids, so the coverage that is measured is too good."""


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """What calibration and test have in common.

    Attributes
    ----------
    shared
        Ids in both, in the order of the calibration part.
    test_ids
        Number of different ids in the test part.
    samples, test_samples
        Test samples under a shared id, and all test samples.
    """

    shared: tuple[Hashable, ...]
    test_ids: int
    samples: int
    test_samples: int


def overlap(calibration: Iterable[Hashable], test: Iterable[Hashable], *, what: str = "subject") -> Overlap:
    """Compare the ids of calibration and test samples, and warn with numbers if they share any.

    Parameters
    ----------
    calibration, test
        One id a sample: of subjects, recordings or windows. None and NaN mean unknown and are never shared.
    what
        What an id names, for the warning.

    Raises
    ------
    InputError
        If the ids can't be compared: a table, or a lone text.

    Warns
    -----
    OverlapWarning
        If an id occurs in both.

    Examples
    --------
    >>> overlap(["p1", "p1", "p2"], ["p3", "p4"])
    Overlap(shared=(), test_ids=2, samples=0, test_samples=2)
    """
    known = [one for one in _plain(calibration, what) if one is not None]
    counts = Counter(_plain(test, what))
    shared = tuple(one for one in dict.fromkeys(known) if one in counts)
    found = Overlap(
        shared=shared,
        test_ids=len(counts.keys() - {None}),
        samples=sum(counts[one] for one in shared),
        test_samples=counts.total(),
    )
    if shared:
        more = ", ..." if len(shared) > 5 else ""
        plural = "" if found.test_ids == 1 else "s"
        warnings.warn(
            f"{len(shared)} of {found.test_ids} test {what}{plural} ({found.samples} of {found.test_samples} test "
            f"samples) also occur in the calibration part: {listed(shared[:5])}{more}. Coverage measured on them "
            f"says too much; split by {what} instead",
            OverlapWarning,
            stacklevel=2,
        )
    return found


def _plain(ids: Iterable[Hashable], what: str) -> list[Hashable]:
    """List the ids, unknown ones as None."""
    given: list[Hashable] = ids.tolist() if isinstance(ids, np.ndarray) else [] if isinstance(ids, str) else [*ids]
    if isinstance(ids, str) or not all(isinstance(one, Hashable) for one in given):
        raise InputError(f"one {what} a sample is needed, such as ['p1', 'p1', 'p2']; got {ids!r:.60}")
    return [None if one != one else one for one in given]  # noqa: PLR0124 -- NaN alone differs from itself
