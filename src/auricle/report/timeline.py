"""A recording's sets over time, as inline SVG."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial
from html import escape
from math import ceil
from typing import Final

from auricle.figure import clock
from auricle.finding import Finding
from auricle.signals.visible import visible

WIDTH, ROW, LEFT = 1000, 16, 110
EVERY: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


def timeline(findings: Sequence[Finding]) -> str:
    """Draw the findings about one recording: a row for the state, a row per label.

    Neighbouring windows that say the same are one bar, so a day takes no more room than a minute.
    """
    findings = sorted(findings, key=lambda f: f.window.start)
    first, last = findings[0].window.start, max(f.window.stop for f in findings)
    scale = (WIDTH - LEFT - 30) / (last - first)

    def x(t: float) -> str:
        return f"{LEFT + (t - first) * scale:.1f}"

    labels = findings[0].labels
    height = (len(labels) + 1) * (ROW + 3) + 22
    name = escape(visible(findings[0].recording))
    svg = f'<svg class="timeline" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="States and sets of {name}">\n'
    rows: list[tuple[str, Callable[[Finding], Hashable]]] = [("state", lambda f: f.state)]
    rows += [(label, partial(_standing, label)) for label in labels]
    for i, (label, value) in enumerate(rows):
        y = i * (ROW + 3)
        shown = label if len(label) < 16 else label[:14] + "\N{HORIZONTAL ELLIPSIS}"
        svg += f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(shown)}</text>\n'
        for start, stop, what in _runs(findings, value):
            if what:
                look = f'class="{what}"' if i == 0 else f'opacity="{(0, 0.35, 0.9)[int(str(what))]}"'
                wide = max(0.6, (stop - start) * scale)
                svg += f'<rect x="{x(start)}" y="{y}" width="{wide:.1f}" height="{ROW}" fill="currentColor" {look}/>\n'
    every = next((step for step in EVERY if (last - first) / step <= 12), EVERY[-1])
    for k in range(ceil(first / every), int(last // every) + 1):
        svg += f'<text x="{x(k * every)}" y="{height - 6}" text-anchor="middle">{clock(k * every)}</text>\n'
    return svg + "</svg>\n"


def _standing(label: str, finding: Finding) -> int:
    """0: not in the set; 1: beside others; 2: alone."""
    return (label in finding.set) * (1 + (len(finding.set) == 1))


def _runs(findings: Sequence[Finding], value: Callable[[Finding], Hashable]) -> Iterator[tuple[float, float, Hashable]]:
    """Join neighbouring windows of one value; an overlapping window begins where the one before ends."""
    start, stop, what = findings[0].window.start, findings[0].window.stop, value(findings[0])
    for finding in findings[1:]:
        begin, end, new = max(finding.window.start, stop), finding.window.stop, value(finding)
        if new == what and begin <= stop + 1e-6:
            stop = max(stop, end)
        else:
            yield start, stop, what
            start, stop, what = begin, max(end, begin), new
    yield start, stop, what
