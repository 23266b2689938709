"""What a watch reports, one JSON object a line."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from auricle.conformal import State
from auricle.signals.visible import visible, visible_json

SCHEMA: Final = "auricle.watch/1"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class _Event(_Frozen):
    schema_: Literal["auricle.watch/1"] = Field(default=SCHEMA, alias="schema")

    def to_json(self) -> str:
        """Give one line of JSON."""
        return visible_json(self.model_dump_json(by_alias=True))


class Place(_Frozen):
    """A window of the stream."""

    number: int = Field(ge=0)
    """Number in the stream, from 0; windows that overlap the one before are not counted."""
    recording: str
    index: int = Field(ge=0)
    """Number of the window within its recording, from 0."""
    start: float = Field(ge=0)
    """In s from the start of the recording."""
    stop: float
    """In s from the start of the recording."""

    def __str__(self) -> str:
        return f"window {self.number} ({visible(self.recording)}, {self.start:g} to {self.stop:g} s)"


class WindowEvent(_Event):
    """One window was judged."""

    event: Literal["window"] = "window"
    recording: str
    index: int = Field(ge=0)
    """Number of the window within its recording, from 0."""
    start: float = Field(ge=0)
    stop: float
    number: int | None
    """Number in the stream, from 0; null for a window that overlaps the one before and so does not count."""
    p_value: float | None
    """Small for a window that is stranger than those before; null where `number` is."""
    capital: float | None
    """What the test has made of a capital of 1; an alarm when it first reaches 1 / delta. Null beyond 1e300."""
    set: tuple[str, ...]
    """The labels that can't be ruled out at the levels of this moment."""
    state: State


_SAID = {"stranger": "stranger than before", "more typical": "less strange than before"}


class AlarmEvent(_Event):
    """The windows no longer look like those before, or depend on one another."""

    event: Literal["alarm"] = "alarm"
    at: Place
    since: Place
    """Where the change seems to have begun."""
    direction: Literal["stranger", "more typical"]
    """What the windows since then are, by their top scores."""
    capital: float
    delta: float
    """Chance of any false alarm in a stream of exchangeable windows, however long."""

    def __str__(self) -> str:
        return (
            f"alarm at {self.at}: {_SAID[self.direction]} since about {self.since}; "
            f"false-alarm chance at most {100 * self.delta:g} % if windows are exchangeable"
        )


class LabelEvent(_Event):
    """A window's true label arrived."""

    event: Literal["label"] = "label"
    recording: str
    index: int = Field(ge=0)
    """Number of the window within its recording, from 0."""
    label: str
    missed: bool
    """Whether the label was missing from the set that was shown."""


class ClassSummary(_Frozen):
    """What the labels of one class said."""

    labels: int
    missed_as_calibrated: int
    """How many of them the sets of the calibration alone would have missed."""
    missed_adapted: int
    """How many of them the sets that were shown had missed."""
    level: float
    """The level of the class now: below 0 its label stands in every set, above 1 in none."""
    bound: float | None
    """Certain limit of |missed_adapted / labels - alpha|; null without labels and where the level does not move."""


class SummaryEvent(_Event):
    """The whole stream."""

    event: Literal["summary"] = "summary"
    windows: int
    recordings: int
    overlapping: int
    """Windows that overlap the one before, and were left out of the test."""
    reference: int
    """Reference windows that the stream was compared with, beside its own past."""
    highest_capital: float | None
    """Null beyond 1e300."""
    delta: float
    alarm: AlarmEvent | None
    alpha: float
    gamma: float
    waiting: int
    """Windows without a label."""
    classes: dict[str, ClassSummary]


WatchEvent = Annotated[WindowEvent | AlarmEvent | LabelEvent | SummaryEvent, Field(discriminator="event")]


def json_schema() -> dict[str, Any]:
    """Give the JSON schema of a line of `auricle watch --json`."""
    schema: dict[str, Any] = TypeAdapter(WatchEvent).json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}
