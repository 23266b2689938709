"""The proxy for energy: netlists as arrays, changes of their nets against a plain simulation, numbers by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.rtl import Engine, row_pool
from auricle.rtl.baselines import CentralLimit, Uniform
from auricle.rtl.report.design import of_baseline, of_engine
from auricle.rtl.report.energy import WrongNumbersError, energy
from auricle.rtl.report.netlist import NotModelledError, netlist
from auricle.rtl.report.switching import READ_COST, run, switching
from auricle.rtl.report.synthesis import synthesise, write

CLK, RST, FIRST = 2, 3, 10


def module(cells, outputs=()):
    ports = {
        "clk": {"direction": "input", "bits": [CLK]},
        "rst": {"direction": "input", "bits": [RST]},
        "out": {"direction": "output", "bits": list(outputs)},
    }
    return {"ports": ports, "cells": {f"cell{i}": cell for i, cell in enumerate(cells)}}


def lut(table, inputs, output):
    pins = {f"I{i}": [net] for i, net in enumerate(inputs)} | {"O": [output]}
    width = 1 << len(inputs)
    return {"type": f"LUT{len(inputs)}", "parameters": {"INIT": f"{table:0{width}b}"}, "connections": pins}


def flop(data, state, kind="FDRE", enable="1"):
    pin = {"FDRE": "R", "FDSE": "S"}[kind]
    pins = {"C": [CLK], "CE": [enable], "D": [data], pin: [RST], "Q": [state]}
    return {"type": kind, "parameters": {"INIT": "x"}, "connections": pins}


def test_a_glitch_is_counted_with_delays_and_not_without():
    """A bit that turns each cycle, and its exclusive or with its own inverse: always one, but for a moment."""
    q, inverse, both = 10, 11, 12
    inverter = {"type": "INV", "parameters": {}, "connections": {"I": [q], "O": [inverse]}}
    made = netlist(module([flop(inverse, q), inverter, lut(0b0110, [q, inverse], both)], outputs=[both]))
    found = switching(made, run(made, {}, cycles=101), first=1)
    assert found.cycles == 100
    # q drives the inverter and the LUT, its inverse the flip-flop and the LUT, the LUT the port.
    assert found.settled @ made.weights == 100 * (3 + 3)
    assert found.changes @ made.weights == 100 * (3 + 3 + 2 * 2)


def plain(cells, cycles):
    """Step the same cells one by one: changes with a delay of one, and without, of each net."""
    luts = [cell for cell in cells if cell["type"].startswith("LUT")]
    flops = [cell for cell in cells if cell["type"].startswith("FD")]

    def look(cell, now):
        pins = [now[cell["connections"][f"I{i}"][0]] for i in range(len(cell["connections"]) - 1)]
        return int(cell["parameters"]["INIT"][::-1][sum(bit << i for i, bit in enumerate(pins))])

    nets = {cell["connections"]["O"][0] for cell in luts} | {cell["connections"]["Q"][0] for cell in flops}
    now = {"0": 0, "1": 1, RST: 1} | dict.fromkeys(nets, 0)
    fast, slow = dict.fromkeys(nets, 0), dict.fromkeys(nets, 0)
    for cycle in range(-2, cycles):
        before = dict(now)
        now[RST] = int(cycle < 0)
        if cycle > -2:
            held = {}
            for cell in flops:
                pins = cell["connections"]
                data = before[pins["D"][0]] if before[pins["CE"][0]] else before[pins["Q"][0]]
                held[pins["Q"][0]] = int("S" in pins) if before[RST] else data
            changed = [net for net in held if held[net] != now[net]]
            now |= held
            for net in changed if cycle > 0 else ():
                slow[net] += 1
        for _ in range(len(luts) + 1):
            after = {cell["connections"]["O"][0]: look(cell, now) for cell in luts}
            for net, bit in after.items():
                slow[net] += cycle > 0 and bit != now[net]
            now |= after
        for net in nets:
            fast[net] += cycle > 0 and before[net] != now[net]
    return fast, slow


@st.composite
def netlists(draw):
    """Flip-flops, and LUTs of one to six inputs that read flip-flops, constants and earlier LUTs."""
    states = list(range(FIRST, FIRST + draw(st.integers(1, 4))))
    nets, cells = [*states, "0", "1"], []
    for i in range(draw(st.integers(1, 12))):
        inputs = draw(st.lists(st.sampled_from(nets), min_size=1, max_size=6))
        cells.append(lut(draw(st.integers(0, (1 << (1 << len(inputs))) - 1)), inputs, FIRST + 10 + i))
        nets.append(FIRST + 10 + i)
    for state in states:
        kind = draw(st.sampled_from(["FDRE", "FDSE"]))
        cells.append(flop(draw(st.sampled_from(nets)), state, kind, draw(st.sampled_from(nets))))
    return cells


@settings(max_examples=40, deadline=None)
@given(cells=netlists())
def test_changes_are_those_of_a_plain_simulation(cells):
    nets = [cell["connections"]["O" if cell["type"].startswith("LUT") else "Q"][0] for cell in cells]
    made = netlist(module(cells, outputs=nets))
    cycles = 70
    found = switching(made, run(made, {}, cycles=cycles), first=1)
    fast, slow = plain(cells, cycles)
    for net, place in zip(nets, made.ports["out"], strict=True):
        assert found.settled[place] == fast[net]
        assert found.changes[place] == slow[net]


@settings(max_examples=25, deadline=None)
@given(a=st.integers(0, 255), b=st.integers(0, 255), carry=st.integers(0, 1))
def test_two_carry_blocks_add(a, b, carry):
    """S is the exclusive or of the terms, DI one of them: how Xilinx adds."""
    bits = [str(a >> i & 1) for i in range(8)], [str(b >> i & 1) for i in range(8)]
    cells = [lut(0b0110, [bits[0][i], bits[1][i]], 20 + i) for i in range(8)]
    for part in range(2):
        places = range(4 * part, 4 * part + 4)
        cells.append({
            "type": "CARRY4", "parameters": {},
            "connections": {
                "CI": [43 if part else "0"], "CYINIT": ["0" if part else str(carry)],
                "DI": [bits[0][i] for i in places],
                "S": [20 + i for i in places], "O": [30 + i for i in places], "CO": [40 + i for i in places],
            },
        })  # fmt: skip
    made = netlist(module(cells, outputs=[*range(30, 38), 47]))
    values = run(made, {}, cycles=1).values[0, made.ports["out"]]
    assert int(values @ (1 << np.arange(9))) == a + b + carry


def test_the_cost_of_a_read_follows_from_that_of_an_addition():
    """Eight bits and eight bits of a leaping register, with and without their sum."""
    state, fresh = list(range(100, 133)), list(range(200, 216))
    stream = state + fresh
    cells = [lut(0b0110, [stream[i], stream[i + 13]], net) for i, net in enumerate(fresh)]
    cells += [flop(stream[i + 16], net, "FDRE" if i % 3 else "FDSE") for i, net in enumerate(state)]
    sums = [lut(0b0110, [state[i], state[i + 8]], 300 + i) for i in range(8)]
    for part in range(2):
        places = range(4 * part, 4 * part + 4)
        pins = {"CI": [403 if part else "0"], "CYINIT": ["0"], "DI": [state[i] for i in places]}
        pins |= {"S": [300 + i for i in places], "O": [500 + i for i in places], "CO": [400 + i for i in places]}
        sums.append({"type": "CARRY4", "parameters": {}, "connections": pins})

    def units(made):
        found = switching(made, run(made, {}, cycles=2049), first=1)
        return found.changes @ made.weights / found.cycles

    addition = units(netlist(module(cells + sums, outputs=range(500, 508)))) - units(netlist(module(cells)))
    assert addition == pytest.approx(41, abs=2)
    assert pytest.approx(10 / 64 / (0.03 * 14 / 41), abs=0.5) == READ_COST


def cell(kind, parameters=None, **pins):
    return {"type": kind, "parameters": parameters or {}, "connections": pins}


ROM = {"RAM_MODE": "SDP", "READ_WIDTH_A": f"{9:032b}", "READ_WIDTH_B": "0", "DOA_REG": "0"}
ROM |= {f"INIT_{i:02X}": "0" * 256 for i in range(64)} | {f"INITP_{i:02X}": "0" * 256 for i in range(8)}


@pytest.mark.parametrize(
    ("one", "driven"),
    [
        (lut(0, [10, 11, 12], 20), [10, 11, 12]),
        (lut(0, [10, 10], 20), [10, 10]),
        (cell("INV", I=[10], O=[20]), [10]),
        *((cell(kind, I0=[10], I1=[11], S=[12], O=[20]), [10, 11, 12]) for kind in ("MUXF7", "MUXF8")),
        (cell("FDRE", D=[10], CE=[11], R=[12], Q=[20]), [10, 11, 12]),
        (cell("FDSE", D=[10], CE=[11], S=[12], Q=[20]), [10, 11, 12]),
        (cell("CARRY4", CI=["0"], CYINIT=[10], DI=[11] * 4, S=[12] * 4, CO=[20]), [10, *[11] * 4, *[12] * 4]),
        (
            cell("RAMB18E1", ROM, ADDRARDADDR=["0"] * 3 + [10] * 11, ENARDEN=[11], DOADO=list(range(20, 36)),
                 DOBDO=[], DOPADOP=[36, 37], DOPBDOP=[]),
            [*[10] * 11, 11],
        ),
    ],
)  # fmt: skip
def test_a_change_costs_one_and_one_for_each_pin_that_it_drives(one, driven):
    made = netlist(module([one], outputs=[10, 11, 12]))
    costs = {net: int(made.weights[place]) for net, place in zip((10, 11, 12), made.ports["out"], strict=True)}
    # One is the net's own, one the port's.
    assert costs == {net: 2 + driven.count(net) for net in (10, 11, 12)}


@pytest.mark.parametrize("select", [0, 1])
def test_a_multiplexer_takes_its_second_input_where_it_is_selected(select):
    made = netlist(module([cell("MUXF7", I0=["0"], I1=["1"], S=[str(select)], O=[20])], outputs=[20]))
    assert run(made, {}, cycles=1).values[0, made.ports["out"][0]] == select


def test_wires_inside_a_carry_block_cost_nothing():
    pins = {"CI": ["0"], "CYINIT": ["0"], "DI": ["0"] * 4, "S": [20, 21, 22, 23], "O": [30, 31, 32, 33]}
    cells = [{"type": "CARRY4", "parameters": {}, "connections": pins}, *(flop("1", 20 + i) for i in range(4))]
    made = netlist(module(cells, outputs=[30]))
    assert sorted(made.weights)[:2] == [0, 0]
    assert made.weights[made.ports["out"][0]] == 2
    assert (made.weights == 0).sum() == 2 + 4  # the constants, and what would lead from stage to stage


def memory(content, data, parity, address):
    """A block memory of 512 words of 36 bits, as Yosys writes it: 32 bits of data and 4 of parity."""
    rows = [f"{word:036b}"[::-1] for word in content]
    plain_bits, parity_bits = "".join(row[:32] for row in rows), "".join(row[32:] for row in rows)
    settings_ = {"RAM_MODE": "SDP", "READ_WIDTH_A": f"{36:032b}", "READ_WIDTH_B": "0", "DOA_REG": "0", "INIT_A": "0"}
    for name, bits in (("INIT", plain_bits), ("INITP", parity_bits)):
        settings_ |= {f"{name}_{i:02X}": bits[256 * i : 256 * i + 256][::-1] for i in range(len(bits) // 256)}
    pins = {
        "ADDRARDADDR": ["0"] * 5 + address, "ENARDEN": ["1"], "DOADO": data[:16], "DOBDO": data[16:],
        "DOPADOP": parity[:2], "DOPBDOP": parity[2:],
    }  # fmt: skip
    return {"type": "RAMB18E1", "parameters": settings_, "connections": pins}


def test_a_block_memory_gives_its_words_a_cycle_later_and_each_bit_is_paid_for():
    rng = np.random.default_rng(0)
    content = [int(word) for word in rng.integers(0, 1 << 36, 512)]
    bits = [100 + i for i in range(36)]
    # A counter of nine bits as the address: a register that turns, of which each state is another word.
    address = [200 + i for i in range(9)]
    cells = [flop(address[i - 1], address[i]) for i in range(1, 9)]
    cells += [flop(300, address[0], "FDSE"), lut(0b0110, [address[8], address[3]], 300)]
    made = netlist(module([*cells, memory(content, bits[:32], bits[32:], address)], outputs=bits))
    found = run(made, {}, cycles=50)
    states = found.values[:, [made.memories[0].address]].reshape(50, 9) @ (1 << np.arange(9))
    words = found.values[:, made.ports["out"]] @ (1 << np.arange(36, dtype=np.int64))
    assert len(set(states)) == 50
    assert [content[state] for state in states[:-1]] == words[1:].tolist()
    assert switching(made, found, first=1).reads == 36 * 49


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ({"type": "DSP48E1", "parameters": {}, "connections": {}}, "a cell DSP48E1 is in the netlist; its switching"),
        (flop(10, 11) | {"parameters": {"INIT": "0", "IS_D_INVERTED": "1"}}, "a FDRE with an inverted pin is in"),
        (
            {"type": "RAMB18E1", "parameters": {"READ_WIDTH_A": "1001", "RAM_MODE": "TDP"}, "connections": {}},
            "a RAMB18E1 with two read ports or an output register is in the netlist; none is modelled",
        ),
    ],
)
def test_what_is_not_modelled_is_named(cell, text):
    with pytest.raises(NotModelledError, match=text):
        netlist(module([cell]))


@pytest.fixture(scope="module")
def mapped(yosys):
    design = of_baseline(CentralLimit(lanes=2))
    return design, synthesise(design, "xc7", yosys)[1]


def test_energies_stand_in_order_and_glitches_cost(mapped):
    found = energy(*mapped)
    assert found.glitches > 1.1 * found.settled > 0
    assert found.memory == 0
    assert found.clock == 2 * 33
    # Eight bits that change every other time, and drive one pin.
    assert found.registers == pytest.approx(8, rel=0.05)


def test_more_cycles_give_the_same_energy(mapped):
    assert energy(*mapped, cycles=2048).glitches == pytest.approx(energy(*mapped).glitches, rel=0.02)


def test_a_netlist_that_sends_other_numbers_is_refused(mapped):
    design, found = mapped
    wrong = replace(design, golden=CentralLimit(lanes=2, seed=1).numbers)
    with pytest.raises(WrongNumbersError, match="the netlist of CLT-4 at 2 lanes sends other numbers than its golden"):
        energy(wrong, found)
    broken = json.loads(json.dumps(found))
    cell = next(cell for cell in broken["cells"].values() if cell["type"] == "LUT2")
    cell["parameters"]["INIT"] = "1000"
    with pytest.raises(WrongNumbersError, match="CLT-4"):
        energy(design, broken)


def test_lane_registers_by_arithmetic_are_those_of_a_netlist_that_has_them(yosys, tmp_path):
    design = of_baseline(Uniform(lanes=2))
    top = (
        f"module held (input wire clk, input wire rst, input wire next, output reg [15:0] row);\n"
        f"    wire [15:0] made;\n    {design.top} core (.clk(clk), .rst(rst), .next(next), .row(made));\n"
        "    always @(posedge clk) if (rst) row <= 16'd0; else if (next) row <= made;\nendmodule\n"
    )
    held = replace(design, top="held", files={**design.files, "held.v": top}, latency=1)
    plain_counts, plain_module = synthesise(design, "xc7", yosys)
    held_counts, held_module = synthesise(held, "xc7", yosys)
    assert held_counts.ff == plain_counts.ff + 2 * design.sent
    assert held_counts.lut == plain_counts.lut
    with_arithmetic, explicit = energy(design, plain_module), energy(held, held_module)
    # The last cycle's numbers are not yet in the registers: one cycle of 512 may differ.
    assert explicit.glitches == pytest.approx(with_arithmetic.glitches + with_arithmetic.registers, rel=0.005)
    assert explicit.clock == with_arithmetic.clock + with_arithmetic.register_clocks


def test_a_pool_pays_for_the_bits_it_reads(yosys):
    pool = of_engine(Engine(spec=row_pool(lanes=16)), fixed=True)
    counts, found = synthesise(pool, "xc7", yosys)
    assert (counts.bram, counts.dsp) == (2, 0)
    # 16 words of 8 bits for 16 lanes, of 144 that two memories read.
    assert READ_COST * 8 <= energy(pool, found).memory <= READ_COST * 9


def test_designs_are_written_whole(tmp_path):
    design = of_engine(Engine(spec=row_pool(lanes=16)))
    write(design, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(design.files)
    assert "auricle_pool.hex" in design.files
    assert "auricle_measured.v" in design.sources
