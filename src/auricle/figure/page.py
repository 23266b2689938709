"""The page of a finding: strips on paper, evidence as shading, all lengths in millimetres."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any, Final, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from auricle.errors import InputError
from auricle.figure.picture import DOTS_PER_MM, DPI
from auricle.figure.words import clock, named, printable, title_of, when
from auricle.finding import Finding

Floats = NDArray[np.float32]

FOR, AGAINST = "#1f5fbf", "#c96a00"  # blue and orange: told apart by every kind of colour vision
INK, GREY = "#111111", "#555555"
SHADES: Final = 12
LARGEST_MM: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class Style:
    """How one kind of signal is laid on paper: lengths in mm, amplitudes in `unit`."""

    unit: Literal["mV", "uV"]
    seconds: float
    """Length of a row."""
    mm_per_second: float
    mm_per_unit: float
    lead_in: float
    """Room in s before the row, for the calibration mark and the channel name."""
    step: float
    """The reach of a strip is a multiple of this."""
    least: float
    most: float
    scale: str
    lines: tuple[str, str]
    """Colours of the fine and the bold lines."""


ECG = Style(
    unit="mV", seconds=10.0, mm_per_second=25.0, mm_per_unit=10.0, lead_in=0.4, step=0.5, least=0.5, most=2.5,
    scale="25 mm/s, 10 mm/mV; a small square is 0.04 s by 0.1 mV", lines=("#f8dede", "#eeb4b4"),
)  # fmt: skip
EEG = Style(
    unit="uV", seconds=30.0, mm_per_second=8.0, mm_per_unit=0.12, lead_in=1.25, step=25.0, least=100.0, most=250.0,
    scale="1-s grid; dashed lines at +75 and -75 \N{GREEK SMALL LETTER MU}V; bar 100 \N{GREEK SMALL LETTER MU}V",
    lines=("#eaeaea", "#c8c8c8"),
)  # fmt: skip

_LEFT, _RIGHT = 4.0, 6.0
_WORDS = 210.0
"""Width that titles and the foot need."""
_LEGEND = 118.0
"""Where the middle of the legend of shades lies at the least: right of the words about the scale."""
_OF_ALL = {"gain", "rate"}
"""Doubts about the whole window: grey over all of it would hide the evidence and show no place."""


class Page:
    """Rows from top to bottom at fixed lengths in mm."""

    def __init__(self, finding: Finding, style: Style, channels: Sequence[str], samples: Floats, fs: float) -> None:
        self.finding, self.style, self.channels, self.fs = finding, style, channels, fs
        clean = np.where(np.isfinite(samples), samples, np.nan)
        empty = np.isnan(clean).all(axis=1, keepdims=True)
        self.samples = clean - np.nanmedian(np.where(empty, 0, clean), axis=1, keepdims=True)
        self.reach = [self._reach(x, first=c == 0) for c, x in enumerate(self.samples)]
        length = samples.shape[1] / fs
        self.rows = max(1, ceil(length / style.seconds - 1e-6))
        self.seconds = style.seconds if self.rows > 1 else length
        # A window shorter than a row gets a shorter strip; the words around it need their room.
        self.width = max(_WORDS, _LEFT + (style.lead_in + self.seconds) * style.mm_per_second + _RIGHT)

    def _reach(self, x: Floats, *, first: bool) -> tuple[float, float]:
        """Lowest and highest amplitude on the paper; the first channel has room for the calibration pulse of 1 mV."""
        s = self.style
        seen = x[np.isfinite(x)]
        low, high = (float(np.min(seen)), float(np.max(seen))) if seen.size else (0.0, 0.0)
        low, high = min(low, -s.least), max(high, 1.2 if s.unit == "mV" and first else s.least)
        return max(floor(low / s.step - 0.2) * s.step, -s.most), min(ceil(high / s.step + 0.2) * s.step, s.most)

    def figure(self, shown: Sequence[str], names: Mapping[str, str]) -> Figure:
        """Lay out the page with strips for each label of `shown`; `names` has them in words."""
        strip = [(high - low) * self.style.mm_per_unit for low, high in self.reach]
        head, label_head, row_gap, foot = 19.0, 8.0, 6.0, 13.0
        height = head + len(shown) * (label_head + self.rows * (sum(strip) + row_gap)) + foot
        if height > LARGEST_MM:
            raise InputError(
                f"the page would be {height / 1000:.0f} m long; "
                "draw fewer labels (labels=...), fewer leads or a shorter window"
            )
        figure = Figure(figsize=(self.width / 25.4, height / 25.4), dpi=DPI, facecolor="white")
        FigureCanvasAgg(figure)
        self._figure, self._height = figure, height
        self._head(names)
        scale = self._scale(shown)
        top = head
        for label in shown:
            self._label_line(label, names, top + label_head - 2.4)
            top += label_head
            for row in range(self.rows):
                for c, tall in enumerate(strip):
                    axes = self._axes(top, tall, self.reach[c])
                    self._paper(axes, *self.reach[c])
                    self._shade(axes, label, row, scale)
                    self._segments(axes, label, row, underline=c == len(strip) - 1)
                    self._trace(axes, c, row)
                    if c == 0:
                        self._flags(axes, row)
                        self._beat(axes, row)
                    top += tall
                self._times(top, row)
                top += row_gap
        self._foot(scale)
        return figure

    def _text(self, x: float, y: float, text: str, *, fitted: bool = False, **options: object) -> None:
        """Write at mm from the left and from the top; `fitted` makes letters small enough to end on the page."""
        plain: dict[str, Any] = {
            "size": 8, "color": INK, "va": "baseline", "family": "DejaVu Sans", "parse_math": False
        }  # fmt: skip
        written = self._figure.text(x / self.width, 1 - y / self._height, text, plain | options)
        if fitted:
            wide = written.get_window_extent().width / DPI * 25.4
            written.set_fontsize(float(written.get_fontsize()) * min(1.0, (self.width - _RIGHT - x) / wide))

    def _axes(self, top: float, tall: float, reach: tuple[float, float]) -> Axes:
        wide = (self.style.lead_in + self.seconds) * self.style.mm_per_second
        axes = self._figure.add_axes(
            (_LEFT / self.width, 1 - (top + tall) / self._height, wide / self.width, tall / self._height)
        )
        axes.set(xlim=(-self.style.lead_in, self.seconds), ylim=reach, xticks=[], yticks=[], facecolor="white")
        for spine in axes.spines.values():
            spine.set(color=self.style.lines[1], linewidth=0.5)
        return axes

    def _head(self, names: Mapping[str, str]) -> None:
        f, w = self.finding, self.finding.window
        made_by = " ".join(filter(None, (f.specialist.name, f.specialist.version, f.specialist.hash[:12])))
        self._text(_LEFT, 6, printable(title_of(f, names), 110), size=11, weight="bold", fitted=True)
        where = f"{printable(f.recording, 60)}, {when(w)}, judged by {printable(made_by, 50)}"
        self._text(_LEFT, 11, where, color=GREY)
        p = ", ".join(f"{label} {value:.2g}" for label, value in f.p_values.items() if value is not None)
        if p:
            rule = f"p-values: {p}. A label is in the set when its p-value is above {f.alpha:g}."
            self._text(_LEFT, 15.5, printable(rule, 150), color=GREY)
        if f.simulated:
            self._text(
                self.width - _RIGHT - 1, 11.5, "SIMULATED", ha="right", weight="bold", color="white",
                bbox={"facecolor": "#7a1fa2", "edgecolor": "none", "boxstyle": "round,pad=0.35"},
            )  # fmt: skip

    def _label_line(self, label: str, names: Mapping[str, str], y: float) -> None:
        f = self.finding
        place = "in the set" if label in f.set else "not in the set"
        if label in f.uncovered:
            place = "in every set, for it has too few calibration samples"
        elif label in f.left_out:
            place = "left out of all sets: nothing is promised for it"
        elif not f.set and label == f.top:
            place = "the highest score, but not in the set"
        p = f.p_values[label]
        number = "" if p is None else f", p = {p:.2g}"
        self._text(_LEFT, y, printable(f"Evidence for {named(label, names)}", 70), size=9, weight="bold", color=FOR)
        self._text(
            self.width - _RIGHT, y, printable(f"{place}{number}, score {f.scores[label]:.3g}"), ha="right", color=GREY
        )

    def _paper(self, axes: Axes, low: float, high: float) -> None:
        s = self.style
        fine, bold = (0.04, 0.2) if s.unit == "mV" else (1.0, 5.0)
        start, stop = -s.lead_in, self.seconds
        # A quarter of a dot off, so that rounding never puts neighbouring lines four or six dots apart instead of five.
        dx, dy = 0.25 / DOTS_PER_MM / s.mm_per_second, 0.25 / DOTS_PER_MM / s.mm_per_unit
        for step, color in zip((fine, bold), s.lines, strict=True):
            x = np.arange(ceil(start / step - 1e-6), floor(stop / step + 1e-6) + 1) * step + dx
            if s.unit == "uV":
                x = x[x >= 0]
            lines = [[(t, low), (t, high)] for t in x]
            if s.unit == "mV":
                y_step = step * 2.5  # 1 mm is 0.04 s and 0.1 mV
                y = np.arange(ceil(low / y_step - 1e-6), floor(high / y_step + 1e-6) + 1) * y_step + dy
                lines += [[(start, v), (stop, v)] for v in y]
            axes.add_collection(LineCollection(lines, colors=color, linewidths=72 / DPI, snap=True, zorder=1))
        if s.unit == "uV":
            axes.hlines([75, -75], 0, stop, colors=GREY, linewidths=0.4, linestyles=(0, (4, 4)), zorder=2)

    def _scale(self, shown: Iterable[str]) -> float:
        """Magnitude of evidence that gets the full shade; one for all labels, so that strips can be compared."""
        if self.finding.evidence is None:
            return 0.0
        values = np.concatenate([np.abs(self.finding.evidence.of(label)) for label in shown])
        return float(np.percentile(values, 99)) or float(values.max())

    def _shade(self, axes: Axes, label: str, row: int, scale: float) -> None:
        f = self.finding
        origin = f.window.start + row * self.style.seconds
        end = min(self.seconds, f.window.stop - origin)
        low, high = axes.get_ylim()
        if f.evidence is not None and scale > 0:
            values = f.evidence.of(label) / scale
            start = f.evidence.start - origin
            shade = axes.imshow(
                _shades(values), extent=(start, start + len(values) * f.evidence.step, low, high), aspect="auto",
                interpolation="nearest", zorder=1.5,
            )  # fmt: skip
            shade.set_clip_path(Rectangle((0, low), end, high - low, transform=axes.transData))
            axes.set(xlim=(-self.style.lead_in, self.seconds), ylim=(low, high))

    def _segments(self, axes: Axes, label: str, row: int, *, underline: bool) -> None:
        origin = self.finding.window.start + row * self.style.seconds
        low, _ = axes.get_ylim()
        for segment in self.finding.segments.get(label, ()):
            a, b = max(0.0, segment.start - origin), min(self.seconds, segment.stop - origin)
            if a >= b:
                continue
            if self.finding.evidence is None:
                axes.axvspan(a, b, facecolor=FOR, alpha=0.35, zorder=1.5, linewidth=0)
            if underline:
                axes.plot([a, b], [low, low], color=FOR, linewidth=3.2, solid_capstyle="butt", zorder=4, clip_on=False)

    def _trace(self, axes: Axes, c: int, row: int) -> None:
        s = self.style
        first = round(row * s.seconds * self.fs)
        part = self.samples[c, first : first + round(s.seconds * self.fs) + 1]
        axes.plot(np.arange(len(part)) / self.fs, part, color=INK, linewidth=0.75, zorder=3, solid_joinstyle="round")
        if s.unit == "mV" and row == c == 0:
            axes.plot([-0.34, -0.3, -0.3, -0.1, -0.1, -0.06], [0, 0, 1, 1, 0, 0], color=INK, linewidth=0.75, zorder=3)
        elif s.unit == "uV":
            axes.plot([-0.3, -0.3], [-50, 50], color=INK, linewidth=1.2, zorder=3)
        low, high = self.reach[c]
        axes.text(
            -s.lead_in + 1 / s.mm_per_second, high - 1.2 / s.mm_per_unit, self._lead(c), size=7,
            va="top", weight="bold", family="DejaVu Sans", parse_math=False, zorder=5,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6},
        )  # fmt: skip
        if part.size and (np.nanmax(part, initial=low) > high or np.nanmin(part, initial=high) < low):
            note = "the trace leaves the paper"
            x = self.seconds - 1 / s.mm_per_second
            axes.text(
                x, high - 1.2 / s.mm_per_unit, note, size=6.5, va="top", ha="right", color=INK, family="DejaVu Sans",
                zorder=5, bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1},
            )  # fmt: skip

    def _lead(self, c: int) -> str:
        name = printable(self.channels[c], 24)
        # A lone "I" reads as a stroke.
        return f"lead {name}" if name.strip("I") == "" else name

    def _flags(self, axes: Axes, row: int) -> None:
        origin = self.finding.window.start + row * self.style.seconds
        low, _ = axes.get_ylim()
        said: dict[float, list[str]] = {}
        for flag in self.finding.quality:
            a, b = max(0.0, flag.start - origin), min(self.seconds, flag.stop - origin)
            if a < b or (a == b and flag.start >= origin):
                said.setdefault(a, []).append(flag.kind)
                if flag.kind not in _OF_ALL:
                    axes.axvspan(a, b, facecolor="#666666", alpha=0.25, linewidth=0, zorder=2)
        for a, kinds in said.items():
            axes.text(
                a + 1 / self.style.mm_per_second, low + 1.5 / self.style.mm_per_unit,
                printable(", ".join(dict.fromkeys(kinds)), 60),
                size=7, color=INK, family="DejaVu Sans", parse_math=False, zorder=5,
                bbox={"facecolor": "white", "edgecolor": GREY, "linewidth": 0.4, "pad": 1.2},
            )  # fmt: skip

    def _beat(self, axes: Axes, row: int) -> None:
        """Point at the beat that is judged."""
        if self.finding.window.beat is None:
            return
        x = self.finding.window.beat - self.finding.window.start - row * self.style.seconds
        if 0 <= x <= self.seconds:
            axes.plot([x], [1.0], marker="v", color=INK, markersize=7, clip_on=False, zorder=6,
                      transform=axes.get_xaxis_transform())  # fmt: skip

    def _times(self, y: float, row: int) -> None:
        s = self.style
        origin = self.finding.window.start + row * s.seconds
        every = 1.0 if s.unit == "mV" else 5.0
        for t in np.arange(0, self.seconds + 1e-6, every):
            if row * s.seconds + t > self.samples.shape[1] / self.fs + 1e-6:
                break
            x = _LEFT + (s.lead_in + t) * s.mm_per_second
            self._text(
                x,
                y + 3.2,
                f"{origin + t:g} s" if self.finding.window.stop <= 120 else clock(origin + t),
                size=6.5,
                color=GREY,
                ha="center",
            )

    def _foot(self, scale: float) -> None:
        y = self._height - 4.5
        self._text(_LEFT, y, self.style.scale, size=7, color=GREY)
        if scale > 0:
            middle = max(_LEGEND, self.width / 2)
            axes = self._figure.add_axes(
                ((middle - 15) / self.width, 4 / self._height, 30 / self.width, 3 / self._height)
            )
            axes.imshow(_shades(np.linspace(-1, 1, 2 * SHADES + 1)), aspect="auto")
            axes.set_axis_off()
            self._text(middle - 17, y, "speaks against", size=7, ha="right", color=AGAINST)
            self._text(middle + 17, y, "speaks for", size=7, color=FOR)
            per = f"full shade from {scale:.2g} per {1000 * (self.finding.evidence_step or 0):.0f} ms"
            if self.finding.evidence is not None:
                per = f"full shade from {scale:.2g} per {1000 * self.finding.evidence.step:.0f} ms"
            self._text(middle + 35, y, per, size=7, color=GREY)
        self._text(_LEFT, self._height - 1, printable(self.finding.intended_use, 150), size=6, color=GREY)


def _shades(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Turn values of -1 to 1, (n,), into colours with opacity, (1, n, 4)."""
    # Few shades, so that a picture needs few colours.
    depth = np.round(np.clip(np.abs(values), 0, 1) * SHADES) / SHADES
    hue = np.where(values[:, None] > 0, to_rgb(FOR), to_rgb(AGAINST))
    return np.concatenate([hue, 0.6 * depth[:, None]], axis=1)[None]
