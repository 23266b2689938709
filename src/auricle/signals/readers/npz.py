"""NPZ files: one recording in auricle's own layout, or an archive of thousands in the layout of cinc2017.npz."""

import math
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.errors import FormatError, InputError
from auricle.signals.readers.files import appearing, parsing, reading, size_of
from auricle.signals.readers.options import Options
from auricle.signals.recording import Annotation, Floats, Recording

_OWN = ("samples", "fs", "channels", "units")
_ARCHIVE = ("delta", "offset", "id", "fs", "gain")
# Deflate packs 1032 bytes into one at most; a size beyond that is a lie.
_DENSEST = 1040


@dataclass(frozen=True)
class _Stored:
    """The samples of auricle's own layout."""

    path: Path

    def read(self, rows: Sequence[int], start: int, stop: int) -> Floats:
        values = _samples(self.path, *_state(self.path))
        return values[list(rows), start:stop]


@dataclass(frozen=True)
class Archive:
    """Recordings end to end as first differences; recording i is the cumulative sum of its stretch, by `gain` in mV."""

    delta: NDArray[np.integer]
    offset: NDArray[np.int64]
    ids: tuple[str, ...]
    labels: tuple[str, ...] | None
    fs: float
    gain: float


@dataclass(frozen=True)
class _Member:
    """The samples of one recording of an archive."""

    path: Path
    index: int

    def read(self, rows: Sequence[int], start: int, stop: int) -> Floats:
        archive = open_archive(self.path)
        first, last = int(archive.offset[self.index]), int(archive.offset[self.index + 1])
        digital = np.cumsum(archive.delta[first:last], dtype=archive.delta.dtype)[start:stop]
        return (digital.astype(np.float32) / np.float32(archive.gain))[None].repeat(len(rows), axis=0)


def read(path: Path, options: Options, *, member: str | None = None) -> Recording:
    """Open a recording of auricle's own layout, or one recording of an archive by its id."""
    names = set(_shapes(path))
    if member is not None or names.issuperset(_ARCHIVE):
        ids = archive_ids(path)
        if member is None and len(ids) > 1:
            raise InputError(
                f"{path.name} holds {len(ids)} recordings; name one, e.g. {path.name}::{ids[0]}, "
                "or take them all with find_recordings"
            )
        if member is not None and member not in ids:
            raise InputError(f"{path.name} holds no recording {member!r}; it holds {ids[0]} to {ids[-1]}")
        return read_member(path, 0 if member is None else ids.index(member), options)
    if not names.issuperset(_OWN):
        raise FormatError(
            f"{path.name} has the arrays {', '.join(sorted(names)) or 'none'}; a recording has {', '.join(_OWN)}, "
            f"an archive of recordings {', '.join(_ARCHIVE)}"
        )
    return _read_own(path, options)


