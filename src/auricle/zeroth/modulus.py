"""Adaptive modulus scaling: integers as long as a Gaussian vector, so that eps and lr keep their meaning."""

import math
from typing import Literal

from auricle.errors import InputError
from auricle.zeroth.perturbation import Perturbation

Modulus = Literal["exact", "power-of-two", "none"]


def gaussian_length(dimension: int) -> float:
    """Give the expected length of a standard Gaussian vector: sqrt(2) Gamma((d + 1) / 2) / Gamma(d / 2).

    Examples
    --------
    >>> round(gaussian_length(3), 4), round(gaussian_length(10**6) / 1000, 6)
    (1.5958, 1.0)
    """
    # The difference of two large logarithms loses its digits; the series is exact to 1e-15 long before that.
    if dimension > 10_000:
        return math.sqrt(dimension) * (1 - 1 / (4 * dimension) + 1 / (32 * dimension**2))
    return math.sqrt(2) * math.exp(math.lgamma((dimension + 1) / 2) - math.lgamma(dimension / 2))


def scale(spec: Perturbation, dimension: int, direction: int, modulus: Modulus) -> float:
    """Factor s by which the integers of a direction are scaled.

    Parameters
    ----------
    modulus
        "exact": E||z|| / ||u|| of this direction, where the spec knows its length, else of an expected one;
        "power-of-two": the same for an expected length, alike in all directions, for a perturbation whose amplitude is
        then rounded to a power of two (`amplitude`); "none": integers become fractions in (-1, 1) and no more: the
        control that shows what the scaling is for.

    Examples
    --------
    >>> from auricle.zeroth import Uniform
    >>> round(scale(Uniform(bits=8), 10**6, 0, "exact") * 256, 3)  # sqrt(3) for U(-1, 1)
    1.732
    """
    if modulus == "none":
        return 1 / (spec.largest + 1)
    square = spec.square(direction, dimension) if modulus == "exact" else spec.mean_square * dimension
    return gaussian_length(dimension) / math.sqrt(square)


def amplitude(eps: float, s: float, modulus: Modulus) -> float:
    """Give what the integers are multiplied by to perturb: eps s, or under "power-of-two" the power nearest to it.

    The gradient is then taken over the amplitude in use, and the update keeps s itself, so that rounding changes how
    far the two losses are apart (by a factor of at most sqrt(2)) and neither the estimate nor the step.

    Examples
    --------
    >>> amplitude(1e-3, 0.0068, "power-of-two") == 2**-17
    True
    """
    value = eps * s
    return 2.0 ** round(math.log2(value)) if modulus == "power-of-two" else value


def check_modulus(modulus: str) -> None:
    """Refuse what is no modulus."""
    if modulus not in {"exact", "power-of-two", "none"}:
        raise InputError(f"modulus={modulus!r} was given; allowed are 'exact', 'power-of-two' and 'none'")
