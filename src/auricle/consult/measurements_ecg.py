"""Heart rate, irregularity and QRS width of an ECG window.

Beats are found by `wfdb`'s XQRS and aligned with their median; where they are not alike, they may be noise, and nothing
is measured: a window needs three beats, and a mean correlation with the median beat of 0.66, the limit of Orphanidou et
al. Intervals are taken between neighbouring beats of every origin, ectopic ones too.

References
----------
Task Force of the ESC and NASPE: Heart rate variability. Circulation 93(5), 1996 (SDNN, RMSSD).
Tateno, Glass: Automatic detection of atrial fibrillation using the coefficient of variation and density histograms of
RR and delta RR intervals. Med Biol Eng Comput 39(6), 2001 (irregularity).
Orphanidou et al.: Signal-quality indices for the electrocardiogram and photoplethysmogram. IEEE J Biomed Health Inform
19(3), 2015 (beats that are alike).
Daskalov, Christov: Electrocardiogram signal preprocessing for automatic detection of QRS boundaries. Med Eng Phys
21(1), 1999 (a QRS complex ends where the trace is flat).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from auricle.consult.excerpt import Excerpt
from auricle.consult.measure import Measure, Reading, Stretch
from auricle.signals import Recording, resample
from auricle.signals.beats import detect_beats
from auricle.signals.windows import bridge

Floats = NDArray[np.float64]

FS: Final = 500.0
_HEARD: Final = 250.0
"""Rate in Hz at which the detector listens: at 1,000 Hz it finds nothing."""
ALIKE: Final = 0.66
FASTEST: Final = 250.0
"""Beats per minute; more is no heart."""
_HALF: Final = 0.2
"""How far a cut-out beat reaches to either side of its middle, in s."""
_SHAPE: Final = 0.1
"""How much of that, in s, is compared when beats are aligned."""
_SHIFT: Final = 0.04
_FLAT: Final = 0.02
"""A QRS complex ends where the trace is flat for so long, in s."""
_LEVELS: Final = (0.04, 0.06, 0.08, 0.12, 0.2)
"""Flat is a slope below this share of the steepest; the next one is tried where a T wave hides the end."""
_WIDEST: Final = 0.2
_LEAST: Final = 2.0
"""Shortest stretch in s that has a rate or a width of its own: in a shorter one they are those of a single beat."""
_NEAR: Final = 0.15
"""How far in s a detected beat may lie from the judged one and be the same: the tolerance of ANSI/AAMI EC57."""


@dataclass(frozen=True, eq=False)
class Beats:
    """The beats of one lead.

    Attributes
    ----------
    recording
        One channel in mV.
    """

    recording: Recording

    @cached_property
    def trace(self) -> Floats:
        """(time,) at 500 Hz, 0.5 to 40 Hz."""
        x = resample(bridge(self.recording.samples()), self.recording.fs, FS)[0].astype(np.float64)
        sos = scipy.signal.butter(2, (0.5, 40.0), "bandpass", fs=FS, output="sos")
        return np.asarray(scipy.signal.sosfiltfilt(sos, x, padlen=min(len(x) - 1, int(2 * FS))))

    @cached_property
    def _aligned(self) -> tuple[NDArray[np.int64], bool]:
        """Sample of each whole beat, all at the same point of their shape, and whether they are alike."""
        heard = resample(bridge(self.recording.samples()), self.recording.fs, _HEARD)
        detected = detect_beats(Recording.from_array(heard, _HEARD, units=self.recording.units[0]))
        at = np.round(detected * FS).astype(np.int64)
        reach, shift = round(_HALF * FS), round(_SHIFT * FS)
        at = at[(at >= reach + 2 * shift) & (at < len(self.trace) - reach - 2 * shift)]
        if len(at) < 3:
            return at, False
        around = np.arange(-round(_SHAPE * FS), round(_SHAPE * FS) + 1)
        shifts = np.arange(-shift, shift + 1)
        moved = at
        for _ in range(2):
            shape = np.median(_level(self.trace[moved[:, None] + around]), axis=0)
            parts = _level(self.trace[at[:, None, None] + shifts[:, None] + around])  # (beats, shifts, samples)
            scale = np.linalg.norm(parts, axis=2) * np.linalg.norm(shape)
            likeness = parts @ shape / np.maximum(scale, 1e-12)
            moved = at + shifts[likeness.argmax(axis=1)]
        return moved, bool(likeness.max(axis=1).mean() >= ALIKE)

    @cached_property
    def times(self) -> Floats:
        """(beats,) in s; empty where beats can't be told from noise."""
        at, alike = self._aligned
        times = at / FS
        if not alike or 60 / float(np.diff(times).mean()) > FASTEST:
            return np.zeros(0)
        return times

    def intervals(self, where: Stretch | None) -> Floats:
        """Give the intervals in s between neighbouring beats, of a stretch those that overlap it."""
        start, stop = where or (-np.inf, np.inf)
        overlaps = (self.times[1:] > start) & (self.times[:-1] < stop)
        return np.asarray(np.diff(self.times)[overlaps])

    def rate(self, where: Stretch | None) -> float | None:
        """Give beats per minute."""
        rr = self.intervals(where)
        return float(60 / rr.mean()) if len(rr) else None

    def irregularity(self, where: Stretch | None) -> float | None:
        """Give the standard deviation of the intervals as a share of their mean."""
        rr = self.intervals(where)
        return float(rr.std(ddof=1) / rr.mean()) if len(rr) >= 3 else None

    def width(self, where: Stretch | None) -> float | None:
        """Measure the width of the median QRS complex in s, of a stretch that of the beats in it."""
        start, stop = where or (-np.inf, np.inf)
        at = np.round(self.times[(self.times >= start) & (self.times <= stop)] * FS).astype(np.int64)
        if not len(at):
            return None
        reach = round(_HALF * FS)
        return qrs_width(np.median(self.trace[at[:, None] + np.arange(-reach, reach + 1)], axis=0))

    def nearest(self, t: float) -> int | None:
        """Give the number of the beat at `t` s; None if none is there."""
        if not len(self.times):
            return None
        i = int(np.abs(self.times - t).argmin())
        return i if abs(self.times[i] - t) <= _NEAR else None

    def interval_beside(self, t: float, side: Literal[-1, 1]) -> float | None:
        """Give the interval in s between the beat at `t` s and the one before (-1) or after it (1)."""
        i = self.nearest(t)
        if i is None or not 0 <= i + side < len(self.times):
            return None
        return float(abs(self.times[i + side] - self.times[i]))

    def width_at(self, t: float) -> float | None:
        """Measure the width in s of the QRS complex of the beat at `t` s."""
        i = self.nearest(t)
        return None if i is None else self.width((float(self.times[i]), float(self.times[i])))


