"""WFDB records: a text header with data files beside it, and the PhysioNet challenges' MAT files, which are the same.

Sources: header(5), signal(5) and annot(5) of the WFDB Applications Guide, https://physionet.org/physiotools/wag/.

The header and the common sample formats are read here and not by the package `wfdb`, which refuses the CinC 2017
headers (date before time), takes a second to import and reads a stretch in five times the time; the rare formats are
left to it.

Deviations: a record of several segments is refused; checksums are not verified, since the challenges' are not filled in
and a stretch has none.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.errors import FormatError, InputError
from auricle.signals.readers.files import parsing, read_bytes, size_of
from auricle.signals.readers.options import Options
from auricle.signals.readers.wfdb_annotations import read_atr
from auricle.signals.readers.wfdb_formats import FORMATS, LEFT_TO_WFDB, SampleFormat
from auricle.signals.recording import Annotation, Floats, Recording, SampleSource

_HEADER_LIMIT = 1_000_000
_CHUNK_BYTES = 8_000_000
_DEFAULT_FS = 250.0
_DEFAULT_GAIN = 200.0

_RECORD = re.compile(
    r"(?P<name>[^\s/]+)(/(?P<segments>\d+))?\s+(?P<signals>\d+)"
    r"(\s+(?P<fs>[\d.eE+-]+)(/[^\s]*)?(\s+(?P<samples>\d+)(\s+\S+)*)?)?\s*"
)
_SIGNAL = re.compile(
    r"(?P<file>\S+)\s+(?P<format>\d+)(x(?P<per_frame>\d+))?(:(?P<skew>\d+))?(\+(?P<offset>\d+))?"
    r"(\s+(?P<gain>[\d.eE+-]+)(\((?P<baseline>-?\d+)\))?(/(?P<unit>\S+))?"
    r"(\s+\d+(\s+(?P<zero>-?\d+)(\s+-?\d+(\s+-?\d+(\s+-?\d+(\s+(?P<name>.*))?)?)?)?)?)?)?\s*"
)


@dataclass(frozen=True)
class Signal:
    """One signal line of a header."""

    file: str
    format: int
    samples_per_frame: int
    skew: int
    offset: int
    gain: float
    baseline: int
    unit: str
    name: str


@dataclass(frozen=True)
class Header:
    """What a header says; `n_samples` is 0 where it leaves the length to the file."""

    name: str
    fs: float
    n_samples: int
    signals: tuple[Signal, ...]
    comments: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _DataFile:
    """The signals that stand interleaved in one data file."""

    path: Path
    format: SampleFormat
    offset: int
    gains: tuple[float, ...]
    baselines: tuple[int, ...]

    def read(self, rows: Sequence[int], start: int, stop: int) -> Floats:
        width = len(self.gains)
        out = np.empty((len(rows), stop - start), np.float32)
        gains = np.array([self.gains[row] for row in rows])[:, None]
        baselines = np.array([self.baselines[row] for row in rows])[:, None]
        step = max(1, _CHUNK_BYTES // (4 * width))
        for first in range(start, stop, step):
            last = min(stop, first + step)
            digital = self._digital(first * width, last * width).reshape(-1, width).T[list(rows)]
            out[:, first - start : last - start] = _physical(digital, gains, baselines, self.format.missing)
        return out

    def _digital(self, first: int, last: int) -> NDArray[np.integer]:
        group, size = self.format.samples_per_group, self.format.bytes_per_group
        aligned = first // group * group
        end = last // group * group
        count = (end - aligned) // group * size + self.format.bytes_for(last - end)
        data = read_bytes(self.path, self.offset + aligned // group * size, count)
        return self.format.decode(np.frombuffer(data, np.uint8), last - aligned)[first - aligned :]


@dataclass(frozen=True)
class _Files:
    """All data files of a record; `places` gives the file and the row in it of every signal."""

    files: tuple[_DataFile, ...]
    places: tuple[tuple[int, int], ...]

    def read(self, rows: Sequence[int], start: int, stop: int) -> Floats:
        wanted = [self.places[row] for row in rows]
        if len({file for file, _ in wanted}) == 1:
            return self.files[wanted[0][0]].read([row for _, row in wanted], start, stop)
        return np.concatenate([self.files[file].read([row], start, stop) for file, row in wanted])


@dataclass(frozen=True)
class _LeftToWfdb:
    """A record in a format that only the package `wfdb` reads here.

    Format 8 holds differences, and `wfdb` 4.3 counts them from where a stretch starts: there it must read from 0.
    """

    header: Path
    from_zero: bool

    def read(self, rows: Sequence[int], start: int, stop: int) -> Floats:
        import wfdb  # noqa: PLC0415 -- a second to import

        size_of(self.header)
        if start == stop:
            return np.empty((len(rows), 0), np.float32)
        with parsing(self.header, "WFDB"):
            first = 0 if self.from_zero else start
            record = wfdb.rdrecord(
                str(self.header.with_suffix("")), sampfrom=first, sampto=stop, channels=list(rows), return_res=32
            )
            physical: Floats = np.asarray(record.p_signal[start - first :], np.float32).T.copy()
        return physical


def _physical(
    digital: NDArray[np.integer], gains: NDArray[np.float64], baselines: NDArray[np.int64], missing: int | None
) -> Floats:
    # 24 bits less a baseline are exact in float32 and the division rounds once; 32 bits need float64 on the way.
    wide = np.float32 if digital.itemsize <= 2 and np.abs(baselines).max() < 1 << 23 else np.float64
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # a damaged gain may leave float32's range
        values: Floats = ((digital.astype(wide) - baselines.astype(wide)) / gains.astype(wide)).astype(np.float32)
    if missing is not None:
        values[digital == missing] = np.nan
    return values


def header_of(path: Path) -> Path:
    """Path of the header that belongs to a data file, an annotation file or a record's name."""
    named = path.with_name(path.name + ".hea")
    return named if named.is_file() else path.with_suffix(".hea")


