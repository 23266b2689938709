"""One window's result: the prediction set with its scores, p-values, evidence and state, as JSON with a schema."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from auricle.conformal import State, state_of
from auricle.errors import FormatError, InputError
from auricle.signals.visible import visible, visible_json

SCHEMA: Final = "auricle.finding/1"
INTENDED_USE: Final = "For research and engineering. Not a medical device; not for diagnosis or treatment."

MEANING: Final[Mapping[State, str]] = {
    "confident": "one label can't be ruled out",
    "uncertain": "two or more labels can't be ruled out",
    "unfamiliar": "every label that can be judged is ruled out: the window is like no class of the specialist",
    "uncalibrated": "no class has enough calibration samples for this alpha: nothing is promised",
}


def _matrix(values: object) -> NDArray[np.float32]:
    try:
        matrix = np.array(values, np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError("evidence values must be rows of numbers of one length, one row per label") from error
    if matrix.ndim != 2:
        raise ValueError(f"evidence values have shape {matrix.shape}; (labels, instances) is needed")
    if not np.isfinite(matrix).all():
        raise ValueError("evidence values hold NaN or infinite numbers")
    matrix.setflags(write=False)
    return matrix


_Matrix = Annotated[
    NDArray[np.float32],
    BeforeValidator(_matrix),
    # The shortest text that gives the same float32 back.
    PlainSerializer(lambda matrix: [[float(str(v)) for v in row] for row in matrix], when_used="json"),
    WithJsonSchema({"type": "array", "items": {"type": "array", "items": {"type": "number"}}}),
]


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True, use_attribute_docstrings=True
    )


class Evidence(_Frozen):
    """How much each instance speaks for each label; a label's values and its constant add up to its score.

    Examples
    --------
    >>> evidence = Evidence(labels=("N", "A"), values=[[0.1, -0.2], [0.0, 0.4]], step=0.04)
    >>> evidence.of("A").tolist()
    [0.0, 0.4000000059604645]
    """

    labels: tuple[str, ...]
    """Label of each row of `values`."""
    values: _Matrix
    """float32 (labels, instances), signed."""
    step: float = Field(gt=0)
    """Distance between two instances in s."""
    start: float = 0.0
    """Where the first instance begins, in s from the start of the recording; negative for a window around one of the
    first beats, which was continued before it."""

    @model_validator(mode="after")
    def _rows(self) -> Self:
        if len(self.labels) != len(self.values):
            raise ValueError(f"evidence has {len(self.values)} rows for {len(self.labels)} labels")
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Evidence) and self.model_dump_json() == other.model_dump_json()

    def __hash__(self) -> int:
        return hash((self.labels, self.values.tobytes(), self.step, self.start))

    def of(self, label: str) -> NDArray[np.float32]:
        """Give the values of one label, float32 (instances,)."""
        if label not in self.labels:
            raise InputError(f"there is no evidence for {label!r}; there is for {', '.join(self.labels)}")
        return self.values[self.labels.index(label)]  # type: ignore[no-any-return]


class Segment(_Frozen):
    """A stretch of the recording that speaks for a label."""

    start: float = Field(ge=0)
    """In s from the start of the recording."""
    stop: float
    """In s from the start of the recording."""
    evidence: float = Field(gt=0)
    """Sum of the evidence of the instances chosen within the stretch."""

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.stop <= self.start:
            raise ValueError(f"a segment from {self.start:g} s to {self.stop:g} s has no length")
        return self


class WindowSpan(_Frozen):
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


class SpecialistName(_Frozen):
    """Which specialist made the finding."""

    name: str
    version: str = ""
    hash: str = ""
    """SHA-256 of the weights, or its first digits."""


class QualityNote(_Frozen):
    """Something wrong with the signal, as `auricle.signals.quality.Flag` reports it."""

    kind: str
    start: float = Field(ge=0)
    """In s from the start of the recording."""
    stop: float
    """In s from the start of the recording."""
    text: str = ""


Probability = Annotated[float, Field(gt=0, le=1)]


class Finding(_Frozen):
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
    def needs_eyes(self) -> bool:
        """Whether a person should look: any state but confident, or a signal of doubtful quality."""
        return self.state != "confident" or bool(self.quality)

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


def segments_of(
    evidence: NDArray[np.floating],
    start: float,
    step: float,
    *,
    stop: float | None = None,
    share: float = 0.5,
    gap: float = 0.2,
    most: int = 5,
) -> tuple[Segment, ...]:
    """Give the stretches that together hold `share` of the positive evidence for one label.

    The instances with the largest positive evidence are taken until they hold the share; those with no more than `gap`
    between them become one segment; if more than `most` segments result, those with the most evidence are kept.

    Parameters
    ----------
    evidence
        (instances,), signed, finite.
    start
        Where the first instance begins, in s.
    step
        Distance between two instances, in s.
    stop
        Where the window ends, in s: the last instance may reach beyond it, a segment may not.
    share
        Between 0 (exclusive) and 1. A larger share never uncovers an instance unless `most` cuts in.
    gap
        In s.
    most
        Largest number of segments.

    Returns
    -------
    tuple of Segment
        In order of time, disjoint; empty if nothing speaks for the label. The evidence of a segment is the sum over
        its chosen instances: what lies in a bridged gap is not counted.

    Examples
    --------
    >>> for s in segments_of(np.array([0, 3, 0, 4, 0, 0, 0, 1, -2]), start=10.0, step=0.1, share=0.8, gap=0.1):
    ...     print(f"{s.start:.1f} to {s.stop:.1f} s: {s.evidence:g}")
    10.1 to 10.4 s: 7
    """
    values = np.asarray(evidence, np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise InputError(f"evidence of shape {values.shape} was given; a row of finite numbers is needed")
    if not 0 < share <= 1:
        raise InputError(f"share={share:g} was given; it must be above 0 and at most 1")
    if step <= 0 or gap < 0 or most < 1:
        raise InputError(f"step={step:g}, gap={gap:g}, most={most}: step must be positive, gap not negative, most >= 1")
    if stop is not None and stop <= start + (len(values) - 1) * step:
        raise InputError(
            f"the window ends at {stop:g} s, but the last of {len(values)} instances begins at "
            f"{start + (len(values) - 1) * step:g} s; leave out the instances that lie beyond the window"
        )
    order = np.argsort(-values, kind="stable")
    order = order[values[order] > 0]
    if not order.size:
        return ()
    held = np.cumsum(values[order])
    # The small slack keeps rounding in the sum from asking for one instance more than there is.
    count = int(np.searchsorted(held, share * held[-1] * (1 - 1e-12))) + 1
    chosen = np.sort(order[:count])
    breaks = np.flatnonzero((np.diff(chosen) - 1) * step > gap + 1e-9) + 1
    runs = sorted(np.split(chosen, breaks), key=lambda run: -float(values[run].sum()))[:most]
    return tuple(
        Segment(
            start=start + float(run[0]) * step,
            stop=min(start + (float(run[-1]) + 1) * step, np.inf if stop is None else stop),
            evidence=float(values[run].sum()),
        )
        for run in sorted(runs, key=lambda run: int(run[0]))
    )


def json_schema() -> dict[str, Any]:
    """Give the JSON schema of a finding, as published in `schemas/finding.schema.json`."""
    schema = Finding.model_json_schema(by_alias=True)
    for part in (schema, *schema["$defs"].values()):
        if "description" in part:
            part["description"] = part["description"].partition("\n\nExamples\n")[0]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}
