"""An engine: one spec of `auricle.zeroth` with a bus, and all that its Verilog, header and test bench agree on."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auricle.errors import InputError
from auricle.zeroth import LfsrBank, Perturbation, RowPool, lfsr
from auricle.zeroth.row_pool import fitting_rows
from auricle.zeroth.spacing import unit

MOST_LANES = (1 << 16) - 1
"""Lanes that the 16 bits of `cfg_tail` can count."""
PAD_BITS = 8
ROW_BITS = 32


class Schedule(NamedTuple):
    """What an engine has to be told of a dimension: ports `cfg_rows`, `cfg_tail`, `cfg_pad`."""

    rows: int
    tail: int
    pad: int


class Seed(NamedTuple):
    """One write to the seed port: `seed_index` and `seed_data`."""

    place: int
    data: int


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A perturbation spec in hardware: it sends the integers of a direction, `lanes` at a time, on an AXI stream.

    Parameters
    ----------
    spec
        An `LfsrBank` or a `RowPool`: the golden model. The flat `Pool` is no engine's, as its directions begin anywhere
        in a row.
    shift_bits
        Width of `cfg_shift`, 1 to 3: integers are sent as u << shift, with shift up to 2**shift_bits - 1.

    Examples
    --------
    >>> engine = Engine(spec=row_pool(lanes=7, bits=3))
    >>> engine.lanes, engine.lane_bits, engine.schedule(1000)
    (7, 8, Schedule(rows=143, tail=6, pad=0))
    >>> engine.beats(0, 10, shift=1)
    array([[ 10,  -2, -14,  14,  -2,  -2,   6],
           [  6, -14, -10,   0,   0,   0,   0]])
    """

    spec: LfsrBank | RowPool
    shift_bits: int = 2

    def __post_init__(self) -> None:
        check_spec(self.spec)
        if type(self.shift_bits) is not int or not 1 <= self.shift_bits <= 3:
            raise InputError(f"shift_bits={self.shift_bits!r} was given; allowed are 1, 2 and 3")

    @property
    def name(self) -> str:
        """Name of the Verilog module and of what belongs to it."""
        return "auricle_lfsr" if isinstance(self.spec, LfsrBank) else "auricle_pool"

    @property
    def lanes(self) -> int:
        """Numbers in a beat of the stream."""
        return self.spec.row if isinstance(self.spec, LfsrBank) else self.spec.lanes

    @property
    def lane_bits(self) -> int:
        """Bits of a number on the bus, two's complement: whole bytes, and one bit more than the largest needs."""
        return lane_bits(self.spec.bits, self.shift_bits)

    @property
    def words(self) -> int:
        """Different numbers in a beat, shifted before they are spread: lane l takes number l mod words."""
        return min(self.lanes, self.spec.generators) if isinstance(self.spec, LfsrBank) else self.spec.words

    @property
    def address_bits(self) -> int:
        """Bits of a row's number in a pool; a number more than there are rows is needed to load the counters."""
        assert isinstance(self.spec, RowPool)
        return self.spec.rows.bit_length()

    @property
    def seed_index_bits(self) -> int:
        """Width of `seed_index`."""
        if isinstance(self.spec, LfsrBank):
            return max(1, (self.spec.generators - 1).bit_length())
        return self.address_bits

    @property
    def seed_bits(self) -> int:
        """Width of `seed_data`."""
        if isinstance(self.spec, LfsrBank):
            return max(self.spec.widths)
        return max(self.spec.words * self.spec.bits, 2 * self.address_bits)

    def schedule(self, dimension: int) -> Schedule:
        """Rows of a direction, numbers in its last row, and cycles that the bank runs idle after it.

        Raises
        ------
        InputError
            A dimension below 1, or one that `cfg_rows` can't count.
        """
        rows = -(-dimension // self.lanes)
        if not 1 <= rows < 1 << ROW_BITS:
            raise InputError(f"dimension={dimension} was given; allowed are 1 to {((1 << ROW_BITS) - 1) * self.lanes}")
        pad = self.spec.length(dimension) - rows if isinstance(self.spec, LfsrBank) else 0
        # Of 255 numbers in a row, one has no factor in common with any period of a bank that has at most 30 primes.
        assert 0 <= pad < 1 << PAD_BITS
        return Schedule(rows, dimension - (rows - 1) * self.lanes, pad)

    def beats(self, direction: int, dimension: int, *, shift: int = 0) -> NDArray[np.int64]:
        """Give the numbers of a direction: (rows, lanes), with zeros where the last row has no weights.

        In those lanes the engine sends numbers that don't count.
        """
        rows = self.schedule(dimension).rows
        out = np.zeros(rows * self.lanes, np.int64)
        out[:dimension] = self.spec.integers(direction, np.arange(dimension), dimension)
        return out.reshape(rows, self.lanes) << shift

    def seeds(self, direction: int, dimension: int, *, numbers: bool = True) -> list[Seed]:
        """Give the writes to the seed port after which the next direction is the given one.

        Parameters
        ----------
        direction, dimension
            Which one, of how many weights.
        numbers
            Whether to load the numbers of a pool as well, and not only its counters.
        """
        if isinstance(self.spec, LfsrBank):
            return [Seed(g, state) for g, state in enumerate(self._states(self.spec, direction, dimension))]
        counters = self.spec.stride(direction) << self.address_bits | self.spec.start(direction)
        rows = [Seed(i, row) for i, row in enumerate(self.memory())] if numbers else []
        return [*rows, Seed(self.spec.rows, counters)]

    def memory(self) -> list[int]:
        """Rows of the pool as the memory holds them, word 0 in the lowest bits."""
        assert isinstance(self.spec, RowPool)
        bits = self.spec.bits
        words = (self.spec.numbers.astype(int) + (1 << bits) - 1) >> 1
        return [sum(int(word) << (bits * place) for place, word in enumerate(row)) for row in words]

    @staticmethod
    def _states(spec: LfsrBank, direction: int, dimension: int) -> list[int]:
        """State in the place of each register when a direction starts."""
        cycle = direction * spec.length(dimension)
        out = []
        for place in range(spec.generators):
            g = (place + cycle * spec.rotation) % spec.generators
            width = spec.widths_of[g]
            step = (spec.phases[g] + cycle) % lfsr.period(width)
            out.append(int(lfsr.states(width, spec.bits)[step]))
        return out


def lane_bits(bits: int, shift_bits: int) -> int:
    """Bits of a number on the bus: words of so many bits, made odd and shifted, in whole bytes.

    Examples
    --------
    >>> lane_bits(8, 2), lane_bits(4, 2)
    (16, 8)
    """
    return -(-(bits + (1 << shift_bits)) // 8) * 8


def check_lanes(lanes: int) -> None:
    """Refuse more lanes than `cfg_tail` can count.

    Raises
    ------
    InputError
        So many, or none.
    """
    if not 1 <= lanes <= MOST_LANES:
        raise InputError(f"lanes={lanes} was given; allowed are 1 to {MOST_LANES}")


def check_spec(spec: Perturbation) -> None:
    """Refuse what no engine can serve.

    Raises
    ------
    InputError
        Another kind, or a bank that can't turn by wiring.
    """
    if not isinstance(spec, LfsrBank | RowPool):
        raise InputError(f"a perturbation of kind {spec.kind!r} was given; hardware has 'lfsr' and 'row_pool'")
    check_lanes(spec.row if isinstance(spec, LfsrBank) else spec.lanes)
    if isinstance(spec, LfsrBank) and spec.rotation and len(spec.widths) > 1:
        raise InputError(
            f"widths={spec.widths} with {spec.row} lanes for {spec.generators} registers was given; registers of "
            "several widths can't take each other's place: name one width, or a multiple of the registers as lanes"
        )


def bank(
    *, lanes: int, bits: int = 8, generators: int | None = None, widths: tuple[int, ...] | None = None, seed: int = 0
) -> LfsrBank:
    """Bank for hardware: registers of one width, that turn against the lanes from cycle to cycle.

    They are spaced quadratically, as those that are spaced evenly soon stand where others stood; evenly only where
    their period is too short for it (fewer than about 2 n b states).

    Parameters
    ----------
    lanes, bits, seed
        See `LfsrBank`.
    generators
        Registers; None for 31, or 29 where the lanes are a multiple of 31 and would never turn.
    widths
        None for 11, or 17 above 8 bits: at least three bits more than a word, as state zero never occurs, and with two
        taps, so that a leap costs no logic beyond one gate a bit.

    Examples
    --------
    >>> bank(lanes=1024).widths, bank(lanes=62).generators, bank(lanes=8, bits=12).widths
    ((11,), 29, (17,))
    >>> bank(lanes=1024).spacing, bank(lanes=1024, widths=(8,)).spacing
    ('quadratic', 'even')
    """
    if generators is None:
        generators = 29 if lanes % 31 == 0 else 31
    if widths is None:
        widths = (11,) if bits <= 8 else (17,)
    even = LfsrBank(generators=generators, bits=bits, widths=widths, lanes=lanes, seed=seed)
    roomy = all(unit(even.widths_of.count(width), lfsr.period(width)) >= bits for width in even.widths)
    return replace(even, spacing="quadratic") if roomy else even


def row_pool(*, lanes: int, bits: int = 8, rows: int | None = None, words: int | None = None, seed: int = 0) -> RowPool:
    """Pool for hardware: block memory of 512 rows, or deeper where rows are too short for 8,000 numbers.

    Parameters
    ----------
    lanes, bits, seed
        See `RowPool`.
    words
        Words of a row; None for 504 bits, which seven block memories of 72 bits hold, but no more than `lanes`.
    rows
        None for the greatest number that fits a memory of 512 rows, or of as many as hold 8,192 numbers.

    Examples
    --------
    >>> row_pool(lanes=1024), row_pool(lanes=1).rows
    (RowPool(rows=509, words=63, lanes=1024, bits=8, seed=0), 8179)
    """
    if words is None:
        words = max(1, min(lanes, 504 // max(1, bits)))
    if rows is None:
        depth = 512
        # Words below one are refused by the pool; they must not keep this loop from ending.
        while depth * max(1, words) < 8192:
            depth *= 2
        rows = fitting_rows(depth - 1)
    return RowPool(rows=rows, words=words, lanes=lanes, bits=bits, seed=seed)
