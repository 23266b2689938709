"""The integer streams in torch: directions added to weights in place, in as few passes as their kind allows."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from auricle.zeroth import lfsr
from auricle.zeroth.bank import LfsrBank
from auricle.zeroth.fresh import GAUSSIAN_BITS, Gaussian, Signs, quantiles
from auricle.zeroth.hashing import FACTORS, GAMMA, SHIFTS, key
from auricle.zeroth.perturbation import Perturbation
from auricle.zeroth.pool import Pool
from auricle.zeroth.row_pool import RowPool

CHUNK = 1 << 16
"""Numbers that are made at a time where they are not stored: few enough for a core's cache."""
ROW = 4096
"""A pool smaller than this is repeated: short rows would cost more than the additions."""
LONG_ROW = 1 << 18
"""Large networks have rows about this long: those beyond a core's cache stream best, and cost them under 1 %."""
SHARE = 128
"""How many long rows a network must have to count as large."""

Term = tuple[int, float]
"""A direction and what its integers are multiplied by."""


class Adder(ABC):
    """Adds directions to the weights of one device and one type, each at its place in the flat index.

    Parameters
    ----------
    spec
        Which integers.
    dimension
        Number of weights of the whole model.
    weights
        Tensors, and the flat index of the first element of each. Elements count in row-major order, whatever the
        layout in memory.
    """

    def __init__(self, spec: Perturbation, dimension: int, weights: Sequence[tuple[Tensor, int]]) -> None:
        self.spec = spec
        self.dimension = dimension
        first = weights[0][0]
        self.device = first.device
        self.dtype = torch.promote_types(first.dtype, torch.float32)
        self._flat = [(w.view(-1), start) for w, start in weights if w.is_contiguous()]
        self._strided = [(w, start) for w, start in weights if not w.is_contiguous()]

    def add(self, terms: Sequence[Term]) -> None:
        """Add the sum of coefficient times integers to every weight, in place.

        A weight w of 16 bits becomes (float32(w) + float32 sum) rounded to 16 bits, once. Several terms of a pool are
        summed first, in order; those of other kinds are added one after the other.
        """
        self._add(terms)
        for weights, start in self._strided:
            change = torch.zeros(weights.numel(), dtype=self.dtype, device=self.device)
            adder = type(self)(self.spec, self.dimension, [(change, start)])
            adder.add(terms)
            weights.add_(change.view(weights.shape))

    @abstractmethod
    def _add(self, terms: Sequence[Term]) -> None:
        """Add to the contiguous weights."""


