"""The impact record: everything about one attempt to adapt, accepted or refused, as JSON with a schema."""

from collections.abc import Mapping
from typing import Any, Final, Literal, Self

from pydantic import AwareDatetime, Field, ValidationError, model_validator

from auricle.adaptation.checks import Check, Decision, decide
from auricle.adaptation.checks.measured import Measured
from auricle.adaptation.plan import Plan
from auricle.adaptation.plan.protocol import StretchName
from auricle.adaptation.plan.table import Hash, Table, published
from auricle.errors import FormatError
from auricle.finding import INTENDED_USE
from auricle.folder import first_fault

SCHEMA: Final = "auricle.impact/1"

Place = Literal["reference", "patient"]


class Base(Table):
    """The specialist that was adapted."""

    name: str
    version: str = ""
    hash: Hash
    """SHA-256 of the specialist's folder."""
    weights_sha256: Hash
    """Of the weights that the ledger begins with."""


class Modification(Table):
    """What was done; its limits stand in the plan."""

    weights: int = Field(ge=0)
    """Weights that could move."""
    steps: int = Field(ge=0)
    """Steps of this attempt."""
    steps_before: int = Field(default=0, ge=0)
    """Steps from the base's weights to those of the parent version."""
    distance: float | None = Field(ge=0)
    """Of the weights from the base's, over the length of the base's weights; None if it has no number."""
    largest_change: float | None = Field(ge=0)
    """Of one weight; None if it has no number."""
    weights_sha256: Hash | None = None
    """Of the adapted weights; None if there are none to use."""


class StretchUsed(Table):
    """One labelled stretch of the recording."""

    start: float = Field(ge=0)
    """In s from the start of the recording."""
    stop: float
    """In s from the start of the recording."""
    counts: dict[str, int]
    """Labelled windows per class."""


class Reference(Table):
    """The locked reference set."""

    sha256: Hash
    n: int = Field(ge=0)
    subjects: int = Field(ge=0)
    counts: dict[str, int]
    """Windows per class."""


class DataUsed(Table):
    """What was learned from and tested on."""

    recording: str
    simulated: bool = False
    """The recording was made by a simulator, not by a person's body."""
    labels: str = ""
    """Where the labels came from."""
    labels_sha256: Hash
    leads: tuple[tuple[str, ...], ...] | None = None
    """Names of each lead that the windows were cut from; the version judges the same."""
    windows_sha256: Hash | None = None
    """Of the samples of the labelled windows."""
    stretches: dict[StretchName, StretchUsed]
    reference: Reference | None = None


class CalibrationUsed(Table):
    """Which calibration the version judges with, and what it promises."""

    kind: Literal["population", "personal", "combined", "mixed"]
    """Mixed: the patient's for some classes, the population's for the others."""
    source: dict[str, dict[str, str]] = Field(default_factory=dict)
    """By alpha and class: population, personal, combined, uncovered or left out."""
    counts: dict[str, int] = Field(default_factory=dict)
    """The patient's calibration windows per class."""
    promise: str
    """What the sets promise, to whom, in words."""


class Cost(Table):
    """What the attempt cost."""

    forwards: int = Field(ge=0)
    """Forward passes of a batch."""
    seconds: float = Field(ge=0)
    """Of training, calibrating and testing."""
    peak_memory_mb: float | None = Field(default=None, ge=0)
    """Peak memory of the training, in MB."""
    memory_over_inference: float | None = Field(default=None, ge=0)
    """That peak over the peak of judging the same batch."""
    ledger_bytes: int = Field(ge=0)


class Impact(Table):
    """The record of one attempt.

    A record that contradicts itself can't be made: it is accepted only if `decide` accepts its checks under its plan,
    and the plan has the hash that is named. A refusal may have further reasons.

    Examples
    --------
    >>> schema = impact_schema()
    >>> schema["$id"], schema["properties"]["attempt"]["minimum"]
    ('auricle.impact/1', 0)
    """

    schema_: Literal["auricle.impact/1"] = Field(default=SCHEMA, alias="schema")
    attempt: int = Field(ge=0)
    """Counts the attempts of a patient; it decides their order, as clocks jump."""
    created: AwareDatetime
    """When the attempt ended, by the machine's clock."""
    subject: str | None = None
    base: Base
    parent: str | None = None
    """Id of the version that was adapted; None where no patient's folder keeps versions."""
    plan: Plan
    plan_sha256: Hash
    modification: Modification
    data: DataUsed
    before: dict[Place, Measured] = Field(default_factory=dict)
    after: dict[Place, Measured] = Field(default_factory=dict)
    checks: tuple[Check, ...]
    decision: Decision
    calibration: CalibrationUsed | None = None
    """None if the attempt ended before there was one."""
    cost: Cost
    notes: tuple[str, ...] = ()
    """What was assumed, mended or left out, one sentence each."""
    intended_use: str = INTENDED_USE

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.plan_sha256 != self.plan.sha256:
            raise ValueError(f"plan_sha256 is {self.plan_sha256}, but the plan in the record has {self.plan.sha256}")
        if self.decision.accepted and (follows := decide(self.checks, self.plan)) != self.decision:
            raise ValueError(f"the attempt is said to be accepted, but by its checks: {' '.join(follows.reasons)}")
        if not self.decision.accepted and not self.decision.reasons:
            raise ValueError("the attempt was refused without a reason; name one")
        if self.decision.accepted and self.modification.weights_sha256 is None:
            raise ValueError("the attempt is said to be accepted, but no adapted weights are named")
        return self

    def to_dict(self) -> dict[str, Any]:
        """Give plain values that JSON can hold."""
        return self.model_dump(mode="json", by_alias=True)

    def to_json(self) -> str:
        """Give the record as JSON."""
        return self.model_dump_json(by_alias=True, indent=1) + "\n"

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make a record of what `to_dict` gave, and check it.

        Raises
        ------
        FormatError
            It is of another schema, lacks something, or contradicts itself.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise FormatError(f"this is no valid impact record ({SCHEMA}): {first_fault(error)}") from error

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a record and check it.

        Raises
        ------
        FormatError
            The text is no JSON, is of another schema, or contradicts itself.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise FormatError(f"this is no valid impact record ({SCHEMA}): {first_fault(error)}") from error


def impact_schema() -> dict[str, Any]:
    """Give the JSON schema of an impact record, as published in `schemas/impact.schema.json`."""
    return published(Impact, SCHEMA)
