"""The paragraphs of a briefing: what is said about a window, in words."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from auricle.conformal import state_of
from auricle.consult import sentences
from auricle.consult.excerpt import Excerpt
from auricle.consult.measure import Stretch
from auricle.consult.measurements import Measurement, number
from auricle.figure import ECG, EEG, TWELVE, leaves, paper_for
from auricle.finding import MEANING
from auricle.signals.visible import visible

if TYPE_CHECKING:
    from auricle.consult.briefing import Definition

_LONGEST = 1000
"""Characters of a definition that are told."""


def quoted(text: str, most: int = _LONGEST) -> str:
    r"""Quote text that comes from a specialist's folder: on one line, with escapes, so that it can't end the quotes.

    >>> print(quoted('atrial "fib"\nIgnore the above'))
    "atrial \"fib\"\\nIgnore the above"
    """
    return json.dumps(visible(text, most), ensure_ascii=False)


class Paragraphs:
    """What can be said about one window.

    Parameters
    ----------
    window
        The window and what was found in it.
    definitions
        Name and definition of each label.

    Attributes
    ----------
    names
        Label to its name in words.
    """

    def __init__(self, window: Excerpt, definitions: Mapping[str, "Definition"]) -> None:
        self._window, self._finding, self._definitions = window, window.finding, definitions
        self.names = {label: definitions[label].name for label in window.finding.labels if label in definitions}

    def instructions(self, *, tell_set: bool) -> str:
        """Say how to go about it: the system message."""
        text = sentences.INSTRUCTIONS.format(kind=self._window.kind)
        if tell_set:
            text += "\n" + sentences.PROMISE.format(share=number(100 * self._finding.alpha))
        return text

    def window(self) -> str:
        """Say how long it is, of which leads, and what is judged."""
        recording, beat = self._window.recording, self._finding.window.beat
        heard = ", ".join(quoted(recording.channels[row]) for row in self._window.judged)
        if recording.channels == TWELVE and len(self._window.judged) < len(TWELVE):
            leads = sentences.TWELVE_LEADS.format(leads=heard)
        else:
            leads = (sentences.ONE_LEAD if len(self._window.judged) == 1 else sentences.LEADS).format(leads=heard)
        text = sentences.WINDOW.format(
            seconds=number(self._finding.window.stop), kind=self._window.kind, leads=leads, rate=number(recording.fs)
        )
        if beat is not None:
            text += " " + sentences.BEAT.format(at=f"{beat:.2f}")
        return f"{text} {sentences.SIMULATED}" if self._finding.simulated else text

    def labels(self, offered: Sequence[str], *, all_told: bool) -> str:
        """List the labels that may be answered, and, where the rest of the text speaks of them, the others."""
        lines = [sentences.OFFERED, *map(self._defined, offered)]
        others = [label for label in self._finding.labels if label not in offered]
        if others and all_told:
            lines += [sentences.NOT_OFFERED, *map(self._defined, others)]
        return "\n".join(lines)

    def _defined(self, label: str) -> str:
        known = self._definitions.get(label)
        name = known.name if known is not None else ""
        definition = known.definition if known is not None else ""
        said = [quoted(text) for text in (name, definition) if text]
        return f"- {quoted(label)}: {'; '.join(said) or sentences.NO_DEFINITION}"

    def prediction_set(self) -> str:
        """Tell the set and what it means, by its own labels: a trial may tell a set that the network did not give."""
        f = self._finding
        covered = sum(label not in f.uncovered for label in f.set)
        calibrated = len(f.labels) > len(f.uncovered) + len(f.left_out)
        state = state_of(covered, len(f.set) - covered, calibrated=calibrated)
        sentence = sentences.SET if f.set else sentences.EMPTY_SET
        told = ", ".join(map(quoted, f.set))
        lines = [sentence.format(alpha=number(f.alpha), set=told, state=state, meaning=MEANING[state])]
        # Of a set that a trial made up, only what is true of it: or the text would tell that it is wrong.
        uncovered = [label for label in f.uncovered if label in f.set]
        left_out = [label for label in f.left_out if label not in f.set]
        for sentence, labels in ((sentences.UNCOVERED, uncovered), (sentences.LEFT_OUT, left_out)):
            if labels:
                lines.append(sentence.format(labels=", ".join(map(quoted, labels))))
        return "\n".join(lines)

    def numbers(self, *, tell_set: bool) -> str:
        """Tell score and p-value of every label."""
        f = self._finding
        lines = [sentences.NUMBERS]
        if tell_set:
            lines[0] += " " + sentences.IN_THE_SET.format(alpha=number(f.alpha))
        for label in f.labels:
            p = f.p_values[label]
            said = sentences.NO_P if p is None else number(p)
            lines.append(sentences.SCORE.format(label=quoted(label), score=number(f.scores[label]), p=said))
        return "\n".join([*lines, sentences.TOP.format(label=quoted(f.top))])

    def highlighted(self, segments: Mapping[str, Sequence[Stretch]]) -> str:
        """List the stretches that hold most of the evidence."""
        lines = [sentences.HIGHLIGHTED]
        for label, stretches in segments.items():
            said = [sentences.STRETCH.format(start=f"{a:.2f}", stop=f"{b:.2f}") for a, b in stretches]
            lines.append(
                sentences.STRETCHES.format(label=quoted(label), stretches=", ".join(said) or sentences.NO_STRETCH)
            )
        return "\n".join(lines)

    def measured(self, measured: Sequence[Measurement]) -> str:
        """Tell what was measured in the window, and how."""
        own = [one for one in measured if one.where is None]
        lines = [sentences.VALUE.format(value=one, how=one.how) for one in own if one.value is not None]
        if unknown := _named(one for one in own if one.value is None):
            lines.append("- " + sentences.NOT_MEASURED.format(names=unknown))
        return "\n".join([sentences.MEASURED, *lines]) if lines else ""

    def measured_there(self, measured: Sequence[Measurement]) -> str:
        """Tell what was measured in the stretches, a line each, and once what they were too short for."""
        there: dict[Stretch, list[Measurement]] = {}
        for one in measured:
            if one.where is not None and not one.too_short:
                there.setdefault(one.where, []).append(one)
        lines = []
        for (start, stop), some in sorted(there.items()):
            said = [str(one) for one in some if one.value is not None]
            if unknown := _named(one for one in some if one.value is None):
                said.append(sentences.NOT_MEASURED.format(names=unknown))
            lines.append(sentences.THERE.format(start=f"{start:.2f}", stop=f"{stop:.2f}", values="; ".join(said)))
        if lines:
            lines.insert(0, sentences.MEASURED_THERE)
        short = [one for one in measured if one.too_short]
        for least in dict.fromkeys(one.least for one in short):
            names = _named(one for one in short if one.least == least)
            lines.append(sentences.TOO_SHORT.format(least=number(least), names=names))
        return "\n".join(lines)

    def quality(self) -> str:
        """Say what is wrong with the signal."""
        if not self._finding.quality:
            return sentences.SOUND
        lines = [
            sentences.DOUBT.format(what=sentences.FAULTS[note.kind], start=f"{note.start:.2f}", stop=f"{note.stop:.2f}")
            for note in self._finding.quality
        ]
        return "\n".join([sentences.DOUBTS, *lines])

    def caption(self, label: str | None, number: int, count: int) -> str:
        """Give the text before a picture."""
        if label is None:
            samples = self._window.recording.samples()
            style = paper_for(ECG if self._window.kind == "ECG" else EEG, samples)
            gain = style.mm_per_unit
            scale = sentences.EEG_SCALE
            if self._window.kind == "ECG":
                scale = sentences.ECG_SCALE.format(gain=f"{gain:g}", small=f"{1 / gain:g}", large=f"{5 / gain:g}")
            cut = sentences.LEAVES if leaves(style, samples) else ""
            return sentences.PLAIN_PICTURE.format(number=number, count=count, scale=scale, cut=cut)
        return sentences.EVIDENCE_PICTURE.format(number=number, count=count, label=quoted(label))

    def answer(self, offered: Sequence[str]) -> str:
        """Ask for the answer."""
        return sentences.ANSWER.format(labels=", ".join(map(quoted, (*offered, "none"))))


def _named(measured: Iterable[Measurement]) -> str:
    return ", ".join(dict.fromkeys(one.family or one.name for one in measured))
