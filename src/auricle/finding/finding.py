"""One window's result: the prediction set with its scores, p-values, evidence and state, as JSON with a schema."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, ValidationError, model_validator

from auricle.conformal import State, state_of
from auricle.errors import FormatError
from auricle.finding.evidence import Evidence, Segment
from auricle.finding.frozen import Frozen
from auricle.signals.visible import visible, visible_json

SCHEMA: Final = "auricle.finding/1"
INTENDED_USE: Final = "For research and engineering. Not a medical device; not for diagnosis or treatment."

MEANING: Final[Mapping[State, str]] = {
    "confident": "one label can't be ruled out",
    "uncertain": "two or more labels can't be ruled out",
    "unfamiliar": "every label that can be judged is ruled out: the window is like no class of the specialist",
    "uncalibrated": "no class has enough calibration samples for this alpha: nothing is promised",
}


class WindowSpan(Frozen):
    """Which window of the recording the finding is about."""

    index: int = Field(default=0, ge=0)
    """Number of the window within its recording, from 0."""
    start: float = Field(ge=0)
    """In s from the start of the recording."""
    stop: float
    """In s from the start of the recording."""
    beat: float | None = Field(default=None, ge=0)
    """The beat that is judged, in s from the start of the recording; null where the whole window is."""

    def __str__(self) -> str:
        return f"{self.start:g} to {self.stop:g} s" if self.beat is None else f"beat at {self.beat:.2f} s"

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.stop <= self.start:
            raise ValueError(f"a window from {self.start:g} s to {self.stop:g} s has no length")
        return self


class SpecialistName(Frozen):
    """Which specialist made the finding."""

    name: str
    version: str = ""
    hash: str = ""
    """SHA-256 of the weights, or its first digits."""

    def __str__(self) -> str:
        """Name, version, and the beginning of the hash unless the version holds it, as that of a patient does."""
        short = self.hash[:12]
        return " ".join(filter(None, (self.name, self.version, "" if short in self.version else short)))


class QualityNote(Frozen):
    """Something wrong with the signal, as `auricle.signals.quality.Flag` reports it."""

    kind: str
    start: float = Field(ge=0)
    """In s from the start of the recording."""
    stop: float
    """In s from the start of the recording."""
    text: str = ""


Probability = Annotated[float, Field(gt=0, le=1)]


class Finding(Frozen):
    """What a specialist says about one window.

    A finding that contradicts itself can't be made: the state must fit the set, a covered label is in the set exactly
    when its p-value exceeds alpha, an uncovered one always, a left-out one never; the top label has the highest score.
    Two findings are equal when their JSON without the evidence array is.

    Examples
    --------
    >>> finding = Finding(
    ...     specialist=SpecialistName(name="af"), recording="A00001", window=WindowSpan(start=0, stop=30), alpha=0.1,
    ...     labels=("N", "A"), set=("A",), state="confident", top="A", scores={"N": -2.0, "A": 1.5},
    ...     p_values={"N": 0.02, "A": 0.6}, segments={"A": [Segment(start=3.2, stop=4.0, evidence=0.7)]})
    >>> Finding.from_json(finding.to_json()) == finding
    True
    >>> print(finding)
    A00001, 0 to 30 s: {A}, confident at alpha 0.1
    """

    schema_: Literal["auricle.finding/1"] = Field(default=SCHEMA, alias="schema")
    specialist: SpecialistName
    recording: str
    """Id of the recording."""
    channels: tuple[str, ...] = ()
    """The channels that were judged; empty: all of the recording."""
    window: WindowSpan
    alpha: float = Field(gt=0, lt=1)
    """For every covered class, at most this share of its windows misses the label in its set."""
    labels: tuple[str, ...] = Field(min_length=1)
    """Every class of the specialist, in its order."""
    set: tuple[str, ...]
    """The labels that can't be ruled out at this alpha."""
    state: State
    """confident: one label; uncertain: two or more; unfamiliar: no covered one; uncalibrated: no class is covered."""
    top: str
    """The label with the highest score. It carries no guarantee."""
    scores: dict[str, float]
    """Per label, higher is more like it."""
    p_values: dict[str, Probability | None]
    """Per label; null where the class has no calibration samples or is left out."""
    uncovered: tuple[str, ...] = ()
    """Classes with too few calibration samples for this alpha: always in the set, with no guarantee."""
    left_out: tuple[str, ...] = ()
    """Classes that the specialist never puts in a set: nothing is promised for them."""
    segments: dict[str, tuple[Segment, ...]] = Field(default_factory=dict)
    """Per label of the set (the top label if the set is empty), what speaks for it, in order of time."""
    evidence_step: float | None = Field(default=None, gt=0)
    """Distance between two instances of evidence in s: no segment is finer than this."""
    quality: tuple[QualityNote, ...] = ()
    notes: tuple[str, ...] = ()
    """What was assumed, mended or left out when the recording was read, one sentence each."""
    simulated: bool = False
    """The recording was made by a simulator, not by a person's body."""
    intended_use: str = INTENDED_USE
    evidence: Evidence | None = Field(default=None, repr=False)
    """The whole evidence, for drawing; in the JSON only on request."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self._check_labels()
        self._check_set()
        drawn = self.drawn_labels
        if strange := [label for label in self.segments if label not in drawn]:
            raise ValueError(
                f"segments are given for {', '.join(map(repr, strange))}; only {', '.join(drawn)} may have some"
            )
        for label, segments in self.segments.items():
            edge = self.window.start - 1e-6
            for segment in segments:
                if segment.start < edge or segment.stop > self.window.stop + 1e-6:
                    raise ValueError(
                        f"segment {segment.start:g} to {segment.stop:g} s of {label!r} overlaps the one before or lies "
                        f"outside the window {self.window.start:g} to {self.window.stop:g} s"
                    )
                edge = segment.stop
        return self

    def _check_labels(self) -> None:
        known = self.labels
        if len({*known}) != len(known):
            raise ValueError(f"labels are listed twice: {', '.join(known)}")
        for name in ("set", "uncovered", "left_out"):
            given: tuple[str, ...] = getattr(self, name)
            if strange := [label for label in given if label not in known]:
                raise ValueError(f"{name} holds {', '.join(map(repr, strange))}; the labels are {', '.join(known)}")
            if len({*given}) != len(given):
                raise ValueError(f"{name} lists a label twice: {', '.join(given)}")
        for name in ("scores", "p_values"):
            if {*getattr(self, name)} != {*known}:
                raise ValueError(f"{name} must hold each of the labels {', '.join(known)}, and nothing else")
        if self.top not in known or self.scores[self.top] < max(self.scores.values()):
            raise ValueError(f"top is {self.top!r}, but it does not have the highest score")

    def _check_set(self) -> None:
        if both := [label for label in self.uncovered if label in self.left_out]:
            raise ValueError(f"{', '.join(both)}: uncovered and left out at the same time")
        for label in self.labels:
            inside, p = label in self.set, self.p_values[label]
            if label in self.left_out:
                if inside:
                    raise ValueError(f"{label!r} is left out of the sets but stands in this one")
            elif label in self.uncovered:
                if not inside:
                    raise ValueError(f"{label!r} is uncovered and must stand in every set")
            elif p is None:
                raise ValueError(f"{label!r} has no p-value; then it must be marked uncovered or left out")
            elif inside != (p > self.alpha):
                raise ValueError(
                    f"{label!r} has p-value {p:g} at alpha {self.alpha:g} but is {'in' if inside else 'not in'} the set"
                )
        covered = len(self.labels) - len(self.uncovered) - len(self.left_out)
        expected = state_of(len(self.set) - len(self.uncovered), len(self.uncovered), calibrated=covered > 0)
        if self.state != expected:
            raise ValueError(f"state is {self.state!r}, but the set {self.set_text} makes it {expected!r}")

    @property
    def drawn_labels(self) -> tuple[str, ...]:
        """The labels whose evidence is shown: the set, or the top label if the set is empty."""
        return self.set or (self.top,)

    @property
    def set_text(self) -> str:
        """The set in braces."""
        return "{" + ", ".join(self.set) + "}"

    @property
    def top_outside(self) -> bool:
        """Whether a set that holds something misses the label with the highest score.

        A label is compared with calibration windows of its own alone, so this can be; such a set is seldom right.
        """
        return bool(self.set) and self.top not in self.set

    @property
    def needs_eyes(self) -> bool:
        """Whether a person should look: any state but confident, a set without the top label, or a doubtful signal."""
        return self.state != "confident" or self.top_outside or bool(self.quality)

    def to_json(self, *, evidence: bool = False) -> str:
        """Give one line of JSON; `evidence` adds the whole array."""
        return visible_json(self.model_dump_json(by_alias=True, exclude=None if evidence else {"evidence"}))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a finding and check it.

        Raises
        ------
        FormatError
            The text is no JSON, is of another schema, or contradicts itself.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "as a whole"
            raise FormatError(
                f"this is no valid finding ({SCHEMA}): {where}: {first['msg'].removeprefix('Value error, ')}"
            ) from error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Finding) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __str__(self) -> str:
        return f"{visible(self.recording)}, {self.window}: {self.set_text}, {self.state} at alpha {self.alpha:g}"


def json_schema() -> dict[str, Any]:
    """Give the JSON schema of a finding, as published in `schemas/finding.schema.json`."""
    schema = Finding.model_json_schema(by_alias=True)
    for part in (schema, *schema["$defs"].values()):
        if "description" in part:
            part["description"] = part["description"].partition("\n\nExamples\n")[0]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}
