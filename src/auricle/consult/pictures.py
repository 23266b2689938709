"""Pictures of a window for a reader, at the size that vision models see."""

from collections.abc import Mapping
from typing import Final

from auricle.consult.excerpt import Excerpt
from auricle.errors import InputError
from auricle.figure import ECG, EEG, Sheet, named, png

MOST_PIXELS: Final = 1_050_000
LONGEST: Final = 1_568
"""Hosted models shrink a picture with more pixels or a longer side, and thin lines and letters suffer."""
_DOTS: Final = (6, 5, 4, 3)
"""Pixels per mm, the finest first. Below 3, the squares of an ECG's paper run together."""


def picture(excerpt: Excerpt, *, label: str | None = None, names: Mapping[str, str] | None = None) -> bytes:
    """Draw the window as a PNG of at most a megapixel, true to scale; equal input gives equal bytes.

    An ECG stands on millimetre paper at 25 mm/s and 10 mm/mV with a calibration pulse, ten seconds a row, twelve leads
    in the usual layout; one that would leave the paper is drawn at 5 mm/mV if that keeps it on. An EEG stands at a
    fixed microvolt scale, thirty seconds a row. Both axes have the same pixels per millimetre, a whole number.

    Parameters
    ----------
    excerpt
        The window.
    label
        Whose evidence is shaded and named in the title; None gives the plain signal.
    names
        A name in words per label.

    Raises
    ------
    InputError
        The window is too long or has too many channels for a megapixel.
    """
    title = f"{excerpt.kind}" if label is None else f"Evidence for {named(label, names or {})}"
    sheet, (width, height) = _sheet(excerpt, label=label, title=title)
    if _seen(width, height):
        return png(sheet.lay_out())
    recording = excerpt.recording
    raise InputError(
        f"a picture of {recording.duration:g} s and {len(recording.channels)} channels would need "
        f"{width * height / 1e6:.1f} megapixels and sides of {width:.0f} and {height:.0f}; models see "
        f"{MOST_PIXELS / 1e6:.2g} megapixels and sides of {LONGEST}. Brief without pictures (--show none), or judge "
        "shorter windows or fewer channels"
    )


def fits(excerpt: Excerpt) -> bool:
    """Tell whether a window can be drawn, with evidence too."""
    return _seen(*_sheet(excerpt, label=excerpt.finding.top, title="")[1])


def _sheet(excerpt: Excerpt, *, label: str | None, title: str) -> tuple[Sheet, tuple[float, float]]:
    """Give the finest sheet that models see, or the coarsest there is, and its width and height in pixels."""
    recording = excerpt.recording
    samples = recording.samples()
    for dots in _DOTS:
        sheet = Sheet(
            excerpt.finding, ECG if excerpt.kind == "ECG" else EEG, recording.channels, samples, recording.fs,
            judged=excerpt.judged, label=label, title=title, dots=dots,
        )  # fmt: skip
        width, height = (dots * side for side in sheet.size)
        if _seen(width, height):
            break
    return sheet, (width, height)


def _seen(width: float, height: float) -> bool:
    return width * height <= MOST_PIXELS and max(width, height) <= LONGEST
