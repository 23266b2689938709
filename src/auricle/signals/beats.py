"""Beats of an ECG: what annotators call them, where a detector finds them, and the windows around them.

Sources: ANSI/AAMI EC57:2012 for the five classes; the codes of PhysioNet's annotation files,
https://archive.physionet.org/physiobank/annotations.shtml; Vest et al. 2018 for the detector, XQRS of `wfdb`.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from math import floor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from auricle.errors import InputError
from auricle.signals.quality import Flag, Quality, assess
from auricle.signals.windows import Floats, Preprocessing, Window, bridge, check_duration, check_rate, resample

if TYPE_CHECKING:
    from auricle.signals.recording import Recording

CLASSES = {
    **dict.fromkeys(("N", "L", "R", "B", "e", "j"), "N"),
    **dict.fromkeys(("A", "a", "J", "S", "n"), "S"),
    **dict.fromkeys(("V", "E", "r"), "V"),
    "F": "F",
    **dict.fromkeys(("/", "f", "Q", "?"), "Q"),
}
"""AAMI class of each symbol that stands for a beat."""
PACED = ("/", "f")
FLUTTER_STARTS, FLUTTER_STOPS = "[", "]"

WIDTH = 0.03
"""Standard deviation of a beat's mark, in s."""
MATCH = 0.15
"""Farthest that a detected beat may lie from an annotated one, in s, as EC57 has it."""
_CHUNK, _OVERLAP = 600.0, 10.0
"""A detector hears this many seconds at a time, and so many of the neighbours'."""
_REFRACTORY = 0.2
_KNOWN_BEYOND = 0.5
"""A window may reach this far beyond the recording, in s, without a word."""
_FASTEST, _HEARD = 500.0, 250.0
"""XQRS finds nothing at 1,000 Hz: what is faster than the one is heard at the other, in Hz."""


@dataclass(frozen=True, kw_only=True)
class Beat:
    """One beat.

    Attributes
    ----------
    time
        Of its R wave, in s from the start of the recording.
    symbol
        As the annotator wrote it.
    label
        Its AAMI class: N, S, V, F or Q.
    """

    time: float
    symbol: str
    label: str


def annotated_beats(recording: "Recording") -> tuple[Beat, ...]:
    """List the beats that a recording's annotations name, in order of time.

    Raises
    ------
    InputError
        There are none.
    """
    found = []
    for annotation in recording.annotations:
        symbol = annotation.text.split(" ", 1)[0]
        if symbol in CLASSES and annotation.start < recording.duration:
            found.append(Beat(time=annotation.start, symbol=symbol, label=CLASSES[symbol]))
    if not found:
        raise InputError(
            f"recording {recording.id} has no annotated beats; beside a WFDB record a file .atr holds them, with "
            f"symbols such as N, V and A"
        )
    return tuple(found)


def is_paced(beats: Sequence[Beat]) -> bool:
    """Tell whether a pacemaker drives some beats; EC57 leaves such recordings out."""
    return any(beat.symbol in PACED for beat in beats)


def flutter(recording: "Recording") -> tuple[tuple[float, float], ...]:
    """Give start and stop, in s, of ventricular flutter or fibrillation, which EC57 leaves out beat by beat."""
    out, start = [], None
    for annotation in recording.annotations:
        symbol = annotation.text.split(" ", 1)[0]
        if symbol == FLUTTER_STARTS and start is None:
            start = annotation.start
        elif symbol == FLUTTER_STOPS and start is not None:
            out.append((start, annotation.start))
            start = None
    if start is not None:
        out.append((start, recording.duration))
    return tuple(out)


def detect_beats(recording: "Recording", *, until: float | None = None) -> NDArray[np.float64]:
    """Find the R waves in the first channel of a recording by `wfdb`'s XQRS, ten minutes at a time.

    Parameters
    ----------
    recording
        At any rate.
    until
        Stop after the ten minutes that hold this time, in s. What is found is what the whole recording gives there.

    Returns
    -------
    float64 (n,): times in s, in order.
    """
    from wfdb.processing import XQRS  # noqa: PLC0415 -- loads pandas

    found: list[float] = []
    start = 0.0
    while start < recording.duration and (until is None or start <= until):
        stop = min(start + _CHUNK, recording.duration)
        first = floor(max(0.0, start - _OVERLAP) * recording.fs)
        last = min(recording.n_samples, floor((stop + _OVERLAP) * recording.fs))
        heard, fs = bridge(recording.samples(first, last)[:1]), recording.fs
        if fs > _FASTEST:
            heard, fs = resample(heard, fs, _HEARD), _HEARD
        if np.ptp(heard) > 0:
            detector = XQRS(heard[0].astype(np.float64), fs)
            detector.detect(verbose=False)
            times = np.asarray(detector.qrs_inds, np.float64) / fs + first / recording.fs
            found += times[(times >= start) & (times < stop)].tolist()
        start = stop
    times = np.array(found, np.float64)
    return times[np.diff(times, prepend=-1.0) >= _REFRACTORY]


