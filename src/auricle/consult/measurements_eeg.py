"""Band powers, sleep spindles and slow waves of an EEG window, of each EEG channel.

A spindle is found where three things hold at once, as in A7 and YASA: the share of power at 11 to 16 Hz in 1 to 30 Hz
is at least 0.2, the trace correlates with its 11 to 16 Hz part by at least 0.65, and that part is large for the window
(root mean square above mean + 1.5 standard deviations). It reaches as far as two of the three hold, and lasts 0.5 to
3 s. A slow wave is a negative half-wave of 0.25 to 1 s and the positive one after it, at 0.3 to 2 Hz, together above
75 uV: the AASM's amplitude for N3. A K complex counts as one.

Deviations: amplitude is compared with its own window of some 30 s rather than with a night, so that a window full of
spindles shows fewer of them; all powers are taken in the same 0.3-s pieces (A7), not from 2-s spectra (YASA).

References
----------
Lacourse, Delfrate, Beaudry, Peppard, Warby: A sleep spindle detection algorithm that emulates human expert spindle
scoring. J Neurosci Methods 316, 2019 (A7).
Vallat, Walker: An open-source, high-performance tool for automated sleep staging. eLife 10, 2021 (YASA).
Massimini, Huber, Ferrarelli, Hill, Tononi: The sleep slow oscillation as a traveling wave. J Neurosci 24(31), 2004.
Berry et al.: The AASM manual for the scoring of sleep and associated events, version 2.6, 2020.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import scipy.ndimage
import scipy.signal
from numpy.typing import NDArray

from auricle.consult.excerpt import Excerpt
from auricle.consult.leads import kind_of_lead
from auricle.consult.measure import Measure, Reading, Stretch
from auricle.signals.windows import bridge

Floats = NDArray[np.float64]

BANDS: Final = {
    "delta": (0.5, 4.0), "theta": (4.0, 8.0), "alpha": (8.0, 12.0), "sigma": (12.0, 16.0), "beta": (16.0, 30.0)
}  # fmt: skip
"""In Hz; together 0.5 to 30 Hz, of which each is told as a share."""
MOST_CHANNELS: Final = 4
_SPINDLE: Final = (11.0, 16.0)
_BROAD: Final = (1.0, 30.0)
_SLOW: Final = (0.3, 2.0)
_PIECE: Final = 0.3
"""Length in s of the pieces in which a spindle's criteria are taken."""
_LEAST: Final = 2.0
"""Shortest stretch in s that has a spectrum: one slow wave lasts that long."""
_SHORTEST: Final = 10.0
"""A window below this many seconds says nothing about what amplitude is large in it."""