def read(path: Path, options: Options) -> Recording:
    """Open the record that a header, a data file or a record's name stands for."""
    where = header_of(path)
    if not where.is_file() and path.is_file() and path != where:
        raise FormatError(
            f"{path.name} has no header {where.name} beside it, which says its rate, gain and leads; put it there"
        )
    header = read_header(where)
    fs = options.rate(header.fs, where.name)
    samples_from, n_samples = _open(where, header)
    return Recording(
        id=where.stem,
        fs=fs,
        channels=tuple(signal.name for signal in header.signals),
        units=options.units(tuple(signal.unit for signal in header.signals)),
        n_samples=n_samples,
        samples_from=samples_from,
        annotations_from=partial(_annotations, where, header.comments, fs, n_samples / fs),
        simulated=any("simulated" in comment.lower() for comment in header.comments),
        notes=header.notes,
        source=where,
    )


def read_header(path: Path) -> Header:
    """Parse a header.

    Raises
    ------
    InputError
        When there is no such file.
    FormatError
        When it does not follow header(5), or names a file outside its folder.
    """
    size = size_of(path)
    if size > _HEADER_LIMIT:
        raise FormatError(f"{path.name} has {size} bytes; a WFDB header is a short text")
    lines = read_bytes(path, 0, size).decode("utf-8", errors="replace").splitlines()
    comments = tuple(line.lstrip("# ").strip() for line in lines if line.startswith("#"))
    told = [line for line in lines if line.strip() and not line.startswith("#")]
    if not told:
        raise FormatError(
            f"{path.name} is empty; a WFDB header starts with the record's name and its number of signals"
        )
    record = _RECORD.fullmatch(told[0].strip())
    if record is None:
        raise FormatError(
            f"{path.name}: {told[0][:60]!r} is no record line; "
            "that has a name, the number of signals, the rate and the length"
        )
    if record["segments"]:
        raise FormatError(f"{path.name} joins {record['segments']} segments; give each segment's own header instead")
    count = int(record["signals"])
    if count == 0 or count > len(told) - 1:
        raise FormatError(f"{path.name} announces {count} signals and describes {len(told) - 1}; they must agree")
    notes: list[str] = []
    signals = tuple(_signal(line, i, path, notes) for i, line in enumerate(told[1 : count + 1]))
    with parsing(path, "WFDB header"):
        fs = float(record["fs"] or _DEFAULT_FS)
    return Header(record["name"], fs, int(record["samples"] or 0), signals, comments, tuple(notes))


