"""From a recording to windows of one length and rate: the bags of multiple-instance learning."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Literal

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from auricle.errors import InputError
from auricle.signals.quality import Quality, assess
from auricle.signals.visible import visible

if TYPE_CHECKING:
    from auricle.signals.recording import Recording

Floats = NDArray[np.float32]

_YEAR = 366 * 86_400.0

# What "fixed" scaling divides by: a large alpha wave, an R wave.
_FIXED = {"uV": 50.0, "mV": 1.0}


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How a recording becomes the input of a network.

    A window depends on its own samples alone, so a minute cut from a day gives the same numbers as the minute itself.

    Parameters
    ----------
    fs
        Rate of the windows in Hz. The recording is resampled with an anti-aliasing filter.
    unit
        Physical unit of the windows: "mV" or "uV".
    leads
        One entry per channel of the window: the channel names accepted for it, the preferred one first. Empty: the
        recording's channels as they stand.
    window, hop
        Length of a window and distance between the starts of two, in s, for a recording longer than `longest`.
        The last window ends with the recording and so may overlap its neighbour more than the others do.
    longest
        A recording up to this many seconds is one window.
    shortest
        A recording below this many seconds is refused.
    highpass
        Corner frequency in Hz of a zero-phase Butterworth high-pass of order 2, or None.
    scaling
        "peak" divides each window by the median over 2-s blocks of the largest magnitude, which makes an R wave about
        1 whatever the gain; "fixed" divides by 50 uV or by 1 mV, which keeps what amplitudes tell, such as N3's 75 uV,
        in numbers near 1; both clip at plus and minus 10. "none" keeps the physical unit.
    anchor
        "time" cuts the recording from its start to its end. "beat" cuts a window around each beat, which then stands in
        its middle; `hop` and `longest` have no meaning then, and the window has one channel more, in which the beats
        are marked: see `auricle.signals.beats`.
    """

    fs: float
    unit: str = "mV"
    leads: tuple[tuple[str, ...], ...] = ()
    window: float = 30.0
    hop: float = 30.0
    longest: float = 61.0
    shortest: float = 2.0
    highpass: float | None = 0.5
    scaling: Literal["peak", "fixed", "none"] = "peak"
    anchor: Literal["time", "beat"] = "time"

    def on_lead(self, lead: str | None) -> "Preprocessing":
        """Give the same for one channel, by its name or its number from 0; None leaves the leads as they are."""
        return self if lead is None else replace(self, leads=((lead,),))

    def __post_init__(self) -> None:
        if not 0 < self.hop <= self.window <= self.longest:
            raise InputError(
                f"hop {self.hop:g} s, window {self.window:g} s, longest {self.longest:g} s; "
                "they must be above 0 and in this order, so that windows leave no gap"
            )
        if not 0 < self.fs < float("inf"):
            raise InputError(f"a rate of {self.fs:g} Hz for the windows; it must be above 0")
        if self.highpass is not None and not 0 < self.highpass < self.fs / 2:
            raise InputError(
                f"a high-pass at {self.highpass:g} Hz; it must lie between 0 and {self.fs / 2:g}, half the rate"
            )
        if self.scaling not in {"peak", "fixed", "none"}:
            raise InputError(f'scaling {self.scaling!r} was given; allowed are "peak", "fixed" and "none"')
        if self.anchor not in {"time", "beat"}:
            raise InputError(f'anchor {self.anchor!r} was given; allowed are "time" and "beat"')
        if self.scaling == "fixed" and self.unit not in _FIXED:
            raise InputError(
                f'scaling "fixed" with windows in {self.unit!r}; it is defined for {" and ".join(sorted(_FIXED))}'
            )

    @property
    def marks(self) -> int:
        """Channels of a window, the last ones, that hold marks rather than signal."""
        return int(self.anchor == "beat")


@dataclass(frozen=True, kw_only=True)
class Window:
    """A stretch of one recording, resampled, in physical units.

    Attributes
    ----------
    samples
        float32 (channels, time).
    fs
        Rate in Hz.
    start, stop
        Position in the recording, in s.
    quality
        What is wrong with the samples as recorded, before resampling.
    before
        How much of it, in s, lies before the start of the recording, where its first sample is held: a window around
        one of the first beats. `start` is 0 then.
    beat
        The beat that it is cut around, in s; None for windows in time.
    """

    recording: str
    subject: str | None
    samples: Floats
    fs: float
    start: float
    stop: float
    quality: Quality
    before: float = 0.0
    beat: float | None = None


