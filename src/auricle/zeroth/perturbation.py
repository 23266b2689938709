"""What a perturbation is: a frozen spec that defines a stream of small integers, addressed by (direction, flat index).

The specs in `pool`, `bank` and `fresh` are the definition and the golden model in NumPy; docs/perturbations.md is the
same in words, with vectors. Every other body (torch here, C in the tests, Verilog) must give the same integers.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from auricle.errors import InputError

Integers = NDArray[np.int16]
Repeats = Literal["pad", "refuse", "allow"]


def odd(word: NDArray[Any], bits: int) -> Integers:
    """Words of b bits as the odd integers 2 word + 1 - 2**b: symmetric, never zero, and no logic in hardware."""
    return (2 * word.astype(np.int32) + 1 - (1 << bits)).astype(np.int16)


def uniform_square(bits: int) -> float:
    """Mean of the squares of all odd integers of b bits: (4**b - 1) / 3."""
    return float(4**bits - 1) / 3


@dataclass(frozen=True, kw_only=True)
class Perturbation(ABC):
    """What all specs have in common. A spec is frozen, small, and says everything about its numbers."""

    kind: ClassVar[str]

    @property
    @abstractmethod
    def largest(self) -> int:
        """Greatest magnitude of the integers."""

    @property
    @abstractmethod
    def mean_square(self) -> float:
        """Mean of the squares of the integers."""

    @abstractmethod
    def integers(self, direction: int, index: NDArray[np.int64], dimension: int) -> Integers:
        """Integers of one direction.

        Parameters
        ----------
        direction
            Which one, from 0 on; a step with q queries takes q of them.
        index
            Flat indices of weights, in [0, dimension).
        dimension
            How many weights there are in all.

        Returns
        -------
        int16, of the shape of `index`.
        """

    def square(self, direction: int, dimension: int) -> float:
        """Squared length of a direction: exact where the spec knows it, else what is expected."""
        del direction
        return self.mean_square * dimension

    def length(self, dimension: int) -> int:
        """Numbers (or cycles of the bank) between the starts of two directions; 0 where each starts anew."""
        del dimension
        return 0

    def directions(self, dimension: int) -> float:
        """How many distinct directions there are before they repeat; infinity for fresh numbers."""
        del dimension
        return math.inf

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a file; `perturbation_from` reads them."""
        return {"kind": self.kind, **asdict(self)}


def check_whole(**values: object) -> None:
    """Refuse what is no whole number, of Python's own kind: a spec has to survive a file."""
    for name, value in values.items():
        if type(value) is not int:
            raise InputError(f"{name}={value!r} was given; a whole number is needed, as Python's int")


def check_bits(bits: int) -> None:
    """Refuse words that are empty or too long for a 16-bit multiplier to scale exactly."""
    lowest, highest = 1, 14
    check_whole(bits=bits)
    if not lowest <= bits <= highest:
        raise InputError(f"bits={bits} was given; allowed are {lowest} to {highest}")


def check_repeats(repeats: str) -> None:
    """Refuse what is no policy."""
    if repeats not in {"pad", "refuse", "allow"}:
        raise InputError(f"repeats={repeats!r} was given; allowed are 'pad', 'refuse' and 'allow'")


def spaced(length: int, period: int, repeats: Repeats, what: str) -> int:
    """Find the smallest length from the given one on that shares no factor with the period, if `repeats` allows."""
    common = math.gcd(length, period)
    if common == 1 or repeats == "allow":
        return length
    if repeats == "refuse":
        raise InputError(
            f"{what} would repeat after {period // common} directions instead of {period}, as {length} and {period} "
            f"share the factor {common}; choose another size, or repeats='pad' to leave a few numbers out"
        )
    while math.gcd(length, period) != 1:
        length += 1
    return length
