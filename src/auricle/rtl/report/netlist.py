"""A mapped netlist as arrays: LUTs, multiplexers and carries as truth tables; flip-flops and block memories."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.errors import AuricleError

ZERO, ONE = 0, 1
"""Nets that never change."""
FLIP_FLOPS = {"FDRE": ("R", 0), "FDSE": ("S", 1), "FDCE": ("CLR", 0), "FDPE": ("PRE", 1)}
"""Pin that sets or clears each, and to what; all signals of a design have one clock, so both kinds act at its edge."""
_MOST_INPUTS = 6


class NotModelledError(AuricleError):
    """A netlist has a cell whose switching nobody has modelled."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """A read port of a block memory.

    Parameters
    ----------
    address
        Nets, the lowest bit first.
    enable
        Net.
    outputs
        Nets of the bits that are read.
    content
        (words, outputs) bits.
    """

    address: NDArray[np.int64]
    enable: int
    outputs: NDArray[np.int64]
    content: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Netlist:
    """A design after mapping; nets are numbered, 0 and 1 are the constants.

    Parameters
    ----------
    nets
        How many.
    inputs, tables, outputs, delays
        Truth tables: (n, 6) nets, first the lowest bit of the place in the table; (n, 64) bits; (n,) nets; (n,) 1 for a
        LUT, 0 for carries and multiplexers.
    data, enable, reset, value, start, state
        Flip-flops: nets of D, CE and set or clear, what that gives, what they hold at first, net of Q.
    memories
        Read ports.
    weights
        (nets,) what a change costs: 1 and 1 for each pin that is driven; 0 for wires inside a carry block.
    ports
        Nets of the ports, lowest bit first.
    """

    nets: int
    inputs: NDArray[np.int64]
    tables: NDArray[np.uint8]
    outputs: NDArray[np.int64]
    delays: NDArray[np.int64]
    data: NDArray[np.int64]
    enable: NDArray[np.int64]
    reset: NDArray[np.int64]
    value: NDArray[np.uint8]
    start: NDArray[np.uint8]
    state: NDArray[np.int64]
    memories: tuple[Memory, ...]
    weights: NDArray[np.int64]
    ports: Mapping[str, NDArray[np.int64]]


@dataclass
class _Builder:
    number: dict[int, int] = field(default_factory=dict)
    nets: int = 2
    nodes: list[tuple[list[int], int, int, int]] = field(default_factory=list)
    flops: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)
    pins: list[int] = field(default_factory=list)
    inner: list[int] = field(default_factory=list)

    def net(self, bit: int | str) -> int:
        if isinstance(bit, str):
            return ONE if bit == "1" else ZERO
        if bit not in self.number:
            self.number[bit] = self.new()
        return self.number[bit]

    def new(self) -> int:
        self.nets += 1
        return self.nets - 1

    def drive(self, *nets: int) -> None:
        self.pins.extend(nets)

    def node(self, inputs: list[int], table: int, output: int, delay: int) -> None:
        self.nodes.append((inputs, table, output, delay))


def netlist(module: Mapping[str, Any]) -> Netlist:
    """Read a module as Yosys writes it to JSON.

    Raises
    ------
    NotModelledError
        It has a DSP block, a shift register in a LUT, or a memory that is no ROM of a known shape.
    """
    made = _Builder()
    ports = {name: np.array([made.net(bit) for bit in port["bits"]]) for name, port in module["ports"].items()}
    for name, port in module["ports"].items():
        if port["direction"] == "output":
            made.drive(*ports[name].tolist())
    for cell in module["cells"].values():
        _add(made, cell["type"], cell)
    weights = 1 + np.bincount(made.pins, minlength=made.nets)
    weights[[ZERO, ONE, *made.inner]] = 0
    nodes = made.nodes
    inputs = np.zeros((len(nodes), _MOST_INPUTS), np.int64)
    tables = np.zeros((len(nodes), 1 << _MOST_INPUTS), np.uint8)
    for i, (pins, table, _, _) in enumerate(nodes):
        inputs[i, : len(pins)] = pins
        bits = [table >> place & 1 for place in range(1 << len(pins))]
        # Inputs that aren't there are constant zero, so any place with them at one is never asked for.
        tables[i] = np.tile(bits, 1 << (_MOST_INPUTS - len(pins)))
    flops = np.array(made.flops, np.int64).reshape(-1, 6).T
    return Netlist(
        nets=made.nets, inputs=inputs, tables=tables, outputs=np.array([node[2] for node in nodes], np.int64),
        delays=np.array([node[3] for node in nodes], np.int64), data=flops[0], enable=flops[1], reset=flops[2],
        value=flops[3].astype(np.uint8), start=flops[4].astype(np.uint8), state=flops[5],
        memories=tuple(made.memories), weights=weights, ports=ports,
    )  # fmt: skip


def _add(made: _Builder, kind: str, cell: Mapping[str, Any]) -> None:
    pins = {name: [made.net(bit) for bit in bits] for name, bits in cell["connections"].items()}
    if kind.startswith("LUT") and kind[3:].isdigit():
        inputs = [pins[f"I{i}"][0] for i in range(int(kind[3:]))]
        made.drive(*inputs)
        made.node(inputs, _number(cell["parameters"]["INIT"]), pins["O"][0], 1)
    elif kind == "INV":
        made.drive(*pins["I"])
        made.node(pins["I"], 0b01, pins["O"][0], 1)
    elif kind in {"MUXF7", "MUXF8", "MUXF9"}:
        inputs = [pins["I0"][0], pins["I1"][0], pins["S"][0]]
        made.drive(*inputs)
        made.node(inputs, 0b11001010, pins["O"][0], 0)
    elif kind == "CARRY4":
        _add_carry(made, pins)
    elif kind in FLIP_FLOPS:
        pin, value = FLIP_FLOPS[kind]
        if any(_number(bit) for name, bit in cell["parameters"].items() if name.startswith("IS_")):
            raise NotModelledError(f"a {kind} with an inverted pin is in the netlist; none is modelled")
        made.drive(pins["D"][0], pins["CE"][0], pins[pin][0])
        start = _number(cell["parameters"].get("INIT", "0"))
        made.flops.append((pins["D"][0], pins["CE"][0], pins[pin][0], value, start, pins["Q"][0]))
    elif kind in {"RAMB18E1", "RAMB36E1"}:
        made.memories.append(_memory(made, kind, cell["parameters"], pins))
    elif kind != "$scopeinfo":
        raise NotModelledError(f"a cell {kind} is in the netlist; its switching isn't modelled")


def _add_carry(made: _Builder, pins: Mapping[str, list[int]]) -> None:
    """Four stages: the sum is S xor carry, the carry goes on where S is one and is DI elsewhere."""
    carry = pins["CI"][0] or pins["CYINIT"][0]
    assert ZERO in {pins["CI"][0], pins["CYINIT"][0]}
    made.drive(carry, *pins["DI"], *pins["S"])
    outs, sums = pins.get("CO", []), pins.get("O", [])
    for i in range(4):
        if i < len(sums):
            made.node([pins["S"][i], carry], 0b0110, sums[i], 0)
        if i < len(outs):
            after = outs[i]
        else:
            after = made.new()
            made.inner.append(after)
        made.node([pins["DI"][i], carry, pins["S"][i]], 0b11001010, after, 0)
        carry = after


def _number(bits: str) -> int:
    return int(bits.replace("x", "0").replace("z", "0"), 2)


def _memory(made: _Builder, kind: str, settings: Mapping[str, str], pins: Mapping[str, list[int]]) -> Memory:
    """Read port A of a memory that is not written while it is watched; the layout is that of Xilinx UG473."""
    width = _number(settings["READ_WIDTH_A"])
    if settings.get("RAM_MODE") != "SDP" or _number(settings["READ_WIDTH_B"]) or _number(settings["DOA_REG"]):
        raise NotModelledError(
            f"a {kind} with two read ports or an output register is in the netlist; none is modelled"
        )
    address_bits = {"RAMB18E1": 14, "RAMB36E1": 15}[kind]
    data_bits = width * 8 // 9 if width >= 9 else width
    skipped = data_bits.bit_length() - 1
    address = np.array(pins["ADDRARDADDR"][skipped:address_bits])
    made.drive(*address.tolist(), pins["ENARDEN"][0])
    data = [*pins["DOADO"], *pins["DOBDO"]][:data_bits]
    parity = [*pins["DOPADOP"], *pins["DOPBDOP"]][: width - data_bits]
    words = 1 << len(address)
    parts = [_content(settings, "INIT_", words, data_bits), _content(settings, "INITP_", words, width - data_bits)]
    return Memory(
        address=address, enable=pins["ENARDEN"][0], outputs=np.array(data + parity), content=np.concatenate(parts, 1)
    )


def _content(settings: Mapping[str, str], prefix: str, words: int, width: int) -> NDArray[np.uint8]:
    """Bits that the parameters INIT_00, INIT_01, ... hold, lowest first, as words."""
    names = sorted(name for name in settings if re.fullmatch(prefix + "[0-9A-F]{2}", name))
    bits = "".join(settings[name][::-1].replace("x", "0") for name in names)
    return np.frombuffer(bits.encode(), np.uint8)[: words * width].reshape(words, width) - ord("0")
