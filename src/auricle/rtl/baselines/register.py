"""Shift registers of baselines: any width, any leap, in NumPy and as Verilog."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auricle.rtl.text import fill
from auricle.zeroth import lfsr

TAPS: dict[int, tuple[int, ...]] = {**lfsr.TAPS, 28: (28, 25), 33: (33, 20), 58: (58, 39), 97: (97, 91)}
"""Taps that give the full period 2**width - 1, counted from 1 at the newest bit.

Source: Xilinx XAPP 052, table 3; the tests check the order of the long ones, which nobody can walk through.
"""


@dataclass(frozen=True, kw_only=True)
class Register:
    """A Fibonacci shift register: a new bit is the sum, modulo 2, of those that came in `TAPS` clocks before.

    Parameters
    ----------
    width
        Bits, one of `TAPS`.
    leap
        Clocks between two numbers. As many as a number takes bits give fresh bits to each.

    Examples
    --------
    >>> register = Register(width=5, leap=3)
    >>> register.states(np.array([[0, 0, 0, 0, 1]], np.uint8), 3)[0]
    array([[0, 0, 0, 0, 1],
           [0, 1, 0, 0, 1],
           [0, 1, 0, 1, 1]], dtype=uint8)
    """

    width: int
    leap: int

    @property
    def name(self) -> str:
        """Name of its Verilog module."""
        return f"auricle_register_{self.width}_{self.leap}"

    def states(self, seeds: NDArray[np.uint8], cycles: int) -> NDArray[np.uint8]:
        """Follow registers from their seeds on.

        Parameters
        ----------
        seeds
            (registers, width) bits, the oldest first.
        cycles
            How many states, the seed among them.

        Returns
        -------
        ndarray
            (registers, cycles, width) bits.
        """
        taps, count = TAPS[self.width], self.width + max(0, cycles - 1) * self.leap
        stream = np.zeros((len(seeds), count), np.uint8)
        stream[:, : self.width] = seeds
        # No bit of a block as long as the smallest tap depends on another bit of it.
        for start in range(self.width, count, min(taps)):
            stop = min(start + min(taps), count)
            for tap in taps:
                stream[:, start:stop] ^= stream[:, start - tap : stop - tap]
        return np.lib.stride_tricks.sliding_window_view(stream, self.width, axis=1)[:, :: self.leap][:, :cycles]

    def verilog(self) -> str:
        """Write it as a module with a parameter SEED."""
        taps, size = TAPS[self.width], self.width
        blocks: list[str] = []
        while size < self.width + self.leap:
            i, more = len(blocks), min(*taps, self.width + self.leap - size)
            terms = " ^ ".join(f"stream_{i}[{size - tap} +: {more}]" for tap in taps)
            blocks.append(f"    wire [{size + more - 1}:0] stream_{i + 1} = {{{terms}, stream_{i}}};")
            size += more
        return fill(
            "baseline_register.v",
            name=self.name,
            width=self.width,
            msb=self.width - 1,
            leap=self.leap,
            taps=", ".join(map(str, taps)),
            blocks="\n".join(blocks),
            last=len(blocks),
        )
