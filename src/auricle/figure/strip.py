"""A strip: a stretch of one channel on its paper, with evidence as shading, all lengths in millimetres."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from auricle.figure.paper import ECG, Style, levelled, paper_for
from auricle.figure.picture import DOTS_PER_MM
from auricle.figure.words import clock, printable
from auricle.finding import Finding

Floats = NDArray[np.float32]

FOR, AGAINST = "#1f5fbf", "#c96a00"  # blue and orange: told apart by every kind of colour vision
INK, GREY = "#111111", "#555555"
SHADES: Final = 12
LEFT, RIGHT = 4.0, 6.0
"""Margins of every page, in mm."""
_OF_ALL = {"gain", "rate"}
"""Doubts about the whole window: grey over all of it would hide the evidence and show no place."""


@dataclass(frozen=True, kw_only=True)
class Strip:
    """What one strip shows.

    Attributes
    ----------
    channel
        Its number.
    start, seconds
        From where in the window, and how much paper, in s.
    reach
        Lowest and highest amplitude on the paper.
    lead_in
        Room in s before the trace.
    pulse
        Whether the calibration mark stands in that room.
    label
        Whose evidence is shaded; None shades nothing.
    underlined
        Whether bars below it mark the segments.
    noted
        Whether doubts about the signal and the judged beat are written on it.
    """

    channel: int
    start: float
    seconds: float
    reach: tuple[float, float]
    lead_in: float = 0.0
    pulse: bool = False
    label: str | None = None
    underlined: bool = False
    noted: bool = False


class Strips:
    """Strips of one finding, and words around them, on one figure.

    Parameters
    ----------
    finding
        What is drawn.
    style
        The paper.
    channels, samples, fs
        Names, amplitudes in the style's unit (channels, time), rate in Hz, of the finding's window.
    dots
        Pixels per mm. Letters and lines have the same number of pixels at every resolution.
    """

    def __init__(
        self, finding: Finding, style: Style, channels: Sequence[str], samples: Floats, fs: float, *,
        dots: int = DOTS_PER_MM,
    ) -> None:  # fmt: skip
        style = paper_for(style, samples)
        self.finding, self.style, self.channels, self.fs = finding, style, channels, fs
        self.samples = levelled(samples)
        length = samples.shape[1] / fs
        self.rows = max(1, ceil(length / style.seconds - 1e-6))
        self.seconds = style.seconds if self.rows > 1 else length
        self.dots = dots
        self.letters = DOTS_PER_MM / dots

    def reach(self, channels: Iterable[int], *, pulse: bool = False) -> tuple[float, float]:
        """Lowest and highest amplitude on the paper of channels side by side; with room for a pulse of 1 mV."""
        s = self.style
        seen = np.concatenate([x[np.isfinite(x)] for x in self.samples[list(channels)]])
        low, high = (float(np.min(seen)), float(np.max(seen))) if seen.size else (0.0, 0.0)
        low, high = min(low, -s.least), max(high, 1.2 if s.unit == "mV" and pulse else s.least)
        return max(floor(low / s.step - 0.2) * s.step, -s.most), min(ceil(high / s.step + 0.2) * s.step, s.most)

    def open(self, width: float, height: float) -> Figure:
        """Begin a figure of a size in mm."""
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / 25.4, height / 25.4), dpi=25.4 * self.dots, facecolor="white")
        FigureCanvasAgg(self.figure)
        return self.figure

    def text(
        self, x: float, y: float, text: str, *, fitted: bool = False, room: float = 0.0, **options: object
    ) -> None:
        """Write at mm from the left and from the top; `fitted` makes letters small enough to end `room` mm early."""
        plain: dict[str, Any] = {
            "size": 8, "color": INK, "va": "baseline", "family": "DejaVu Sans", "parse_math": False
        }  # fmt: skip
        written = self.figure.text(x / self.width, 1 - y / self.height, text, plain | options)
        written.set_fontsize(float(written.get_fontsize()) * self.letters)
        if fitted:
            wide = written.get_window_extent().width / self.dots
            written.set_fontsize(float(written.get_fontsize()) * min(1.0, (self.width - RIGHT - room - x) / wide))

    def stamp(self, y: float) -> None:
        """Mark a signal that no body made, at the right margin."""
        if self.finding.simulated:
            self.text(
                self.width - RIGHT - 1, y, "SIMULATED", ha="right", weight="bold", color="white",
                bbox={"facecolor": "#7a1fa2", "edgecolor": "none", "boxstyle": "round,pad=0.35"},
            )  # fmt: skip

    def scale(self, shown: Iterable[str]) -> float:
        """Magnitude of evidence that gets the full shade; one for all labels, so that strips can be compared."""
        if self.finding.evidence is None:
            return 0.0
        values = np.concatenate([np.abs(self.finding.evidence.of(label)) for label in shown])
        return float(np.percentile(values, 99)) or float(values.max())

    def draw(self, strip: Strip, *, left: float = LEFT, top: float, scale: float = 0.0) -> None:
        """Draw one strip at mm from the left and from the top; `scale` is as the method gives it."""
        s = self.style
        low, high = strip.reach
        span = strip.lead_in + strip.seconds
        wide, tall = span * s.mm_per_second, (high - low) * s.mm_per_unit
        axes = self.figure.add_axes(
            (left / self.width, 1 - (top + tall) / self.height, wide / self.width, tall / self.height)
        )
        axes.set(xlim=(-strip.lead_in, strip.seconds), ylim=strip.reach, xticks=[], yticks=[], facecolor="white")
        for spine in axes.spines.values():
            spine.set(color=s.lines[1], linewidth=0.5)
        self._paper(axes, strip)
        if strip.label is not None:
            self._shade(axes, strip, strip.label, scale)
            self._segments(axes, strip, strip.label)
        self._trace(axes, strip)
        if strip.noted:
            self._flags(axes, strip)
            self._beat(axes, strip)

    def times(self, y: float, start: float, *, left: float = LEFT) -> None:
        """Write the time below a row that begins `start` s into the window."""
        s = self.style
        origin = self.finding.window.start + start
        every = 1.0 if s.unit == "mV" else 5.0
        end = min(self.seconds, self.samples.shape[1] / self.fs - start)
        for t in np.arange(ceil(origin / every - 1e-6) * every, origin + end + 1e-6, every) - origin:
            x = left + (s.lead_in + t) * s.mm_per_second
            at = round(origin + t, 6)
            said = f"{at:g} s" if self.finding.window.stop <= 120 else clock(at)
            self.text(x, y + 3.2 * self.letters, said, size=6.5, color=GREY, ha="center")

    def legend(self, middle: float, y: float) -> None:
        """Draw the shades from against to for, around `middle`, on a line of text at `y`, in mm."""
        m = self.letters
        axes = self.figure.add_axes(
            ((middle - 15) / self.width, 1 - (y + 0.5 * m) / self.height, 30 / self.width, 3 * m / self.height)
        )
        axes.imshow(_shades(np.linspace(-1, 1, 2 * SHADES + 1)), aspect="auto")
        axes.set_axis_off()
        self.text(middle - 17, y, "speaks against", size=7, ha="right", color=AGAINST)
        self.text(middle + 17, y, "speaks for", size=7, color=FOR)

    def _paper(self, axes: Axes, strip: Strip) -> None:
        s = self.style
        low, high = strip.reach
        fine, bold = (0.04, 0.2) if s.unit == "mV" else (1.0, 5.0)
        start, stop = -strip.lead_in, strip.seconds
        # A quarter of a dot off, so that rounding never puts neighbouring lines four or six dots apart instead of five.
        dx, dy = 0.25 / self.dots / s.mm_per_second, 0.25 / self.dots / s.mm_per_unit
        # Lines stand at whole squares of the row, wherever in it the strip begins.
        # Whole seconds stand on bold lines, to a dot.
        dot = 1 / self.dots / s.mm_per_second
        offset = round((self.finding.window.start + strip.start) % bold / dot) * dot
        for step, color in zip((fine, bold), s.lines, strict=True):
            x = np.arange(ceil((start + offset) / step - 1e-6), floor((stop + offset) / step + 1e-6) + 1) * step
            x += dx - offset
            if s.unit == "uV":
                x = x[x >= 0]
            lines = [[(t, low), (t, high)] for t in x]
            if s.unit == "mV":
                y_step = step * s.mm_per_second / s.mm_per_unit  # squares are squares
                y = np.arange(ceil(low / y_step - 1e-6), floor(high / y_step + 1e-6) + 1) * y_step + dy
                lines += [[(start, v), (stop, v)] for v in y]
            axes.add_collection(
                LineCollection(lines, colors=color, linewidths=72 / 25.4 / self.dots, snap=True, zorder=1)
            )
        if s.unit == "uV":
            axes.hlines([75, -75], 0, stop, colors=GREY, linewidths=0.4, linestyles=(0, (4, 4)), zorder=2)

    def _shade(self, axes: Axes, strip: Strip, label: str, scale: float) -> None:
        f = self.finding
        origin = f.window.start + strip.start
        end = min(strip.seconds, f.window.stop - origin)
        low, high = strip.reach
        if f.evidence is not None and scale > 0:
            values = f.evidence.of(label) / scale
            start = f.evidence.start - origin
            shade = axes.imshow(
                _shades(values), extent=(start, start + len(values) * f.evidence.step, low, high), aspect="auto",
                interpolation="nearest", zorder=1.5,
            )  # fmt: skip
            shade.set_clip_path(Rectangle((0, low), end, high - low, transform=axes.transData))
            axes.set(xlim=(-strip.lead_in, strip.seconds), ylim=(low, high))

    def _segments(self, axes: Axes, strip: Strip, label: str) -> None:
        origin = self.finding.window.start + strip.start
        low, _ = strip.reach
        for segment in self.finding.segments.get(label, ()):
            a, b = max(0.0, segment.start - origin), min(strip.seconds, segment.stop - origin)
            if a >= b:
                continue
            if self.finding.evidence is None:
                axes.axvspan(a, b, facecolor=FOR, alpha=0.35, zorder=1.5, linewidth=0)
            if strip.underlined:
                axes.plot(
                    [a, b], [low, low], color=FOR, linewidth=3.2 * self.letters, solid_capstyle="butt", zorder=4,
                    clip_on=False,
                )  # fmt: skip

    def _trace(self, axes: Axes, strip: Strip) -> None:
        s = self.style
        first = round(strip.start * self.fs)
        part = self.samples[strip.channel, first : first + round(strip.seconds * self.fs) + 1]
        line: dict[str, Any] = {"color": INK, "linewidth": 0.75 * self.letters, "zorder": 3}
        axes.plot(np.arange(len(part)) / self.fs, part, solid_joinstyle="round", **line)
        if strip.pulse and s.unit == "mV":
            axes.plot([-0.34, -0.3, -0.3, -0.1, -0.1, -0.06], [0, 0, 1, 1, 0, 0], **line)
            if s.mm_per_unit != ECG.mm_per_unit:
                axes.text(
                    -0.2, -0.8 / s.mm_per_unit, f"{s.mm_per_unit:g}\nmm/mV", size=6.5 * self.letters, va="top",
                    ha="center", weight="bold", color=INK, family="DejaVu Sans", linespacing=1.0, zorder=5,
                )  # fmt: skip
        elif strip.pulse:
            axes.plot([-0.3, -0.3], [-50, 50], color=INK, linewidth=1.2 * self.letters, zorder=3)
        low, high = strip.reach
        axes.text(
            -strip.lead_in + 1 / s.mm_per_second, high - 1.2 / s.mm_per_unit, self._lead(strip.channel),
            size=7 * self.letters, va="top", weight="bold", family="DejaVu Sans", parse_math=False, zorder=5,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6},
        )  # fmt: skip
        if part.size and (np.nanmax(part, initial=low) > high or np.nanmin(part, initial=high) < low):
            axes.text(
                strip.seconds - 1 / s.mm_per_second, high - 1.2 / s.mm_per_unit, "the trace leaves the paper",
                size=6.5 * self.letters, va="top", ha="right", color=INK, family="DejaVu Sans", zorder=5,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1},
            )  # fmt: skip

    def _lead(self, channel: int) -> str:
        name = printable(self.channels[channel], 24)
        # A lone "I" reads as a stroke.
        return f"lead {name}" if name.strip("I") == "" else name

    def _flags(self, axes: Axes, strip: Strip) -> None:
        origin = self.finding.window.start + strip.start
        low, _ = strip.reach
        said: dict[float, list[str]] = {}
        for flag in self.finding.quality:
            a, b = max(0.0, flag.start - origin), min(strip.seconds, flag.stop - origin)
            if a < b or (a == b and flag.start >= origin):
                said.setdefault(a, []).append(flag.kind)
                if flag.kind not in _OF_ALL:
                    axes.axvspan(a, b, facecolor="#666666", alpha=0.25, linewidth=0, zorder=2)
        for a, kinds in said.items():
            axes.text(
                a + 1 / self.style.mm_per_second, low + 1.5 / self.style.mm_per_unit,
                printable(", ".join(dict.fromkeys(kinds)), 60), size=7 * self.letters, color=INK,
                family="DejaVu Sans", parse_math=False, zorder=5,
                bbox={"facecolor": "white", "edgecolor": GREY, "linewidth": 0.4, "pad": 1.2},
            )  # fmt: skip

    def _beat(self, axes: Axes, strip: Strip) -> None:
        """Point at the beat that is judged."""
        if self.finding.window.beat is None:
            return
        x = self.finding.window.beat - self.finding.window.start - strip.start
        if 0 <= x <= strip.seconds:
            axes.plot([x], [1.0], marker="v", color=INK, markersize=7 * self.letters, clip_on=False, zorder=6,
                      transform=axes.get_xaxis_transform())  # fmt: skip


def _shades(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Turn values of -1 to 1, (n,), into colours with opacity, (1, n, 4)."""
    # Few shades, so that a picture needs few colours.
    depth = np.round(np.clip(np.abs(values), 0, 1) * SHADES) / SHADES
    hue = np.where(values[:, None] > 0, to_rgb(FOR), to_rgb(AGAINST))
    return np.concatenate([hue, 0.6 * depth[:, None]], axis=1)[None]