@dataclass(frozen=True, eq=False)
class Channel:
    """One channel of an EEG.

    Attributes
    ----------
    x
        (time,) in uV, finite.
    fs
        In Hz.
    """

    x: Floats
    fs: float

    @property
    def alive(self) -> bool:
        """Whether anything but a constant was recorded, at a rate that shows 30 Hz."""
        return bool(np.ptp(self.x) > 0) and self.fs >= 64

    @property
    def _long(self) -> bool:
        return self.alive and len(self.x) >= _SHORTEST * self.fs

    def share(self, band: tuple[float, float], where: Stretch | None) -> float | None:
        """Power in a band as a share of 0.5 to 30 Hz; None below 2 s."""
        start, stop = where or (0.0, len(self.x) / self.fs)
        part = self.x[round(start * self.fs) : round(stop * self.fs)]
        if len(part) < _LEAST * self.fs or np.ptp(part) == 0 or not self.alive:
            return None
        f, power = scipy.signal.welch(part, self.fs, nperseg=min(len(part), round(4 * self.fs)))
        whole = power[(f >= 0.5) & (f < 30)].sum()
        return float(power[(f >= band[0]) & (f < band[1])].sum() / whole) if whole > 0 else None

    def _band(self, band: tuple[float, float]) -> Floats:
        sos = scipy.signal.butter(2, band, "bandpass", fs=self.fs, output="sos")
        return np.asarray(scipy.signal.sosfiltfilt(sos, self.x, padlen=min(len(self.x) - 1, round(2 * self.fs))))

    @cached_property
    def spindles(self) -> tuple[Stretch, ...] | None:
        """Start and stop of each spindle in s; None where the window is too short or dead."""
        if not self._long:
            return None
        broad, sigma = self._band(_BROAD), self._band(_SPINDLE)
        power, own, both = (self._moving(a * b) for a, b in ((broad, broad), (sigma, sigma), (broad, sigma)))
        rms = np.sqrt(own)
        low, high = np.percentile(rms, (2.5, 97.5))
        usual = rms[(rms >= low) & (rms <= high)]
        holds = np.stack(
            [
                own >= 0.2 * np.maximum(power, 1e-12),
                both >= 0.65 * np.sqrt(np.maximum(power * own, 1e-24)),
                rms >= usual.mean() + 1.5 * usual.std(),
            ]
        ).sum(axis=0)
        found = []
        for start, stop in _runs(holds >= 2):
            seconds = (stop - start) / self.fs
            if 0.5 <= seconds <= 3 and (holds[start:stop] == 3).any():
                found.append((start / self.fs, stop / self.fs))
        return tuple(found)

    def _moving(self, x: Floats) -> Floats:
        mean: Floats = scipy.ndimage.uniform_filter1d(x, max(1, round(_PIECE * self.fs)), mode="nearest")
        # A running sum may end a little below zero.
        return np.maximum(mean, 0) if (x >= 0).all() else mean

    @cached_property
    def slow_waves(self) -> tuple[Stretch, ...] | None:
        """Start and stop of each slow wave in s; None where the window is too short or dead."""
        if not self._long:
            return None
        x = self._band(_SLOW)
        negative = _runs(x < 0)
        found = []
        for (start, middle), (stop, _) in zip(negative, [*negative[1:], (len(x), 0)], strict=True):
            falls, rises = (middle - start) / self.fs, (stop - middle) / self.fs
            if 0.25 <= falls <= 1 and 0.1 <= rises <= 1 and np.ptp(x[start:stop]) > 75:
                found.append((start / self.fs, stop / self.fs))
        return tuple(found)


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and stop of every run of True."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _count(events: tuple[Stretch, ...] | None, where: Stretch | None) -> int | None:
    if events is None:
        return None
    start, stop = where or (-np.inf, np.inf)
    return sum(a < stop and b > start for a, b in events)


def eeg_measures(excerpt: Excerpt) -> tuple[Measure, ...]:
    """Give what can be measured in each EEG channel; EOG and EMG are left out, and channels after the fourth."""
    recording = excerpt.recording
    samples = bridge(recording.samples()).astype(np.float64)
    chosen = [c for c, name in enumerate(recording.channels) if kind_of_lead(name) != "other"]
    found: list[Measure] = []
    for c in chosen[:MOST_CHANNELS]:
        name, channel = recording.channels[c], Channel(samples[c], recording.fs)
        found += _bands(channel, name)
        found += _events("spindles", channel, name, "11 to 16 Hz, 0.5 to 3 s, by relative power, correlation and size")
        found += _events("slow waves", channel, name, "0.3 to 2 Hz, above 75 uV from peak to peak; K complexes too")
    return tuple(found)


def _bands(channel: Channel, name: str) -> list[Measure]:
    def share(band: tuple[float, float]) -> Reading:
        return lambda where: channel.share(band, where)

    return [
        Measure(
            name=f"relative {word} power in {name}", unit="", of=share(band), family=f"relative powers in {name}",
            least=_LEAST, how=f"share of {band[0]:g} to {band[1]:g} Hz in 0.5 to 30 Hz, by Welch's method, from 2 s on",
        )
        for word, band in BANDS.items()
    ]  # fmt: skip


def _events(what: str, channel: Channel, name: str, how: str) -> list[Measure]:
    minutes = len(channel.x) / channel.fs / 60

    def count(where: Stretch | None) -> float | None:
        return _count(channel.spindles if what == "spindles" else channel.slow_waves, where)

    def per_minute(where: Stretch | None) -> float | None:
        events = count(where)
        return None if events is None else events / minutes

    return [
        Measure(name=f"{what} in {name}", unit="per minute", how=how, of=per_minute, where="window"),
        Measure(name=f"number of {what} in {name}", unit="", how=how, of=count, where="stretches"),
    ]