def holds(path: Path) -> str | None:
    """Tell by the names of its arrays what a file is: "recording", "archive", or None for anything else.

    A file that can't be read counts as a recording, so that opening it says what is wrong instead of nobody noticing.
    """
    try:
        size_of(path)  # opening a pipe would wait for ever
        with zipfile.ZipFile(path) as file:
            names = {name.removesuffix(".npy") for name in file.namelist()}
    except (InputError, OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return "recording"
    return "archive" if names.issuperset(_ARCHIVE) else "recording" if names.issuperset(_OWN) else None


def archive_ids(path: Path) -> tuple[str, ...]:
    """Ids of the recordings of an archive, in its order; no sample is read."""
    if not _shapes(path).keys() >= {*_ARCHIVE}:
        raise FormatError(
            f"{path.name} is no archive of recordings, which has the arrays {', '.join(_ARCHIVE)}; "
            "give the file alone, without :: and a name"
        )
    return _ids(path, *_state(path))


def open_archive(path: Path) -> Archive:
    """Read an archive. The one last used stays in memory, so that its recordings can be read one by one."""
    return _archive(path, *_state(path))


def read_member(path: Path, index: int, options: Options) -> Recording:
    """Open recording `index` of an archive."""
    archive = open_archive(path)
    fs = options.rate(archive.fs, path.name)
    n_samples = int(archive.offset[index + 1] - archive.offset[index])
    label = (
        () if archive.labels is None else (Annotation(start=0.0, duration=n_samples / fs, text=archive.labels[index]),)
    )
    return Recording(
        id=archive.ids[index],
        fs=fs,
        channels=("ECG",),
        units=options.units(("mV",)),
        n_samples=n_samples,
        samples_from=_Member(path, index),
        annotations_from=partial(tuple, label),
        source=path,
    )


def write_recording(recording: Recording, path: Path) -> Path:
    """Write a recording in auricle's own layout; see `Recording.save`."""
    if path.suffix.lower() != ".npz":
        raise InputError(f"{path.name} was given as the file to write; recordings are saved as .npz")
    notes = recording.annotations
    arrays: dict[str, Any] = {
        "samples": recording.samples(),
        "fs": np.float64(recording.fs),
        "channels": np.array(recording.channels),
        "units": np.array(recording.units),
        "id": np.array(recording.id),
        "simulated": np.array(recording.simulated),
        "annotation_start": np.array([note.start for note in notes], np.float64),
        "annotation_duration": np.array([note.duration for note in notes], np.float64),
        "annotation_text": np.array([note.text for note in notes], np.str_),
        "annotation_channel": np.array([note.channel or "" for note in notes], np.str_),
    }
    if recording.subject is not None:
        arrays["subject"] = np.array(recording.subject)
    with appearing(path) as draft, draft.open("wb") as file:
        np.savez(file, **arrays)
    return path


def _read_own(path: Path, options: Options) -> Recording:
    shape, dtype = _shapes(path)["samples"]
    if len(shape) != 2 or dtype.kind not in "iuf":
        raise FormatError(
            f"{path.name}: samples of shape {shape} and type {dtype}; they must be real numbers (channels, time)"
        )
    with parsing(path, "NPZ"):
        values = _load(path, {"fs", "channels", "units", "id", "subject", "simulated"})
        fs = float(_one(path, values, "fs"))
        channels, units = _strings(values["channels"]), _strings(values["units"])
    if len(channels) != shape[0] or len(units) != shape[0]:
        raise FormatError(
            f"{path.name}: {shape[0]} rows of samples, {len(channels)} channel names and {len(units)} units; "
            "they must agree"
        )
    return Recording(
        id=str(_one(path, values, "id")) if "id" in values else path.stem,
        fs=options.rate(fs, path.name),
        channels=channels,
        units=options.units(units),
        n_samples=shape[1],
        samples_from=_Stored(path),
        annotations_from=partial(_own_annotations, path),
        subject=str(_one(path, values, "subject")) if "subject" in values else None,
        simulated=bool(np.all(values.get("simulated", False))),
        source=path,
    )


def _own_annotations(path: Path) -> tuple[Annotation, ...]:
    fields = ("start", "duration", "text", "channel")
    with parsing(path, "NPZ"):
        values = _load(path, {f"annotation_{field}" for field in fields})
        if len(values) < len(fields):
            return ()
        start, duration, text, channel = (values[f"annotation_{field}"] for field in fields)
        return tuple(
            Annotation(start=float(a), duration=float(b), text=str(c), channel=str(d) or None)
            for a, b, c, d in zip(start, duration, text, channel, strict=True)
        )


def _one(path: Path, values: dict[str, NDArray[Any]], name: str) -> Any:
    if values[name].size != 1:
        raise FormatError(f"{path.name}: the array {name} holds {values[name].size} values; one is needed")
    return values[name].item()


def _strings(values: NDArray[Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in np.atleast_1d(values))


def _state(path: Path) -> tuple[int, int]:
    """Give what tells that a file is still the one that was read before."""
    with reading(path):
        state = path.stat()
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=1)
def _samples(path: Path, changed: int, size: int) -> Floats:  # noqa: ARG001 -- the key of the cache
    with parsing(path, "NPZ"), np.errstate(over="ignore"):  # beyond float32 a sample is infinite, and so missing
        return np.asarray(_load(path, {"samples"})["samples"], np.float32)


@lru_cache(maxsize=8)
def _ids(path: Path, changed: int, size: int) -> tuple[str, ...]:  # noqa: ARG001 -- the key of the cache
    with parsing(path, "NPZ"):
        ids = _strings(_load(path, {"id"})["id"])
    if not ids:
        raise FormatError(f"{path.name} is an archive without recordings")
    return ids


@lru_cache(maxsize=1)
def _archive(path: Path, changed: int, size: int) -> Archive:
    with parsing(path, "NPZ"):
        values = _load(path, {"delta", "offset", "label", "fs", "gain"})
        delta, offset = values["delta"], values["offset"]
        labels = _strings(values["label"]) if "label" in values else None
        fs, gain = float(_one(path, values, "fs")), float(_one(path, values, "gain"))
    ids = _ids(path, changed, size)
    if delta.ndim != 1 or delta.dtype.kind != "i" or offset.dtype.kind not in "iu" or offset.shape != (len(ids) + 1,):
        raise FormatError(
            f"{path.name}: delta of shape {delta.shape} and {delta.dtype}, {offset.size} offsets of {offset.dtype}, "
            f"{len(ids)} ids; delta is a row of whole numbers, and so is offset, and there is one offset more than ids"
        )
    offset = offset.astype(np.int64)
    if offset[0] < 0 or offset[-1] > len(delta) or np.any(np.diff(offset) < 0):
        raise FormatError(f"{path.name}: its offsets do not rise from 0 to the {len(delta)} differences it holds")
    if not (0 < gain < math.inf) or (labels is not None and len(labels) != len(ids)):
        raise FormatError(
            f"{path.name}: a gain of {gain:g} steps per mV, {len(ids)} ids; a gain is positive, and labels one per id"
        )
    return Archive(delta, offset, ids, labels, fs, gain)


def _shapes(path: Path) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Shape and type of every array, each held against the bytes that are there."""
    size = size_of(path)
    found: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
    with parsing(path, "NPZ"), zipfile.ZipFile(path) as file:
        for info in file.infolist():
            if not info.filename.endswith(".npy"):
                continue
            with file.open(info) as member:
                version = np.lib.format.read_magic(member)
                header = (
                    np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                )
                shape, _, dtype = header(member)
                if dtype.hasobject:
                    raise ValueError(f"array {info.filename} holds Python objects, which are never loaded")
                if (
                    math.prod(shape) * dtype.itemsize + member.tell() > info.file_size
                    or info.file_size > _DENSEST * size
                ):
                    raise ValueError(f"array {info.filename} announces more than the file holds")
            found[info.filename.removesuffix(".npy")] = (shape, dtype)
    return found


def _memory() -> float:
    """Bytes of memory that this machine has; infinite where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return math.inf


def _load(path: Path, names: set[str]) -> dict[str, NDArray[Any]]:
    """Load some arrays, those of them that are there."""
    shapes = _shapes(path)
    there = names & shapes.keys()
    needed = sum(math.prod(shapes[name][0]) * shapes[name][1].itemsize for name in there)
    if needed > _memory() / 2:
        raise FormatError(
            f"{path.name} unpacks to {needed / 1e9:.3g} GB, more than half of this machine's memory; "
            "save the recording as EDF or WFDB, which are read in pieces"
        )
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in there}
