"""What is wrong with the samples of a window, reported and never mended."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auricle.signals.units import conversion

Kind = Literal["flat line", "clipping", "dropout", "gain", "rate", "edge"]

FLAT_SECONDS = 1.0
ZERO_SECONDS = 0.5
CLIP_SECONDS = 0.02
CLIP_TOTAL_SECONDS = 0.1
# Peak-to-peak of 2-s blocks, in mV: what an electrode on a body can give.
ECG_RANGE = (0.05, 20.0)
EEG_RANGE = (0.001, 2.0)


@dataclass(frozen=True)
class Flag:
    """One defect of a window.

    Attributes
    ----------
    kind
        "flat line", "clipping", "dropout", "gain", "rate", or "edge" for a window that reaches beyond the recording.
    start, stop
        Where, in s from the start of the window.
    text
        What was seen, in a sentence's words and with numbers.
    """

    kind: Kind
    start: float
    stop: float
    text: str


@dataclass(frozen=True)
class Quality:
    """The defects of a window, in order of time.

    Attributes
    ----------
    flags
        One per defect.
    dead
        Share of the window, 0 to 1, that is flat or missing, in the channel where that is most.

    Examples
    --------
    >>> assess(np.full((1, 3000), 0.25), 100.0, "mV")
    Quality(flags=(Flag(kind='flat line', start=0.0, stop=30.0, text='constant at 0.25 mV for 30 s'),), dead=1.0)
    """

    flags: tuple[Flag, ...] = ()
    dead: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.flags

    @property
    def usable(self) -> bool:
        """Whether at most half of the window is flat or missing."""
        return self.dead <= 0.5


def assess(samples: NDArray[np.floating], fs: float, unit: str, *, wanted_fs: float | None = None) -> Quality:
    """Look for flat lines, clipping, dropouts, implausible amplitudes and a rate that is too low.

    Parameters
    ----------
    samples
        (channels, time) in `unit`, as recorded: before any filter, missing samples as NaN.
    fs
        Rate in Hz.
    unit
        A voltage. In mV the limits of an ECG hold for the amplitude, in any other unit those of an EEG.
    wanted_fs
        The rate in Hz that the samples will be brought to; None leaves out the look at the rate.

    Notes
    -----
    A *dropout* is a missing or infinite sample, or at least 0.5 s of exact zeros. A *flat line* is at least 1 s of one
    other value. *Clipping* is the largest or smallest value of the window held for at least 20 ms (and 3 samples) at a
    time and 0.1 s in all. *Gain* is a median peak-to-peak over 2-s blocks outside 0.05 to 20 mV (ECG) or 0.001 to 2 mV
    (EEG): a body gives no such signal, so the unit or the gain of the file is wrong. *Rate* is a rate below half of the
    wanted one: half of what a window could hold was never recorded. The limits are set wide, so that a flag is seldom
    false; a window without one may still be unreadable.
    """
    flags: list[Flag] = []
    dead = 0.0
    for i, x in enumerate(np.atleast_2d(samples)):
        where = f" in channel {i + 1}" if len(samples) > 1 else ""
        found, share = _assess_channel(x, fs, unit, where)
        flags += found
        dead = max(dead, share)
    if wanted_fs is not None and fs < wanted_fs / 2:
        text = f"recorded at {fs:g} Hz, so that nothing above {fs / 2:g} Hz is there; {wanted_fs:g} Hz are wanted"
        flags.append(Flag("rate", 0.0, np.shape(samples)[-1] / fs, text))
    return Quality(tuple(sorted(flags, key=lambda flag: flag.start)), dead)


def _assess_channel(x: NDArray[np.floating], fs: float, unit: str, where: str) -> tuple[list[Flag], float]:
    n = len(x)
    if n == 0:
        return [], 0.0
    flags: list[Flag] = []
    missing = ~np.isfinite(x)
    gaps = _runs(missing) if missing.any() else []
    held = _held(x, max(3, round(CLIP_SECONDS * fs)))
    lost = list(gaps)
    flat: list[tuple[int, int]] = []
    for a, b in held:
        if x[a] == 0 and b - a >= ZERO_SECONDS * fs:
            lost.append((a, b))
        elif x[a] != 0 and b - a >= FLAT_SECONDS * fs:
            flat.append((a, b))
    merged = _merge(sorted(lost), round(fs))
    for a, b in merged:
        count = int(missing[a:b].sum())
        what = f"{count} samples missing" if count else "exact zeros"
        flags.append(Flag("dropout", a / fs, b / fs, f"{what} within {(b - a) / fs:.3g} s{where}"))
    flags += [
        Flag("flat line", a / fs, b / fs, f"constant at {float(x[a]):.3g} {unit} for {(b - a) / fs:.3g} s{where}")
        for a, b in flat
    ]
    dead = (sum(b - a for a, b in lost) + sum(b - a for a, b in flat)) / n
    if dead < 1:
        alive = [run for run in held if run not in {*flat, *lost}]
        flags += _clipping(x, alive, fs, unit, where)
        flags += _gain(x, fs, unit, where)
    return flags, dead


def _clipping(
    x: NDArray[np.floating],
    held: list[tuple[int, int]],
    fs: float,
    unit: str,
    where: str,
) -> list[Flag]:
    if not held:
        return []
    flags = []
    finite = x[np.isfinite(x)]
    for side, extreme in (("largest", finite.max()), ("smallest", finite.min())):
        at = [(a, b) for a, b in held if x[a] == extreme]
        total = sum(b - a for a, b in at) / fs
        if total >= CLIP_TOTAL_SECONDS:
            text = (
                f"held at the {side} value, {float(extreme):.3g} {unit}, {len(at)} times, {total:.2g} s in all{where}"
            )
            flags.append(Flag("clipping", at[0][0] / fs, at[-1][1] / fs, text))
    return flags


def _gain(x: NDArray[np.floating], fs: float, unit: str, where: str) -> list[Flag]:
    block = min(len(x), max(2, round(2 * fs)))
    if len(x) < 2:
        return []
    blocks = x[: len(x) // block * block].reshape(-1, block)
    with np.errstate(invalid="ignore"):
        heights = blocks.max(axis=1).astype(np.float64) - blocks.min(axis=1)
    heights = heights[np.isfinite(heights) & (heights > 0)]
    if not len(heights):
        return []
    height = float(np.median(heights))
    kind, (low, high) = ("ECG", ECG_RANGE) if unit == "mV" else ("EEG", EEG_RANGE)
    if low <= height * conversion(unit, "mV") <= high:
        return []
    factor = conversion("mV", unit)
    text = (
        f"{height:.3g} {unit} from peak to peak{where}, where an {kind} has {low * factor:.3g} to {high * factor:.3g}: "
        "the unit or the gain may be wrong"
    )
    return [Flag("gain", 0.0, len(x) / fs, text)]


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and stop of every run of True."""
    edges = np.flatnonzero(mask[1:] != mask[:-1]) + 1
    bounds = [0, *edges.tolist(), len(mask)]
    first = 0 if mask[0] else 1
    return list(zip(bounds[first:-1:2], bounds[first + 1 :: 2], strict=True))


def _held(x: NDArray[np.floating], least: int) -> list[tuple[int, int]]:
    """Start and stop of every stretch of at least `least` equal, finite samples."""
    if len(x) < least:
        return []
    moves = np.flatnonzero(x[1:] != x[:-1])
    bounds = np.concatenate([[0], moves + 1, [len(x)]])
    long = np.flatnonzero(np.diff(bounds) >= least)
    return [(int(bounds[i]), int(bounds[i + 1])) for i in long if np.isfinite(x[bounds[i]])]


def _merge(runs: list[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    """Join runs that lie less than `gap` samples apart."""
    merged: list[tuple[int, int]] = []
    for a, b in runs:
        if merged and a - merged[-1][1] < gap:
            merged[-1] = (merged[-1][0], max(b, merged[-1][1]))
        else:
            merged.append((a, b))
    return merged
