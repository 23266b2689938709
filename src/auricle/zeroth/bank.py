"""The bank of linear feedback shift registers: numbers made on the fly, each shared by many weights."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from auricle.errors import InputError
from auricle.zeroth import lfsr
from auricle.zeroth.hashing import key
from auricle.zeroth.perturbation import (
    Integers,
    Perturbation,
    Repeats,
    check_bits,
    check_repeats,
    check_whole,
    odd,
    spaced,
    uniform_square,
)  # fmt: skip
from auricle.zeroth.spacing import Spacing, check_spacing, quadratic, unit


@dataclass(frozen=True, kw_only=True)
class LfsrBank(Perturbation):
    """A bank of shift registers that run on during training; many weights share each word (PeZO's second strategy).

    In a cycle every register leaps forward by at least b clocks, so that two of its words share no bit, and its low b
    bits are a word; `lanes` weights take the words side by side, and from cycle to cycle the lanes take them one
    remainder further round (a rotation by wiring). Registers of one width share a polynomial and stand at different
    places of its period; mixed widths make the period of the bank the least common multiple of theirs. Without a
    rotation, training happens in as many dimensions as the registers' widths have states in all: 26,621 by default.

    Parameters
    ----------
    generators
        Registers in the bank, n.
    bits
        Low bits of the state that make a word.
    widths
        Widths of the registers, at least `bits`; each gets an equal share of the bank, in this order.
    lanes
        Weights that are served in one cycle; None for n, each register its own lane.
    seed
        Of the phases.
    repeats
        What to do when the bank's period and the cycles per direction share a factor: "pad" lets the bank run idle for
        the few cycles that it takes, "refuse" raises, "allow" goes on.
    spacing
        How far apart registers of one width begin. "even": over the whole period. With a rotation all registers then
        soon stand where others stood, so that a lane nearly repeats itself long before the period is over: 63,457
        cycles of 31 registers of 11 bits are worth 1,830 independent ones. "quadratic": at distances that all differ
        (see `spacing.quadratic`), worth 20,122; hardware only has other states after reset. Without a rotation, as by
        default, it makes no difference to a lane. Where it is "even", specs don't name it, in texts or files.

    Notes
    -----
    Source: PeZO (arXiv 2504.20314), which says no more than that LFSRs are shared; leap, widths, rotation, spacing and
    padding are ours.

    Examples
    --------
    >>> LfsrBank(generators=3, bits=3, widths=(4, 5)).integers(0, np.arange(6), dimension=10)
    array([ 1,  7, -1,  1, -5,  7], dtype=int16)
    """

    kind: ClassVar[str] = "lfsr"
    generators: int = 31
    bits: int = 8
    widths: tuple[int, ...] = (11, 13, 14)
    lanes: int | None = None
    seed: int = 0
    repeats: Repeats = "pad"
    spacing: Spacing = "even"

    def __post_init__(self) -> None:
        check_bits(self.bits)
        check_whole(generators=self.generators, seed=self.seed)
        object.__setattr__(self, "widths", tuple(self.widths))
        check_whole(**{f"widths[{i}]": width for i, width in enumerate(self.widths)})
        check_repeats(self.repeats)
        check_spacing(self.spacing)
        lowest, highest = max(3, self.bits), max(lfsr.TAPS)
        if not self.widths or not all(lowest <= width <= highest for width in self.widths):
            raise InputError(f"widths={self.widths} was given; allowed are {lowest} to {highest} for {self.bits} bits")
        if len(set(self.widths)) != len(self.widths):
            raise InputError(f"widths={self.widths} was given; name each width once")
        if self.generators < len(self.widths):
            raise InputError(f"generators={self.generators} was given; {len(self.widths)} widths need as many")
        for width in self.widths:
            if (share := self.widths_of.count(width)) > lfsr.period(width):
                raise InputError(f"{share} registers of width {width} share {lfsr.period(width)} states; widen them")
            if self.spacing == "quadratic" and (apart := unit(share, lfsr.period(width))) < self.bits:
                raise InputError(
                    f"{share} registers of width {width} at quadratic spacing would stand {apart} clocks apart, and "
                    f"words of {self.bits} bits need as many; widen them, take fewer, or choose spacing='even'"
                )
        if self.lanes is not None:
            check_whole(lanes=self.lanes)
            if self.lanes < 1:
                raise InputError(f"lanes={self.lanes} was given; at least 1 is needed")
        if self.period % lfsr.period(self.widths[0]):
            raise InputError(
                f"{self.generators} registers of width {self.widths[0]} with {self.lanes} lanes would repeat after "
                f"{self.period} cycles instead of {lfsr.period(self.widths[0])}, as the rotation of the lanes undoes "
                "the spread of the registers; choose two widths, or another number of generators or lanes"
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values; an even spacing is left out, as specs had no other when the first ledgers were written."""
        values = super().to_dict()
        if self.spacing == "even":
            del values["spacing"]
        return values

    def __repr__(self) -> str:
        values = self.to_dict()
        del values["kind"]
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in values.items())})"

    @property
    def row(self) -> int:
        """Weights in a cycle."""
        return self.generators if self.lanes is None else self.lanes

    @property
    def rotation(self) -> int:
        """How much further round each cycle's lanes take their words."""
        return self.row % self.generators

    @cached_property
    def widths_of(self) -> tuple[int, ...]:
        """Width of each register, (n,)."""
        return tuple(self.widths[g * len(self.widths) // self.generators] for g in range(self.generators))

    @cached_property
    def phases(self) -> tuple[int, ...]:
        """Place of each register in its period at cycle 0, in leaps from state 1, (n,)."""
        out: list[int] = []
        for width in self.widths:
            period, share = lfsr.period(width), self.widths_of.count(width)
            if self.spacing == "quadratic":
                leaps = pow(lfsr.leap(width, self.bits), -1, period)  # that a single clock is as good as
                ahead = [clocks * leaps for clocks in quadratic(share, period)]
            else:
                ahead = [m * period // share for m in range(share)]
            out += [(key(self.seed, width) + place) % period for place in ahead]
        return tuple(out)

    @cached_property
    def states(self) -> tuple[int, ...]:
        """State of each register at cycle 0, (n,): what hardware loads at reset."""
        return tuple(
            int(lfsr.states(width, self.bits)[phase]) for width, phase in zip(self.widths_of, self.phases, strict=True)
        )

    @property
    def period(self) -> int:
        """Cycles until the whole bank repeats."""
        n = self.generators
        turns = n // math.gcd(n, self.rotation)
        if len(self.widths) > 1 or self.spacing == "quadratic":
            return math.lcm(turns, *map(lfsr.period, self.widths))
        # Evenly spaced registers stand alike after each common part of n and the period: a turn of the lanes by that
        # many registers then looks like that many leaps.
        alone = lfsr.period(self.widths[0])
        parts = math.gcd(n, alone)
        return next(
            part * (alone // parts)
            for part in range(1, parts * turns + 1)
            if (self.rotation * part * (alone // parts) + part * (n // parts)) % n == 0
        )

    @property
    def largest(self) -> int:
        """Greatest magnitude of the integers."""
        return (1 << self.bits) - 1

    @property
    def mean_square(self) -> float:
        """Mean of the squares over all registers' periods; zero states never occur, so it differs from uniform's."""
        total = 0.0
        for width in self.widths_of:
            all_words, zero = 1 << width, (1 - (1 << self.bits)) ** 2
            total += (uniform_square(self.bits) * all_words - zero) / (all_words - 1)
        return total / self.generators

    def length(self, dimension: int) -> int:
        """Cycles from the start of one direction to the start of the next."""
        return spaced(-(-dimension // self.row), self.period, self.repeats, "the bank")

    def directions(self, dimension: int) -> float:
        """Distinct directions before the bank is back where it began."""
        return self.period // math.gcd(self.period, self.length(dimension))

    def integers(self, direction: int, index: NDArray[np.int64], dimension: int) -> Integers:
        """Word of the register that the weight's lane takes, in the weight's cycle."""
        start, cycle = direction * self.length(dimension), index // self.row
        turn = (start % self.generators + cycle) % self.generators * self.rotation
        generator = (index % self.row + turn) % self.generators
        out = np.empty(index.shape, np.int16)
        for g, (width, phase) in enumerate(zip(self.widths_of, self.phases, strict=True)):
            chosen = generator == g
            place = (phase + start) % lfsr.period(width) + cycle[chosen]
            state = lfsr.states(width, self.bits)[place % lfsr.period(width)]
            out[chosen] = odd(state & ((1 << self.bits) - 1), self.bits)
        return out
