"""What the JSON files of a patient's folder hold, apart from the journal."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auricle.adaptation.patient import canonical
from auricle.adaptation.patient.failures import PatientDamagedError
from auricle.folder import first_fault

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Time = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
"""UTC, to the second. For people only: clocks jump back, so numbers give the order."""
Count = Annotated[int, Field(ge=0)]

PATIENT_FORMAT: Final = "auricle.patient/1"
VERSION_FORMAT: Final = "auricle.version/1"


class Record(BaseModel):
    """A JSON object with these keys and no others, written in one way only."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical.to_bytes(self.model_dump(mode="json"))

    @classmethod
    def from_bytes(cls, data: bytes, path: Path | str) -> Self:
        """Read what `to_bytes` wrote.

        Raises
        ------
        PatientDamagedError
            Anything else.
        """
        value: dict[str, Any] = canonical.from_bytes(data, path)
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise PatientDamagedError(f"{path}: {first_fault(error)}; take the file from a backup") from None


class Base(Record):
    """The specialist that a patient's versions begin with.

    Parameters
    ----------
    name
        As its manifest has it.
    place
        The name of a shipped specialist or the folder of one, where commands look for it.
    sha256
        Its hash: manifest, weights and card.
    weights_sha256
        See `auricle.adaptation.patient.adapted.weights_sha256`.
    """

    name: str
    place: str
    sha256: Sha256
    weights_sha256: Sha256


class PatientRecord(Record):
    """`patient.json`: whose folder this is. It never changes; the journal's first event holds its hash."""

    format: Literal["auricle.patient/1"] = PATIENT_FORMAT
    base: Base
    subject: str | None
    created: Time


class VersionRecord(Record):
    """`version.json`: what a version is made of. Its SHA-256 is the version's id.

    Parameters
    ----------
    number
        Of the attempt that made it; 0 is the base itself.
    parent
        Id of the version with whose steps its ledger begins.
    created
        When, by a clock that may be wrong.
    base
        Hash of the base specialist.
    steps
        In its ledger, those of its parent included.
    ledger_sha256, impact_sha256, calibration_sha256
        Of the files beside; None where there is no such file.
    weights_sha256
        Of the weights after the last step.
    """

    format: Literal["auricle.version/1"] = VERSION_FORMAT
    number: Count
    parent: Sha256 | None
    created: Time
    base: Sha256
    steps: Count
    ledger_sha256: Sha256 | None
    calibration_sha256: Sha256
    impact_sha256: Sha256 | None
    weights_sha256: Sha256


class Mark(Record):
    """`active.json`: which version judges now, and how much of the journal was acknowledged.

    Parameters
    ----------
    version
        Id of the active version.
    number
        Its number.
    events
        Events of the journal that were on the disk when this was written.
    head
        SHA-256 of the last one's line.
    """

    version: Sha256
    number: Count
    events: Annotated[int, Field(ge=1)]
    head: Sha256


class Plot(Record):
    """`attempt/attempt.json`: what the working files beside it belong to."""

    number: Annotated[int, Field(ge=1)]
    parent: Sha256
