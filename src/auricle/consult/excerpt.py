"""The window alone: what of a finding and its recording may be shown to a stranger.

Pictures, measurements and text are made of an excerpt, never of the recording. It holds numbers, labels and the names
of leads; no id, no subject, no text of a file, no name of a specialist, no time of the recording.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from auricle.consult.leads import kind_of_lead, lead_name
from auricle.errors import InputError
from auricle.figure import TWELVE, kind_of
from auricle.finding import Evidence, Finding, QualityNote, Segment, SpecialistName, WindowSpan
from auricle.signals import Recording
from auricle.signals.quality import Kind
from auricle.signals.units import find_lead

NOBODY = "window"


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """A window and what was found in it, with times from the start of the window.

    Attributes
    ----------
    finding
        About the recording below.
    recording
        The window alone: all twelve leads of a standard ECG if they are there, else the channels that were judged. In
        mV (ECG) or uV (EEG).
    kind
        "ECG" or "EEG".
    judged
        Rows of the recording that were judged.
    """

    finding: Finding
    recording: Recording
    kind: Literal["ECG", "EEG"]
    judged: tuple[int, ...]


def excerpt(finding: Finding, recording: Recording, *, judged_alone: bool = False) -> Excerpt:
    """Cut the window out of a recording and leave behind whatever names somebody.

    Parameters
    ----------
    finding
        Any.
    recording
        What it is about.
    judged_alone
        Whether of a standard ECG the leads that were judged are taken alone, as a long one of twelve fits no picture.

    Raises
    ------
    InputError
        They don't belong together, or a channel is in no voltage.
    """
    if finding.recording != recording.id:
        raise InputError(f"the finding is about recording {finding.recording!r}, but {recording.id!r} was given")
    if finding.window.stop > recording.duration + 1 / recording.fs:
        raise InputError(
            f"the finding is about {finding.window.start:g} to {finding.window.stop:g} s, but recording "
            f"{recording.id!r} lasts {recording.duration:g} s; give the recording that the finding was made of"
        )
    kind = _kind(finding, recording)
    unit = "mV" if kind == "ECG" else "uV"
    all_leads = kind == "ECG" and not judged_alone and _has_twelve(recording)
    twelve = tuple((name,) for name in TWELVE) if all_leads else ()
    own = recording.choose(tuple((name,) for name in finding.channels), unit)
    chosen, judged = own, tuple(range(len(own.channels)))
    if twelve:
        everything = recording.choose(twelve, unit)
        rows = [find_lead((name,), everything.channels) for name in own.channels]
        if everything.fs == own.fs and None not in rows:
            chosen, judged = everything, tuple(row for row in rows if row is not None)
    names = TWELVE if chosen is not own else _names(own.channels)
    first, last = round(finding.window.start * chosen.fs), round(finding.window.stop * chosen.fs)
    samples = chosen.samples(first, min(last, chosen.n_samples))
    alone = Recording.from_array(
        samples, chosen.fs, channels=names, units=unit, id=NOBODY, simulated=finding.simulated
    )  # fmt: skip
    told = _told(finding, tuple(names[row] for row in judged))
    return Excerpt(finding=told, recording=alone, kind=kind, judged=judged)


def _kind(finding: Finding, recording: Recording) -> Literal["ECG", "EEG"]:
    known = [lead_name(name) for name in finding.channels or recording.channels]
    kinds = {kind_of_lead(name) for name in known if name is not None}
    if "EEG" in kinds:
        return "EEG"
    return "ECG" if "ECG" in kinds else kind_of(recording)


def _has_twelve(recording: Recording) -> bool:
    try:
        return all(find_lead((name,), recording.channels) is not None for name in TWELVE)
    except InputError:  # two channels answer to one name: this is no standard ECG
        return False


def _names(channels: tuple[str, ...]) -> tuple[str, ...]:
    known = [lead_name(name) for name in channels]
    return tuple(
        name if name is not None and known.count(name) == 1 else f"channel {i + 1}" for i, name in enumerate(known)
    )


def _told(finding: Finding, names: tuple[str, ...]) -> Finding:
    """Give the finding with times from the start of its window, and without what names or describes the file."""
    origin, length = finding.window.start, _rounded(finding.window.stop - finding.window.start)

    def moved(t: float) -> float:
        return min(max(0.0, _rounded(t - origin)), length)

    window, evidence = finding.window, finding.evidence
    return finding.model_copy(
        update={
            "specialist": SpecialistName(name=NOBODY),
            "recording": NOBODY,
            "channels": names,
            "window": WindowSpan(start=0.0, stop=length, beat=None if window.beat is None else moved(window.beat)),
            "segments": {
                label: tuple(
                    Segment(start=moved(s.start), stop=moved(s.stop), evidence=s.evidence)
                    for s in segments
                    if moved(s.stop) > moved(s.start)
                )
                for label, segments in finding.segments.items()
            },
            # Of a note the kind alone is from a known list; its text may hold anything.
            "quality": tuple(
                QualityNote(kind=note.kind, start=moved(note.start), stop=moved(note.stop))
                for note in finding.quality
                if note.kind in get_args(Kind)
            ),
            "notes": (),
            "evidence": None
            if evidence is None
            else Evidence(
                labels=evidence.labels,
                values=np.asarray(evidence.values),
                step=evidence.step,
                start=_rounded(evidence.start - origin),
            ),
        }
    )


def _rounded(seconds: float) -> float:
    # A window's start taken off again leaves digits that mean nothing.
    return round(seconds, 6)