def spans(duration: float, preprocessing: Preprocessing) -> list[tuple[float, float]]:
    """Start and stop in s of every window of a recording that lasts `duration` s.

    >>> spans(95.0, Preprocessing(fs=100.0))
    [(0.0, 30.0), (30.0, 60.0), (60.0, 90.0), (65.0, 95.0)]
    """
    check_duration(duration, preprocessing)
    if duration <= preprocessing.longest:
        return [(0.0, duration)]
    count = ceil(max(0.0, duration - preprocessing.window) / preprocessing.hop - 1e-9)
    if count == 0:  # longer than a window by rounding alone
        return [(0.0, preprocessing.window)]
    starts = [i * preprocessing.hop for i in range(count)] + [duration - preprocessing.window]
    return [(start, start + preprocessing.window) for start in starts]


def check_duration(duration: float, preprocessing: Preprocessing) -> None:
    """Refuse a recording, of `duration` s, that is too short to be judged or too long to be true."""
    if duration < preprocessing.shortest:
        raise InputError(
            f"the recording lasts {_below(duration, preprocessing.shortest)} s; "
            f"at least {preprocessing.shortest:g} s are needed for a judgement"
        )
    if duration > _YEAR:
        raise InputError(
            f"the recording lasts {duration:.3g} s, more than a year; the rate that its file states is wrong"
        )


def expected(duration: float, preprocessing: Preprocessing) -> int:
    """About how many windows a recording of `duration` s gives: exact for windows in time, 72 a minute for beats."""
    if preprocessing.anchor == "time":
        return len(spans(duration, preprocessing))
    check_duration(duration, preprocessing)
    return max(1, round(1.2 * duration))


def _below(value: float, limit: float) -> str:
    """Write a number below `limit` with as many digits as it takes to look smaller."""
    return next(text for digits in range(3, 18) if float(text := f"{value:.{digits}g}") < limit)


def resample(samples: NDArray[np.floating], fs: float, new_fs: float) -> Floats:
    """Resample the last axis from `fs` to `new_fs` Hz with a polyphase anti-aliasing filter.

    The edges are continued by reflection about the end point, so that a baseline offset makes no ripple. The ratio of
    the rates is taken to one part in a million (denominators up to 1,000).

    Parameters
    ----------
    samples
        (..., time), finite.
    fs, new_fs
        In Hz.

    Returns
    -------
    float32 (..., ceil(time * new_fs / fs)); sample i stands for the moment i / new_fs.

    Raises
    ------
    InputError
        When the rates are more than a factor of 1,000 apart.
    """
    if fs == new_fs:
        return np.asarray(samples, np.float32)
    if not _comparable(fs, new_fs):
        raise InputError(f"resampling from {fs:g} to {new_fs:g} Hz; rates may differ by a factor of 1,000 at the most")
    ratio = Fraction(new_fs).limit_denominator(10_000) / Fraction(fs).limit_denominator(10_000)
    ratio = ratio.limit_denominator(1_000)
    up, down = ratio.numerator, ratio.denominator
    n = samples.shape[-1]
    length = ceil(n * up / down)
    pad = min(n - 1, ceil(10 * max(up, down) / up / down) * down)
    pad -= pad % down  # whole output samples, so the grid keeps its phase
    if pad == 0:
        return np.asarray(scipy.signal.resample_poly(samples, up, down, axis=-1), np.float32)
    head = 2 * samples[..., :1] - samples[..., pad:0:-1]
    tail = 2 * samples[..., -1:] - samples[..., -2 : -pad - 2 : -1]
    out = scipy.signal.resample_poly(np.concatenate([head, samples, tail], axis=-1), up, down, axis=-1)
    first = pad * up // down
    return np.asarray(out[..., first : first + length], np.float32)


def _comparable(fs: float, new_fs: float) -> bool:
    return 1e-3 <= new_fs / fs <= 1e3