def matched(beats: Sequence[float], found: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pair beats with detections, each with one at the most: nearest pairs first, none farther than 150 ms.

    Returns
    -------
    Indices of the paired beats and, beside them, of the detections.
    """
    times = np.asarray(beats, np.float64)
    near = [
        (abs(times[i] - found[j]), i, j)
        for i in range(len(times))
        for j in range(np.searchsorted(found, times[i] - MATCH), np.searchsorted(found, times[i] + MATCH, "right"))
    ]
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in sorted(near):
        if i not in pairs and j not in taken:
            pairs[i] = int(j)
            taken.add(j)
    order = sorted(pairs)
    return np.array(order, np.int64), np.array([pairs[i] for i in order], np.int64)


def marks(times: NDArray[np.float64], own: float, start: float, count: int, fs: float) -> Floats:
    """Draw where the beats are: a bump of height 1 at the beat that is judged, of height -1 at each other.

    Parameters
    ----------
    times
        Of all beats, in s.
    own
        Time of the one that is judged.
    start
        Of the window, in s.
    count, fs
        Samples of the window and their rate.

    Examples
    --------
    >>> marks(np.array([0.5, 1.5]), 0.5, 0.0, 4, 2.0).round(2)
    array([ 0.,  1.,  0., -1.], dtype=float32)
    """
    at = start + np.arange(count) / fs
    near = times[(times > at[0] - 5 * WIDTH) & (times < at[-1] + 5 * WIDTH)]
    heights = np.where(near == own, 1.0, -1.0)
    bumps = np.exp(-0.5 * ((at - near[:, None]) / WIDTH) ** 2)  # (beats, time)
    return np.asarray(heights @ bumps, np.float32)


def _first(own: float, fs: float, count: int) -> int:
    """Give the first sample of a window of `count` samples around a beat; before the recording it is negative."""
    return round(own * fs) - count // 2


def _with_edge(quality: Quality, *, before: float, after: float, length: float) -> Quality:
    """Add a flag for each end of the recording beyond which a window reaches; all in s."""
    over = {"beginning": before, "end": after}
    flags = [
        Flag("edge", 0.0, length, f"{beyond:.1f} s of the window lie beyond the recording's {name}")
        for name, beyond in over.items() if beyond > _KNOWN_BEYOND
    ]  # fmt: skip
    return replace(quality, flags=(*quality.flags, *flags))


def beat_starts(recording: "Recording", preprocessing: Preprocessing) -> list[float]:
    """Say where `cut_beats` lets the windows around the beats that it hears start, in s."""
    chosen = recording.choose(preprocessing.leads, preprocessing.unit)
    count = round(preprocessing.window * chosen.fs)
    return [max(0.0, _first(own, chosen.fs, count) / chosen.fs) for own in detect_beats(chosen).tolist()]


def cut_beats(
    recording: "Recording", preprocessing: Preprocessing, *, beats: NDArray[np.float64] | None = None,
    only: Collection[int] | None = None,
) -> Iterator[Window]:  # fmt: skip
    """Yield a window around each beat: the chosen channels, and below them the marks of the beats.

    Beyond the ends of the recording a window is continued by its first or last sample.

    Parameters
    ----------
    recording
        Long enough for a judgement.
    preprocessing
        With anchor="beat"; a window is `window` s long, half of it on either side.
    beats
        (n,) times in s; None lets `detect_beats` find them.
    only
        Numbers of the windows that are wanted; None wants all.
    """
    chosen = recording.choose(preprocessing.leads, preprocessing.unit)
    check_rate(chosen, preprocessing)
    check_duration(chosen.duration, preprocessing)
    times = detect_beats(chosen) if beats is None else np.asarray(beats, np.float64)
    count = round(preprocessing.window * chosen.fs)
    for index, own in enumerate(times.tolist()):
        if only is not None and index not in only:
            continue
        first = _first(own, chosen.fs, count)
        raw = np.full((len(chosen.channels), count), np.nan, np.float32)
        inside = slice(max(0, first), min(chosen.n_samples, first + count))
        there = chosen.samples(inside.start, inside.stop)
        raw[:, inside.start - first : inside.stop - first] = there
        samples = resample(bridge(raw), chosen.fs, preprocessing.fs)
        start = first / chosen.fs
        drawn = marks(times, own, start, samples.shape[-1], preprocessing.fs)
        yield Window(
            recording=chosen.id,
            subject=chosen.subject,
            samples=np.concatenate([samples, drawn[None]]),
            fs=preprocessing.fs,
            start=max(0.0, start),
            stop=min(start + count / chosen.fs, chosen.duration),
            quality=_with_edge(
                assess(there, chosen.fs, preprocessing.unit, wanted_fs=preprocessing.fs),
                before=max(0.0, -start),
                after=max(0.0, start + count / chosen.fs - chosen.duration),
                length=there.shape[-1] / chosen.fs,
            ),
            before=max(0.0, -start),
            beat=own,
        )
