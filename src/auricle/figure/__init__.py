"""One finding drawn on its recording: ECG on millimetre paper, EEG with a microvolt scale, evidence as shading."""

import os
from collections.abc import Mapping, Sequence
from typing import Literal

from matplotlib.figure import Figure

from auricle.errors import InputError
from auricle.figure.page import Page
from auricle.figure.paper import ECG, EEG, leaves, paper_for
from auricle.figure.picture import png, save
from auricle.figure.sheet import TWELVE, Sheet
from auricle.figure.words import clock, named, printable, title_of, when
from auricle.finding import Finding
from auricle.signals import Recording

__all__ = [
    "ECG",
    "EEG",
    "TWELVE",
    "Sheet",
    "clock",
    "draw",
    "kind_of",
    "leaves",
    "named",
    "paper_for",
    "png",
    "printable",
    "save",
    "title_of",
    "when",
]


def draw(
    recording: Recording,
    finding: Finding,
    *,
    labels: Sequence[str] | None = None,
    names: Mapping[str, str] | None = None,
    kind: Literal["ECG", "EEG"] | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw a finding on the stretch of the recording that it is about.

    An ECG stands on millimetre paper at 25 mm/s and 10 mm/mV, ten seconds a row, with a calibration pulse of 1 mV and
    0.2 s; one that would leave the paper is drawn at 5 mm/mV if that keeps it on, and says so. An EEG stands at a fixed
    microvolt scale, thirty seconds a row. Each label gets its own strips: blue shading where the signal speaks for the
    label, orange where it speaks against it, the deeper the more; a bar marks the segments that hold most of the
    evidence for it. The median of each channel is taken off.

    Parameters
    ----------
    recording
        What the finding is about. The channels that the finding names are drawn, all of them if it names none.
    finding
        Its `evidence` is shaded; without it, the segments alone are.
    labels
        Whose evidence to draw; by default the set, or the top label if the set is empty.
    names
        A name in words per label, for people.
    kind
        By default "EEG" if a channel is called EEG, EOG or EMG or all are in uV, else "ECG".
    path
        Where to write it: .png, .svg or .pdf. Equal input gives equal bytes. The file is whole or absent.

    Returns
    -------
    matplotlib.figure.Figure
        Of the size in which one millimetre is one millimetre.

    Raises
    ------
    InputError
        Finding and recording don't belong together, a label is unknown, or the page would be over ten metres.
    """
    if finding.recording != recording.id:
        raise InputError(f"the finding is about recording {finding.recording!r}, but {recording.id!r} was given")
    if finding.window.stop > recording.duration + 1 / recording.fs:
        raise InputError(
            f"the finding is about {finding.window.start:g} to {finding.window.stop:g} s, but recording "
            f"{recording.id!r} lasts {recording.duration:g} s; give the recording that the finding was made of"
        )
    shown = tuple(finding.drawn_labels if labels is None else labels)
    if not shown or (strange := [label for label in shown if label not in finding.labels]):
        wrong = ", ".join(map(repr, strange)) if shown else "no label"
        raise InputError(f"{wrong} was asked for; the labels of the finding are {', '.join(finding.labels)}")
    style = EEG if (kind or kind_of(recording)) == "EEG" else ECG
    first, last = round(finding.window.start * recording.fs), round(finding.window.stop * recording.fs)
    judged = recording.choose(tuple((name,) for name in finding.channels), style.unit)
    samples = judged.samples(first, min(last, judged.n_samples))
    page = Page(finding, style, judged.channels, samples, judged.fs)
    figure = page.lay_out(shown, dict(names or {}))
    if path is not None:
        save(figure, path)
    return figure


def kind_of(recording: Recording) -> Literal["ECG", "EEG"]:
    """Tell which paper a recording belongs on, by the names and units of its channels."""
    named = any(part in name.upper() for name in recording.channels for part in ("EEG", "EOG", "EMG"))
    in_uv = all(unit.lower().replace("\N{MICRO SIGN}", "u") == "uv" for unit in recording.units)
    return "EEG" if named or in_uv else "ECG"
