"""Weights as fixed point inside float32: on a power-of-two grid every sum of the training is exact."""

import math

import torch
from torch import Tensor

from auricle.errors import InputError
from auricle.zeroth.hashing import fraction, key

LIMIT = 1 << 24
"""Whole numbers below this are exact in float32: the range of a weight in grid units."""


class GridOverflowError(InputError):
    """A weight that would leave the range of its grid; the weights are as they were before the step."""


def exponent_for(largest: float, headroom: float) -> int:
    """Finest grid 2**-exponent on which weights up to `largest` can grow `headroom` times as large.

    Examples
    --------
    >>> exponent_for(0.9, 4.0)
    22
    """
    if not 1 <= headroom < math.inf:
        raise InputError(f"headroom={headroom} was given; weights need a range of at least 1 times their own")
    # Weights that are all zero still have to be able to move.
    return 24 - math.ceil(math.log2(max(largest, 2.0**-6) * headroom))


def to_grid(weights: Tensor, exponent: int) -> None:
    """Round weights in place to multiples of 2**-exponent, halves to even; zeros become positive."""
    # Replay counts in integers, which know no negative zero.
    weights.mul_(2.0**exponent).round_().mul_(2.0**-exponent).add_(0.0)


def units(weights: Tensor, exponent: int) -> int:
    """Greatest magnitude among the weights, in grid units; 0 for none."""
    if not weights.numel():
        return 0
    low, high = torch.aminmax(weights)
    return round(max(-float(low), float(high)) * 2.0**exponent)


def round_randomly(value: float, *place: int) -> int:
    """Round to a whole number whose mean is the value: down or up by a number that `place` alone decides.

    Examples
    --------
    >>> round(sum(round_randomly(0.3, 7, step) for step in range(10_000)) / 10_000, 1)
    0.3
    """
    low = math.floor(value)
    return low + (fraction(key(*place)) < value - low)
