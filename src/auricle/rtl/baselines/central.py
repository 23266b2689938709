"""Sums of uniform numbers, which the central limit theorem makes almost normal."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auricle.rtl.baselines.baseline import Baseline, Law, field, signed
from auricle.rtl.baselines.register import Register


@dataclass(frozen=True, kw_only=True)
class CentralLimit(Baseline):
    """A sum of 4 or 12 bytes per lane.

    Parameters
    ----------
    lanes, seed
        See `Baseline`.
    terms
        Bytes of a sum. Twelve have a standard deviation of 256 before the last bits are dropped.
    leaping
        True: all bytes are fresh bits of one long register, which leaps as far as it is wide. False, with four terms
        only: each byte is that of a register of its own, 8 to 11 bits wide, clocked once a number; least logic, but
        neighbouring sums share seven of eight bits of each term.

    Notes
    -----
    Source: Thomas, Luk, Leong, Villasenor: Gaussian random number generators. ACM Computing Surveys 39(4), 2007,
    section 2.2. Deviations: the last bits are dropped (two of CLT-4, three of CLT-12), so that a standard deviation is
    about as many steps as in the other generators, 37 and 32; a constant centres what is left within 0.004 of a
    standard deviation.

    Examples
    --------
    >>> CentralLimit(lanes=3).numbers(2)
    array([[  9,  53,  -9],
           [  7, -44,  58]])
    """

    terms: Literal[4, 12] = 4
    leaping: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        assert self.terms == 4 or (self.terms == 12 and self.leaping)

    @property
    def name(self) -> str:
        """See `Baseline`."""
        return f"clt_{self.terms}" + ("" if self.leaping else "_stepped")

    @property
    def title(self) -> str:
        """See `Baseline`."""
        return f"CLT-{self.terms}" + ("" if self.leaping else ", clocked once")

    @property
    def what(self) -> str:
        """See `Baseline`."""
        return f"A number is the sum of {self.terms} bytes without its last {self._dropped} bits."

    @property
    def law(self) -> Law:
        """See `Baseline`."""
        deviation = (self.terms * ((1 << 16) - 1) / 12) ** 0.5
        return Law(kind="normal", deviation=deviation / (1 << self._dropped), kurtosis=-1.2 / self.terms)

    @property
    def bits(self) -> int:
        """See `Baseline`."""
        return 8 if self.terms == 4 else 9

    @property
    def registers(self) -> tuple[Register, ...]:
        """See `Baseline`."""
        if not self.leaping:
            return tuple(Register(width=width, leap=1) for width in (8, 9, 10, 11))
        return (Register(width=33, leap=32) if self.terms == 4 else Register(width=97, leap=96),)

    def from_states(self, states: NDArray[np.uint8]) -> NDArray[np.int64]:
        """See `Baseline`."""
        terms = np.stack([signed(field(states, first, 8), 8) for first in self._firsts])
        total: NDArray[np.int64] = (terms.sum(axis=0) + self._centre) >> self._dropped
        return total[..., None]

    def body(self) -> str:
        """See `Baseline`."""
        wide = self.bits + self._dropped
        terms = " + ".join(f"$signed(state[{first + 7}:{first}])" for first in self._firsts)
        return (
            f"    wire signed [{wide - 1}:0] total = {terms} + {wide}'sd{self._centre};\n"
            f"    assign number = total[{wide - 1}:{self._dropped}];"
        )

    @property
    def _dropped(self) -> int:
        return 2 if self.terms == 4 else 3

    @property
    def _centre(self) -> int:
        # Bytes have the mean -1/2, and what is dropped half a step less than half: together 1.5 and 5.5.
        return 1 if self.terms == 4 else 6

    @property
    def _firsts(self) -> tuple[int, ...]:
        return tuple(8 * i for i in range(self.terms)) if self.leaping else (0, 8, 17, 27)
