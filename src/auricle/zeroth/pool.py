"""The pre-generated pool: N numbers for all weights and all directions."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from auricle.errors import InputError
from auricle.zeroth.hashing import key, words
from auricle.zeroth.perturbation import (
    Integers,
    Perturbation,
    Repeats,
    check_bits,
    check_repeats,
    check_whole,
    odd,
    spaced,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Pool(Perturbation):
    """N pre-generated numbers, used cyclically over all weights and all directions (PeZO's first strategy).

    The numbers are the N mid-quantiles of the uniform law on b-bit words, shuffled by the seed: their sum is 0 for an
    even N and 1 for an odd one, and their length depends on N and b alone. The end of one direction is the start of the
    next, so what N leaves over of the dimension shifts the numbers from direction to direction.

    Parameters
    ----------
    size
        Numbers in the pool, N. A direction is N-periodic: training happens in an N-dimensional subspace, and a small
        pool fails. A prime gives all N shifts unless it divides the dimension.
    bits
        Bits of a word, b; the integers are odd and at most 2**b - 1 in magnitude.
    seed
        Of the order of the numbers.
    repeats
        What to do when N and the dimension share a factor, so that there are fewer than N directions: "pad" leaves out
        the few numbers that it takes between directions, "refuse" raises, "allow" goes on.

    Notes
    -----
    Source: PeZO (arXiv 2504.20314). Deviations: the pool is stratified and centred instead of drawn at random, whose
    mean would push all weights one way; integers instead of fractions; the padding.

    Examples
    --------
    >>> Pool(size=7, bits=3).integers(1, np.arange(5), dimension=10)
    array([ 5, -5, -7,  1, -3], dtype=int16)
    >>> Pool(size=4096, repeats="refuse").directions(1024)
    Traceback (most recent call last):
    ...
    auricle.errors.InputError: the pool would repeat after 4 directions instead of 4096, as 1024 and 4096 share the \
factor 1024; choose another size, or repeats='pad' to leave a few numbers out
    """

    kind: ClassVar[str] = "pool"
    size: int = 8191
    bits: int = 8
    seed: int = 0
    repeats: Repeats = "pad"

    def __post_init__(self) -> None:
        check_bits(self.bits)
        check_whole(size=self.size, seed=self.seed)
        check_repeats(self.repeats)
        if not 2 <= self.size <= 1 << 24:
            raise InputError(f"size={self.size} was given; allowed are 2 to {1 << 24}")

    @cached_property
    def numbers(self) -> Integers:
        """The pool, (N,)."""
        j = np.arange(self.size, dtype=np.int64)
        lower = ((2 * j[: (self.size + 1) // 2] + 1) << self.bits) // (2 * self.size)
        upper = (1 << self.bits) - 1 - lower[: self.size // 2][::-1]
        quantiles = np.concatenate([lower, upper])
        order = np.argsort(words(key(self.seed), j), kind="stable")
        numbers = odd(quantiles[order], self.bits)
        numbers.flags.writeable = False
        return numbers

    @property
    def largest(self) -> int:
        """Greatest magnitude of the integers."""
        return int(np.abs(self.numbers).max())

    @property
    def mean_square(self) -> float:
        """Mean of the squares over the pool."""
        return float((self.numbers.astype(np.int64) ** 2).sum()) / self.size

    @cached_property
    def _squares(self) -> NDArray[np.int64]:
        """Sums of the first 0, 1, ..., 2N squares, round the pool twice, (2N + 1,)."""
        squares = self.numbers.astype(np.int64) ** 2
        return np.concatenate([[0], np.cumsum(np.tile(squares, 2))])

    def square(self, direction: int, dimension: int) -> float:
        """Squared length of a direction, exact."""
        rounds, rest = divmod(dimension, self.size)
        first = self.offset(direction, dimension)
        return float(rounds * self._squares[self.size] + self._squares[first + rest] - self._squares[first])

    def length(self, dimension: int) -> int:
        """Numbers from the start of one direction to the start of the next."""
        return spaced(dimension, self.size, self.repeats, "the pool")

    def directions(self, dimension: int) -> float:
        """Distinct directions: N / gcd(N, length)."""
        return self.size // math.gcd(self.size, self.length(dimension))

    def offset(self, direction: int, dimension: int) -> int:
        """Position in the pool of the first weight's number."""
        return direction * self.length(dimension) % self.size

    def integers(self, direction: int, index: NDArray[np.int64], dimension: int) -> Integers:
        """Look up the number at (direction x length + index) mod N."""
        return self.numbers[(index + self.offset(direction, dimension)) % self.size]