def _level(x: Floats) -> Floats:
    return np.asarray(x - x.mean(axis=-1, keepdims=True))


def qrs_width(beat: Floats) -> float | None:
    """Give the width in s of the QRS complex in the middle of a beat, or None where its ends can't be found.

    The complex ends, on either side of its steepest slope, where the slope stays below a share of the steepest one for
    20 ms. The share is 4 %; up to 20 % are tried where the T wave follows so soon that the trace never is that flat.

    Parameters
    ----------
    beat
        (samples,) at 500 Hz.

    Notes
    -----
    Deviations from Daskalov and Christov: the shares, and that a median beat is measured rather than each one. One lead
    shows less than the widest of twelve.
    """
    slope = np.abs(np.gradient(scipy.signal.savgol_filter(beat, 9, 2)))
    middle, near, flat = len(beat) // 2, round(0.08 * FS), round(_FLAT * FS)
    steepest = middle - near + int(slope[middle - near : middle + near + 1].argmax())
    for level in _LEVELS:
        low = slope < level * slope[steepest]
        quiet = np.asarray(np.lib.stride_tricks.sliding_window_view(low, flat).all(axis=1))  # begins at each sample
        before = np.flatnonzero(quiet[: max(0, steepest - flat + 1)])
        after = steepest + np.flatnonzero(quiet[steepest:])
        if len(before) and len(after):
            width = (after[0] - (before[-1] + flat)) / FS
            if 0 < width <= _WIDEST:
                return float(width)
    return None


def ecg_measures(excerpt: Excerpt) -> tuple[Measure, ...]:
    """Give what can be measured in an ECG: of the judged lead if there is one, else of lead II or the first."""
    names = excerpt.recording.channels
    row = excerpt.judged[0] if len(excerpt.judged) == 1 or "II" not in names else names.index("II")
    beats = Beats(excerpt.recording.choose(((names[row],),), "mV"))
    lead = f"lead {names[row]}" if not names[row].startswith("channel") else names[row]

    def summary(of: Callable[[Floats], float], least: int) -> Reading:
        def value(where: Stretch | None) -> float | None:
            rr = beats.intervals(where)
            return float(of(rr)) if len(rr) >= least else None

        return value

    found = (
        Measure(name="heart rate", unit="per minute", of=beats.rate, least=_LEAST,
                how=f"60 / mean RR interval of the beats that a detector (XQRS) finds in {lead}"),
        Measure(name="mean RR interval", unit="s", how="mean of the intervals between beats", where="window",
                of=summary(np.mean, 1)),
        Measure(name="SDNN", unit="s", how="standard deviation of the RR intervals, ectopic beats included",
                where="window", of=summary(lambda rr: rr.std(ddof=1), 3)),
        Measure(name="RMSSD", unit="s", how="root mean square of the differences of successive RR intervals",
                where="window", of=summary(lambda rr: np.sqrt(np.mean(np.diff(rr) ** 2)), 3)),
        Measure(name="RR irregularity", unit="", of=beats.irregularity, least=_LEAST,
                how="standard deviation / mean of the RR intervals, from three intervals on"),
        Measure(name="QRS width", unit="s", of=beats.width, least=_LEAST,
                how=f"from flat to flat on the median beat of {lead} alone; a single lead may show less than twelve"),
    )  # fmt: skip
    beat = excerpt.finding.window.beat
    return found if beat is None else (*found, *_of_the_beat(beats, beat))


def _of_the_beat(beats: Beats, beat: float) -> tuple[Measure, ...]:
    def beside(side: Literal[-1, 1]) -> Reading:
        return lambda _: beats.interval_beside(beat, side)

    how = "to the beat {} it, as the detector finds them"
    return (
        Measure(name="QRS width of the judged beat", unit="s", of=lambda _: beats.width_at(beat), where="window",
                how="from flat to flat, of this one beat, so less sure than that of the median beat"),
        Measure(name="RR interval before the judged beat", unit="s", of=beside(-1), where="window",
                how=how.format("before")),
        Measure(name="RR interval after the judged beat", unit="s", of=beside(1), where="window",
                how=how.format("after")),
    )  # fmt: skip
