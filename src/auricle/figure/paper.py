"""The paper a signal stands on: how long a second and how high a millivolt is, in millimetres."""

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Style:
    """How one kind of signal is laid on paper: lengths in mm, amplitudes in `unit`."""

    unit: Literal["mV", "uV"]
    seconds: float
    """Length of a row."""
    mm_per_second: float
    mm_per_unit: float
    lead_in: float
    """Room in s before the row, for the calibration mark and the channel name."""
    step: float
    """The reach of a strip is a multiple of this."""
    least: float
    most: float
    scale: str
    lines: tuple[str, str]
    """Colours of the fine and the bold lines."""


ECG = Style(
    unit="mV", seconds=10.0, mm_per_second=25.0, mm_per_unit=10.0, lead_in=0.4, step=0.5, least=0.5, most=2.5,
    scale="25 mm/s, 10 mm/mV; a small square is 0.04 s by 0.1 mV", lines=("#f8dede", "#eeb4b4"),
)  # fmt: skip
EEG = Style(
    unit="uV", seconds=30.0, mm_per_second=8.0, mm_per_unit=0.12, lead_in=1.25, step=25.0, least=100.0, most=250.0,
    scale="1-s grid; dashed lines at +75 and -75 \N{GREEK SMALL LETTER MU}V; bar 100 \N{GREEK SMALL LETTER MU}V",
    lines=("#eaeaea", "#c8c8c8"),
)  # fmt: skip
_HALF: Final = replace(
    ECG, mm_per_unit=ECG.mm_per_unit / 2, step=2 * ECG.step, least=2 * ECG.least, most=2 * ECG.most,
    scale="25 mm/s, 5 mm/mV; a small square is 0.04 s by 0.2 mV",
)  # fmt: skip


def paper_for(style: Style, samples: NDArray[np.floating]) -> Style:
    """Give the paper for a trace: an ECG that leaves its own gets 5 mm/mV, if that keeps it on, as recorders do.

    Parameters
    ----------
    style
        The usual one.
    samples
        (channels, time), in the style's unit; missing samples are NaN.

    Returns
    -------
    Style
        Half of the gain, or what was given. A trace that leaves both is no better for being smaller.

    Examples
    --------
    >>> [paper_for(ECG, np.array([[0.0, 0.0, peak]])).mm_per_unit for peak in (1.0, 4.0, 9.0)]
    [10.0, 5.0, 10.0]
    """
    highest = _highest(samples)
    return _HALF if style == ECG and ECG.most < highest <= _HALF.most else style


def leaves(style: Style, samples: NDArray[np.floating]) -> bool:
    """Tell whether a trace leaves the paper.

    >>> leaves(ECG, np.array([[0.0, 0.0, 9.0]])), leaves(ECG, np.array([[0.0, np.nan, 2.0]]))
    (True, False)
    """
    return _highest(samples) > style.most


def levelled(samples: NDArray[np.floating]) -> NDArray[np.floating]:
    """Take the median off each channel; what is not finite becomes NaN.

    >>> levelled(np.array([[1.0, 2.0, np.inf, 4.0]]))
    array([[-1.,  0., nan,  2.]])
    """
    clean = np.where(np.isfinite(samples), samples, np.nan)
    empty = np.isnan(clean).all(axis=1, keepdims=True)
    return np.asarray(clean - np.nanmedian(np.where(empty, 0, clean), axis=1, keepdims=True))


def _highest(samples: NDArray[np.floating]) -> float:
    level = levelled(samples)
    return float(np.abs(level[np.isfinite(level)]).max(initial=0.0))
