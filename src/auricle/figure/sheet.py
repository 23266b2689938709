"""A sheet for a reader who should judge for themselves: the signal on its paper, at will one label's evidence.

It names nobody and no result: no recording, no specialist, no state, no p-value.
"""

from collections.abc import Collection, Sequence
from typing import Final

from matplotlib.figure import Figure

from auricle.figure.paper import Style
from auricle.figure.picture import DOTS_PER_MM
from auricle.figure.strip import FOR, GREY, LEFT, RIGHT, Floats, Strip, Strips
from auricle.figure.words import printable
from auricle.finding import Finding

TWELVE: Final = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""The leads of a standard ECG, in the order in which a sheet takes them."""
_COLUMNS: Final = ((0, 3, 6, 9), (1, 4, 7, 10), (2, 5, 8, 11))
"""Rows of the usual layout, 3 x 4; each column goes on where the one before it ended."""
_WORDS = 84.0
"""Width that the foot needs, in mm."""
_STAMP = 24.0
"""Width of the word that marks a simulation, in mm."""
_HEAD, _FOOT, _LINE, _GAP = 8.0, 4.5, 4.5, 5.5


class Sheet(Strips):
    """Strips from top to bottom at fixed lengths in mm; twelve leads in the usual 3 x 4, a rhythm strip below.

    Parameters
    ----------
    finding
        What it is about: window, evidence, segments and quality are drawn, nothing else of it.
    style, channels, samples, fs, dots
        As for `Strips`.
    judged
        Numbers of the channels that were judged; the others get no shading.
    label
        Whose evidence is shaded; None shades none.
    title
        A line of words above.
    """

    def __init__(
        self, finding: Finding, style: Style, channels: Sequence[str], samples: Floats, fs: float, *,
        judged: Collection[int], label: str | None = None, title: str = "", dots: int = DOTS_PER_MM,
    ) -> None:  # fmt: skip
        super().__init__(finding, style, channels, samples, fs, dots=dots)
        self._judged, self._label, self._title = judged, label, title
        m = self.letters
        self._blocks = [self._block(row * style.seconds) for row in range(self.rows)]
        tall = sum(self._tall(row[0]) for block in self._blocks for row in block)
        width = LEFT + (style.lead_in + self.seconds) * style.mm_per_second + RIGHT
        lines = 1 + (label is not None)
        self.size = (max(_WORDS * m, width), _HEAD * m + tall + self.rows * _GAP * m + (lines * _LINE + _FOOT - 3) * m)
        """Width and height in mm."""

    def lay_out(self) -> Figure:
        """Draw the sheet."""
        m = self.letters
        figure = self.open(*self.size)
        look = {"color": GREY} if self._label is None else {"color": FOR, "weight": "bold"}
        room = _STAMP * m if self.finding.simulated else 0.0
        self.text(LEFT, 5.5 * m, printable(self._title, 70), size=9, fitted=True, room=room, **look)
        self.stamp(5.5 * m)
        evidence = self.finding.evidence
        scale = 0.0 if self._label is None or evidence is None else self.scale(evidence.labels)
        top = _HEAD * m
        for number, block in enumerate(self._blocks):
            for row in block:
                left = LEFT
                for strip in row:
                    self.draw(strip, left=left, top=top, scale=scale)
                    left += (strip.lead_in + strip.seconds) * self.style.mm_per_second
                top += self._tall(row[0])
            self.times(top, number * self.style.seconds)
            top += _GAP * m
        self.text(LEFT, top + 2.5 * m, self.style.scale, size=7, color=GREY, fitted=True)
        if self._label is not None and scale > 0:
            self.legend(self.size[0] / 2, top + (2.5 + _LINE) * m)
        return figure

    def _tall(self, strip: Strip) -> float:
        return (strip.reach[1] - strip.reach[0]) * self.style.mm_per_unit

    def _block(self, start: float) -> list[list[Strip]]:
        """Rows of strips for one row of time, from the top."""
        if tuple(self.channels) == TWELVE:
            rows = [self._quarters(channels, start, pulse=start == 0 and not i) for i, channels in enumerate(_COLUMNS)]
            # Of one judged lead the whole is shown; of all twelve, the lead in which rhythm is read.
            rhythm = next(iter(self._judged)) if len(self._judged) == 1 else TWELVE.index("II")
            return [*rows, [self._whole(rhythm, start, last=True, first=True)]]
        count = len(self.channels)
        return [[self._whole(c, start, last=c == count - 1, first=c == 0)] for c in range(count)]

    def _whole(self, channel: int, start: float, *, first: bool, last: bool) -> Strip:
        s = self.style
        pulse = s.unit == "uV" or (first and start == 0)
        return Strip(
            channel=channel, start=start, seconds=self.seconds,
            reach=self.reach([channel], pulse=first), lead_in=s.lead_in, pulse=pulse,
            label=self._shown(channel), underlined=last, noted=first,
        )  # fmt: skip

    def _quarters(self, channels: Sequence[int], start: float, *, pulse: bool) -> list[Strip]:
        reach, seconds = self.reach(channels, pulse=pulse), self.seconds / len(channels)
        return [
            Strip(
                channel=c, start=start + i * seconds, seconds=seconds, reach=reach, label=self._shown(c),
                lead_in=0.0 if i else self.style.lead_in, pulse=pulse and not i,
            )
            for i, c in enumerate(channels)
        ]  # fmt: skip

    def _shown(self, channel: int) -> str | None:
        return self._label if channel in self._judged else None