def _signal(line: str, index: int, path: Path, notes: list[str]) -> Signal:
    found = _SIGNAL.fullmatch(line.strip())
    if found is None:
        raise FormatError(
            f"{path.name}: {line[:60]!r} is no signal line; "
            "that has a file, a format, a gain with its unit, and a name at its end"
        )
    if Path(found["file"]).name != found["file"] or "\\" in found["file"] or found["file"] in {"~", "-", ".", ".."}:
        raise FormatError(
            f"{path.name} names the data file {found['file']!r}; only a file in the header's own folder is read"
        )
    with parsing(path, "WFDB header"):
        gain = float(found["gain"] or 0)
    name = (found["name"] or "").strip() or f"channel {index + 1}"
    if gain == 0 or not np.isfinite(gain):
        gain = _DEFAULT_GAIN
        notes.append(
            f"{name} is not calibrated in the header; {_DEFAULT_GAIN:g} steps per mV were assumed, as WFDB has it"
        )
    baseline = int(found["zero"] or 0) if found["baseline"] is None else int(found["baseline"])
    if abs(baseline) > 1 << 32:
        raise FormatError(f"{path.name}: a baseline of {baseline} is beyond every sample format")
    return Signal(
        file=found["file"],
        format=int(found["format"]),
        samples_per_frame=int(found["per_frame"] or 1),
        skew=int(found["skew"] or 0),
        offset=int(found["offset"] or 0),
        gain=gain,
        baseline=baseline,
        unit=found["unit"] or "mV",
        name=name,
    )


def _open(where: Path, header: Header) -> tuple[SampleSource, int]:
    signals = header.signals
    unknown = {signal.format for signal in signals} - FORMATS.keys() - LEFT_TO_WFDB
    if unknown:
        raise FormatError(f"{where.name}: format {unknown.pop()} is no sample format of WFDB")
    rare = any(signal.format in LEFT_TO_WFDB or signal.samples_per_frame != 1 or signal.skew for signal in signals)
    files: list[_DataFile] = []
    places: list[tuple[int, int]] = []
    lengths: dict[str, int] = {}
    for name, group in groupby(signals, key=lambda signal: signal.file):
        rows = list(group)
        path = where.with_name(name)
        if not path.is_file():
            raise InputError(
                f"{where.name} names the data file {name}, which is not in {where.parent}; put it there"
            ) from FileNotFoundError(path)
        size = size_of(path)
        if name.lower().endswith(".mat"):
            _check_mat(path, len(rows), header.n_samples)
        if rare:
            # A sample takes a quarter of a byte at the least, so a length beyond that is a lie.
            lengths[name] = header.n_samples if header.n_samples <= 4 * size else 0
            continue
        if len({(signal.format, signal.offset) for signal in rows}) > 1:
            raise FormatError(f"{where.name} gives the signals of {name} different formats; a data file has one")
        layout = FORMATS[rows[0].format]
        held = layout.samples_in(size - rows[0].offset) // len(rows)
        lengths[name] = held
        places += [(len(files), row) for row in range(len(rows))]
        gains, baselines = tuple(signal.gain for signal in rows), tuple(signal.baseline for signal in rows)
        files.append(_DataFile(path, layout, rows[0].offset, gains, baselines))
    n_samples = header.n_samples or min(lengths.values())
    for name, held in lengths.items():
        if held < n_samples:
            raise FormatError(
                f"{name} is cut off: {where.name} announces {n_samples} samples a signal "
                f"and the file has room for {held}; fetch it again"
            )
    if n_samples == 0:
        raise FormatError(f"{where.name} and its data file hold no samples")
    differences = any(signal.format == 8 for signal in signals)
    return (_LeftToWfdb(where, differences) if rare else _Files(tuple(files), tuple(places))), n_samples


def _check_mat(path: Path, rows: int, n_samples: int) -> None:
    """Hold the 20-byte header of a MAT 4 matrix against the WFDB header, which sees only an offset there."""
    if size_of(path) < 20:
        raise FormatError(f"{path.name} is cut off: a MAT file has at least 20 bytes")
    kind, height, width = np.frombuffer(read_bytes(path, 0, 12), "<u4").tolist()
    if kind != 30:
        raise FormatError(
            f"{path.name} is no MAT file of version 4 with 16-bit samples, which the PhysioNet challenges use; "
            "save it as such, or as EDF or CSV"
        )
    if height != rows or (n_samples and width < n_samples):
        raise FormatError(
            f"{path.name} holds {height} x {width} samples and its header announces {rows} x {n_samples}; "
            "they must agree"
        )


def _annotations(header: Path, comments: tuple[str, ...], fs: float, duration: float) -> tuple[Annotation, ...]:
    found = []
    for comment in comments:
        key, _, value = comment.partition(":")
        if key.strip().lower() == "dx":
            codes = [code.strip() for code in value.split(",")]
            found += [Annotation(start=0.0, duration=duration, text=f"Dx {code}") for code in codes if code]
    atr = header.with_suffix(".atr")
    if not atr.is_file():
        return tuple(found)
    try:
        return (*found, *read_atr(atr, fs))
    except InputError as error:
        raise FormatError(f"{error} (the signals can be read all the same)") from error
