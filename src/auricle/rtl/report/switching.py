"""How often the nets of a netlist change: cycle by cycle in time units of a LUT, for all cycles at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auricle.rtl.report.netlist import ONE, ZERO, Memory, Netlist

WORD = 64
READ_COST = 15
"""Units for each bit that a block memory reads; docs/rtl.md derives it."""
_CHUNK = 1 << 22
"""64-bit words that a fold of truth tables holds at a time."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a netlist does in a number of cycles, without delays.

    Parameters
    ----------
    levels
        Truth tables by level: those of one need only earlier ones.
    values
        (cycles, nets) bits, settled.
    reads
        Bits that memories read in each cycle, (cycles,).
    """

    levels: tuple[NDArray[np.int64], ...]
    values: NDArray[np.uint8]
    reads: NDArray[np.int64]

    def port(self, netlist: Netlist, name: str, bits: int) -> NDArray[np.int64]:
        """Signed numbers of so many bits that stand side by side on a port, (cycles, numbers)."""
        found = self.values[:, netlist.ports[name]].astype(np.int64)
        words = found.reshape(len(found), -1, bits) @ (1 << np.arange(bits, dtype=np.int64))
        return np.where(words >> (bits - 1), words - (1 << bits), words)


@dataclass(frozen=True, kw_only=True)
class Switching:
    """Changes of each net in all cycles.

    Parameters
    ----------
    changes
        (nets,) with a delay of one unit for each LUT: glitches count.
    settled
        (nets,) without delays: one a cycle at most.
    cycles
        Cycles watched.
    reads
        Bits read from memories.
    """

    changes: NDArray[np.int64]
    settled: NDArray[np.int64]
    cycles: int
    reads: int


def run(netlist: Netlist, inputs: Mapping[str, int], *, cycles: int) -> Run:
    """Step a netlist from its initial states on, with constant inputs after two cycles of reset.

    Parameters
    ----------
    netlist
        With a port `rst`.
    inputs
        Values of the other ports.
    cycles
        Cycles after the reset.
    """
    levels = tuple(_levels(netlist))
    now = np.zeros(netlist.nets, np.uint8)
    now[ONE] = 1
    for name, value in inputs.items():
        for place, net in enumerate(netlist.ports[name]):
            now[net] = value >> place & 1
    now[netlist.state] = netlist.start
    places = 1 << np.arange(netlist.inputs.shape[1])
    values = np.zeros((cycles, netlist.nets), np.uint8)
    reads = np.zeros(cycles, np.int64)
    for cycle in range(-2, cycles):
        now[netlist.ports["rst"]] = cycle < 0
        now[[ZERO, ONE]] = 0, 1
        for level in levels:
            now[netlist.outputs[level]] = netlist.tables[level, now[netlist.inputs[level]] @ places]
        if cycle >= 0:
            values[cycle] = now
        held = np.where(now[netlist.enable], now[netlist.data], now[netlist.state])
        after = np.where(now[netlist.reset], netlist.value, held)
        read = [(m, _read(m, now)) for m in netlist.memories if now[m.enable]]
        for memory, word in read:
            now[memory.outputs] = word
        if cycle >= 0:
            reads[cycle] = sum(len(memory.outputs) for memory, _ in read)
        now[netlist.state] = after
    return Run(levels=levels, values=values, reads=reads)


def _read(memory: Memory, now: NDArray[np.uint8]) -> NDArray[np.uint8]:
    word: NDArray[np.uint8] = memory.content[int(now[memory.address] @ (1 << np.arange(len(memory.address))))]
    return word


def switching(netlist: Netlist, found: Run, *, first: int) -> Switching:
    """Count changes, each cycle starting from the settled values of the one before.

    Parameters
    ----------
    netlist, found
        A netlist and its run.
    first
        Cycle from which on to count.
    """
    sources = np.concatenate([netlist.state, *(memory.outputs for memory in netlist.memories)])
    before, after = _packed(found.values, first - 1), _packed(found.values, first)
    settled = np.bitwise_count(before ^ after).sum(axis=1, dtype=np.int64)
    slow = netlist.delays > 0
    zero_levels = [level[~slow[level]] for level in found.levels]
    zero_levels = [level for level in zero_levels if len(level)]
    now, changes = before.copy(), np.zeros(netlist.nets, np.int64)
    start = now.copy()
    start[sources] = after[sources]
    moved = start
    while True:
        # Carries and multiplexers follow at once.
        for level in zero_levels:
            _evaluate(netlist, level, moved, moved)
        flipped = np.bitwise_count(now ^ moved).sum(axis=1, dtype=np.int64)
        changes += flipped
        if not flipped.any():
            break
        awake = np.flatnonzero(slow & (flipped > 0)[netlist.inputs].any(axis=1))
        now = moved
        moved = now.copy()
        _evaluate(netlist, awake, now, moved)
    assert (now == after).all(), "a netlist didn't settle at the values that it has without delays"
    return Switching(
        changes=changes, settled=settled, cycles=len(found.values) - first, reads=int(found.reads[first:].sum())
    )


def _packed(values: NDArray[np.uint8], first: int) -> NDArray[np.uint64]:
    """Bits of the cycles from `first` on side by side: (nets, words)."""
    # What is left over of a word holds the last cycle, wherever one begins: so nothing changes there.
    size = -(-len(values) // WORD) * WORD
    filled = np.concatenate([values[first:], np.repeat(values[-1:], size + first - len(values), axis=0)])
    return np.ascontiguousarray(np.packbits(filled.T, axis=1, bitorder="little")).view(np.uint64)


def _evaluate(
    netlist: Netlist, nodes: NDArray[np.int64], source: NDArray[np.uint64], target: NDArray[np.uint64]
) -> None:
    """Look truth tables up for all cycles: halve each by one input after the other."""
    each = max(1, _CHUNK // (64 * source.shape[1]))
    for i in range(0, len(nodes), each):
        some = nodes[i : i + each]
        pins = netlist.inputs[some]
        used = int(np.flatnonzero((pins > 0).any(axis=0)).max(initial=-1)) + 1
        table = -netlist.tables[some, : 1 << used].astype(np.int64)
        folded = table.view(np.uint64)[:, :, None]
        for place in range(used):
            low, high = folded[:, 0::2], folded[:, 1::2]
            folded = low ^ ((low ^ high) & source[pins[:, place]][:, None])
        target[netlist.outputs[some]] = folded[:, 0]


def _levels(netlist: Netlist) -> Iterator[NDArray[np.int64]]:
    """Truth tables in an order in which each needs only earlier ones."""
    made_by = np.full(netlist.nets, -1)
    made_by[netlist.outputs] = np.arange(len(netlist.outputs))
    needs = made_by[netlist.inputs]
    done = np.zeros(len(needs) + 1, bool)
    done[-1] = True  # place -1: an input that no table makes
    left = np.arange(len(needs))
    while len(left):
        ready = done[needs[left]].all(axis=1)
        assert ready.any(), "the netlist has a loop without a flip-flop"
        yield left[ready]
        done[left[ready]] = True
        left = left[~ready]
