"""The pool in rows: one that hardware with wide rows can serve, as it reads a whole row at a time and turns none."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from auricle.errors import InputError
from auricle.zeroth.perturbation import Integers, Perturbation, check_bits, check_whole
from auricle.zeroth.pool import Pool

MOST_LANES = 1 << 16
MOST_ROWS = 1 << 15


@dataclass(frozen=True, kw_only=True)
class RowPool(Perturbation):
    """A pool of R rows of W words, read a row at a time: `lanes` weights take one row, word after word, cyclically.

    A direction has a row at which it starts and a stride in rows. Row r of direction t is row (t + 2^t (r + 1)) mod R
    of the pool: from direction to direction the start moves on by the stride and one row more, and the stride doubles,
    so that R (R - 1) directions differ; no weight keeps its number for long, and two directions of different strides
    have one row in R in common. Only where r + 1 is a multiple of R, from weight (R - 1) `lanes` on (520,192 by
    default), do weights walk through the pool in one fixed order.

    Parameters
    ----------
    rows
        Rows of the pool, R: a prime of which 2 is a primitive root, such as 61, 509, 2029 or 8179.
    words
        Words of a row, W; at most `lanes`. Training happens in R W dimensions.
    lanes
        Weights that take one row.
    bits
        Bits of a word; the integers are odd and at most 2**bits - 1 in magnitude.
    seed
        Of the order of the numbers.

    Notes
    -----
    Source: PeZO's pre-generated pool (arXiv 2504.20314). Deviation: there the end of one direction is the start of the
    next, which in a memory of wide rows would begin anywhere in a row and need a rotator over all lanes. Read so, row
    after row, only R directions would differ.

    Whatever is added to r, one row in R has a factor of 0 there and only counts on; with 1 it is the last one.

    Examples
    --------
    >>> RowPool(rows=5, words=2, lanes=3, bits=3).integers(1, np.arange(8), dimension=8)
    array([ 3, -7,  3, -3, -1, -3,  1, -5], dtype=int16)
    """

    kind: ClassVar[str] = "row_pool"
    rows: int = 509
    words: int = 63
    lanes: int = 1024
    bits: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        check_bits(self.bits)
        check_whole(rows=self.rows, words=self.words, lanes=self.lanes, seed=self.seed)
        if not 1 <= self.lanes <= MOST_LANES:
            raise InputError(f"lanes={self.lanes} was given; allowed are 1 to {MOST_LANES}")
        if not 1 <= self.words <= self.lanes:
            raise InputError(f"words={self.words} was given; allowed are 1 to {self.lanes}, as many as there are lanes")
        if not 3 <= self.rows < MOST_ROWS or not doubling_visits_all(self.rows):
            raise InputError(
                f"rows={self.rows} was given; allowed are primes from 3 to {MOST_ROWS} of which 2 is a primitive root, "
                f"such as {fitting_rows(min(max(self.rows, 3), MOST_ROWS))}"
            )

    @cached_property
    def numbers(self) -> Integers:
        """The pool, (R, W): the numbers of a `Pool` of R W words, row after row."""
        flat = Pool(size=self.rows * self.words, bits=self.bits, seed=self.seed).numbers
        return flat.reshape(self.rows, self.words)

    @cached_property
    def _squares(self) -> NDArray[np.int64]:
        """Sums of the squares of a row's first 0, 1, ..., `lanes` numbers, (R, lanes + 1)."""
        squares = self.numbers.astype(np.int64) ** 2
        along = np.cumsum(squares[:, np.arange(self.lanes) % self.words], axis=1)
        return np.pad(along, ((0, 0), (1, 0)))

    @property
    def largest(self) -> int:
        """Greatest magnitude of the integers."""
        return int(np.abs(self.numbers).max())

    @property
    def mean_square(self) -> float:
        """Mean of the squares over all rows, as the lanes take them."""
        return float(self._squares[:, -1].sum()) / (self.rows * self.lanes)

    def square(self, direction: int, dimension: int) -> float:
        """Squared length of a direction, exact."""
        full, rest = divmod(dimension, self.lanes)
        rounds, left = divmod(full, self.rows)
        row = self.row(direction, np.arange(left + 1))
        whole = rounds * self._squares[:, -1].sum() + self._squares[row[:-1], -1].sum()
        return float(whole + self._squares[row[-1], rest])

    def directions(self, dimension: int) -> float:
        """Distinct pairs of start and stride, R (R - 1); where a single row is used, its R starts."""
        return self.rows if dimension <= self.lanes else self.rows * (self.rows - 1)

    def start(self, direction: int) -> int:
        """Row at which a direction starts."""
        return (direction + self.stride(direction)) % self.rows

    def stride(self, direction: int) -> int:
        """Rows from one row of a direction to its next, 1 to R - 1."""
        return pow(2, direction % (self.rows - 1), self.rows)

    def row(self, direction: int, cycle: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the row of the pool that is read in each cycle of a direction, counted from 0."""
        return (self.start(direction) + self.stride(direction) * (cycle % self.rows)) % self.rows

    def integers(self, direction: int, index: NDArray[np.int64], dimension: int) -> Integers:
        """Look up word (index mod lanes) mod W of the row that serves the index."""
        del dimension
        return self.numbers[self.row(direction, index // self.lanes), index % self.lanes % self.words]


def doubling_visits_all(prime: int) -> bool:
    """Whether 1, 2, 4, ... modulo the number pass all of 1 to it less one: it is a prime with 2 as a primitive root.

    Examples
    --------
    >>> [n for n in range(3, 40) if doubling_visits_all(n)]
    [3, 5, 11, 13, 19, 29, 37]
    """
    if any(prime % factor == 0 for factor in range(2, math.isqrt(prime) + 1)):
        return False
    value, steps = 2, 1
    while value != 1:
        value, steps = 2 * value % prime, steps + 1
    return steps == prime - 1


def fitting_rows(most: int) -> int:
    """Give the greatest number of rows, up to the given one, that a `RowPool` can have.

    Examples
    --------
    >>> fitting_rows(512), fitting_rows(8192)
    (509, 8179)
    """
    return next(rows for rows in range(most, 2, -1) if doubling_visits_all(rows))
