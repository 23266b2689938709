"""A person's labels for the beats of one recording, and whether they are of this recording at all."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.errors import FormatError, InputError
from auricle.signals import Preprocessing, Recording
from auricle.signals.beats import CLASSES, MATCH, Beat, detect_beats, matched
from auricle.signals.label_table import named, read_rows
from auricle.signals.readers.wfdb_annotations import read_atr
from auricle.signals.visible import visible

TABLES = (".csv", ".tsv", ".txt")


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
                f"lasts {recording.duration:g} s; are they of another recording?"
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
        raise FormatError(f"{where}: {visible(cells['time'], 40)!r} is no time in s") from None
    if label not in CLASSES:
        raise InputError(
            f"{where}: {visible(label, 40)!r} is no class of a beat; allowed are N, S, V, F and Q, and the symbols "
            f"{' '.join(CLASSES)}"
        )
    if (about := cells.get("recording")) is not None and about != recording.id:
        raise InputError(
            f"{where}: the label is for recording {visible(about)!r}, and {visible(recording.id)!r} was given"
        )
    return Beat(time=time, symbol=label, label=CLASSES[label])


def judged_beats(recording: Recording, preprocessing: Preprocessing, minutes: float) -> NDArray[np.float64]:
    """Find the beats of the first minutes, and some after, as a judgement of the recording finds them.

    An annotator's mark lies elsewhere on a wide QRS complex: on the PVCs of MIT-BIH 119 the detector's is 69 ms later
    on the median. Sets calibrated at the annotator's marks covered 0.94 of them there, and 0.35 at the detector's.

    Returns
    -------
    float64 (n,): times in s, in order.
    """
    return detect_beats(recording.choose(preprocessing.leads, preprocessing.unit), until=60 * minutes)


def check_fit(beats: Sequence[Beat], found: NDArray[np.float64], recording: Recording, minutes: float) -> None:
    """Refuse labels that don't lie where a detector finds beats: they are of another recording, or shifted.

    Parameters
    ----------
    beats
        Labelled.
    found
        As `judged_beats` gives them.
    recording, minutes
        Whose, and how many minutes are labelled.

    Raises
    ------
    InputError
        With the share that fits.
    """
    times = [beat.time for beat in beats if beat.time < 60 * minutes]
    if not times:
        raise InputError(
            f"no label lies in the first {minutes:g} minutes, which the plan takes; label them, or give a plan with "
            "more minutes"
        )
    span = min(recording.duration, 60 * minutes)
    share = len(matched(times, found)[0]) / len(times)
    # Labels of another recording meet a beat by chance: half way from there to all is too few for one's own.
    chance = min(1.0, 2 * MATCH * int((found < span).sum()) / span)
    if share < (1 + chance) / 2:
        raise InputError(
            f"only {100 * share:.0f} % of the {len(times)} labels lie within 150 ms of a beat that a detector finds in "
            f"recording {visible(recording.id)}; are they of another recording, or of another rate?"
        )
