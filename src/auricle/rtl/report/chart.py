"""The report as a picture: what designs of each size take, what a number costs, how fast they are."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, TEAL, GREY, RED = "#2563a8", "#0f766e", "#9aa5b1", "#c2410c"
COLOURS = {
    "bank of 31 registers": TEAL, "pool in block memory": BLUE,
    "uniform, a register per lane": "#d97706", "uniform, a register per lane, clocked once": "#f0b45e",
    "CLT-4": "#7c3aed", "CLT-4, clocked once": "#a78bda", "CLT-12": "#be185d", "tree of comparators": RED,
    "Box-Muller, LUTs only": "#334155", "Box-Muller, DSP and block memory": GREY,
}  # fmt: skip
SHORT = {
    "bank of 31 registers": "bank", "pool in block memory": "pool",
    "bank of 31 registers, shift fixed": "bank, shift fixed", "pool in block memory, shift fixed": "pool, shift fixed",
    "uniform, a register per lane": "uniform", "uniform, a register per lane, clocked once": "uniform, clocked once",
    "tree of comparators": "tree", "Box-Muller, LUTs only": "Box-Muller",
    "Box-Muller, DSP and block memory": "Box-Muller, DSP",
}  # fmt: skip
_GAP = 0.044
"""Between labels at the end of lines, as a share of the axis."""


def figure(result: Mapping[str, Any], path: str | Path) -> None:
    """Draw LUTs and flip-flops over lanes above, energy and clock below."""
    designs = [row for row in result["designs"] if row["target"] == "xc7"]
    drawn = Figure(figsize=(11, 8.6), layout="constrained")
    above, below = drawn.subfigures(2, 1, squeeze=False)[:, 0]
    left, right = above.subplots(1, 2)
    _draw_sizes(left, designs, "lut", "LUTs, Xilinx 7", held=False)
    _draw_sizes(right, designs, "ff", "flip-flops, lane registers among them", held=True)
    if result["fmax"]:
        left, right = below.subplots(1, 2, width_ratios=[3, 2])
        _draw_clocks(right, result["fmax"])
    else:
        left = below.subplots(1, 1)
    _draw_energies(left, designs)
    drawn.savefig(path, dpi=140)


def _draw_sizes(axes: Axes, designs: Sequence[Mapping[str, Any]], key: str, title: str, *, held: bool) -> None:
    ends: list[tuple[float, str, str, bool]] = []
    for name, colour in COLOURS.items():
        rows = [row for row in designs if row["name"] == name and row["lane_registers"] == held]
        rows.sort(key=lambda row: row["lanes"])
        if not rows:
            continue
        ours = rows[0]["family"] in {"lfsr", "pool"}
        lanes, values = [row["lanes"] for row in rows], [row[key] for row in rows]
        if ours and held:
            bare = {row["lanes"]: row[key] for row in designs if row["name"] == name and not row["lane_registers"]}
            axes.plot(lanes, [bare[size] for size in lanes], color=colour, linewidth=2, linestyle=":")
            ends.append((bare[lanes[-1]], SHORT.get(name, name) + " without them", colour, ours))
        axes.plot(lanes, values, color=colour, linewidth=2.4 if ours else 1.2, zorder=3 if ours else 2)
        for row in rows:
            face = "white" if row["extrapolated"] else colour
            axes.plot(row["lanes"], row[key], "o", markersize=4, color=colour, markerfacecolor=face, zorder=4)
        ends.append((values[-1], SHORT.get(name, name), colour, ours))
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    lanes = sorted({row["lanes"] for row in designs if row["name"] in COLOURS})
    axes.set_xticks(lanes, [f"{size:,}" for size in lanes])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("lanes (hollow: extrapolated)")
    axes.set_title(title, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    low, high = (math.log10(end) for end in axes.get_ylim())
    heights = _apart([math.log10(max(end[0], 1)) for end in ends], _GAP * (high - low))
    for height, (_, name, colour, ours) in zip(heights, ends, strict=True):
        axes.annotate(
            name, (lanes[-1], 10**height), (7, 0), textcoords="offset points", va="center", fontsize=8, color=colour,
            weight="bold" if ours else "normal", annotation_clip=False,
        )  # fmt: skip


def _apart(values: Sequence[float], gap: float) -> list[float]:
    """Heights of labels: where the lines end, but no two nearer than `gap`.

    Examples
    --------
    >>> [round(height, 2) for height in _apart([3.0, 1.0, 1.1], 0.3)]
    [3.0, 0.9, 1.2]
    """
    order = sorted(range(len(values)), key=lambda i: values[i])
    heights = [values[i] for i in order]
    for _ in range(100):
        for low in range(len(heights) - 1):
            lacking = gap - (heights[low + 1] - heights[low])
            if lacking > 0:
                heights[low] -= lacking / 2
                heights[low + 1] += lacking / 2
    return [heights[order.index(i)] for i in range(len(values))]


def _draw_energies(axes: Axes, designs: Sequence[Mapping[str, Any]]) -> None:
    most = max(row["lanes"] for row in designs)
    rows = [row for row in designs if row["lanes"] == most and row["lane_registers"] and row["energy"] is not None]
    rows.sort(key=lambda row: row["energy"])
    for place, row in enumerate(rows):
        colour = COLOURS.get(row["name"].removesuffix(", shift fixed"), GREY)
        axes.barh(place, row["energy"], color=colour, alpha=0.45)
        axes.barh(place, row["energy_zero_delay"], color=colour)
        text = f"{row['energy']:.0f}" + (" (e)" if row["extrapolated"] else "")
        axes.annotate(text, (row["energy"], place), (3, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [SHORT.get(row["name"], row["name"]) for row in rows], fontsize=9)
    axes.set_xlim(0, 1.12 * max(row["energy"] for row in rows))
    axes.invert_yaxis()
    axes.set_xlabel("changes times what they drive (pale: glitches; e: extrapolated)")
    axes.set_title(f"energy proxy of a number, {most:,} lanes with lane registers", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_clocks(axes: Axes, found: Sequence[Mapping[str, Any]]) -> None:
    rows = sorted((row for row in found if row["median"] is not None), key=lambda row: -row["median"])
    for place, row in enumerate(rows):
        colour = COLOURS.get(row["name"], GREY)
        spread = [[row["median"] - row["low"]], [row["high"] - row["median"]]]
        axes.errorbar(row["median"], place, xerr=spread, color=colour, marker="o", capsize=3)
        axes.annotate(f"{row['median']:.0f}", (row["median"], place), (0, 6), textcoords="offset points",
                      ha="center", fontsize=8)  # fmt: skip
    axes.set_yticks(range(len(rows)), [SHORT.get(row["name"], row["name"]) for row in rows], fontsize=9)
    axes.set_ylim(-0.7, len(rows) - 0.5)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.1 * max((row["high"] for row in rows), default=1))
    axes.set_xlabel("MHz: median and range over seeds")
    axes.set_title(f"clock, iCE40 HX8K, {found[0]['lanes']} lanes", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
