"""Multipliers as 16-bit words times powers of two: which exponent a group's multipliers take."""

import numpy as np

from auricle.zeroth.ledger_header import LedgerError
from auricle.zeroth.records import LARGEST_WORD, Multipliers

FINE_BITS = 7
"""A multiplier of fewer bits than these is worth a finer exponent."""


def rounding_exponent(largest: float, now: int) -> int:
    """Exponent to which a group is to be rounded: the present one while it is fit for it, else the smallest that fits.

    Examples
    --------
    >>> rounding_exponent(40_000.0, 0), rounding_exponent(400.0, 1), rounding_exponent(4.0, 1)
    (1, 1, 0)
    """
    if 2**FINE_BITS <= np.ceil(largest / 2**now) <= LARGEST_WORD or (now == 0 and largest <= LARGEST_WORD):
        return now
    exponent = 0
    while np.ceil(largest / 2**exponent) > LARGEST_WORD:
        exponent += 1
    return exponent


def exact_exponent(c: Multipliers, now: int, group: int) -> int:
    """Exponent at which the multipliers of a group are stored: the present one if they fit, else the smallest."""
    largest = int(np.abs(c).max())
    if largest <= LARGEST_WORD << now and not (c & ((1 << now) - 1)).any():
        return now
    exponent = 0
    while largest > LARGEST_WORD << exponent:
        exponent += 1
    if (c & ((1 << exponent) - 1)).any():
        raise LedgerError(
            f"multipliers {c.tolist()} were given for group {group}; the largest fits into 16 bits only as a multiple "
            f"of {1 << exponent}, so that all must be: round them to exponents_for() first"
        )
    return exponent
