"""Finding the recordings among files and folders, without opening them."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from auricle.errors import InputError
from auricle.signals.readers import FORMATS, edf, npz, read_recording, text
from auricle.signals.readers.options import Options
from auricle.signals.readers.wfdb import header_of
from auricle.signals.recording import Recording

_WFDB = {".hea", ".dat", ".mat", ".atr"}


@dataclass(frozen=True, kw_only=True)
class Source:
    """A recording that was found and not opened yet.

    Attributes
    ----------
    id
        Name of the record; where several that were found together have the same, with its suffix and folders.
    path
        The file; for WFDB the header, for an archive the archive.
    key
        What tells this recording from all others on this machine, for resuming.
    fs, unit
        What the person said for files that do not; see `Recording.read`.
    """

    id: str
    path: Path
    key: str
    index: int | None = None
    fs: float | None = None
    unit: str | None = None

    def open(self) -> Recording:
        """Open the recording, see `Recording.read`, under the source's id: names within files need not differ."""
        if self.index is not None:
            recording = npz.read_member(self.path, self.index, Options(fs=self.fs, unit=self.unit))
        else:
            recording = read_recording(self.path, fs=self.fs, unit=self.unit)
        return replace(recording, id=self.id)


def find_recordings(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    fs: float | None = None,
    unit: str | None = None,
) -> list[Source]:
    """List the recordings that files, folders and archives hold.

    Folders are searched with all that is in them, in the order of names; hidden files, and files that are no recordings
    (label lists, hypnograms, tables), are passed over there. A file that is named itself is always taken. Header,
    samples and annotations of a WFDB record count as one, and a recording that is met twice counts once.

    Parameters
    ----------
    paths
        One or more files, folders, WFDB record names, NPZ archives, or "archive.npz::id".
    fs, unit
        Passed on to `Recording.read` for each.

    Raises
    ------
    InputError
        When a path does not exist, or a folder holds no recording.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not given:
        raise InputError(f"no file or folder was given; read are {FORMATS}, and folders of these")
    found: dict[str, Source] = {}
    for path in given:
        for source in _listed(os.fspath(path), fs, unit):
            found.setdefault(source.key, source)
    return _distinct(list(found.values()))


def _distinct(sources: list[Source]) -> list[Source]:
    """Make ids that several sources share longer by the file's suffix and the folders above, until they differ."""
    shared: dict[str, list[Source]] = {}
    for source in sources:
        shared.setdefault(source.id, []).append(source)
    names: dict[str, str] = {}
    for alike in shared.values():
        paths = [Path(source.key).parts for source in alike]
        longest = max(map(len, paths))
        depth = next((n for n in range(1, longest) if len({path[-n:] for path in paths}) == len(paths)), longest)
        names |= {
            source.key: "/".join(path[-depth:]) if len(alike) > 1 else source.id
            for source, path in zip(alike, paths, strict=True)
        }
    return [replace(source, id=names[source.key]) for source in sources]


def _listed(given: str, fs: float | None, unit: str | None) -> Iterator[Source]:
    if not given.strip():
        raise InputError("an empty path was given (an unset variable?); name a file or a folder, . for the present one")
    archive, _, member = given.rpartition("::")
    if archive.lower().endswith(".npz"):
        where = Path(archive)
        ids = npz.archive_ids(where)
        if member not in ids:
            raise InputError(f"{where.name} holds no recording {member!r}; it holds {ids[0]} to {ids[-1]}")
        yield from (source for source in _archive(where, fs, unit) if source.id == member)
        return
    path = Path(given)
    if path.is_dir():
        yield from _folder(path, fs, unit)
    elif path.suffix.lower() == ".npz" and npz.holds(path) == "archive":
        yield from _archive(path, fs, unit)
    else:
        header = header_of(path)
        is_wfdb = path.with_name(path.name + ".hea").is_file() or (path.suffix.lower() in _WFDB and header.is_file())
        if not is_wfdb and not path.exists():
            raise InputError(f"there is no file or folder {path}, nor a WFDB record of that name; check the spelling")
        where = header if is_wfdb else path
        yield _source(where, fs, unit)


def _source(path: Path, fs: float | None, unit: str | None) -> Source:
    return Source(id=path.stem, path=path, key=os.path.abspath(path), fs=fs, unit=unit)  # noqa: PTH100 -- no symlink is followed


def _archive(path: Path, fs: float | None, unit: str | None) -> Iterator[Source]:
    base = os.path.abspath(path)  # noqa: PTH100
    seen: dict[str, int] = {}
    for index, name in enumerate(npz.archive_ids(path)):
        # An id that stands in the archive again is another recording, not the same one met twice.
        seen[name] = seen.get(name, 0) + 1
        again = f" ({seen[name]})" if seen[name] > 1 else ""
        yield Source(id=name, path=path, key=f"{base}::{name}{again}", index=index, fs=fs, unit=unit)


def _folder(folder: Path, fs: float | None, unit: str | None) -> Iterator[Source]:
    count = 0
    for path in _files(folder):
        if path.suffix.lower() == ".npz" and npz.holds(path) == "archive":
            sources = list(_archive(path, fs, unit))
        else:
            sources = [_source(path, fs, unit)] if _is_recording(path) else []
        count += len(sources)
        yield from sources
    if count == 0:
        lonely = sum(path.suffix.lower() == ".mat" for path in _files(folder))
        hint = f"; its {lonely} .mat files have no .hea headers beside them" if lonely else ""
        raise InputError(f"there is no recording in {folder}{hint}; looked for were {FORMATS}")


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(where, name)
            # A link that leads nowhere is kept, so that it is reported; a pipe or a device is no recording.
            if not name.startswith(".") and (path.is_file() or not path.exists()):
                yield path


def _is_recording(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return npz.holds(path) == "recording"
    if suffix in {".csv", ".tsv"}:
        return text.looks_like_samples(path)
    if suffix in {".edf", ".bdf"}:
        return edf.holds_signals(path)
    return suffix == ".hea"
