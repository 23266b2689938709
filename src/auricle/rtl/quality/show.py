"""The quality of streams as tables and as a figure."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = {"auricle_lfsr": "#0f766e", "auricle_pool": "#2563a8"}
GREY = "#9aa5b1"

Rows = list[list[str]]


def table(result: dict[str, Any]) -> str:
    """Lay a result of `examine` out for a person, as Markdown."""
    parts = []
    for title, header, rows in tables(result):
        lines = ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
        lines += ["| " + " | ".join(row) + " |" for row in rows]
        parts.append(f"{title}\n\n" + "\n".join(lines))
    return "\n\n".join(parts)


def markdown(result: dict[str, Any]) -> str:
    """Write the same as a page, with the figure beside it as rtl-quality.png."""
    head = (
        "# Quality of what the engines send\n\n`auricle rtl quality --out docs/bench`; the numbers depend on the specs "
        "alone. What they mean for training: [../rtl.md](../rtl.md#quality-of-the-stream).\n\n"
        "![Correlations, likeness of directions, and what they span](rtl-quality.png)\n\n"
        "A bound is what independent numbers exceed anywhere with a chance of 1 % (Bonferroni, over all correlations "
        "of that row); *above* counts those beyond it.\n\n"
    )
    return head + table(result) + "\n"


def label(one: dict[str, Any]) -> str:
    """Name an engine in few words."""
    spec = one["spec"]
    if spec["kind"] == "lfsr":
        return f"bank of {spec['generators']}, {one['lanes']:,} lanes"
    return f"pool of {spec['rows']:,} x {spec['words']}, {one['lanes']:,} lanes"


def tables(result: dict[str, Any]) -> Iterable[tuple[str, list[str], Rows]]:
    """Title, header and rows of each table."""
    engines = result["engines"]
    yield (
        "## Single numbers and pairs, over a whole period",
        ["", "numbers", "of each: expected", "least to most", "mean", "variance over uniform's", "pairs: expected",
         "least to most", "p"],
        [_counts(one) for one in engines],
    )  # fmt: skip
    yield (
        "## Correlations",
        ["", "of", "samples", "correlations", "bound", "above", "at multiples of", "largest, and at which lag"],
        [row for one in engines for row in _correlations(one)],
    )
    yield (
        f"## Likeness of directions: cosine of the first with later ones, {result['dimension']:,} weights",
        ["", "groups that move alike", "looked at", "of", "rms", "of independent groups", "of Gaussians", "bound",
         "above", "largest, and how many directions later", "half of it again after"],
        [_likeness(one) for one in engines],
    )  # fmt: skip
    yield (
        "## What directions span: rank, and how evenly (participation ratio; k for orthogonal ones)",
        ["", "directions k", "rank", "even", "of independent groups", "of Gaussians"],
        [
            [label(one), *(f"{value:,.0f}" for value in found.values())]
            for one in engines
            for found in one["spans"]
        ],
    )  # fmt: skip


def _counts(one: dict[str, Any]) -> list[str]:
    found, pairs = one["equidistribution"], one["pairs"]
    ratio = float(Fraction(found["variance"]) / Fraction(found["uniform_variance"]))
    return [
        label(one), f"{found['numbers']:,}", f"{found['expected']:.2f}", f"{found['least']} to {found['most']}",
        found["mean"], f"{ratio:.5f}", f"{pairs['expected']:.2f}", f"{pairs['least']} to {pairs['most']}",
        f"{pairs['p']:.3f}",
    ]  # fmt: skip


def _correlations(one: dict[str, Any]) -> Rows:
    places = [("a lane, cycle to cycle", one["lane"])]
    if one["beat"]:
        places.append(("the words of a beat", one["beat"]))
    places += [(f"a weight of row {found['row']:,}, direction to direction", found) for found in one["weights"]]
    rows = []
    for what, found in places:
        largest = ", ".join(f"{value:+.3f} at {_place(place)}" for place, value in found["largest"][:3])
        rows.append([
            label(one), what, f"{found['samples']:,}", f"{found['tests']:,}", f"{found['bound']:.3f}",
            f"{found['above']:,}", f"{found['common']:,}" if found["common"] else "", largest,
        ])  # fmt: skip
    return rows


def _place(place: Any) -> str:
    return f"{place:,}" if isinstance(place, int) else "words " + " and ".join(map(str, place))


def _likeness(one: dict[str, Any]) -> list[str]:
    found = one["likeness"]
    largest = ", ".join(f"{value:+.3f} at {place:,}" for place, value in found["largest"][:3])
    return [
        label(one), f"{found['groups']:,}", f"{found['directions']:,}", f"{found['of']:,}", f"{found['rms']:.4f}",
        f"{found['groups_rms']:.4f}", f"{found['gaussian_rms']:.4f}", f"{found['bound']:.3f}", f"{found['above']:,}",
        largest, f"{found['first_half']:,}" if found["first_half"] else "",
    ]  # fmt: skip


def figure(result: dict[str, Any], path: Path) -> None:
    """Draw the correlations and directions of the widest engines, and what the directions of all of them span."""
    engines = result["engines"]
    widest = max(one["lanes"] for one in engines)
    shown = [one for one in engines if one["lanes"] == widest]
    drawn = Figure(figsize=(12, 4.2 * (1 + len(shown)) / 2 * 1.2), layout="constrained")
    axes = drawn.subplots(len(shown) + 1, 2, squeeze=False)
    for row, one in zip(axes, shown, strict=False):
        colour = COLOURS[one["name"]]
        _draw(row[0], one["lane_lags"], one["lane"]["bound"], colour)
        row[0].set_title(f"{label(one)}: a lane with itself", fontsize=10)
        row[0].set_xlabel("lag, cycles")
        row[0].set_ylabel("correlation")
        _draw(row[1], one["likeness"]["all"], one["likeness"]["bound"], colour)
        row[1].set_title(f"{label(one)}: direction 0 with later ones", fontsize=10)
        row[1].set_xlabel("directions later")
        row[1].set_ylabel("cosine")
    _draw_spans(axes[-1, 0], engines, "groups_even", "independent directions over as many groups")
    _draw_spans(axes[-1, 1], engines, "gaussian_even", "Gaussian directions")
    drawn.savefig(path, dpi=130)


def _draw(axes: Axes, values: list[list[float]], bound: float, colour: str) -> None:
    """Stems to the greatest value of each stretch, with the bound of chance as a band."""
    places, heights = zip(*values, strict=True)
    axes.vlines(places, 0, heights, color=colour, linewidth=0.8)
    axes.axhspan(-bound, bound, color=GREY, alpha=0.35, linewidth=0, label="chance (1 % anywhere)")
    axes.set_ylim(-1.05 if min(heights) < -0.5 else -0.3, 1.05)
    axes.set_xlim(0, None)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_spans(axes: Axes, engines: list[dict[str, Any]], beside: str, words: str) -> None:
    """How evenly directions fill what they span, over the same of others."""
    styles = dict(zip(sorted({one["lanes"] for one in engines}), (":", "--", "-"), strict=False))
    for one in engines:
        counts = [found["directions"] for found in one["spans"]]
        shares = [found["even"] / found[beside] for found in one["spans"]]
        axes.plot(
            counts,
            shares,
            styles.get(one["lanes"], "-"),
            marker="o",
            markersize=4,
            color=COLOURS[one["name"]],
            label=label(one),
        )
    axes.axhline(1, color="black", linewidth=1)
    axes.set_ylim(0, 1.1)
    axes.set_xscale("log", base=2)
    ticks = sorted({found["directions"] for one in engines for found in one["spans"]})
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_title(f"evenness of the span, over that of {words}", fontsize=10)
    axes.set_xlabel("directions")
    axes.legend(frameon=False, fontsize=8, loc="lower left")
    axes.spines[["top", "right"]].set_visible(False)
