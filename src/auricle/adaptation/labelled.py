"""What a person labelled in the first minutes of a recording, cut into a specialist's windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.adaptation.beat_labels import check_fit, judged_beats, read_beat_labels
from auricle.errors import InputError
from auricle.signals import Recording, Window, cut
from auricle.signals.beats import matched
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
    notes
        What a reader of the report should know of the labels.
    """

    samples: Floats
    labels: tuple[str, ...]
    starts: NDArray[np.float64]
    notes: tuple[str, ...] = ()


def read_labelled(specialist: Specialist, recording: Recording, labels: Path, minutes: float) -> PatientWindows:
    """Read a file of labels and cut the windows that it names in the first minutes.

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
        How many, from the start of the recording.

    Raises
    ------
    FormatError, InputError
        The file is no such table, is about another recording, or labels nothing in those minutes.
    """
    read = _beats if specialist.windowing.anchor == "beat" else _windows
    windows, found, notes = read(specialist, recording, labels, minutes)
    if not windows:
        raise InputError(
            f"the labels {labels} hold none for a window in the first {minutes:g} minutes of recording {recording.id}; "
            f"at least one is needed, of {', '.join(_classes(specialist))}"
        )
    if len({window.samples.shape[-1] for window in windows}) > 1:
        raise InputError(f"windows of unequal length were cut from recording {recording.id}; give a longer recording")
    return PatientWindows(
        samples=np.stack([window.samples for window in windows]),
        labels=tuple(found),
        starts=np.array([window.start for window in windows]),
        notes=notes,
    )


Found = tuple[Sequence[Window], Sequence[str], tuple[str, ...]]


def _beats(specialist: Specialist, recording: Recording, path: Path, minutes: float) -> Found:
    beats = read_beat_labels(path, recording)
    heard = judged_beats(recording, specialist.windowing, minutes)
    check_fit(beats, heard, recording, minutes)
    known = _classes(specialist)
    early = [beat for beat in beats if beat.time < 60 * minutes]
    named, found = matched([beat.time for beat in early], heard)
    label = {j: early[i].label for i, j in zip(named.tolist(), found.tolist(), strict=True)}
    wanted = sorted(j for j in label if label[j] in known)
    windows = list(cut(recording, specialist.windowing, beats=heard, only=set(wanted)))
    foreign, unheard = sum(beat.label not in known for beat in early), len(early) - len(label)
    notes = []
    if foreign:
        notes.append(f"Labels of classes that the specialist does not judge were passed over: {foreign}.")
    if unheard:
        notes.append(f"Labels where the detector finds no beat, so that none is judged, were passed over: {unheard}.")
    return windows, [label[j] for j in wanted], tuple(notes)


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
    early = [(window, label) for window, label in pairs if label is not None and window.start < 60 * minutes]
    return [window for window, _ in early], [label for _, label in early], ()


def _classes(specialist: Specialist) -> list[str]:
    return list(map(str, specialist.classes_.tolist()))