def check_rate(recording: "Recording", preprocessing: Preprocessing) -> None:
    """Refuse a recording with a rate so far off that its header must be damaged, before it asks for endless windows."""
    if not _comparable(recording.fs, preprocessing.fs):
        raise InputError(
            f"recording {visible(recording.id)} has {recording.fs:g} Hz and windows of {preprocessing.fs:g} Hz are "
            "needed; rates may differ by a factor of 1,000 at the most"
        )


def condition(samples: Floats, preprocessing: Preprocessing) -> Floats:
    """High-pass and scale one window (channels, time) in physical units for the network; marks stay as they are."""
    signals = len(samples) - preprocessing.marks
    x = np.asarray(samples[:signals], np.float64)
    if preprocessing.highpass is not None:
        sos = scipy.signal.butter(2, preprocessing.highpass, "highpass", fs=preprocessing.fs, output="sos")
        pad = min(x.shape[-1] - 1, int(2 * preprocessing.fs))
        x = scipy.signal.sosfiltfilt(sos, x, axis=-1, padtype="odd", padlen=pad)
    if preprocessing.scaling == "peak":
        block = max(1, round(2 * preprocessing.fs))
        count = max(1, x.shape[-1] // block)
        peaks = np.stack([np.abs(part).max(axis=-1) for part in np.array_split(x, count, axis=-1)])
        # A floor of a hundredth of a millivolt (or ten of a microvolt's units) keeps a flat line flat.
        x = x / np.maximum(np.median(peaks, axis=0), 0.01 if preprocessing.unit == "mV" else 10.0)[:, None]
        x = np.clip(x, -10.0, 10.0)
    elif preprocessing.scaling == "fixed":
        x = np.clip(x / _FIXED[preprocessing.unit], -10.0, 10.0)
    return np.concatenate([x, samples[signals:]]).astype(np.float32)


def cut(
    recording: "Recording", preprocessing: Preprocessing, *, only: Collection[int] | None = None,
    beats: NDArray[np.float64] | None = None,
) -> Iterator[Window]:  # fmt: skip
    """Read, resample and yield the windows of a recording one by one; only one is in memory at a time.

    `only` names the numbers of the windows that are wanted, from 0; None wants all. `beats`, times in s, says where
    the beats are that windows are cut around; None lets a detector find them.

    Missing and infinite samples are bridged by straight lines, and flagged in the window's quality.

    Raises
    ------
    InputError
        When a lead or the unit is missing, the rate is out of all proportion, or the recording is shorter than
        `preprocessing.shortest`.
    """
    if preprocessing.anchor == "beat":
        from auricle.signals.beats import cut_beats  # noqa: PLC0415 -- it builds on this module

        yield from cut_beats(recording, preprocessing, beats=beats, only=only)
        return
    chosen = recording.choose(preprocessing.leads, preprocessing.unit)
    check_rate(chosen, preprocessing)
    for index, (start, stop) in enumerate(spans(chosen.duration, preprocessing)):
        if only is not None and index not in only:
            continue
        # Windows of one length have the same number of samples, wherever they start.
        count = min(round((stop - start) * chosen.fs), chosen.n_samples)
        first = min(round(start * chosen.fs), chosen.n_samples - count)
        raw = chosen.samples(first, first + count)
        yield Window(
            recording=chosen.id,
            subject=chosen.subject,
            samples=resample(bridge(raw), chosen.fs, preprocessing.fs),
            fs=preprocessing.fs,
            start=start,
            stop=stop,
            quality=assess(raw, chosen.fs, preprocessing.unit, wanted_fs=preprocessing.fs),
        )


def bridge(samples: Floats) -> Floats:
    """Replace missing and infinite samples of (channels, time) by straight lines; a channel with none left is zero.

    >>> bridge(np.array([[1.0, np.nan, 3.0, np.inf]], np.float32))
    array([[1., 2., 3., 3.]], dtype=float32)
    """
    there = np.isfinite(samples)
    if there.all():
        return samples
    out = np.zeros_like(samples)
    for i, known in enumerate(there):
        if known.any():
            at = np.flatnonzero(known)
            out[i] = np.interp(np.arange(samples.shape[1]), at, samples[i, at])
    return out
