"""A recording: samples in physical units that stay on disk until a stretch of them is asked for."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.errors import InputError
from auricle.signals.units import conversion, find_lead, is_unspecific, voltage
from auricle.signals.visible import visible

Floats = NDArray[np.float32]

HIGHEST_RATE = 1e6


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """A remark on a stretch of a recording: a beat, a rhythm, a sleep stage, a diagnosis.

    Attributes
    ----------
    start, duration
        In s from the start of the recording; a duration of 0 marks an instant.
    text
        As the file has it, e.g. "V", "(AFIB", "Sleep stage 2", "Dx 164889003".
    channel
        The channel it belongs to, or None for all of them.
    """

    start: float
    duration: float = 0.0
    text: str = ""
    channel: str | None = None


class SampleSource(Protocol):
    """Where samples come from: a file, or an array."""

    def read(self, rows: Sequence[int], start: int, stop: int) -> Floats:
        """Read a fresh float32 (rows, stop - start) array in physical units; missing samples are NaN."""
        ...


@dataclass(frozen=True)
class ArraySource:
    """Samples that are in memory already."""

    values: Floats

    def read(self, rows: Sequence[int], start: int, stop: int) -> Floats:
        """Copy a stretch."""
        return self.values[list(rows), start:stop]


@dataclass(frozen=True)
class _Selection:
    """Some rows of another source, each multiplied by a factor."""

    source: SampleSource
    rows: tuple[int, ...]
    factors: tuple[float, ...]

    def read(self, rows: Sequence[int], start: int, stop: int) -> Floats:
        values = self.source.read([self.rows[row] for row in rows], start, stop)
        factors = np.array([self.factors[row] for row in rows], np.float32)
        if np.any(factors != 1):
            values *= factors[:, None]
        return values


def _single(values: NDArray[np.generic]) -> Floats:
    with np.errstate(over="ignore"):  # beyond float32 a sample is infinite, and so missing
        return np.asarray(values, np.float32)


def _named(channels: Sequence[str]) -> str:
    """List channel names for an error, as many as a person reads."""
    shown = ", ".join(f"'{visible(channel, 40)}'" for channel in channels[:24])
    return shown + (f" and {len(channels) - 24} more" if len(channels) > 24 else "")


def _text(given: str) -> str:
    """Replace halves of characters, which stand for bytes that are no text, by the mark for that."""
    return given.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def no_annotations() -> tuple[Annotation, ...]:
    """Stand in for a file without annotations."""
    return ()


@dataclass(frozen=True)
class _Given:
    """Annotations that are in memory already."""

    annotations: tuple[Annotation, ...]

    def __call__(self) -> tuple[Annotation, ...]:
        return self.annotations


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """Samples of one recording, all channels at one rate, read from disk a stretch at a time.

    Made by `Recording.read` or `Recording.from_array`, not by hand.

    Attributes
    ----------
    id
        Name of the record, e.g. "A00034".
    fs
        Rate in Hz.
    channels, units
        Name and physical unit of each channel, as the file spells them.
    n_samples
        Samples per channel.
    subject
        Who was recorded, or None where the file does not say.
    simulated
        Whether the file says that nobody was recorded.
    notes
        What was mended, assumed or left out while reading and may change a judgement, one sentence each.
    source
        The file, or None for an array.
    others
        The channels of the same file at other rates, one recording for each rate.

    Examples
    --------
    >>> recording = Recording.from_array(np.zeros((2, 3600)), 360, channels=("MLII", "V5"), units="mV", id="100")
    >>> recording
    Recording('100', MLII and V5, 360 Hz, 10 s)
    >>> chosen = recording.choose((("I", "II"),), "uV")
    >>> chosen.channels, chosen.units, chosen.samples(0, 360).shape
    (('MLII',), ('uV',), (1, 360))
    """

    id: str
    fs: float
    channels: tuple[str, ...]
    units: tuple[str, ...]
    n_samples: int
    samples_from: SampleSource = field(repr=False)
    annotations_from: Callable[[], tuple[Annotation, ...]] = field(default=no_annotations, repr=False)
    subject: str | None = None
    simulated: bool = False
    notes: tuple[str, ...] = ()
    source: Path | None = None
    others: tuple["Recording", ...] = ()

    def __post_init__(self) -> None:
        # A file's name may hold bytes that are no text; neither JSON nor a page could hold them.
        for name in ("id", "subject"):
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, _text(given))
        object.__setattr__(self, "channels", tuple(map(_text, self.channels)))
        object.__setattr__(self, "units", tuple(map(_text, self.units)))
        if not 0 < self.fs <= HIGHEST_RATE:
            raise InputError(
                f"recording {visible(self.id)}: a rate of {self.fs:g} Hz; it must be above 0 and at most 1 MHz"
            )
        if self.n_samples < 1 or not self.channels:
            raise InputError(f"recording {visible(self.id)} holds no samples; there is nothing to judge in it")
        if len(self.units) != len(self.channels):
            raise InputError(
                f"recording {visible(self.id)}: {len(self.channels)} channels and {len(self.units)} units; "
                "give one per channel"
            )

    def __repr__(self) -> str:
        names = " and ".join(self.channels) if len(self.channels) < 4 else f"{len(self.channels)} channels"
        marked = ", simulated" if self.simulated else ""
        return f"Recording({self.id!r}, {names}, {self.fs:g} Hz, {self.duration:.6g} s{marked})"

    @classmethod
    def read(cls, path: str | os.PathLike[str], *, fs: float | None = None, unit: str | None = None) -> "Recording":
        """Open a WFDB, PhysioNet challenge (MAT), EDF, EDF+, BDF, CSV or NPZ recording without reading its samples.

        Only a CSV file is read at once, since it can't be read in part.

        Parameters
        ----------
        path
            The file; for WFDB the header, the data file or the record's name without a suffix; for one recording of
            an NPZ archive "archive.npz::id".
        fs
            Rate in Hz, for a file that does not state one (a CSV file without a time column).
        unit
            What the numbers are in, for a file that does not say so or says it wrongly. It replaces every channel's.

        Raises
        ------
        InputError
            When there is no such file, or a rate is missing or stated twice.
        FormatError
            When the file is not what it claims to be.
        """
        from auricle.signals.readers import read_recording  # noqa: PLC0415 -- a reader imports Recording

        return read_recording(path, fs=fs, unit=unit)

    @classmethod
    def from_array(
        cls,
        samples: ArrayLike,
        fs: float,
        *,
        channels: Sequence[str] = (),
        units: str | Sequence[str] = "",
        id: str = "array",  # noqa: A002 -- the attribute's name
        subject: str | None = None,
        annotations: Sequence[Annotation] = (),
        simulated: bool = False,
    ) -> "Recording":
        """Make a recording of an array.

        Parameters
        ----------
        samples
            (channels, time) or (time,), real numbers; missing samples are NaN. Not copied if float32 already.
        fs
            Rate in Hz.
        channels
            Names; by default "channel 1", "channel 2", ...
        units
            One unit for all channels, or one for each.
        id, subject, annotations, simulated
            As in the class.
        """
        values = np.asarray(samples)
        if values.dtype.kind not in "iuf":
            raise InputError(f"samples of type {values.dtype} are no real numbers; give an array of float or int")
        if values.ndim == 1:
            values = values[None]
        if values.ndim != 2:
            raise InputError(f"samples of shape {values.shape}; allowed are (channels, time) and (time,)")
        names = tuple(channels) or tuple(f"channel {i + 1}" for i in range(len(values)))
        if len(names) != len(values):
            raise InputError(
                f"{len(values)} rows of samples and {len(names)} channel names; samples are (channels, time)"
            )
        return cls(
            id=id,
            fs=float(fs),
            channels=names,
            units=(units,) * len(names) if isinstance(units, str) else tuple(units),
            n_samples=values.shape[1],
            samples_from=ArraySource(_single(values)),
            annotations_from=_Given(tuple(annotations)),
            subject=subject,
            simulated=simulated,
        )

    @property
    def duration(self) -> float:
        """Length in s."""
        return self.n_samples / self.fs

    @cached_property
    def annotations(self) -> tuple[Annotation, ...]:
        """Annotations in the file and beside it, in order of time; read when first asked for."""
        return tuple(sorted(self.annotations_from(), key=lambda annotation: annotation.start))

    def samples(self, start: int = 0, stop: int | None = None) -> Floats:
        """Read samples `start` to `stop` of every channel: float32 (channels, stop - start), missing ones NaN.

        Raises
        ------
        InputError
            When the stretch is not inside the recording, or the file has gone.
        FormatError
            When the file has become shorter.
        """
        stop = self.n_samples if stop is None else stop
        if not 0 <= start <= stop <= self.n_samples:
            raise InputError(
                f"samples {start} to {stop} of recording {visible(self.id)} were asked for; "
                f"it has 0 to {self.n_samples}"
            )
        return self.samples_from.read(range(len(self.channels)), start, stop)

    def choose(self, leads: Sequence[Sequence[str]], unit: str) -> "Recording":
        """Select channels in order and convert them to one voltage unit, without reading a sample.

        Parameters
        ----------
        leads
            One entry per channel wanted: the names accepted for it, the preferred one first; an index counted from
            0, over the channels of all rates, may be given as text. Spelling is forgiven: "EEG Fpz-Cz" is "Fpz-Cz",
            "MLII" is "II". Empty: all channels. A lone channel with a name that tells nothing, such as "ECG", is
            accepted for a single lead.
        unit
            "V", "mV", "uV" or "nV".

        Raises
        ------
        InputError
            When a lead is missing, the leads have different rates, or a unit is not a voltage.
        """
        groups: tuple[Recording, ...] = (self, *self.others)
        first = 0
        for group in groups:
            rows = group._rows(leads, first)
            first += len(group.channels)
            if rows is not None:
                return group._select(rows, unit)
        if len(leads) == len(self.channels) == 1 and not self.others and is_unspecific(self.channels[0], leads[0]):
            return self._select((0,), unit)
        raise InputError(self._missing(leads))

    def _rows(self, leads: Sequence[Sequence[str]], first: int) -> tuple[int, ...] | None:
        if not leads:
            return tuple(range(len(self.channels)))
        rows = [find_lead(names, self.channels, first=first) for names in leads]
        return None if None in rows else tuple(row for row in rows if row is not None)

    def _select(self, rows: tuple[int, ...], unit: str) -> "Recording":
        target = voltage(unit)
        if target is None:
            raise InputError(f"{unit!r} was asked for as the unit; allowed are V, mV, uV and nV")
        for row in rows:
            if voltage(self.units[row]) is None:
                unit_there = visible(self.units[row], 20)
                stated = f"in '{unit_there}', which is no voltage" if self.units[row].strip() else "without a unit"
                raise InputError(
                    f"channel '{visible(self.channels[row], 40)}' of recording {visible(self.id)} is {stated}; "
                    f'if you know what its numbers are in, say so with --unit {target} (unit="{target}" in Python)'
                )
        factors = tuple(conversion(self.units[row], target) for row in rows)
        return replace(
            self,
            channels=tuple(self.channels[row] for row in rows),
            units=(target,) * len(rows),
            samples_from=_Selection(self.samples_from, rows, factors),
            others=(),
        )

    def _missing(self, leads: Sequence[Sequence[str]]) -> str:
        groups = (self, *self.others)
        there = "; ".join(
            _named(group.channels) + (f" at {group.fs:g} Hz" if len(groups) > 1 else "") for group in groups
        )
        everything = [channel for group in groups for channel in group.channels]
        for names in leads:
            if find_lead(names, everything) is None:
                wanted = " or ".join(names)
                return (
                    f"recording {visible(self.id)} has no channel {visible(wanted)}; it has {there}. Give the one to "
                    f"use with --lead, by name or by number from 0: --lead '{visible(everything[0], 40)}' or --lead 0"
                )
        return (
            f"the channels asked for have different rates in recording {visible(self.id)}, which has {there}; "
            "a window needs channels of one rate: name such channels with --lead"
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write samples, names, units and annotations as NPZ; the file appears whole or not at all.

        Raises
        ------
        InputError
            When the path does not end in .npz or can't be written.
        """
        from auricle.signals.readers.npz import write_recording  # noqa: PLC0415 -- a reader imports Recording

        return write_recording(self, Path(path))
