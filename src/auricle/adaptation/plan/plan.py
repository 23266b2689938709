"""The change-control plan: what an adaptation may change, how it is done, and what it must prove before it is used."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import ErrorDetails

from auricle.adaptation.plan.protocol import Protocol
from auricle.adaptation.plan.table import Count, Margin, Positive, Share, Table, Text, published
from auricle.errors import FormatError, InputError
from auricle.folder import told_fault
from auricle.toml import nearest, read_toml
from auricle.zeroth import Perturbation, Pool, perturbation_from

FORMAT: Final = "auricle.plan/1"
_MOST_FAULTS: Final = 5

CheckKind = Literal[
    "macro_f1", "sensitivity", "class_kept", "personal", "coverage", "labels", "steps", "distance", "harm"
]


def _perturbation(given: object) -> Perturbation:
    if isinstance(given, Perturbation):
        return given
    if not isinstance(given, Mapping):
        raise ValueError(f'a table such as {{ kind = "pool", size = 8191, bits = 8 }} is needed; given was {given!r}')
    if not isinstance(given.get("kind"), str):
        raise ValueError(f'kind must name a perturbation, such as "pool"; given was {given.get("kind")!r}')
    try:
        return perturbation_from(given)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"a perturbation can't be made of {dict(given)}: {error}") from error


_Perturbation = Annotated[
    Perturbation,
    BeforeValidator(_perturbation),
    PlainSerializer(lambda spec: spec.to_dict(), return_type=dict[str, Any]),
    WithJsonSchema({"type": "object", "properties": {"kind": {"type": "string"}}, "required": ["kind"]}),
]


class Description(Table):
    """What may change: description of modifications.

    Examples
    --------
    >>> Description(queries=2, most_steps=400).most_forwards
    1600
    """

    summary: Text = (
        "Weights of the network move by forward-only training on beats of one patient; classes, preprocessing and "
        "architecture stay as they are."
    )
    """What changes, in words for a reviewer."""
    parameters: Literal["all", "small"] = "all"
    """Which weights may move: all of them, or only norms, class tokens and the head."""
    perturbation: _Perturbation = Field(default_factory=Pool)
    """Directions of the forward-only training, as `auricle.zeroth.perturbation_from` reads them."""
    estimator: Literal["two-sided", "one-sided"] = "two-sided"
    """Losses on both sides of each direction, or on one side and at the weights themselves."""
    queries: Count = Field(default=1, le=1024)
    """Directions per step."""
    lr: Positive = 1e-3
    """Learning rate, as `auricle.zeroth.ZerothOrder` has it."""
    eps: Positive = 2**-10
    """Perturbation per weight, in standard deviations of a Gaussian."""
    batch: Count = Field(default=32, le=65_536)
    """Windows per evaluation of the loss."""
    most_steps: Count = 500
    """Largest number of steps of one attempt."""
    most_distance: Positive = 0.3
    """Largest distance of the weights from the base's, over the length of the base's weights (L2)."""
    most_change: Positive = 0.25
    """Largest change of any one weight from the base's."""
    seed: int = Field(default=0, strict=True, ge=0, lt=2**63)
    """Of the order of windows."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.estimator == "one-sided" and self.queries < 2:
            raise ValueError(
                f"queries = {self.queries} with a one-sided estimator, which divides by the spread of the losses; "
                'give queries = 2 or more, or estimator = "two-sided"'
            )
        return self

    @property
    def most_forwards(self) -> int:
        """Largest number of forward passes of a batch."""
        return self.most_steps * (2 * self.queries if self.estimator == "two-sided" else self.queries + 1)


class Assessment(Table):
    """What must hold before a version is used, and what follows: impact assessment."""

    macro_f1_margin: Margin = 0.1
    """On the locked reference set, macro F1 after may lie below that before by less than this, at `level`."""
    sensitivity_margin: Margin = 0.2
    """The same for the sensitivity of each class."""
    sensitivity_margins: dict[str, Margin] = Field(default_factory=dict)
    """Margins of single classes that differ from `sensitivity_margin`."""
    level: float = Field(default=0.95, strict=True, gt=0.5, lt=1)
    """Of the two-sided intervals of both: (1 - level) / 2 is the chance to accept what is worse by the margin, or up to
    twice that where a few people bear the loss."""
    class_had: float = Field(default=0.1, strict=True, gt=0, le=1)
    """A class counts as recognised before if this share of its reference windows is."""
    class_lost: float = Field(default=0.0, strict=True, ge=0, lt=1)
    """A class that counted is lost if no more than this share is recognised after."""
    personal_windows: Count = 5
    """Windows that the patient's test stretch needs, and a class within it to enter its macro F1."""
    personal_accuracy_margin: Share = 0.02
    """On the patient's test stretch, the share of windows judged right may fall by this much (the estimate itself: a
    stretch is too short for a bound)."""
    personal_macro_f1_margin: Share = 0.05
    """The same for macro F1."""
    coverage_level: float = Field(default=0.99, strict=True, gt=0.5, lt=1)
    """Of the exact intervals of coverage, over all classes and alphas together."""
    harm_class: Text = "V"
    """The class whose F1 tells harm."""
    harm_margin: Margin = 0.05
    """A loss of its F1 by more than this, on windows that the attempt has not seen, counts as harm."""
    must_be_tested: tuple[CheckKind, ...] = ("macro_f1", "class_kept", "personal", "labels", "steps", "distance")
    """An attempt is refused if nothing of such a kind could be tested; of other kinds that is only reported."""
    review_after_days: Positive = 30.0
    """How long a version may be used before a person looks at it, and looks again, in days."""
    told: tuple[Text, ...] = Field(default=("the person who runs this adaptation",), min_length=1)
    """Names or addresses of those who are told of every attempt."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.class_lost >= self.class_had:
            raise ValueError(
                f"class_lost = {self.class_lost:g} is not below class_had = {self.class_had:g}: a class would be lost "
                "without any change"
            )
        return self

    def margin_of(self, label: str) -> float:
        """Margin of the sensitivity of one class."""
        return self.sensitivity_margins.get(label, self.sensitivity_margin)


class Plan(Table):
    """A change-control plan in three tables, as in FDA's predetermined change control plan (PCCP).

    A plan that contradicts itself can't be made.

    References
    ----------
    FDA, "Marketing Submission Recommendations for a Predetermined Change Control Plan for Artificial
    Intelligence-Enabled Device Software Functions", December 2024. The three tables are its sections; a plan here is
    for research and no submission.

    Examples
    --------
    >>> plan = Plan.from_dict({"protocol": {"minutes": 10}})
    >>> plan.protocol.stretches()["test"]
    (485.0, 600.0)
    >>> Plan.from_dict({"protocol": {"calibration_share": 0.4}})
    Traceback (most recent call last):
    ...
    auricle.errors.InputError: the plan can't be used: protocol: adaptation_share + calibration_share + test_share is \
1.1; the three stretches must make 1
    """

    format: Literal["auricle.plan/1"] = FORMAT
    description: Description = Field(default_factory=Description)
    protocol: Protocol = Field(default_factory=Protocol)
    assessment: Assessment = Field(default_factory=Assessment)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for kind in ("personal", "coverage"):
            if kind in self.assessment.must_be_tested and not self.protocol.test_share:
                raise ValueError(
                    f"assessment.must_be_tested names {kind!r}, but protocol.test_share is 0, so it can't be tested; "
                    "give a test_share or leave it out"
                )
        return self

    @classmethod
    def from_dict(cls, tables: Mapping[str, Any]) -> Self:
        """Make a plan of plain values, such as those of a TOML file.

        Raises
        ------
        InputError
            A key is unknown or of the wrong kind, or the plan contradicts itself.
        """
        try:
            return cls.model_validate(dict(tables))
        except ValidationError as error:
            raise InputError(f"the plan can't be used: {_faults(error)}") from error

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read and check a plan.

        Raises
        ------
        FormatError
            The file is missing or no TOML; a key is unknown or of the wrong kind; or the plan contradicts itself.
        """
        path = Path(path)
        content = read_toml(path, "plan", hint="give a TOML file, or none for the plan that comes with auricle")
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise FormatError(f"the plan {path}: {_faults(error)}") from error

    @classmethod
    def default(cls) -> Self:
        """Give the plan that comes with auricle, for a classifier of beats."""
        return cls.read(Path(str(resources.files("auricle.adaptation.plan") / "plan.toml")))

    @property
    def sha256(self) -> str:
        """Of the plan's values in canonical JSON: comments and the order of keys in the file don't count."""
        values = self.model_dump(mode="json")
        return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def check_labels(self, labels: Sequence[str]) -> None:
        """Refuse a plan that names a class which the specialist doesn't know, or asks for more than it has.

        Raises
        ------
        InputError
            With the nearest class that there is.
        """
        for key, names in (
            ("harm_class", (self.assessment.harm_class,)),
            ("sensitivity_margins", tuple(self.assessment.sensitivity_margins)),
        ):
            if strange := [name for name in names if name not in labels]:
                raise InputError(
                    f"the plan's assessment.{key} names the class {strange[0]!r}{nearest(strange[0], labels)}; give a "
                    "plan that was written for this specialist (the one that comes with auricle is for `beats`)"
                )
        if self.protocol.taught_classes > len(labels):
            raise InputError(
                f"the plan's protocol.taught_classes is {self.protocol.taught_classes}, but the specialist has "
                f"{len(labels)} classes: {', '.join(labels)}"
            )


def plan_schema() -> dict[str, Any]:
    """Give the JSON schema of a plan, as published in `schemas/plan.schema.json`."""
    return published(Plan, FORMAT)


def _faults(error: ValidationError) -> str:
    """Say what is refused, at most five things, and what was probably meant by an unknown key."""
    found = error.errors(include_url=False)
    more = f"; and {len(found) - _MOST_FAULTS} more" if len(found) > _MOST_FAULTS else ""
    return "; ".join(map(_fault, found[:_MOST_FAULTS])) + more


def _fault(one: ErrorDetails) -> str:
    place = tuple(map(str, one["loc"]))
    if one["type"] == "extra_forbidden":
        tables: dict[str, type[BaseModel]] = {
            "description": Description, "protocol": Protocol, "assessment": Assessment
        }  # fmt: skip
        table = tables.get(place[0], Plan) if len(place) > 1 else Plan
        return f"unknown key {'.'.join(place)}{nearest(place[-1], list(table.model_fields))}"
    return told_fault(one)
