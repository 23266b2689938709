"""The report as a page and on the screen."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from auricle.rtl.report.comparison import LEAST_FF, PROMISES, WORDS
from auricle.rtl.report.synthesis import Target

Row = Mapping[str, Any]
Cells = list[list[str]]
_SAVED = ("lut", "ff", "energy", "energy_zero_delay", "energy_with_clock")


def markdown(result: Mapping[str, Any]) -> str:
    """Write everything as a page, with the chart beside it as report.png."""
    tools = ", ".join(f"{name} {version}" for name, version in result["tools"].items())
    how = "`auricle rtl report" + (" --quick" if result["quick"] else "") + "`"
    parts = [
        "# What an engine costs in hardware",
        (
            f'{how}: {tools}. What is counted, and the energy proxy, are described in docs/rtl.md under "What it '
            'costs"; that text was fixed before anything was compared, but for one correction that it names. '
            "Numbers have 8 bits, of CLT-12 9. (e) means extrapolated."
        ),
        "![LUTs, flip-flops, energy and clock](report.png)",
    ]
    for title, text, header, rows in tables(result):
        parts.append(f"## {title}")
        parts += [text] if text else []
        parts += [_table(header, rows)] if rows else []
    parts += ["## Left out", "\n".join(f"- {line}" for line in result["missing"])] if result["missing"] else []
    return "\n\n".join(parts) + "\n"


def summary(result: Mapping[str, Any]) -> str:
    """Say in a screenful what was found."""
    lines = []
    for title, text, header, rows in tables(result):
        if title.startswith(("Promises", "Reuse", "At ")):
            lines += [title, "", *([text, ""] if text else []), *([_table(header, rows), ""] if rows else [])]
    return "\n".join([*lines, *result["missing"]]).rstrip()


def tables(result: Mapping[str, Any]) -> Iterable[tuple[str, str, list[str], Cells]]:
    """Title, text, header and rows of each table."""
    designs, most = result["designs"], max(row["lanes"] for row in result["designs"])
    yield (
        "Promises",
        _promises_text(result),
        ["engine", "target", "lane registers", *_musts()],
        _promises(result["musts"]),
    )
    yield (
        "Reuse alone",
        _reuse_text(result["comparison"]),
        ["engine", "against", "lanes", "lane registers", "LUT", "FF", "energy", "zero delay", "with clock"],
        [
            [
                row["engine"],
                row["against"],
                _lanes(row),
                _yes(row["lane_registers"]),
                *(_share(row[key]) for key in _SAVED),
            ]
            for row in result["comparison"]
            if row["family"] == "uniform" and row["target"] == "xc7" and row["lanes"] == most
        ],
    )
    paper = result["paper"]
    yield (
        "The paper",
        paper["remark"],
        ["LUT", "FF", "power"],
        [[_share(paper["lut"]), _share(paper["ff"]), "up to " + _share(paper["power"])]],
    )
    for target in dict.fromkeys(row["target"] for row in designs):
        yield _sizes(designs, target, most)
    yield (
        "Engines of each size, Xilinx 7, without lane registers",
        "",
        ["engine", "lanes", "LUT", "FF", "BRAM", "energy", "of it block memory"],
        [
            [
                row["name"], str(row["lanes"]), *(f"{row[key]:,g}" for key in ("lut", "ff", "bram")),
                _units(row["energy"]), _units(row["energy_memory"]),
            ]
            for row in sorted(designs, key=lambda row: (row["name"], row["lanes"]))
            if row["family"] in {"lfsr", "pool"} and row["target"] == "xc7" and not row["lane_registers"]
        ],
    )  # fmt: skip
    if result["fmax"]:
        yield _clocks(result["fmax"])
    if result["update"]:
        yield (
            "Updating weights: one more lane",
            "Slopes between the sizes that were synthesised: 16 and 64 lanes, or 64 and 128 with shared multipliers.",
            ["lane", "target", "LUT", "FF", "DSP"],
            [
                [row["name"], row["target"], f"{row['lut']:.1f}", f"{row['ff']:.1f}", f"{row['dsp']:.2f}"]
                for row in result["update"]
            ],
        )
    yield _statistics(result["statistics"])


def _musts() -> list[str]:
    return [f"{WORDS[figure]}, at least {100 * must:.0f} %" for figure, must in PROMISES.items()]


def _promises(musts: Sequence[Row]) -> Cells:
    """One row for each engine, target and kind; a cell for each figure, with the generator that is nearest."""
    rows: dict[tuple[str, str, bool], dict[str, str]] = {}
    for must in musts:
        cell = f"{_share(must['value'])} ({must['against']})" + ("" if must["met"] else " MISSED")
        rows.setdefault((must["engine"], must["target"], must["lane_registers"]), {})[must["figure"]] = cell
    return [
        [engine, target, _yes(held), *(cells.get(figure, "") for figure in PROMISES)]
        for (engine, target, held), cells in rows.items()
    ]


def _promises_text(result: Mapping[str, Any]) -> str:
    if not result["musts"]:
        return "They are about 1,024 lanes, which the quick report leaves out."
    count = sum(must["met"] for must in result["musts"])
    return (
        f"What an engine of 1,024 lanes saves against each Gaussian generator per lane with more than {LEAST_FF:,} "
        "flip-flops, lane registers on both sides or on neither; the least is shown, with the generator it is against. "
        f"{count} of {len(result['musts'])} are met. With a run-time shift an engine sends 12 bits a lane, with a "
        "fixed one 8, the others 8 or 9."
    )


def _reuse_text(compared: Sequence[Row]) -> str:
    few = [row for row in compared if row["family"] == "uniform" and row["target"] == "xc7" and row["lanes"] == 64]
    text = (
        "What an engine saves against one uniform shift register per lane: the same law without reuse. Below 0 the "
        "engine takes more. The first kind of register is that of the bank; the other, of 8 bits and clocked once a "
        "number, is the least there can be, and its neighbouring numbers share 7 bits. Engines have a stream, a "
        "snapshot, a seed port and a shift besides."
    )
    if few:
        parts = [
            f"{_share(min(row[key] for row in few))} to {_share(max(row[key] for row in few))} of the {word}"
            for key, word in (("lut", "LUTs"), ("ff", "flip-flops"), ("energy", "energy"))
        ]
        text += f" Few lanes don't pay: at 64, {', '.join(parts)} are saved."
    return text


def _sizes(designs: Sequence[Row], target: Target, lanes: int) -> tuple[str, str, list[str], Cells]:
    chosen = [row for row in designs if row["target"] == target and row["lanes"] == lanes]
    modelled = any(row["energy"] is not None for row in chosen)
    rows = []
    for row in chosen:
        cells = [row["name"] + _mark(row), _yes(row["lane_registers"])]
        cells += [f"{row[key]:,g}" for key in ("lut", "ff", "bram", "dsp")]
        if modelled:
            cells += [_units(row[key]) for key in ("energy", "energy_zero_delay", "energy_with_clock")]
        rows.append(cells)
    header = ["design", "lane registers", "LUT", "FF", "BRAM", "DSP"]
    words = "Energy is in units of the proxy for each number; empty where it isn't modelled." if modelled else ""
    names = {"xc7": "Xilinx 7", "xcup": "UltraScale+"}
    extra = ["energy", "zero delay", "with clock"] if modelled else []
    return f"At {lanes:,} lanes, {names[target]}", words, header + extra, rows


def _clocks(found: Sequence[Row]) -> tuple[str, str, list[str], Cells]:
    rows = []
    for row in found:
        if row["median"] is None:
            rows.append([row["name"], str(row["lanes"]), "doesn't fit", "", "", ""])
            continue
        spread = f"{row['low']:.0f} to {row['high']:.0f}"
        rows.append([
            row["name"], str(row["lanes"]), f"{row['median']:.0f}", spread, str(row["seeds"]), f"{row['cells']:,}",
        ])  # fmt: skip
    text = (
        "iCE40 HX8K, between flip-flops at all inputs and outputs, by nextpnr; no pipeline was added to any design. An "
        "ordering, not what a Xilinx chip reaches."
    )
    return "Clock, MHz", text, ["design", "lanes", "median", "range", "seeds", "cells, with flip-flops around"], rows


def _statistics(found: Sequence[Row]) -> tuple[str, str, list[str], Cells]:
    return (
        "The numbers of the generators without reuse",
        (
            "Golden models, which the tests hold against the Verilog; 64 lanes, 4,096 cycles. Mean and variance over "
            "the law's, distance after Kolmogorov and Smirnov, correlation with a lane's next number."
        ),
        ["generator", "law", "mean", "variance", "excess kurtosis", "claimed", "distance", "correlation"],
        [
            [
                row["name"], row["law"], f"{row['mean']:+.4f}", f"{row['variance']:.4f}", f"{row['kurtosis']:+.3f}",
                f"{row['claimed_kurtosis']:+.3f}", f"{row['distance']:.4f}", f"{row['lag']:+.3f}",
            ]
            for row in found
        ],
    )  # fmt: skip


def _table(header: Sequence[str], rows: Cells) -> str:
    lines = ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _units(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _mark(row: Row) -> str:
    return " (e)" if row["extrapolated"] else ""


def _lanes(row: Row) -> str:
    return f"{row['lanes']:,}" + _mark(row)
