"""One uniform generator per lane: what an engine is without reuse."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auricle.rtl.baselines.baseline import Baseline, Law, field, signed
from auricle.rtl.baselines.register import Register


@dataclass(frozen=True, kw_only=True)
class Uniform(Baseline):
    """A shift register for each lane, its word the number.

    Parameters
    ----------
    lanes, seed
        See `Baseline`.
    leaping
        True: 11 bits that leap eight clocks, as the registers of the bank. False: eight bits, clocked once a number,
        which is the least that can be had; neighbouring numbers then share seven bits.

    Notes
    -----
    Zero never occurs as a state, so the mean of eight bits is 1/2 above the middle; with eleven bits, 1/16.

    Examples
    --------
    >>> Uniform(lanes=2).numbers(2)
    array([[ 75,  98],
           [-52, -43]])
    """

    leaping: bool = True

    @property
    def name(self) -> str:
        """See `Baseline`."""
        return "uniform" if self.leaping else "uniform_stepped"

    @property
    def title(self) -> str:
        """See `Baseline`."""
        return "uniform, a register per lane" + ("" if self.leaping else ", clocked once")

    @property
    def what(self) -> str:
        """See `Baseline`."""
        return "A number is the word of a shift register."

    @property
    def law(self) -> Law:
        """See `Baseline`."""
        return Law(kind="uniform", deviation=((1 << 16) - 1) ** 0.5 / 12**0.5, kurtosis=-1.2)

    @property
    def registers(self) -> tuple[Register, ...]:
        """See `Baseline`."""
        return (Register(width=11, leap=8) if self.leaping else Register(width=8, leap=1),)

    def from_states(self, states: NDArray[np.uint8]) -> NDArray[np.int64]:
        """See `Baseline`."""
        return signed(field(states, 0, 8), 8)[..., None]

    def body(self) -> str:
        """See `Baseline`."""
        return "    assign number = state[7:0];"
