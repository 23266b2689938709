"""How far apart the registers of one width begin: evenly, or at distances that all differ."""

import math
from typing import Literal, get_args

from auricle.errors import InputError

Spacing = Literal["even", "quadratic"]


def check_spacing(spacing: str) -> None:
    """Refuse what is no spacing."""
    if spacing not in get_args(Spacing):
        raise InputError(f"spacing={spacing!r} was given; allowed are 'even' and 'quadratic'")


def prime_from(number: int) -> int:
    """Give the smallest odd prime from a number on.

    Examples
    --------
    >>> prime_from(2), prime_from(29), prime_from(32)
    (3, 29, 37)
    """
    prime = max(3, number)
    while any(prime % factor == 0 for factor in range(2, math.isqrt(prime) + 1)):
        prime += 1
    return prime


def unit(registers: int, period: int) -> int:
    """Clocks that quadratic distances are multiples of: as many as fit 2 q times into the period.

    Examples
    --------
    >>> unit(31, 2047), unit(29, 2047), unit(31, 131071)
    (33, 35, 2114)
    """
    return period // (2 * prime_from(registers))


def quadratic(registers: int, period: int) -> tuple[int, ...]:
    """Clocks by which each register of one width is ahead of register 0: D (m^2 mod 2q), so that distances all differ.

    q is the smallest odd prime from the number of registers M on, and D = floor(period / 2q). As m and q - m differ in
    their last bit, m^2 mod 2q is different for each register, and all of them are D clocks apart or more.

    A rotation moves each lane s registers on in so many cycles, and the lane meets an old word where the register it
    comes to is as far behind as time has gone by. Evenly spaced registers are all equally far, so nearly all words come
    again at once. Here (m + s)^2 - m^2 = 2 m s + s^2 differs modulo q for all m: after any number of cycles at most one
    register in M stands where the one s before it stood, and all others are far from it. This takes M = q, and D above
    the period's remainder modulo 2q by b, the bits of a word, or more, as for 29 and 31 registers of 11 or 17 bits with
    words of up to 14; other numbers of registers, or a shorter period, let a few of them meet.

    Parameters
    ----------
    registers
        How many share the width, M.
    period
        Clocks until one of them repeats.

    Returns
    -------
    Clocks, (M,).

    Notes
    -----
    Source: squares modulo a prime, from the Sidon sets of P. Erdos and P. Turan, J. London Math. Soc. 16 (1941) 212.
    Deviation: theirs, 2 q m + (m^2 mod q), has all distances different, but fills a range of 2 q^2; here only those
    between registers as many places apart need be, which 2 q holds, so that there is room for D.

    It was chosen among closed forms by what a lane is worth, `lane_effective` of `auricle.rtl.quality`. For 31
    registers of 11 bits and words of 8, of 63,457 cycles: even distances 1,830; powers of a primitive root 18,641;
    random phases 19,372; 33 m (m + 1) leaps 19,828, with two registers a clock apart, whose words of the same beat
    correlate by 0.50; 2 q m + (m^2 mod q) leaps 19,985; this one 20,122, and 0.002 within a beat. For 29 registers, and
    for 31 or 29 of 17 bits, none of them is above it. How many lanes there are changes the order of the lags alone.
    Half of D is worth as much, but has all registers so close together that the words of a direction come from one
    short stretch of the sequence: with 1,024 lanes and 30,720 weights 148 different ones in 930 places instead of 928,
    and directions are more alike than independent ones (rms of their cosines 0.035 instead of 0.033).

    Examples
    --------
    >>> quadratic(5, 511)
    (0, 51, 204, 459, 306)
    """
    prime = prime_from(registers)
    return tuple(unit(registers, period) * (m * m % (2 * prime)) for m in range(registers))
