"""Multipliers as 16-bit words times powers of two: which exponent a group's multipliers take."""

import numpy as np

from auricle.zeroth.ledger_header import LedgerError
from auricle.zeroth.records import LARGEST_WORD, Multipliers


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
            f"of {1 << exponent}, so that all must be"
        )
    return exponent
