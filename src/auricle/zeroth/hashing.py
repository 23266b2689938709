"""Numbers that any position can look up: SplitMix64 as a function of (key, counter)."""

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

GAMMA = 0x9E3779B97F4A7C15
"""2**64 divided by the golden ratio, odd: the step of SplitMix64's counter."""
MASK = (1 << 64) - 1
SHIFTS = (30, 27, 31)
FACTORS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def mix(value: int) -> int:
    """SplitMix64's finaliser, modulo 2**64.

    Source: Steele, Lea & Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014.

    Examples
    --------
    >>> hex(mix(GAMMA))
    '0xe220a8397b1dcdaf'
    """
    value &= MASK
    value = ((value ^ (value >> SHIFTS[0])) * FACTORS[0]) & MASK
    value = ((value ^ (value >> SHIFTS[1])) * FACTORS[1]) & MASK
    return value ^ (value >> SHIFTS[2])


def key(seed: int, *parts: int) -> int:
    """One 64-bit key of a seed and any integers that follow it, in order.

    Examples
    --------
    >>> key(0, 1, 2) == key(0, 2, 1)
    False
    """
    state = mix(seed)
    for part in parts:
        state = mix(state + (part + 1) * GAMMA)
    return state


def words(stream: int, counters: NDArray[np.integer]) -> Words:
    """64-bit words of one stream, at any counters >= 0: the outputs of a SplitMix64 whose state starts at `stream`.

    Examples
    --------
    >>> hex(int(words(0, np.arange(3))[2]))
    '0x6c45d188009454f'
    """
    with np.errstate(over="ignore"):
        value = np.uint64(stream & MASK) + (counters.astype(np.uint64) + np.uint64(1)) * np.uint64(GAMMA)
        value = (value ^ (value >> np.uint64(SHIFTS[0]))) * np.uint64(FACTORS[0])
        value = (value ^ (value >> np.uint64(SHIFTS[1]))) * np.uint64(FACTORS[1])
        return value ^ (value >> np.uint64(SHIFTS[2]))


def fraction(stream: int) -> float:
    """Turn a key into a number in [0, 1) with 53 random bits."""
    return (mix(stream) >> 11) * 2.0**-53
