"""What engines take of a chip, beside generators without reuse: LUTs, flip-flops, block memory, clock, energy.

>>> from auricle.rtl.report import comparison, measurement
>>> len(measurement.tasks(quick=True))
10
"""

from typing import Any

from auricle.rtl.report import comparison, measurement, streams
from auricle.rtl.report.chart import figure
from auricle.rtl.report.measurement import Progress
from auricle.rtl.report.show import markdown, summary

__all__ = ["assemble", "figure", "markdown", "report", "summary"]

MODEL = (
    "Proxy: netlist for Xilinx 7, 512 cycles without stalls, one unit of time for each LUT, none for carries; a change "
    "costs 1 and 1 for each pin driven; 15 for each bit read from block memory; no clock, no DSP blocks, no wire "
    "lengths. docs/rtl.md fixed it before the comparison."
)


def report(*, quick: bool = False, progress: Progress | None = None) -> dict[str, Any]:
    """Measure engines and generators without reuse, and compare them.

    Parameters
    ----------
    quick
        16 and 64 lanes, Xilinx 7, one seed of the placer, only the cheapest generators without reuse, no update lanes.
    progress
        Called with what is done, of how much, and a word for it.

    Returns
    -------
    dict
        JSON-able: `tools`, `designs`, `fmax`, `comparison`, `musts`, `update` (per lane), `statistics`, `paper`,
        `energy_model`, `missing` (what was left out, and why), `quick`.

    Raises
    ------
    MissingExtraError
        Yosys isn't installed. Without nextpnr there are no clocks.
    """
    return assemble(measurement.measure(measurement.tasks(quick=quick), progress=progress), quick=quick)


def assemble(measured: dict[str, Any], *, quick: bool) -> dict[str, Any]:
    """Compare what `measure` found."""
    lanes = measurement.SYNTHESISED if quick else measurement.LANES
    rows = [*measured["rows"], *comparison.extrapolated(measured["rows"], lanes)]
    order = {name: i for i, name in enumerate(dict.fromkeys(row["name"] for row in rows))}
    rows.sort(key=lambda row: (row["target"], row["family"] not in {"lfsr", "pool"}, order[row["name"]], row["lanes"]))
    compared = comparison.comparison(rows)
    return {
        "tools": measured["tools"],
        "quick": quick,
        "designs": [{key: _short(value) for key, value in row.items() if key != "line"} for row in rows],
        "fmax": [{key: _short(value) for key, value in row.items()} for row in measured["fmax"]],
        "comparison": [{key: _short(value) for key, value in row.items()} for row in compared],
        "musts": [{k: _short(v) for k, v in row.items()} for row in comparison.musts(compared, lanes=1024)],
        "paper": comparison.PAPER,
        "update": comparison.per_lane(rows),
        "statistics": streams.baseline_statistics(),
        "energy_model": MODEL,
        "missing": measured["missing"],
    }


def _short(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
