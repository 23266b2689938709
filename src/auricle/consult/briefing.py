"""What a large language model or a person is told about one finding: text and pictures, in the order they are read."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import PIL.Image

from auricle.consult import sentences
from auricle.consult.answer import answer_schema
from auricle.consult.excerpt import Excerpt, excerpt
from auricle.consult.guard import Guard, guard_of
from auricle.consult.measure import Stretch
from auricle.consult.measurements import Measurement, measure
from auricle.consult.paragraphs import Paragraphs
from auricle.consult.pictures import fits, picture
from auricle.errors import InputError
from auricle.finding import Finding
from auricle.signals import Recording


class Definition(Protocol):
    """What a specialist says of a label; `auricle.folder.Label` is one."""

    @property
    def name(self) -> str:
        """In words, or empty."""
        ...

    @property
    def definition(self) -> str:
        """In a sentence, or empty."""
        ...


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture of the window.

    Attributes
    ----------
    name
        "plain", or "evidence-<number of the label>", counted from 0 in the order of the finding's labels.
    png
        The file.
    width, height
        In pixels.
    caption
        The text before it.
    """

    name: str
    png: bytes = field(repr=False)
    width: int
    height: int
    caption: str


@dataclass(frozen=True, kw_only=True)
class Briefing:
    """Text and pictures about one window, without anything that names a person or a recording.

    Made by `brief`.

    Attributes
    ----------
    parts
        In the order they are sent; before each picture stands its caption.
    offered
        Labels that may be answered.
    set
        The prediction set as told; empty if none was told, or if an empty one was: see `set_told`.
    segments
        Per label the highlighted stretches that were told.
    window
        Length in s.
    instructions
        The system message.
    set_told
        Whether a prediction set was told.
    stand_in
        What takes the place of the pictures where none can be sent: the measurements that `parts` does not hold.
    guard
        What must not be sent about this recording; every request is held against it.
    """

    parts: tuple[str | Picture, ...]
    offered: tuple[str, ...]
    set: tuple[str, ...]
    segments: dict[str, tuple[Stretch, ...]]
    window: float
    instructions: str
    set_told: bool = True
    stand_in: str = ""
    guard: Guard = field(default_factory=Guard, repr=False)

    @property
    def text(self) -> str:
        """All text parts, with an empty line between them."""
        return "\n\n".join(part for part in self.parts if isinstance(part, str))

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures in order."""
        return tuple(part for part in self.parts if isinstance(part, Picture))


def brief(
    finding: Finding,
    recording: Recording,
    *,
    definitions: Mapping[str, Definition],
    show: Literal["evidence", "plain", "none"] = "evidence",
    tell_set: bool = True,
    numbers: bool = True,
    offer: Literal["set", "all"] = "set",
    measurements: bool = True,
) -> Briefing:
    """Write the briefing on a window.

    Parameters
    ----------
    finding
        Any; with evidence or segments if evidence is to be shown.
    recording
        What it is about. Of it only samples of the window and names of leads are told.
    definitions
        Name and definition of each label, as the specialist's manifest has them; a label without one is told as it is.
    show
        "evidence": the plain picture and one for each label of the set (of an empty one, for the highest score) with
        that label's evidence, and in the text the stretches that hold most of it; "plain": the plain picture alone;
        "none": no picture, and the stretches if numbers and set are told. Twelve leads are drawn where they fit a
        picture, else those that were judged.
    tell_set
        Whether the prediction set is told, and what it promises.
    numbers
        Whether scores and p-values are told.
    offer
        Whether the labels of the set may be answered, or all. Of an empty set all are offered.
    measurements
        Whether measurements and doubts about the signal are told.

    Raises
    ------
    InputError
        Finding and recording don't belong together; evidence is asked for and there is none; or the set is not to be
        told and would be by `show` or `offer`.
    IdentifyingError
        A text would hold something that may identify a person.

    Examples
    --------
    >>> from auricle import Specialist
    >>> from auricle.signals.simulate import sinus
    >>> specialist, recording = Specialist.load("af"), sinus(30, seed=1)
    >>> (finding,) = specialist.findings(recording)
    >>> told = brief(finding, recording, definitions={str(l.label): l for l in specialist.manifest().labels})
    >>> told.offered, [picture.name for picture in told.pictures]
    (('N',), ['plain', 'evidence-0'])
    >>> recording.id in told.text
    False
    """
    if not tell_set and (show == "evidence" or offer == "set"):
        how = 'show="evidence" shows' if show == "evidence" else 'offer="set" offers'
        raise InputError(
            f'{how} the labels of the set, which tell_set=False keeps back; give show="plain" or "none" and offer="all"'
        )
    window = excerpt(finding, recording)
    if show != "none" and not fits(window):
        window = excerpt(finding, recording, judged_alone=True)
    own = window.finding
    shown = _with_evidence(own) if show == "evidence" else ()
    listed = own.drawn_labels if show == "none" and numbers and tell_set else shown
    segments = {label: tuple((s.start, s.stop) for s in own.segments.get(label, ())) for label in listed}
    offered = own.set if offer == "set" and own.set else own.labels

    stretches = list(dict.fromkeys(stretch for label in segments for stretch in segments[label]))
    measured = measure(window, stretches)
    words = Paragraphs(window, definitions)
    parts: list[str | Picture] = [words.window(), words.labels(offered, all_told=tell_set or numbers)]
    if tell_set:
        parts.append(words.prediction_set())
    if numbers:
        parts.append(words.numbers(tell_set=tell_set))
    if segments:
        parts.append(words.highlighted(segments))
    facts = [words.measured(measured), words.quality(), words.measured_there(measured)]
    if measurements:
        parts += filter(None, facts)
    if show != "none":
        parts += _pictures(window, shown, words)
    parts.append(words.answer(offered))
    return Briefing(
        parts=tuple(parts),
        offered=offered,
        set=own.set if tell_set else (),
        segments=segments,
        window=own.window.stop,
        instructions=words.instructions(tell_set=tell_set),
        set_told=tell_set,
        stand_in="" if measurements else "\n\n".join(filter(None, facts)),
        guard=_guard(finding, recording, definitions, measured),
    )


def _with_evidence(finding: Finding) -> tuple[str, ...]:
    """Give the labels whose evidence can be shown."""
    there = set(finding.segments) | set(finding.evidence.labels if finding.evidence else ())
    shown = tuple(label for label in finding.drawn_labels if label in there)
    if not shown:
        raise InputError(
            "the finding was made without evidence, so none can be shown; add it with "
            'specialist.explained(recording, finding), or give show="plain" or "none"'
        )
    return shown


def _pictures(window: Excerpt, labels: Sequence[str], words: Paragraphs) -> list[str | Picture]:
    count = 1 + len(labels)
    parts: list[str | Picture] = []
    for number, label in enumerate((None, *labels), 1):
        png = picture(window, label=label, names=words.names)
        width, height = PIL.Image.open(io.BytesIO(png)).size
        name = "plain" if label is None else f"evidence-{window.finding.labels.index(label)}"
        caption = words.caption(label, number, count)
        parts += [caption, Picture(name=name, png=png, width=width, height=height, caption=caption)]
    return parts


def _guard(
    finding: Finding, recording: Recording, definitions: Mapping[str, Definition], measured: Sequence[Measurement]
) -> Guard:
    allowed = [*finding.labels, *(definitions[label].name for label in finding.labels if label in definitions)]
    public = [*allowed, *(definitions[label].definition for label in finding.labels if label in definitions)]
    public += [f"{one.name} {one.unit} {one.how}" for one in measured]
    public.append(json.dumps(answer_schema(["A"])))
    return guard_of(finding, recording, allowed=allowed, public="\n".join([*public, sentences.everything()]))