class PoolAdder(Adder):
    """A pool: the terms become one vector of its length, which is added to every row of that length by broadcasting."""

    def __init__(self, spec: Pool, dimension: int, weights: Sequence[tuple[Tensor, int]]) -> None:
        super().__init__(spec, dimension, weights)
        self._pool_spec = spec
        numbers = torch.from_numpy(np.tile(spec.numbers, 2).astype(np.float32))
        self._pool = numbers.to(self.device, self.dtype)  # (2N,)
        large = sum(len(flat) for flat, _ in self._flat) >= SHARE * LONG_ROW
        width = spec.size * -(-(LONG_ROW if large else ROW) // spec.size)
        self._row = torch.zeros(spec.size + width, dtype=self.dtype, device=self.device)
        self._targets: list[Tensor] = []
        self._sources: list[Tensor] = []
        for flat, start in self._flat:
            row = self._row.narrow(0, start % spec.size, width)
            whole = len(flat) // width * width
            if whole:
                self._targets.append(flat[:whole].view(-1, width))
                self._sources.append(row)
            if whole < len(flat):
                self._targets.append(flat[whole:])
                self._sources.append(row[: len(flat) - whole])

    def _add(self, terms: Sequence[Term]) -> None:
        size = self._pool_spec.size
        row = self._row[:size].zero_()
        for direction, coefficient in terms:
            row.add_(self._pool.narrow(0, self._pool_spec.offset(direction, self.dimension), size) * coefficient)
        for start in range(size, len(self._row), size):
            stop = min(start + size, len(self._row))
            self._row[start:stop] = row[: stop - start]
        if self._targets:
            torch._foreach_add_(self._targets, self._sources)


class ChunkAdder(Adder):
    """Numbers that are made a chunk at a time and not kept."""

    def __init__(self, spec: Perturbation, dimension: int, weights: Sequence[tuple[Tensor, int]]) -> None:
        super().__init__(spec, dimension, weights)
        maker = _MAKERS.get(type(spec), _FreshNumbers)
        self._numbers: Callable[[int, int, int], Tensor] = maker(spec, dimension, self.device)

    def _add(self, terms: Sequence[Term]) -> None:
        for flat, start in self._flat:
            for first, part in _chunks(flat):
                for direction, coefficient in terms:
                    numbers = self._numbers(direction, start + first, start + first + len(part))
                    part.add_(numbers.to(self.dtype).mul_(coefficient))


def _chunks(flat: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Pieces of a vector and where each begins."""
    for first in range(0, len(flat), CHUNK):
        yield first, flat[first : first + CHUNK]


def adder(spec: Perturbation, dimension: int, weights: Sequence[tuple[Tensor, int]]) -> Adder:
    """Make the adder for a kind of perturbation."""
    return PoolAdder(spec, dimension, weights) if isinstance(spec, Pool) else ChunkAdder(spec, dimension, weights)


def integers(spec: Perturbation, dimension: int, direction: int, *, device: torch.device | str = "cpu") -> Tensor:
    """Give one whole direction as float32 (dimension,): for tests and for looking; training never holds it."""
    out = torch.zeros(dimension, device=device)
    adder(spec, dimension, [(out, 0)]).add([(direction, 1.0)])
    return out


def _signed(value: int) -> int:
    """Turn a 64-bit pattern into the int64 with the same bits."""
    return value - (1 << 64) if value >> 63 else value


def _shift_right(x: Tensor, by: int) -> Tensor:
    """Shift int64 to the right, with zeros coming in."""
    return (x >> by).bitwise_and_((1 << (64 - by)) - 1)


def hashed(stream: int, first: int, stop: int, device: torch.device) -> Tensor:
    """`hashing.words` for the counters from `first` to `stop`, as int64 with the same bits, (stop - first,)."""
    x = torch.arange(first + 1, stop + 1, dtype=torch.int64, device=device)
    x.mul_(_signed(GAMMA)).add_(_signed(stream))
    for shift, factor in zip(SHIFTS[:2], FACTORS, strict=True):
        x.bitwise_xor_(_shift_right(x, shift)).mul_(_signed(factor))
    return x.bitwise_xor_(_shift_right(x, SHIFTS[2]))


class _FreshNumbers:
    """Words of a hash stream, unpacked: by byte for signs and 8 bits, by table for Gaussian numbers."""

    def __init__(self, spec: Perturbation, dimension: int, device: torch.device) -> None:
        del dimension
        self.spec, self.device = spec, device
        if isinstance(spec, Gaussian):
            self.bits = GAUSSIAN_BITS
            # int16 reads words from 32768 on as negative: the table is turned so that it begins with them.
            table: np.ndarray[Any, Any] = np.roll(quantiles(), 1 << (GAUSSIAN_BITS - 1))
        elif isinstance(spec, Signs):
            self.bits = 1
            table = 2 * ((np.arange(256)[:, None] >> np.arange(8)) & 1) - 1
        else:
            self.bits = spec.bits  # type: ignore[attr-defined]
            table = np.zeros(0)
        self.table = torch.from_numpy(table.astype(np.float32)).to(device)

    def __call__(self, direction: int, start: int, stop: int) -> Tensor:
        """Numbers of one direction from one flat index to another, float32."""
        share = 64 // self.bits
        words = hashed(key(self.spec.seed, direction), start // share, -(-stop // share), self.device)  # type: ignore[attr-defined]
        skip = start % share
        return self._unpack(words)[skip : skip + stop - start]

    def _unpack(self, words: Tensor) -> Tensor:
        if isinstance(self.spec, Gaussian):
            return self.table[words.view(torch.int16).int() + (1 << (GAUSSIAN_BITS - 1))]
        if isinstance(self.spec, Signs):
            return self.table.index_select(0, words.view(torch.uint8).int()).view(-1)
        if self.bits == 8:
            return words.view(torch.uint8).to(torch.float32).mul_(2).sub_(255)
        shifts = torch.arange(0, 64 // self.bits * self.bits, self.bits, device=self.device)
        unpacked = (words[:, None] >> shifts).bitwise_and_((1 << self.bits) - 1).view(-1)
        return unpacked.to(torch.float32).mul_(2).sub_((1 << self.bits) - 1)


class _BankNumbers:
    """Words of the bank, some cycles at a time, taken from a table of each width's whole period."""

    def __init__(self, spec: LfsrBank, dimension: int, device: torch.device) -> None:
        self.spec, self.device = spec, device
        self.length = spec.length(dimension)
        self.cycles = CHUNK // spec.row + 2

    @cached_property
    def tables(self) -> list[tuple[int, Tensor]]:
        """Period of each width, and the words of its registers (period + cycles, share), float32."""
        out = []
        for width in self.spec.widths:
            phases = [p for p, w in zip(self.spec.phases, self.spec.widths_of, strict=True) if w == width]
            places = np.arange(lfsr.period(width) + self.cycles)[:, None] + np.array(phases)
            states = lfsr.states(width, self.spec.bits)[places % lfsr.period(width)]
            words = 2 * (states & ((1 << self.spec.bits) - 1)) + 1 - (1 << self.spec.bits)
            out.append((lfsr.period(width), torch.from_numpy(words.astype(np.float32)).to(self.device)))
        return out

    @cached_property
    def turns(self) -> Tensor:
        """Register of each lane in each cycle of the rotation, (turns, lanes)."""
        cycle = torch.arange(self.spec.generators, device=self.device)[:, None]
        lane = torch.arange(self.spec.row, device=self.device)
        return (lane + cycle * self.spec.rotation) % self.spec.generators

    def __call__(self, direction: int, start: int, stop: int) -> Tensor:
        """Numbers of one direction from one flat index to another, float32."""
        row = self.spec.row
        first, last = start // row, -(-stop // row)
        cycle = direction * self.length + first
        # A chunk begins anywhere in a row, so it may touch two rows more than it fills.
        words = torch.cat([table[(at := cycle % p) : at + last - first] for p, table in self.tables], dim=1)
        if row != self.spec.generators:
            turn = (torch.arange(last - first, device=self.device) + cycle % self.spec.generators).remainder_(
                self.spec.generators
            )
            words = words.gather(1, self.turns[turn])
        return words.reshape(-1)[start - first * row : stop - first * row]


class _RowNumbers:
    """Whole rows of a pool in rows, each as often side by side as it takes to fill the lanes."""

    def __init__(self, spec: RowPool, dimension: int, device: torch.device) -> None:
        del dimension
        self.spec = spec
        self.table = torch.from_numpy(spec.numbers.astype(np.float32)).to(device)  # (R, W)
        self.device = device

    def __call__(self, direction: int, start: int, stop: int) -> Tensor:
        """Numbers of one direction from one flat index to another, float32."""
        lanes, rows = self.spec.lanes, self.spec.rows
        first = start // lanes
        cycle = torch.arange(first, -(-stop // lanes), device=self.device).remainder_(rows)
        row = cycle.mul_(self.spec.stride(direction)).add_(self.spec.start(direction)).remainder_(rows)
        words = self.table[row].repeat(1, -(-lanes // self.spec.words))[:, :lanes]  # (cycles, lanes)
        return words.reshape(-1)[start - first * lanes : stop - first * lanes]


_MAKERS: dict[type[Perturbation], Callable[[Any, int, torch.device], Callable[[int, int, int], Tensor]]] = {
    LfsrBank: _BankNumbers,
    RowPool: _RowNumbers,
}
"""What makes the numbers of a kind, chunk by chunk; the others' come from a hash."""
