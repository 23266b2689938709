"""Linear feedback shift registers of the greatest possible period, and their words."""

from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

TAPS: dict[int, tuple[int, ...]] = {
    3: (3, 2), 4: (4, 3), 5: (5, 3), 6: (6, 5), 7: (7, 6), 8: (8, 6, 5, 4), 9: (9, 5), 10: (10, 7), 11: (11, 9),
    12: (12, 6, 4, 1), 13: (13, 4, 3, 1), 14: (14, 5, 3, 1), 15: (15, 14), 16: (16, 15, 13, 4), 17: (17, 14),
    18: (18, 11), 19: (19, 6, 2, 1), 20: (20, 17),
}  # fmt: skip
"""Taps of a register of each width, counted from 1 at the new bit; each gives the full period 2**width - 1.

Source: Xilinx XAPP 052, table 3; the tests walk through each period.
"""


def period(width: int) -> int:
    """Words until a register repeats: 2**width - 1, as zero never occurs."""
    return (1 << width) - 1


def leap(width: int, bits: int) -> int:
    """Clocks between two words: the smallest number from `bits` on that shares no factor with the period.

    Fewer clocks than `bits` would leave old bits in the next word; a common factor would shorten the period.

    Examples
    --------
    >>> leap(8, 8), leap(8, 6), leap(12, 6)
    (8, 7, 8)
    """
    clocks = bits
    while gcd(clocks, period(width)) != 1:
        clocks += 1
    return clocks


def clock(state: int, width: int) -> int:
    """One clock of the register (Fibonacci form): bits move up by one, the sum of the taps comes in at bit 0.

    Examples
    --------
    >>> bin(clock(0b1000, 4))
    '0b1'
    """
    new = 0
    for tap in TAPS[width]:
        new ^= state >> (tap - 1)
    return ((state << 1) | (new & 1)) & period(width)


@lru_cache(maxsize=32)
def states(width: int, bits: int) -> NDArray[np.int32]:
    """All (2**width - 1,) states in the order in which a register passes them, from state 1 on, a leap apart."""
    single = np.empty(period(width), np.int32)
    state = 1
    for i in range(len(single)):
        single[i] = state
        state = clock(state, width)
    out: NDArray[np.int32] = single[np.arange(len(single), dtype=np.int64) * leap(width, bits) % len(single)]
    out.flags.writeable = False
    return out
