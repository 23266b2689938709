"""A sequence of numbers against chance: how often each occurs, how often each pair, and correlations at every lag."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

LEVEL = 0.01
"""Chance that independent numbers exceed a bound anywhere."""
CELLS = 4
"""Upper bits of a word that tell its cell among the pairs."""
SHOWN = 5

Numbers = NDArray[np.integer[Any]]


@dataclass(frozen=True, kw_only=True)
class Correlations:
    """Correlations against what chance allows.

    Parameters
    ----------
    samples
        Numbers that each is taken over.
    tests
        How many there are.
    bound
        What independent numbers exceed at one place or more with a chance of 1 %: Bonferroni, over all tests.
    above, common
        How many exceed it, and the greatest common divisor of the places at which they do; null for pairs of places.
    largest
        The largest in magnitude, with where they are: pairs of a place and a correlation.
    """

    samples: int
    tests: int
    bound: float
    above: int
    common: int | None
    largest: tuple[tuple[Any, float], ...]


def compared(places: Sequence[Any] | NDArray[Any], values: NDArray[np.float64], samples: int) -> Correlations:
    """Hold correlations, each taken over so many numbers, against chance."""
    limit = bound(samples, len(values))
    order = np.argsort(-np.abs(values), kind="stable")[:SHOWN]
    places = np.asarray(places)
    beyond = places[np.abs(values) > limit]
    return Correlations(
        samples=samples, tests=len(values), bound=limit, above=len(beyond),
        common=int(np.gcd.reduce(beyond)) if places.ndim == 1 and len(beyond) else None,
        largest=tuple((places[i].tolist(), float(values[i])) for i in order),
    )  # fmt: skip


def bound(samples: int, tests: int) -> float:
    """Give what the greatest of so many correlations of independent numbers exceeds with a chance of `LEVEL`, or less.

    Examples
    --------
    >>> round(bound(63457, 31728), 4)
    0.0203
    """
    return float(stats.norm.isf(LEVEL / (2 * tests))) / sqrt(samples)


def lag_correlations(numbers: Numbers) -> NDArray[np.float64]:
    """Correlation of a periodic sequence (N,) with itself at lags 0 .. N-1, over the whole period.

    Examples
    --------
    >>> lag_correlations(np.array([1, -1, 1, -1])).round(6).tolist()
    [1.0, -1.0, 1.0, -1.0]
    """
    centred = numbers - numbers.mean()
    power = np.abs(np.fft.rfft(centred)) ** 2
    along = np.fft.irfft(power, len(numbers))
    return np.asarray(along / along[0])


def same_time(rows: Numbers) -> Correlations:
    """Correlations between the columns of (time, sequences), each pair once."""
    matrix = np.atleast_2d(np.corrcoef(rows, rowvar=False))
    first, second = np.triu_indices(rows.shape[1], 1)
    return compared(np.column_stack([first, second]), matrix[first, second], len(rows))


def equidistribution(numbers: Numbers, bits: int) -> dict[str, Any]:
    """How often each of the 2^bits numbers occurs in a period; mean and variance as exact fractions.

    Examples
    --------
    >>> found = equidistribution(np.array([-3, -1, 1, 3, 3]), 2)
    >>> found["least"], found["most"], found["mean"], found["variance"]
    (1, 2, '3/5', '136/25')
    """
    words = (numbers.astype(np.int64) + (1 << bits) - 1) >> 1
    counts = np.bincount(words, minlength=1 << bits)
    total = len(numbers)
    mean = Fraction(int(numbers.sum(dtype=np.int64)), total)
    square = Fraction(int((numbers.astype(np.int64) ** 2).sum()), total)
    return {
        "numbers": total, "values": 1 << bits, "expected": total / (1 << bits),
        "least": int(counts.min()), "most": int(counts.max()),
        "mean": str(mean), "variance": str(square - mean**2), "uniform_variance": str(Fraction((1 << 2 * bits) - 1, 3)),
    }  # fmt: skip


def pairs(first: Numbers, second: Numbers, bits: int) -> dict[str, Any]:
    """Count pairs of numbers by their upper bits, exactly, and say how a random sequence would compare.

    Returns
    -------
    `cells`, `expected`, `least`, `most`; `chi_square` and `p`, the chance of one as large: near 1 where the pairs are
    more even than random ones.
    """
    cell = max(0, bits - CELLS)
    size = 1 << min(bits, CELLS)
    upper = [(numbers.astype(np.int64) + (1 << bits) - 1) >> (1 + cell) for numbers in (first, second)]
    counts = np.bincount(upper[0] * size + upper[1], minlength=size * size)
    expected = len(first) / size**2
    chi_square = float(((counts - expected) ** 2).sum() / expected)
    return {
        "cells": size * size, "expected": expected, "least": int(counts.min()), "most": int(counts.max()),
        "chi_square": chi_square, "p": float(stats.chi2.sf(chi_square, size * size - 1)),
    }  # fmt: skip
