"""The PhysioNet/CinC 2017 challenge: single-lead ECGs with one rhythm label each, packed or as the challenge has them.

Source: Clifford et al. 2017, "AF classification from a short single lead ECG recording",
https://physionet.org/content/challenge-2017/.

Deviation: the challenge names no persons, so a recording stands for its own subject; two pairs of recordings are the
same, sample for sample, and share one.
"""

import csv
import os
import warnings
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.errors import FormatError, InputError
from auricle.signals.labelled import LabelledWindows, Unjudged, UnjudgedWarning
from auricle.signals.readers import npz, read_recording
from auricle.signals.readers.files import parsing
from auricle.signals.readers.options import Options
from auricle.signals.recording import Recording
from auricle.signals.visible import visible
from auricle.signals.windows import Preprocessing, Window, cut

LABELS = ("N", "A", "O", "~")
REFERENCE = "REFERENCE.csv"

_Opener = Callable[[], Recording]

_SAME_RECORDING = {"A01176": "A00227", "A03123": "A02656"}


def cinc2017_recordings(path: Path) -> Iterator[tuple[str, str, NDArray[np.float32], float]]:
    """Yield id, label, samples in mV (time,) and rate in Hz of every recording in a packed CinC 2017 archive.

    The archive is an NPZ file with `delta` (int16 first differences of all recordings, end to end), `offset`, `id`,
    `label`, `fs` and `gain` (ADC units per mV).
    """
    for _, label, opened in _packed(path):
        recording = opened()
        yield recording.id, label, recording.samples()[0], recording.fs


def read_cinc2017(
    path: Path,
    preprocessing: Preprocessing,
    *,
    labels: Collection[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LabelledWindows:
    """Read the labelled recordings of a packed archive, or of a folder with records and REFERENCE.csv.

    A recording above the longest window is cut, its label kept for each part. One that can't be judged, being too
    short for instance, is left out and named in `LabelledWindows.unjudged`.

    Parameters
    ----------
    path
        An NPZ file as `cinc2017_recordings` reads it, or a folder with WFDB records (.mat and .hea, at any depth) and a
        table REFERENCE.csv with a record's name and its label in each line, without a heading.
    preprocessing
        How a recording becomes windows.
    labels
        The labels that may occur; None allows any.
    progress
        Called with recordings done and recordings in all.

    Raises
    ------
    FormatError
        When a file is damaged, or a label is not allowed.
    InputError
        When a record has no label or a label no record, or no recording can be judged.

    Warns
    -----
    UnjudgedWarning
        When some recordings can't be judged.
    """
    recordings = _listed(path) if path.is_dir() else _packed(path)
    windows: list[Window] = []
    kept: list[str] = []
    unjudged: list[Unjudged] = []
    simulated = False
    for done, (name, label, opened) in enumerate(recordings, 1):
        if labels is not None and label not in labels:
            raise FormatError(f"{path}: {visible(name)} has the label {label!r}; allowed are {', '.join(labels)}")
        try:
            recording = opened()
            pieces = list(cut(recording, preprocessing))
        except FormatError:
            raise
        except InputError as error:
            if error.__cause__ is not None:  # a file that is gone or can't be read is no property of the recording
                raise
            unjudged.append(Unjudged(recording=name, label=label, reason=str(error)))
        else:
            windows += pieces
            kept += [label] * len(pieces)
            simulated |= recording.simulated
        if progress:
            progress(done, len(recordings))
    if unjudged:
        _report(path, unjudged, len(recordings))
    return LabelledWindows.collect(
        [window.samples for window in windows],
        kept,
        [window.recording for window in windows],
        [_SAME_RECORDING.get(window.recording, window.recording) for window in windows],
        [window.start for window in windows],
        preprocessing.fs,
        simulated=simulated,
        unjudged=unjudged,
    )


def _report(path: Path, unjudged: list[Unjudged], total: int) -> None:
    first = "; ".join(f"{visible(one.recording)}: {one.reason}" for one in unjudged[:3])
    if len(unjudged) == total:
        raise InputError(f"{path.name} holds no recording that can be judged; {first}")
    more = f"; and {len(unjudged) - 3} more" if len(unjudged) > 3 else ""
    warnings.warn(
        f"{len(unjudged)} of {total} recordings in {path.name} can't be judged and are left out; {first}{more}",
        UnjudgedWarning,
        stacklevel=3,
    )


def _packed(path: Path) -> list[tuple[str, str, _Opener]]:
    if npz.holds(path) != "archive":
        read_recording(path)  # says what is wrong with a damaged or foreign file
        raise InputError(f"{path.name} holds one recording without a label; an archive of labelled ones is needed")
    archive = npz.open_archive(path)
    if archive.labels is None:
        raise FormatError(f"{path.name} holds recordings without labels; a packed archive needs the array label")
    members = zip(archive.ids, archive.labels, strict=True)
    return [(name, label, partial(npz.read_member, path, i, Options())) for i, (name, label) in enumerate(members)]


def _listed(folder: Path) -> list[tuple[str, str, _Opener]]:
    """Find every record of REFERENCE.csv; the table and the records must name the same."""
    labels = _reference(folder)
    headers = _headers(folder)
    for name in labels:
        if name not in headers:
            raise InputError(
                f"{folder / REFERENCE} names {name}, and there is no {name}.hea in {folder}; fetch it again"
            )
    for name, header in headers.items():
        if name not in labels:
            raise InputError(f"{header} has no line in {folder / REFERENCE}; add its label there, or move it away")
    return [(name, label, partial(read_recording, headers[name])) for name, label in labels.items()]


def _reference(folder: Path) -> dict[str, str]:
    """Read the label of every record, in the order of the table."""
    table = folder / REFERENCE
    labels: dict[str, str] = {}
    with parsing(table, "CSV"), table.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.reader(file, strict=True), 1):
            if not row:
                continue
            if len(row) != 2:
                raise FormatError(
                    f"{table}, line {number}: {len(row)} columns; a line has a record's name and its label"
                )
            name, label = (cell.strip() for cell in row)
            if labels.setdefault(name, label) != label:
                raise FormatError(f"{table}, line {number}: {name} has two labels, {labels[name]!r} and {label!r}")
    return labels


def _headers(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for where, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            header = Path(where, name)
            if header.suffix != ".hea" or name.startswith("."):
                continue
            if header.stem in found:
                raise InputError(f"{found[header.stem]} and {header} have the same name; a record may be there once")
            found[header.stem] = header
    return found
