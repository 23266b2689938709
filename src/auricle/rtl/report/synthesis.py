"""What a design takes of a chip, counted by Yosys."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from auricle.rtl.report.design import Design
from auricle.rtl.tools import Tool, ToolError, run

Target = Literal["xc7", "xcup"]
TARGETS: tuple[Target, ...] = ("xc7", "xcup")

_SYNTHESIS = """
read_verilog {sources}
synth_xilinx -flatten -family {target} -noiopad -noclkbuf {options} -top {top}
tee -q -o cells.json stat -json
write_json netlist.json
"""

LUTS = {
    "INV": 1, "SRL16E": 1, "SRLC16E": 1, "SRLC32E": 1, "RAM32X1S": 1, "RAM64X1S": 1, "RAM32X1D": 2, "RAM64X1D": 2,
    "RAM32M": 4, "RAM64M": 4, **{f"LUT{i}": 1 for i in range(1, 7)},
}  # fmt: skip
"""LUTs that a cell takes; an inverter that no LUT has absorbed needs one of its own."""
BLOCKS = {"RAMB18E1": 0.5, "RAMB36E1": 1, "RAMB18E2": 0.5, "RAMB36E2": 1}
MULTIPLIERS = {"DSP48E1", "DSP48E2"}
FREE = {"CARRY4", "CARRY8", "MUXF7", "MUXF8", "MUXF9", "$scopeinfo", "$_scopeinfo"}
"""What stands beside LUTs and is there anyhow."""


class Counts(NamedTuple):
    """LUTs, flip-flops, block memories of 36 kbit, DSP blocks."""

    lut: float
    ff: float
    bram: float
    dsp: float


def count(cells: Mapping[str, int]) -> Counts:
    """Sum cells up.

    Raises
    ------
    ToolError
        A cell that has no place in the table.

    Examples
    --------
    >>> count({"LUT6": 10, "INV": 2, "FDRE": 7, "RAMB18E1": 3, "CARRY4": 5})
    Counts(lut=12, ff=7, bram=1.5, dsp=0)
    """
    lut = ff = dsp = 0
    bram = 0.0
    for kind, number in cells.items():
        if kind in LUTS:
            lut += LUTS[kind] * number
        elif kind.startswith("FD"):
            ff += number
        elif kind in BLOCKS:
            bram += BLOCKS[kind] * number
        elif kind in MULTIPLIERS:
            dsp += number
        elif kind not in FREE:
            raise ToolError(
                f"Yosys gave {number} cells of kind {kind}, which the report doesn't count; use pyosys 0.70"
            )
    return Counts(lut, ff, bram, dsp)


def synthesise(design: Design, target: Target, tool: Tool) -> tuple[Counts, dict[str, Any]]:
    """Map a design.

    Parameters
    ----------
    design
        What.
    target
        Xilinx 7 or UltraScale+.
    tool
        Yosys.

    Returns
    -------
    Counts
        What it takes.
    dict
        The mapped module, as Yosys writes it to JSON.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write(design, folder)
        script = _SYNTHESIS.format(
            sources=" ".join(design.sources), target=target, options=" ".join(design.options), top=design.top
        )
        run(list(tool.command), folder, text=script.strip() + "\n")
        cells = json.loads((folder / "cells.json").read_text(encoding="utf-8"))["design"]["num_cells_by_type"]
        module = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))["modules"][design.top]
    return count(cells), module


def write(design: Design, folder: Path) -> None:
    """Write a design's files into a folder."""
    for name, text in design.files.items():
        (folder / name).write_text(text, encoding="utf-8")
