"""Fresh numbers for every weight and direction: the controls that reuse is measured against."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from auricle.zeroth.hashing import key, words
from auricle.zeroth.perturbation import Integers, Perturbation, check_bits, check_whole, odd, uniform_square


def packed(stream: int, index: NDArray[np.int64], bits: int) -> NDArray[np.uint64]:
    """Words of b bits: 64 // b of them are packed into each 64-bit word of the stream, from the lowest bit on."""
    share = 64 // bits
    shift = (index % share * bits).astype(np.uint64)
    return (words(stream, index // share) >> shift) & np.uint64((1 << bits) - 1)


@dataclass(frozen=True, kw_only=True)
class Uniform(Perturbation):
    """A fresh uniform integer for each weight and direction: PeZO without reuse.

    Parameters
    ----------
    bits
        Bits of a word; the integers are odd and at most 2**bits - 1 in magnitude.
    seed
        Of the stream.

    Examples
    --------
    >>> Uniform(bits=3).integers(0, np.arange(5), dimension=5)
    array([ 7,  3, -5,  7,  7], dtype=int16)
    """

    kind: ClassVar[str] = "uniform"
    bits: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        check_bits(self.bits)
        check_whole(seed=self.seed)

    @property
    def largest(self) -> int:
        """Greatest magnitude of the integers."""
        return (1 << self.bits) - 1

    @property
    def mean_square(self) -> float:
        """Mean of the squares over all words."""
        return uniform_square(self.bits)

    def integers(self, direction: int, index: NDArray[np.int64], dimension: int) -> Integers:
        """Odd integer of the word at `index` in the direction's stream."""
        del dimension
        return odd(packed(key(self.seed, direction), index, self.bits), self.bits)


@dataclass(frozen=True, kw_only=True)
class Signs(Perturbation):
    """A fresh +1 or -1 for each weight and direction: one bit a weight, and always the length of a Gaussian vector.

    Source: random signs as in SPSA (Spall 1992); FZOO (2025) trains language models with them.

    Examples
    --------
    >>> Signs().integers(0, np.arange(5), dimension=5)
    array([ 1,  1,  1,  1, -1], dtype=int16)
    """

    kind: ClassVar[str] = "signs"
    seed: int = 0

    def __post_init__(self) -> None:
        check_whole(seed=self.seed)

    @property
    def largest(self) -> int:
        """Greatest magnitude of the integers."""
        return 1

    @property
    def mean_square(self) -> float:
        """Mean of the squares."""
        return 1.0

    def integers(self, direction: int, index: NDArray[np.int64], dimension: int) -> Integers:
        """Odd integer of the bit at `index` in the direction's stream."""
        del dimension
        return odd(packed(key(self.seed, direction), index, 1), 1)


GAUSSIAN_BITS = 16
GAUSSIAN_SCALE = 256
"""Integers to one standard deviation."""


@lru_cache(maxsize=1)
def quantiles() -> Integers:
    """Give the 65,536 mid-quantiles of the normal law, times 256 and rounded: at most 1,107 in magnitude."""
    word = np.arange(1 << GAUSSIAN_BITS)
    table = np.rint(GAUSSIAN_SCALE * ndtri((word + 0.5) / len(word))).astype(np.int16)
    table.flags.writeable = False
    return table


@dataclass(frozen=True, kw_only=True)
class Gaussian(Perturbation):
    """A fresh Gaussian number for each weight and direction, as an integer: MeZO.

    A 16-bit word picks one of 65,536 mid-quantiles, 256 to the standard deviation. The greatest is 4.3 standard
    deviations; the fourth moment is 2.9992 of the variance squared where the law's is 3.

    Source: MeZO (Malladi et al. 2023). Deviation: numbers of 16 bits that are the same on every machine.

    Examples
    --------
    >>> Gaussian().integers(0, np.arange(5), dimension=5)
    array([  -4, -133,  281,  100, -127], dtype=int16)
    """

    kind: ClassVar[str] = "gaussian"
    seed: int = 0

    def __post_init__(self) -> None:
        check_whole(seed=self.seed)

    @property
    def largest(self) -> int:
        """Greatest magnitude of the integers."""
        return int(quantiles().max())

    @property
    def mean_square(self) -> float:
        """Mean of the squares over all words."""
        return float((quantiles().astype(np.int64) ** 2).mean())

    def integers(self, direction: int, index: NDArray[np.int64], dimension: int) -> Integers:
        """Quantile of the word at `index` in the direction's stream."""
        del dimension
        return quantiles()[packed(key(self.seed, direction), index, GAUSSIAN_BITS)]
