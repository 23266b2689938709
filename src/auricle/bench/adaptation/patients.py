"""Patients for the comparison: the first minutes of a record are labelled and used, the rest is scored."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.adaptation.adapting import lesson
from auricle.adaptation.judging import LabelledStretch, Parts, divide
from auricle.adaptation.learning import Lesson
from auricle.adaptation.plan import Plan
from auricle.errors import InputError
from auricle.signals import Recording, cut
from auricle.signals.beat_records import annotated_records, subject_of
from auricle.signals.beats import annotated_beats, flutter, is_paced
from auricle.specialist import Specialist
from auricle.training import Floats

__all__ = ["Case", "read", "willing"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One record of one person.

    Attributes
    ----------
    name, subject
        Of the record and of the person.
    labelled
        Windows of the first minutes whose class the specialist knows.
    rest
        Samples (n, channels, time) of what is scored, flutter left out.
    truth
        (n,) AAMI classes of the rest, Q among them.
    fs
        Rate of the windows in Hz.
    marks
        Channels of a window, the last ones, that hold marks rather than signal.
    """

    name: str
    subject: str
    labelled: LabelledStretch
    rest: Floats
    truth: NDArray[np.str_]
    fs: float
    marks: int = 0

    def parts(self, plan: Plan) -> Parts:
        """Stretches of the labelled minutes."""
        return divide(self.labelled, plan, self.fs, start=0.0, stop=60 * plan.protocol.minutes)

    def lesson(self, specialist: Specialist, plan: Plan) -> Lesson:
        """Put together what an attempt trains on."""
        return lesson(specialist, self.parts(plan), plan)


def read(specialist: Specialist, header: Path, minutes: float) -> Case | str:
    """Read one record, or say why it can't take part."""
    recording = Recording.read(header)
    try:
        beats = annotated_beats(recording)
        recording.choose(specialist.windowing.leads, specialist.windowing.unit)
    except InputError as error:
        return str(error)
    if is_paced(beats):
        return "paced beats, which EC57 leaves out"
    spans = flutter(recording)
    times = np.array([beat.time for beat in beats])
    kept = [i for i, beat in enumerate(beats) if not any(a <= beat.time < b for a, b in spans)]
    windows = dict(zip(kept, cut(recording, specialist.windowing, beats=times, only=set(kept)), strict=True))
    known = set(map(str, specialist.classes_.tolist()))
    early = [i for i in kept if beats[i].time < 60 * minutes and beats[i].label in known]
    late = [i for i in kept if beats[i].time >= 60 * minutes]
    if not early or not late:
        return f"it holds no beats on both sides of {minutes:g} minutes"
    return Case(
        name=recording.id,
        subject=subject_of(recording),
        labelled=LabelledStretch.of(
            np.stack([windows[i].samples for i in early]), [beats[i].label for i in early],
            [windows[i].start for i in early], specialist,
        ),
        rest=np.stack([windows[i].samples for i in late]),
        truth=np.array([beats[i].label for i in late]),
        fs=specialist.windowing.fs,
        marks=specialist.windowing.marks,
    )  # fmt: skip


def willing(specialist: Specialist, folder: Path, *, part: str = "test") -> tuple[list[Path], dict[str, str]]:
    """List the headers of records that may take part, and say why the others may not.

    Parameters
    ----------
    specialist
        Of beats.
    folder
        With WFDB records and their annotations.
    part
        "test" takes persons of the specialist's test part and those that it has never met; other parts are as named.
    """
    found: list[Path] = []
    left: dict[str, str] = {}
    for header in annotated_records(folder):
        own = specialist.part_of(subject_of(Recording.read(header)))
        if own == part or (part == "test" and own is None):
            found.append(header)
        else:
            left[header.stem] = f"{own} part of the specialist"
    return found, left
