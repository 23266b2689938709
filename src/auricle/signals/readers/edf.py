"""EDF, EDF+ and BDF files.

Sources: Kemp et al. 1992, https://www.edfplus.info/specs/edf.html; Kemp & Olivan 2003 (EDF+),
https://www.edfplus.info/specs/edfplus.html; BioSemi's 24-bit variant, https://www.biosemi.com/faq/file_format.htm.

Samples are read here and not by `edfio`, which maps the file (a mapped file that shrinks ends the process) and takes a
BDF file into memory whole.

Deviations: a file with gaps (EDF+D) is refused; one whose time stamps show gaps though it claims to have none (EDF+C)
is read as if it had none, with a note; a file that ends early, or never had its number of data records filled in, gives
the data records that are there, with a note; text that is no UTF-8 is taken as Latin-1, so that a lone byte B5 is a
micro sign; a decimal comma is taken as a point.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.errors import FormatError
from auricle.signals.readers.files import parsing, read_bytes, size_of
from auricle.signals.readers.options import Options
from auricle.signals.recording import Annotation, Floats, Recording

_CHUNK_BYTES = 8_000_000
_ANNOTATIONS = {"EDF Annotations", "BDF Annotations"}
_FIELDS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)


@dataclass(frozen=True)
class _Signal:
    """One signal of the header; `offset` and `count` are in samples of a data record."""

    label: str
    unit: str
    scale: float
    shift: float
    offset: int
    count: int


@dataclass(frozen=True)
class Header:
    """What the header says, held against the size of the file."""

    path: Path
    patient: str
    text: str
    kind: str
    width: int
    offset: int
    n_records: int
    record_seconds: float
    record_bytes: int
    signals: tuple[_Signal, ...]
    annotations: tuple[tuple[int, int], ...]
    notes: tuple[str, ...]

    def blocks(self, first: int, last: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield data records `first` to `last` as (index of the first, bytes (records, bytes of a record))."""
        step = max(1, _CHUNK_BYTES // self.record_bytes)
        for start in range(first, last, step):
            stop = min(last, start + step)
            data = read_bytes(self.path, self.offset + start * self.record_bytes, (stop - start) * self.record_bytes)
            yield start, np.frombuffer(data, np.uint8).reshape(stop - start, self.record_bytes)


@dataclass(frozen=True)
class _Group:
    """The signals of a file that have one rate."""

    header: Header
    signals: tuple[_Signal, ...]

    def read(self, rows: Sequence[int], start: int, stop: int) -> Floats:
        out = np.empty((len(rows), stop - start), np.float32)
        count, width = self.signals[0].count, self.header.width
        if start == stop:
            return out
        for first, block in self.header.blocks(start // count, -(-stop // count)):
            at = first * count
            lo, hi = max(start, at), min(stop, at + len(block) * count)
            for i, row in enumerate(rows):
                signal = self.signals[row]
                raw = block[:, signal.offset * width : (signal.offset + count) * width]
                digital = _integers(raw, width)[lo - at : hi - at]
                out[i, lo - start : hi - start] = digital * signal.scale + signal.shift
        return out


def _integers(raw: NDArray[np.uint8], width: int) -> NDArray[np.integer]:
    if width == 2:
        return np.ascontiguousarray(raw).view("<i2").ravel()
    wide = np.zeros((raw.size // 3, 4), np.uint8)
    wide[:, 1:] = raw.reshape(-1, 3)
    return wide.view("<i4").ravel() >> 8


def read(path: Path, options: Options) -> Recording:
    """Open an EDF, EDF+ or BDF file; the recording is that of the highest rate, its `others` have the lower ones."""
    header = read_header(path)
    if not header.signals:
        raise FormatError(f"{path.name} holds annotations and no signal; read_annotations reads those")
    if header.kind.startswith(("EDF+D", "BDF+D")):
        _refuse_gaps(header)
    elif note := _gap_note(header):
        header = replace(header, notes=(*header.notes, note))
    by_rate = sorted(header.signals, key=lambda signal: -signal.count)
    groups = [tuple(group) for _, group in groupby(by_rate, key=lambda signal: signal.count)]
    fastest = groups[0][0].count
    fs = options.rate(fastest / header.record_seconds if header.record_seconds else None, path.name)
    others = tuple(_recording(header, group, fs * group[0].count / fastest, options) for group in groups[1:])
    return replace(_recording(header, groups[0], fs, options), others=others)


def _recording(header: Header, signals: tuple[_Signal, ...], fs: float, options: Options) -> Recording:
    return Recording(
        id=header.path.stem,
        fs=fs,
        channels=tuple(signal.label for signal in signals),
        units=options.units(tuple(signal.unit for signal in signals)),
        n_samples=header.n_records * signals[0].count,
        samples_from=_Group(header, signals),
        annotations_from=partial(_annotations, header),
        subject=_subject(header),
        simulated="simulated" in f"{header.patient} {header.text}".lower(),
        notes=header.notes,
        source=header.path,
    )


def read_annotations(path: Path) -> tuple[Annotation, ...]:
    """Read the annotations of an EDF+ or BDF+ file with or without signals, such as a Sleep-EDF hypnogram."""
    return tuple(sorted(_annotations(read_header(path)), key=lambda annotation: annotation.start))


def holds_signals(path: Path) -> bool:
    """Tell by the first bytes whether a file holds more than annotations; True where that can't be told."""
    try:
        with path.open("rb") as file:
            start = file.read(272)
    except OSError:
        return True
    return start[252:256].strip() != b"1" or start[256:272].decode("latin-1").strip() not in _ANNOTATIONS


def read_header(path: Path) -> Header:
    """Parse the header and hold it against the size of the file.

    Raises
    ------
    InputError
        When there is no such file.
    FormatError
        When a field is no number, or the file ends within its header or first data record.
    """
    size = size_of(path)
    if size < 256:
        raise FormatError(
            f"{path.name} has {size} bytes; the header of an EDF file has at least 256: it has been cut off"
        )
    start = read_bytes(path, 0, 256)
    bdf = start[:8] == b"\xffBIOSEMI"
    if not bdf and start[:8].strip() != b"0":
        raise FormatError(f"{path.name} is no EDF or BDF file: it does not start with '0' or with BIOSEMI")
    kind = "BDF" if bdf else "EDF"
    with parsing(path, kind):
        n_signals, announced = int(start[252:256]), int(start[236:244])
        seconds = _number(start[244:252])
    offset = 256 * (n_signals + 1)
    if n_signals < 1 or size < offset:
        raise FormatError(f"{path.name} announces {n_signals} signals and has {size} bytes: it is damaged or cut off")
    if not (isfinite(seconds) and seconds >= 0):
        raise FormatError(f"{path.name} states data records of {seconds} s; that must be a number of seconds")
    width = 3 if bdf else 2
    notes: list[str] = []
    with parsing(path, kind):
        signals, tables = _signals(read_bytes(path, 256, offset - 256), n_signals, notes)
    record_bytes = width * (sum(count for _, count in tables))
    held = (size - offset) // record_bytes
    if held < 1:
        raise FormatError(f"{path.name} has no complete data record: it has been cut off, or was never written")
    if announced < 0:
        notes.append(f"the header leaves the length open; the file holds {held} data records")
    elif held < announced:
        notes.append(f"the file ends early: {held} of {announced} data records are there")
    return Header(
        path=path,
        patient=_text(start[8:88]),
        text=_text(start[88:168]),
        kind=_text(start[192:236]),
        width=width,
        offset=offset,
        n_records=held if announced < 0 else min(held, announced),
        record_seconds=seconds,
        record_bytes=record_bytes,
        signals=signals,
        annotations=tuple(
            tables[i] for i, label in enumerate(_labels(read_bytes(path, 256, 16 * n_signals))) if label in _ANNOTATIONS
        ),
        notes=tuple(notes),
    )


def _labels(data: bytes) -> list[str]:
    return [_text(data[i : i + 16]) for i in range(0, len(data), 16)]


def _signals(data: bytes, n: int, notes: list[str]) -> tuple[tuple[_Signal, ...], list[tuple[int, int]]]:
    """Parse the signal headers; the table has (offset, count) in samples of a data record for every signal."""
    columns = []
    at = 0
    for width in _FIELDS:
        columns.append([data[at + i * width : at + (i + 1) * width] for i in range(n)])
        at += n * width
    labels, _, units, p_min, p_max, d_min, d_max, _, counts, _ = columns
    signals: list[_Signal] = []
    table: list[tuple[int, int]] = []
    offset = 0
    for i in range(n):
        label, count = _text(labels[i]), int(counts[i])
        if count < 1:
            raise ValueError(f"signal {label!r} has {count} samples in a data record")
        table.append((offset, count))
        offset += count
        if label in _ANNOTATIONS:
            continue
        low, high = _number(p_min[i]), _number(p_max[i])
        d_low, d_high = int(d_min[i]), int(d_max[i])
        if why := _no_scale(low, high, d_low, d_high):
            notes.append(f"{label or f'channel {i + 1}'} was left out: {why}, so it has no scale")
            continue
        scale = (high - low) / (d_high - d_low)
        signals.append(_Signal(label or f"channel {i + 1}", _text(units[i]), scale, low - d_low * scale, *table[-1]))
    if not signals and notes:
        raise ValueError(f"no signal has a scale: {notes[0]}")
    return tuple(signals), table


def _no_scale(low: float, high: float, d_low: int, d_high: int) -> str:
    """Say why the limits of a signal turn no digital number into a physical one; empty if they do."""
    if not isfinite(high - low):
        return f"its physical limits, {low:g} and {high:g}, are no numbers to scale by"
    if low == high:
        return f"its physical minimum equals its maximum, {low:g}"
    return f"its digital minimum equals its maximum, {d_low}" if d_low == d_high else ""


def _text(field: bytes) -> str:
    return _decoded(field).strip(" \0")


def _decoded(field: bytes) -> str:
    # EDF asks for ASCII and EDF+ for UTF-8 in annotations; what is neither was written under Latin-1, such as its "µV".
    try:
        return field.decode("utf-8")
    except UnicodeDecodeError:
        return field.decode("latin-1")


def _number(field: bytes) -> float:
    # Some makers write a decimal comma, against the specification.
    return float(field.strip(b" \0").replace(b",", b"."))


def _subject(header: Header) -> str | None:
    # EDF+ 2.1.3.3: code, sex, birthdate and name, each X where unknown. Without the code nobody is identified for sure.
    # Plain EDF leaves the field to whoever writes it, and many write "X X X X" there too.
    words = header.patient.split()
    if not words or words[0] == "X":
        return None
    plus = header.kind.startswith(("EDF+", "BDF+"))
    return words[0] if plus else header.patient


def _stamps(header: Header, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, int, bytes]]:
    """Yield every time-stamped annotation list as (data record, position in it, bytes): EDF+ 2.2.2.

    `start` and `stop` bound the data records, None for all that follow.
    """
    for first, block in header.blocks(start, header.n_records if stop is None else stop):
        for i, record in enumerate(block):
            position = 0
            for offset, count in header.annotations:
                data = record[offset * header.width : (offset + count) * header.width].tobytes()
                for stamp in data.split(b"\0"):
                    if stamp:
                        yield first + i, position, stamp
                        position += 1


def _onset(stamp: bytes) -> tuple[float, float, list[str]]:
    when, *texts = stamp.split(b"\x14")
    start, _, duration = when.partition(b"\x15")
    onset, length = float(start), float(duration or 0)
    if not (isfinite(onset) and isfinite(length)):
        raise ValueError(f"{when[:40]!r} is no time")
    return onset, max(0.0, length), [_decoded(text) for text in texts if text]


def _annotations(header: Header) -> tuple[Annotation, ...]:
    if not header.annotations:
        return ()
    found: list[Annotation] = []
    origin = None
    with parsing(header.path, "EDF+"):
        for _, _, stamp in _stamps(header):
            start, duration, texts = _onset(stamp)
            # The first stamp says when the first data record starts, by a fraction of a second after the header's time.
            origin = start if origin is None else origin
            found += [Annotation(start=start - origin, duration=duration, text=text) for text in texts]
    return tuple(found)


def _refuse_gaps(header: Header) -> None:
    with parsing(header.path, "EDF+"):
        starts = [_onset(stamp)[0] for _, position, stamp in _stamps(header) if position == 0]
    for i, start in enumerate(starts):
        if abs(start - starts[0] - i * header.record_seconds) > 1e-3:
            raise FormatError(
                f"{header.path.name} has a gap before {start:g} s (EDF+D); save its parts as files without gaps (EDF+C)"
            )


def _gap_note(header: Header) -> str | None:
    """Say where the time stamps of a file without gaps leave its samples behind; None if they don't, or can't be read.

    A handful of data records is looked at, since whole nights are opened in passing: the last one shows whether time
    was lost in all, and a bisection where it was lost first.
    """
    if not header.kind.startswith(("EDF+C", "BDF+C")) or not header.annotations:
        return None
    last = header.n_records - 1
    try:
        begin = _starts(header, 0)

        def lost(record: int) -> float:
            return _starts(header, record) - begin - record * header.record_seconds

        # Stamps are rounded, and the clocks of recorders run a little fast or slow.
        slack = 0.1 + 1e-5 * last * header.record_seconds
        if abs(total := lost(last)) <= slack:
            return None
        even, apart = 0, last
        while apart - even > 1:
            middle = (even + apart) // 2
            even, apart = (middle, apart) if abs(lost(middle)) <= slack else (even, middle)
    except ValueError:
        return None
    return (
        f"the time stamps end {abs(total):.3g} s {'after' if total > 0 else 'before'} the samples, first at "
        f"{apart * header.record_seconds:g} s: gaps, though the file claims to have none (EDF+C); "
        "it was read as if it had none"
    )


def _starts(header: Header, record: int) -> float:
    """Time stamp of a data record, in s; a ValueError if it has none."""
    for _, position, stamp in _stamps(header, record, record + 1):
        if position == 0:
            return _onset(stamp)[0]
    raise ValueError(f"data record {record} has no time stamp")
