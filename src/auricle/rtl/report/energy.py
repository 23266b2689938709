"""A proxy for the energy of a number: what changes in the mapped netlist, and what it drives.

docs/rtl.md fixes the model in words: a net costs 1 and 1 for each pin it drives; a LUT takes one unit of time.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from auricle.errors import AuricleError
from auricle.rtl.report.design import Design
from auricle.rtl.report.netlist import netlist
from auricle.rtl.report.switching import READ_COST, run, switching

CYCLES = 512
SETTLING = 8
"""Cycles that are not counted, so that pipelines are full."""


class WrongNumbersError(AuricleError):
    """A netlist doesn't send the numbers of its golden model."""


class Energy(NamedTuple):
    """Units for each number that is sent.

    Parameters
    ----------
    glitches
        With a unit of time for each LUT.
    settled
        With zero delay.
    clock
        What the clock pins of the flip-flops would add.
    registers, register_clocks
        What lane registers would add to each of the first two, and to the third.
    memory
        What reads of block memory have in it.
    """

    glitches: float
    settled: float
    clock: float
    registers: float
    register_clocks: float
    memory: float


def energy(design: Design, module: Mapping[str, Any], *, cycles: int = CYCLES) -> Energy:
    """Stream numbers through a mapped design, and count.

    Parameters
    ----------
    design
        With inputs and a golden model.
    module
        Its netlist for Xilinx 7.
    cycles
        How many are counted.

    Raises
    ------
    NotModelledError
        The netlist has DSP blocks, or memories of another kind than a plain ROM's.
    WrongNumbersError
        The numbers aren't those of the golden model.
    """
    assert design.golden is not None
    made = netlist(module)
    found = run(made, design.inputs, cycles=cycles + SETTLING)
    sent = found.port(made, "row", design.sent)[design.latency :]
    if not np.array_equal(sent, design.golden(len(sent))):
        raise WrongNumbersError(
            f"the netlist of {design.title} at {design.lanes} lanes sends other numbers than its golden model; either "
            "the Verilog or Yosys is at fault: please report it"
        )
    counted = switching(made, found, first=SETTLING)
    numbers = counted.cycles * design.lanes
    memory = READ_COST * counted.reads / numbers
    # A lane register changes once where its bit does, and drives the pin that the bit drove before.
    registers = 2 * int(counted.settled[made.ports["row"]].sum()) / numbers
    return Energy(
        glitches=float(counted.changes @ made.weights) / numbers + memory,
        settled=float(counted.settled @ made.weights) / numbers + memory,
        clock=2 * len(made.state) / design.lanes,
        registers=registers,
        register_clocks=2.0 * design.sent,
        memory=memory,
    )
