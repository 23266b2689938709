"""What a person labelled in some minutes of a recording, cut into a specialist's windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.adaptation.beat_labels import Part, labelled_beats, labelled_part, later
from auricle.errors import InputError
from auricle.signals import Recording, Window, cut
from auricle.signals.true_labels import read_labels
from auricle.specialist import Specialist
from auricle.training import Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class PatientWindows:
    """Windows and what a person calls them.

    Attributes
    ----------
    samples
        (n, channels, time) in physical units.
    labels
        (n,) classes of the specialist.
    starts
        (n,) where each window begins in the recording, in s.
    start, stop
        Ends of the labelled part in s, which a plan cuts into its stretches.
    notes
        What a reader of the report should know of the labels.
    """

    samples: Floats
    labels: tuple[str, ...]
    starts: NDArray[np.float64]
    start: float
    stop: float
    notes: tuple[str, ...] = ()


def read_labelled(specialist: Specialist, recording: Recording, labels: Path, minutes: float) -> PatientWindows:
    """Read a file of labels and cut the windows that it names, from its first label on for some minutes.

    Windows of beats lie where the detector hears a beat within 150 ms of a label, as they will in use: a calibration
    holds for windows that are cut like those that it saw.

    Parameters
    ----------
    specialist
        Of beats, which takes an annotation file (.atr) or a CSV table (time,label); or of windows in time, which takes
        a CSV table (index,label or start,label).
    recording, labels
        The patient's, and the file.
    minutes
        Most that are taken.

    Raises
    ------
    FormatError, InputError
        The file is no such table, is about another recording, or labels nothing that the specialist judges.
    """
    read = _beats if specialist.windowing.anchor == "beat" else _windows
    windows, found, part, notes = read(specialist, recording, labels, minutes)
    if not windows:
        raise InputError(
            f"the labels {labels} hold none for a window from {part.start:g} to {part.stop:g} s of recording "
            f"{recording.id}; at least one is needed, of {', '.join(_classes(specialist))}"
        )
    if len({window.samples.shape[-1] for window in windows}) > 1:
        raise InputError(f"windows of unequal length were cut from recording {recording.id}; give a longer recording")
    return PatientWindows(
        samples=np.stack([window.samples for window in windows]),
        labels=tuple(found),
        starts=np.array([window.start for window in windows]),
        start=part.start,
        stop=part.stop,
        notes=notes,
    )


Found = tuple[Sequence[Window], Sequence[str], Part, tuple[str, ...]]


def _beats(specialist: Specialist, recording: Recording, path: Path, minutes: float) -> Found:
    found = labelled_beats(path, recording, specialist.windowing, _classes(specialist), minutes=minutes)
    windows = list(cut(recording, specialist.windowing, beats=found.heard, only=found.labels.keys()))
    return windows, list(found.labels.values()), found.part, found.notes


def _windows(specialist: Specialist, recording: Recording, path: Path, minutes: float) -> Found:
    if path.suffix.lower() == ".atr":
        raise InputError(
            f"{path} holds beats, and this specialist judges windows of {specialist.windowing.window:g} s; give a CSV "
            "table with the columns start (in s) and label, or a specialist of beats, such as 'beats'"
        )
    table = read_labels(path, _classes(specialist))
    table.check_recordings([recording.id])
    windows = list(cut(recording, specialist.windowing))
    table.check_windows(recording.id, [window.start for window in windows], recording.duration)
    pairs = [(window, table.of(recording.id, i, window.start)) for i, window in enumerate(windows)]
    named = [(window, label) for window, label in pairs if label is not None]
    if not named:
        return [], [], Part(0.0, recording.duration), ()
    last = named[-1][0]
    part = labelled_part(
        named[0][0].start, last.start + last.samples.shape[-1] / specialist.windowing.fs, minutes, recording.duration
    )
    used = [(window, label) for window, label in named if part.holds(window.start)]
    notes = tuple(later(len(named) - len(used), part))
    return [window for window, _ in used], [label for _, label in used], part, notes


def _classes(specialist: Specialist) -> list[str]:
    return list(map(str, specialist.classes_.tolist()))
