"""CSV files: one column per channel, and a time column or a rate said by the person who has the file."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from auricle.errors import FormatError, InputError
from auricle.signals.readers.files import parsing, reading, size_of
from auricle.signals.readers.options import Options
from auricle.signals.recording import HIGHEST_RATE, ArraySource, Floats, Recording

_ROWS = 65_536
_LONGEST_LINE = 100_000
_MISSING = {"", "-", "na", "n/a", "nan", "null", "none"}
_TIME = re.compile(r"(elapsed[ _]?)?(time(stamp)?|t|s|seconds?|sec|ms|msec|milliseconds?)([ _](s|sec|seconds|ms))?")
_COUNTER = re.compile(r"index|samples?([ _]?(#|no|number|index))?|#")
_WITH_UNIT = re.compile(r"(?P<name>.*?)\s*[(\[](?P<unit>[^)\]]*)[)\]]\s*")
_SLOWEST = 10.0
_EXPECTED = 'a CSV file has a line of names, such as "time,ECG (mV)", and below it a line of numbers for each sample'


@dataclass(frozen=True)
class _Layout:
    """How a file is laid out, from its first lines; `kept` and `time` are column numbers."""

    delimiter: str | None
    comma: bool
    header: int = 0
    width: int = 0
    names: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    kept: tuple[int, ...] = ()
    time: int | None = None
    notes: tuple[str, ...] = ()

    def cells(self, line: str) -> list[str]:
        return [cell.strip("'\" \t") for cell in line.split(self.delimiter)]

    def numbers(self, line: str) -> list[float]:
        cells = self.cells(line.replace(",", ".") if self.comma else line)
        # Python's own notation for numbers, 1_000, is none of a CSV file's.
        return [float("nan") if cell.lower() in _MISSING else float(cell.replace("_", "?")) for cell in cells]


def read(path: Path, options: Options) -> Recording:
    """Read a CSV file into memory as float32; commas, semicolons, tabs or blanks separate the columns.

    The first line may name the columns ("ECG (mV)", "EEG [uV]") and a second give their units. A column named time
    gives the rate and must be even: no sample more than half an interval off. Its unit is s unless it says ms; where it
    says nothing and seconds would mean a rate below 10 Hz, ms are assumed, with a note. Empty cells are missing
    samples. Lines that start with "#" are passed over; "simulated" in one of the first marks the recording.
    """
    if size_of(path) == 0:
        raise FormatError(f"{path.name} is empty; {_EXPECTED}")
    with _opened(path) as file:
        head = _first_lines(file)
    layout = _layout(path, [line for line in head if line.strip() and not line.startswith("#")])
    if layout.time is None and options.fs is None:
        raise InputError(
            f"{path.name} has no column named time and so no sampling rate; say it in Hz with --fs (fs= in Python)"
        )
    values, clock = _table(path, layout)
    notes = list(layout.notes)
    stated = None if clock is None else _rate(path.name, clock, layout, notes)
    return Recording(
        id=path.stem,
        fs=options.rate(stated, path.name),
        channels=tuple(layout.names[i] for i in layout.kept),
        units=options.units(tuple(layout.units[i] for i in layout.kept)),
        n_samples=values.shape[1],
        samples_from=ArraySource(values),
        simulated=any("simulated" in line.lower() for line in head if line.startswith("#")),
        notes=tuple(notes),
        source=path,
    )


def looks_like_samples(path: Path) -> bool:
    """Tell by the first lines whether a file is a table of numbers rather than a list of labels or a report."""
    try:
        with _opened(path) as file:
            lines = [line for line in _first_lines(file) if line.strip() and not line.startswith("#")]
        layout = _layout(path, lines)
        rows = [layout.numbers(line) for line in lines[layout.header :]]
    except (InputError, ValueError):
        return False
    return len(rows) > 1


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    with reading(path), path.open(encoding="utf-8-sig", errors="replace") as file:
        yield file


def _first_lines(file: TextIO) -> list[str]:
    # A file without line ends must not be taken for one line of gigabytes.
    lines = [file.readline(_LONGEST_LINE) for _ in range(12)]
    if any(len(line) == _LONGEST_LINE for line in lines):
        raise FormatError(
            f"{file.name} is no text with columns: it has a line of over {_LONGEST_LINE} characters; {_EXPECTED}"
        )
    return [line.rstrip("\n") for line in lines if line]


def _layout(path: Path, head: list[str]) -> _Layout:
    if not head or any("\0" in line for line in head):
        raise FormatError(f"{path.name} is no text with columns; {_EXPECTED}")
    sample = head[min(2, len(head) - 1)]
    delimiter = next((mark for mark in ("\t", ";", ",") if mark in sample), None)
    plain = _Layout(delimiter, comma=delimiter in {"\t", ";"} and "," in sample)
    header = 0
    while header < len(head) and not _is_numeric(plain, head[header]):
        header += 1
    if header == len(head) or header > 2:
        raise FormatError(
            f"{path.name} holds no samples: a line of numbers must follow one line of names, or two with units; "
            f"{_EXPECTED}"
        )
    width = len(plain.cells(head[header]))
    cells = [plain.cells(line) for line in head[:header]]
    if any(len(row) != width for row in cells):
        raise FormatError(f"{path.name} has {len(cells[0])} column names over {width} columns; {_EXPECTED}")
    names, units = _names(cells, width)
    time = next((i for i, name in enumerate(names) if _TIME.fullmatch(name.lower())), None)
    counters = [i for i, name in enumerate(names) if _COUNTER.fullmatch(name.lower()) and width > 1]
    kept = tuple(i for i in range(width) if i != time and i not in counters)
    if not kept:
        raise FormatError(f"{path.name} has the columns {', '.join(names)} and no signal")
    notes = tuple(f"column {names[i]!r} counts samples and was left out" for i in counters)
    return _Layout(delimiter, plain.comma, header, width, names, units, kept, time, notes)


def _is_numeric(layout: _Layout, line: str) -> bool:
    try:
        return not np.isnan(layout.numbers(line)).all()
    except ValueError:
        return False


def _names(cells: list[list[str]], width: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not cells:
        return (("signal",) if width == 1 else tuple(f"column {i + 1}" for i in range(width))), ("",) * width
    names, units = [], []
    for i, cell in enumerate(cells[0]):
        found = _WITH_UNIT.fullmatch(cell)
        names.append((found["name"] if found else cell) or f"column {i + 1}")
        units.append(found["unit"].strip() if found else "")
    if len(cells) == 2:
        units = [unit.strip("()[] ") for unit in cells[1]]
    return tuple(names), tuple(units)


def _table(path: Path, layout: _Layout) -> tuple[Floats, NDArray[np.float64] | None]:
    """Read the columns in pieces: float32 (channels, time), and the time column as it stands."""
    with reading(path), path.open("rb") as raw:
        ends = sum(block.count(b"\n") + block.count(b"\r") for block in iter(lambda: raw.read(1 << 20), b""))
    # A row of n columns has n bytes at the least, so that blank lines can't ask for more memory than the file is large.
    limit = min(ends, size_of(path) // layout.width) + 1
    values = np.empty((len(layout.kept), limit), np.float32)
    clock = None if layout.time is None else np.empty(limit)
    n, number = 0, 0
    with _opened(path) as file:
        lines = (line for line in file if line.strip() and not line.startswith("#"))
        for _ in range(layout.header):
            next(lines)
        while piece := list(islice(lines, _ROWS)):
            with parsing(path, "CSV"), np.errstate(over="ignore"):
                rows = _rows(piece, layout, path, number)
                values[:, n : n + len(rows)] = rows[:, list(layout.kept)].T
            if clock is not None:
                clock[n : n + len(rows)] = rows[:, layout.time]
            n += len(rows)
            number += len(piece)
    if n == 0:
        raise FormatError(f"{path.name} holds no samples below its header")
    return values[:, :n], None if clock is None else clock[:n]


def _rows(piece: list[str], layout: _Layout, path: Path, number: int) -> NDArray[np.float64]:
    try:
        if not layout.comma:
            rows = np.loadtxt(piece, delimiter=layout.delimiter, ndmin=2, comments=None)
            if rows.shape[1] == layout.width:
                return rows
    except ValueError:
        pass  # an empty cell or a quoted number: the slow way reads it, or says which line is wrong
    out = np.empty((len(piece), layout.width))
    for i, line in enumerate(piece):
        try:
            numbers = layout.numbers(line.rstrip("\n"))
            if len(numbers) != layout.width:  # a lone number would fill the row
                raise ValueError(f"{len(numbers)} cells")
            out[i] = numbers
        except ValueError as error:
            raise FormatError(
                f"{path.name}: line {number + i + 1} of the samples, {line.strip()[:60]!r}, "
                f"is not {layout.width} numbers; the file may be cut off or damaged there"
            ) from error
    return out


def _rate(name: str, clock: NDArray[np.float64], layout: _Layout, notes: list[str]) -> float:
    """Rate in Hz that an even time column means."""
    assert layout.time is not None
    if len(clock) < 2 or not np.isfinite(clock).all() or not clock[-1] > clock[0]:
        raise FormatError(f"{name}: its time column does not increase from its first to its last sample")
    step = (clock[-1] - clock[0]) / (len(clock) - 1)
    off = np.abs(clock - (clock[0] + step * np.arange(len(clock))))
    worst = int(off.argmax())
    if off[worst] > step / 2:
        raise FormatError(
            f"{name}: its time column is uneven, sample {worst} at {clock[worst]:g} "
            f"is {off[worst] / step:.1f} intervals off; split the file at its gaps or resample it"
        )
    words = set(re.findall("[a-z]+", f"{layout.names[layout.time]} {layout.units[layout.time]}".lower()))
    with np.errstate(over="ignore"):
        fs = float(1 / step)
    if words & {"ms", "msec", "milliseconds"}:
        fs *= 1000
    elif not words & {"s", "sec", "second", "seconds"} and fs < _SLOWEST:
        fs *= 1000
        notes.append("the time column states no unit; ms were assumed, since s would mean a rate below 10 Hz")
    # Time stamps are rounded, so that 300 Hz may come out as 299.997.
    return float(round(fs)) if 1 <= fs <= HIGHEST_RATE and abs(fs - round(fs)) < 1e-4 * fs else fs
