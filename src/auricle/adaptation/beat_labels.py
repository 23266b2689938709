"""A person's labels for the beats of one recording, and whether they are of this recording at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auricle.errors import FormatError, InputError
from auricle.signals import Preprocessing, Recording
from auricle.signals.beats import CLASSES, MATCH, Beat, detect_beats, matched
from auricle.signals.label_table import named, read_rows
from auricle.signals.readers.wfdb_annotations import read_atr
from auricle.signals.visible import visible

TABLES = (".csv", ".tsv", ".txt")


def holds_beats(path: Path) -> bool:
    """Tell whether a file of labels names beats by their time, and not windows."""
    if path.suffix.lower() not in TABLES:
        return True
    return any("time" in row for _, row in read_rows(path)[:1])


class Part(NamedTuple):
    """Where a recording is labelled, in s."""

    start: float
    stop: float

    def holds(self, time: float) -> bool:
        """Whether a time lies in it."""
        return self.start <= time < self.stop


def labelled_part(first: float, last: float, minutes: float, duration: float) -> Part:
    """Give the part that a plan uses: from the first label on, to the last one or for the plan's minutes.

    Whole seconds, so that labels of all of a recording begin with it, and the cuts in the report are short numbers.

    Parameters
    ----------
    first, last
        Where what is labelled begins and ends, in s.
    minutes
        Most that the plan takes.
    duration
        Of the recording in s.

    Examples
    --------
    >>> labelled_part(0.2, 1804.9, 5, 1805.6), labelled_part(612.7, 671.4, 5, 1805.6)
    (Part(start=0.0, stop=300.0), Part(start=612.0, stop=672.0))
    """
    start = float(floor(first))
    return Part(start, min(start + 60 * minutes, floor(last) + 1.0, duration))


def read_beat_labels(path: Path, recording: Recording) -> tuple[Beat, ...]:
    """Read beats from a WFDB annotation file or a CSV table with the columns time (in s) and label.

    A label is an AAMI class or a symbol of PhysioNet's annotation files; those that stand for no beat are passed over
    in annotation files, and refused in a table. A column `recording` may name the recording of each line.

    Raises
    ------
    FormatError
        The file is neither, or is cut off.
    InputError
        It can't be read; a beat lies outside the recording, is of an unknown class or of another recording; no beat.
    """
    found = _table(path, recording) if path.suffix.lower() in TABLES else _annotations(path, recording)
    if not found:
        raise InputError(f"the labels {path} name no beat; give an annotation file (.atr) or a CSV table (time,label)")
    for beat in found:
        if not 0 <= beat.time < recording.duration:
            raise InputError(
                f"the labels {path}: a beat at {beat.time:g} s lies outside recording {visible(recording.id)}, which "
                f"lasts {recording.duration:g} s; times are in s: are these in ms or samples, or of another recording?"
            )
    return tuple(sorted(found, key=lambda beat: beat.time))


def _annotations(path: Path, recording: Recording) -> list[Beat]:
    if not path.is_file():
        raise InputError(f"there is no file {path}; give an annotation file (.atr) or a CSV table (time,label)")
    found = []
    for annotation in read_atr(path, recording.fs):
        symbol = annotation.text.split(" ", 1)[0]
        if symbol in CLASSES:
            found.append(Beat(time=annotation.start, symbol=symbol, label=CLASSES[symbol]))
    return found


def _table(path: Path, recording: Recording) -> list[Beat]:
    rows = read_rows(path)
    columns = tuple(rows[0][1]) if rows else ()
    if not {"time", "label"} <= set(columns):
        raise FormatError(f"the labels {path} must begin with a line that names the columns time (in s) and label")
    return [
        _beat(f"{path.name}, line {number}", named(f"{path.name}, line {number}", columns, row), recording)
        for number, row in rows[1:]
    ]


def _beat(where: str, cells: dict[str, str], recording: Recording) -> Beat:
    label = cells["label"]
    try:
        time = float(cells["time"])
    except ValueError:
        hint = "; write it with a point, as 1.5" if "," in cells["time"] else ""
        raise FormatError(f"{where}: {visible(cells['time'], 40)!r} is no time in s{hint}") from None
    if label not in CLASSES:
        raise InputError(
            f"{where}: {visible(label, 40)!r} is no class of a beat; allowed are N, S, V, F and Q, and the symbols "
            f"{' '.join(CLASSES)}; leave other lines out, or give the annotation file (.atr) itself"
        )
    if (about := cells.get("recording")) is not None and about != recording.id:
        raise InputError(
            f"{where}: the label is for recording {visible(about)!r}, and {visible(recording.id)!r} was given"
        )
    return Beat(time=time, symbol=label, label=CLASSES[label])


def judged_beats(recording: Recording, preprocessing: Preprocessing, until: float) -> NDArray[np.float64]:
    """Find the beats up to a time in s, and some after, as a judgement of the recording finds them.

    An annotator's mark lies elsewhere on a wide QRS complex: on the PVCs of MIT-BIH 119 the detector's is 69 ms later
    on the median. Sets calibrated at the annotator's marks covered 0.94 of them there, and 0.35 at the detector's.

    Returns
    -------
    float64 (n,): times in s, in order.
    """
    return detect_beats(recording.choose(preprocessing.leads, preprocessing.unit), until=until)


def named_windows(beats: Sequence[Beat], heard: NDArray[np.float64]) -> dict[int, str]:
    """Give the class of each heard beat, by its number, that a person labelled: within 150 ms, nearest pairs first."""
    named, found = matched([beat.time for beat in beats], heard)
    return {j: beats[i].label for i, j in zip(named.tolist(), found.tolist(), strict=True)}


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledBeats:
    """A person's beats beside those that the detector hears.

    Attributes
    ----------
    part
        Where the recording is labelled, as far as labels were taken.
    heard
        (n,) times of the beats that are judged, in s.
    labels
        Number of a heard beat -> its class, one that the specialist knows; in order.
    notes
        Which labels were not taken, one sentence each.
    """

    part: Part
    heard: NDArray[np.float64]
    labels: dict[int, str]
    notes: tuple[str, ...]


def labelled_beats(
    path: Path, recording: Recording, preprocessing: Preprocessing, known: Sequence[str], *, minutes: float
) -> LabelledBeats:
    """Read beats, from the first on for some minutes, and find which of the windows that a judgement cuts they name.

    Parameters
    ----------
    path
        As `read_beat_labels` takes it.
    recording, preprocessing
        What is judged, and how it is cut: a window around each heard beat.
    known
        Classes of the specialist.
    minutes
        Most that are taken.

    Raises
    ------
    FormatError, InputError
        As `read_beat_labels` and `check_fit`.
    """
    beats = read_beat_labels(path, recording)
    part = labelled_part(beats[0].time, beats[-1].time, minutes, recording.duration)
    used = [beat for beat in beats if part.holds(beat.time)]
    heard = judged_beats(recording, preprocessing, part.stop)
    check_fit([beat.time for beat in used], heard, recording, part)
    found = named_windows(used, heard)
    notes = later(len(beats) - len(used), part)
    if foreign := sum(beat.label not in known for beat in used):
        notes.append(f"Labels of classes that the specialist does not judge were passed over: {foreign}.")
    if unheard := len(used) - len(found):
        notes.append(f"Labels where the detector finds no beat, so that none is judged, were passed over: {unheard}.")
    return LabelledBeats(
        part=part, heard=heard, labels={i: found[i] for i in sorted(found) if found[i] in known}, notes=tuple(notes)
    )


def later(n: int, part: Part) -> list[str]:
    """Say how many labels lie behind those that were taken, if any do."""
    if not n:
        return []
    return [
        f"Labels from {part.stop:g} s on were not used, as the plan takes those of {part.stop - part.start:g} s: {n}."
    ]


def check_fit(times: Sequence[float], found: NDArray[np.float64], recording: Recording, part: Part) -> None:
    """Refuse labels that don't lie where a detector finds beats: they are of another recording, or shifted.

    Parameters
    ----------
    times
        Of the labels in the labelled part, in s.
    found
        As `judged_beats` gives them.
    recording, part
        Whose, and from where to where it is labelled.

    Raises
    ------
    InputError
        With the share that fits.
    """
    share = len(matched(times, found)[0]) / len(times)
    heard = int(((found >= part.start) & (found < part.stop)).sum())
    # Labels of another recording meet a beat by chance: half way from there to all is too few for one's own.
    chance = min(1.0, 2 * MATCH * heard / (part.stop - part.start))
    if share < (1 + chance) / 2:
        raise InputError(
            f"only {100 * share:.0f} % of the {len(times)} labels lie within 150 ms of a beat that a detector finds in "
            f"recording {visible(recording.id)}; are they of another recording, or of another rate?"
        )
