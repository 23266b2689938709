"""Folders of WFDB records whose beats are annotated, such as the MIT-BIH Arrhythmia Database, as labelled windows.

Source: Moody & Mark 2001, "The impact of the MIT-BIH Arrhythmia Database", IEEE Eng Med Biol 20(3), for the two records
of one person; ANSI/AAMI EC57:2012 for what is left out.
"""

import warnings
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from auricle.errors import FormatError, InputError
from auricle.signals.beats import annotated_beats, flutter, is_paced
from auricle.signals.labelled import LabelledWindows, Unjudged, UnjudgedWarning
from auricle.signals.recording import Recording
from auricle.signals.visible import visible
from auricle.signals.windows import Preprocessing, Window, cut

LABELS = ("N", "S", "V", "F")
SUFFIX = ".atr"

_SAME_PERSON = {"202": "201"}  # of the MIT-BIH Arrhythmia Database


def holds_beats(folder: Path) -> bool:
    """Tell by the names whether a folder holds WFDB records with annotations, at any depth."""
    return bool(annotated_records(folder))


def annotated_records(folder: Path) -> list[Path]:
    """List the headers in a folder, at any depth, that have an annotation file beside them, by name."""
    found = (header for header in Path(folder).rglob("*.hea") if header.with_suffix(SUFFIX).is_file())
    return sorted(found, key=lambda header: (header.stem, str(header)))


def subject_of(recording: Recording) -> str:
    """Say whose recording it is: as the file says, or else the record itself; 201 and 202 of MIT-BIH are one person."""
    return recording.subject or _SAME_PERSON.get(recording.id, recording.id)


def read_beats(
    path: Path, preprocessing: Preprocessing, *, labels: Collection[str] = LABELS,
    progress: Callable[[int, int], None] | None = None,
) -> LabelledWindows:  # fmt: skip
    """Cut a window around each annotated beat of every record in a folder.

    Left out are records with paced beats, as EC57 says, beats in ventricular flutter, and beats of class Q. All beats
    count as neighbours, whatever their class.

    Parameters
    ----------
    path
        Folder with WFDB records (.hea) and their annotations (.atr), at any depth.
    preprocessing
        With anchor="beat".
    labels
        Classes whose beats are taken.
    progress
        Called with records done and records in all.

    Raises
    ------
    InputError
        The preprocessing is for windows in time; or no record can be judged.
    FormatError
        A file is damaged.

    Warns
    -----
    UnjudgedWarning
        When some records can't be judged. Paced ones are no reason.
    """
    if preprocessing.anchor != "beat":
        raise InputError(
            f"{path} holds annotated beats, and this specialist judges windows of {preprocessing.window:g} s; give one "
            'of beats, such as `beats` (in a recipe, anchor = "beat" in [preprocessing])'
        )
    headers = annotated_records(path)
    windows: list[Window] = []
    kept: list[str] = []
    subjects: list[str] = []
    unjudged: list[Unjudged] = []
    for done, header in enumerate(headers, 1):
        try:
            recording = Recording.read(header)
            beats = annotated_beats(recording)
            if is_paced(beats):
                continue
            spans = flutter(recording)
            wanted = [
                i
                for i, beat in enumerate(beats)
                if beat.label in labels and not any(start <= beat.time <= stop for start, stop in spans)
            ]
            times = np.array([beat.time for beat in beats])
            windows += cut(recording, preprocessing, beats=times, only=set(wanted))
            kept += [beats[i].label for i in wanted]
            subjects += [subject_of(recording)] * len(wanted)
        except FormatError:
            raise
        except InputError as error:
            if error.__cause__ is not None:
                raise
            unjudged.append(Unjudged(recording=header.stem, label="", reason=str(error)))
        finally:
            if progress:
                progress(done, len(headers))
    if unjudged:
        first = "; ".join(f"{visible(one.recording)}: {one.reason}" for one in unjudged[:3])
        if not windows:
            raise InputError(f"{path} holds no record that can be judged; {first}")
        warnings.warn(
            f"{len(unjudged)} of {len(headers)} records in {path} can't be judged and are left out; {first}",
            UnjudgedWarning,
            stacklevel=2,
        )
    return LabelledWindows.collect(
        [window.samples for window in windows],
        kept,
        [window.recording for window in windows],
        subjects,
        [window.start for window in windows],
        preprocessing.fs,
        unjudged=unjudged,
    )
