"""The page of a finding for a person: who was recorded, what was found, and strips for each label."""

from collections.abc import Mapping, Sequence
from typing import Final

from matplotlib.figure import Figure

from auricle.errors import InputError
from auricle.figure.paper import Style
from auricle.figure.strip import FOR, GREY, LEFT, RIGHT, Floats, Strip, Strips
from auricle.figure.words import named, printable, title_of, when
from auricle.finding import Finding

LARGEST_MM: Final = 10_000

_TITLE: Final = 110
"""Characters of a title."""
_WORDS = 210.0
"""Width that titles and the foot need."""
_LEGEND = 118.0
"""Where the middle of the legend of shades lies at the least: right of the words about the scale."""


class Page(Strips):
    """Rows from top to bottom at fixed lengths in mm."""

    def __init__(self, finding: Finding, style: Style, channels: Sequence[str], samples: Floats, fs: float) -> None:
        super().__init__(finding, style, channels, samples, fs)
        self._reach = [self.reach([c], pulse=c == 0) for c in range(len(self.samples))]

    def lay_out(self, shown: Sequence[str], names: Mapping[str, str]) -> Figure:
        """Lay out the page with strips for each label of `shown`; `names` has them in words."""
        s = self.style
        # A window shorter than a row gets a shorter strip; the words around it need their room.
        width = max(_WORDS, LEFT + (s.lead_in + self.seconds) * s.mm_per_second + RIGHT)
        strip = [(high - low) * s.mm_per_unit for low, high in self._reach]
        head, label_head, row_gap, foot = 19.0, 8.0, 6.0, 13.0
        height = head + len(shown) * (label_head + self.rows * (sum(strip) + row_gap)) + foot
        if height > LARGEST_MM:
            raise InputError(
                f"the page would be {height / 1000:.0f} m long; "
                "draw fewer labels (labels=...), fewer leads or a shorter window"
            )
        figure = self.open(width, height)
        self._head(names)
        scale = self.scale(shown)
        top = head
        for label in shown:
            self._label_line(label, names, top + label_head - 2.4)
            top += label_head
            for row in range(self.rows):
                for c, tall in enumerate(strip):
                    about = Strip(
                        channel=c, start=row * s.seconds, seconds=self.seconds, reach=self._reach[c],
                        lead_in=s.lead_in, pulse=s.unit == "uV" or row == c == 0, label=label,
                        underlined=c == len(strip) - 1, noted=c == 0,
                    )  # fmt: skip
                    self.draw(about, top=top, scale=scale)
                    top += tall
                self.times(top, row * s.seconds)
                top += row_gap
        self._foot(scale)
        return figure

    def _head(self, names: Mapping[str, str]) -> None:
        f, w = self.finding, self.finding.window
        made_by = str(f.specialist)
        # Names that don't fit are left out; cut short, two of them may look alike. They stand above the strips.
        title = min((title_of(f, names), title_of(f)), key=lambda said: len(said) > _TITLE)
        self.text(LEFT, 6, printable(title, _TITLE), size=11, weight="bold", fitted=True)
        where = f"{printable(f.recording, 60)}, {when(w)}, judged by {printable(made_by, 50)}"
        self.text(LEFT, 11, where, color=GREY)
        p = ", ".join(f"{label} {value:.2g}" for label, value in f.p_values.items() if value is not None)
        if p:
            rule = f"p-values: {p}. A label is in the set when its p-value is above {f.alpha:g}."
            self.text(LEFT, 15.5, printable(rule, 150), color=GREY)
        self.stamp(11.5)

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
        self.text(LEFT, y, printable(f"Evidence for {named(label, names)}", 70), size=9, weight="bold", color=FOR)
        self.text(
            self.width - RIGHT, y, printable(f"{place}{number}, score {f.scores[label]:.3g}"), ha="right", color=GREY
        )

    def _foot(self, scale: float) -> None:
        y = self.height - 4.5
        self.text(LEFT, y, self.style.scale, size=7, color=GREY)
        if scale > 0:
            middle = max(_LEGEND, self.width / 2)
            self.legend(middle, y)
            found = self.finding.evidence
            step = (self.finding.evidence_step or 0.0) if found is None else found.step
            per = f"darkest: {scale:.2g} of score or more in {step:.2g} s"
            self.text(middle + 35, y, per, size=7, color=GREY)
        self.text(LEFT, self.height - 1, printable(self.finding.intended_use, 150), size=6, color=GREY)
