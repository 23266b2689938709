"""Windows with their labels: what a network learns from and is judged on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from auricle.errors import InputError
from auricle.signals.windows import Floats


class UnjudgedWarning(UserWarning):
    """Labelled recordings can't be judged, and what is measured says nothing about them."""


@dataclass(frozen=True, kw_only=True)
class Unjudged:
    """A labelled recording that gave no window, and why."""

    recording: str
    label: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class LabelledWindows:
    """Windows of one rate with their labels, padded to the longest.

    Attributes
    ----------
    samples
        float32 (n, channels, time), physical units, zero beyond each window's length.
    lengths
        int64 (n,): valid samples of each window.
    labels, recordings, subjects
        (n,) text: the label, the recording a window was cut from, and the person. Where a data set names no person,
        the recording stands for one.
    starts
        float64 (n,): where the window starts in its recording, in s.
    fs
        Rate in Hz.
    simulated
        Whether a file said that its signal is simulated; what is measured on such windows says nothing about people.
    unjudged
        Recordings of the whole data set that gave no window; a selection keeps them.

    Examples
    --------
    >>> beat, pause = np.ones((1, 3), np.float32), np.zeros((1, 2), np.float32)
    >>> windows = LabelledWindows.collect([beat, pause], ["N", "O"], ["a", "b"], ["a", "b"], [0.0, 0.0], fs=100.0)
    >>> windows.samples.shape, windows.lengths.tolist()
    ((2, 1, 3), [3, 2])
    """

    samples: Floats
    lengths: NDArray[np.int64]
    labels: NDArray[np.str_]
    recordings: NDArray[np.str_]
    subjects: NDArray[np.str_]
    starts: NDArray[np.float64]
    fs: float
    simulated: bool = False
    unjudged: tuple[Unjudged, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """Give the windows at a mask or at indices."""
        return type(self)(
            samples=self.samples[chosen],
            lengths=self.lengths[chosen],
            labels=self.labels[chosen],
            recordings=self.recordings[chosen],
            subjects=self.subjects[chosen],
            starts=self.starts[chosen],
            fs=self.fs,
            simulated=self.simulated,
            unjudged=self.unjudged,
        )

    @classmethod
    def collect(
        cls, windows: Sequence[Floats], labels: Iterable[str], recordings: Iterable[str], subjects: Iterable[str],
        starts: Iterable[float], fs: float, *, simulated: bool = False, unjudged: Iterable[Unjudged] = (),
    ) -> Self:  # fmt: skip
        """Pad windows (channels, time) of unequal length into one array.

        Raises
        ------
        InputError
            When there is no window, or windows differ in their number of channels.
        """
        if not windows:
            raise InputError("no labelled window was found; the data set must hold at least one recording with a label")
        channels = sorted({len(window) for window in windows})
        if len(channels) > 1:
            raise InputError(
                f"windows of {channels[0]} and of {channels[-1]} channels can't stand in one data set; "
                "name the leads to use in the preprocessing"
            )
        lengths = np.array([w.shape[-1] for w in windows], np.int64)
        samples = np.zeros((len(windows), channels[0], lengths.max()), np.float32)
        for row, window in zip(samples, windows, strict=True):
            row[:, : window.shape[-1]] = window
        return cls(
            samples=samples,
            lengths=lengths,
            labels=np.array(list(labels), np.str_),
            recordings=np.array(list(recordings), np.str_),
            subjects=np.array(list(subjects), np.str_),
            starts=np.array(list(starts), np.float64),
            fs=fs,
            simulated=simulated,
            unjudged=tuple(unjudged),
        )
