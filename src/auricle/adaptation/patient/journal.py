"""The journal: what happened to a patient's versions, one event a line, each with the hash of the line before."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from auricle.adaptation.patient.canonical import digest, to_bytes
from auricle.adaptation.patient.failures import PatientDamagedError
from auricle.adaptation.patient.records import Count, Record, Sha256, Time

Kind = Literal["created", "accepted", "refused", "activated", "rolled back", "reviewed"]
MOST_TEXT = 2000

_Text = Annotated[str, Field(min_length=1, max_length=MOST_TEXT)]


class Event(Record):
    """One line of the journal.

    Parameters
    ----------
    event
        Its number, from 0: this, and no clock, gives the order.
    kind
        "accepted" may or may not activate the new version, see `active`; "activated" goes to a later version than
        was active before, "rolled back" to an earlier one; "reviewed" says that a person looked at a version.
    time
        By the clock, which may jump back.
    attempt
        Number of the attempt that was accepted or refused; 0 for "created", None otherwise.
    version
        Id of the version that was made, activated or reviewed; None for "refused".
    active
        Id of the version that judges from here on.
    impact_sha256
        Of the impact record of an attempt.
    previous
        SHA-256 of the line before; for the first, of `patient.json`.
    by, remark
        Who reviewed, and what they said of it; not written for other kinds.
    """

    event: Count
    kind: Kind
    time: Time
    attempt: Count | None
    version: Sha256 | None
    active: Sha256
    impact_sha256: Sha256 | None
    previous: Sha256
    by: _Text | None = None
    remark: _Text | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        given = {name for name in ("by", "remark") if name in self.model_fields_set}
        if (self.kind == "reviewed") != ("by" in given) or (given and (self.by is None or self.kind != "reviewed")):
            raise ValueError("a review has a name, and nothing else has a name or a remark")
        return self

    def to_bytes(self) -> bytes:
        """Canonical JSON, without the keys of a review where there is none."""
        left_out = {name for name in ("by", "remark") if getattr(self, name) is None}
        return to_bytes(self.model_dump(mode="json", exclude=left_out))

    @property
    def sha256(self) -> str:
        """Hash of the line, which the next one holds."""
        return digest(self.to_bytes())


@dataclass(frozen=True)
class Journal:
    """The readable part of a journal.

    Parameters
    ----------
    events
        In order, their chain unbroken.
    ends
        Where each event's line ends, in bytes.
    rest
        Bytes behind the last event that are none.
    fault
        Why they are none; empty without a rest.
    """

    events: tuple[Event, ...]
    ends: tuple[int, ...]
    rest: bytes
    fault: str

    @property
    def cut_short(self) -> bool:
        """Whether the rest is the beginning of a line, as an interrupted write leaves it."""
        return bool(self.rest) and b"\n" not in self.rest


def read_journal(data: bytes, *, root: str, path: Path | str) -> Journal:
    r"""Read events up to the first line that is none.

    Parameters
    ----------
    data
        The file.
    root
        SHA-256 of `patient.json`, which the first line must hold.
    path
        The file's name, for the fault.

    Examples
    --------
    >>> event = Event(
    ...     event=0,
    ...     kind="created",
    ...     time="2026-01-31T12:00:00Z",
    ...     attempt=0,
    ...     version=64 * "1",
    ...     active=64 * "1",
    ...     impact_sha256=None,
    ...     previous=64 * "0",
    ... )
    >>> found = read_journal(event.to_bytes() + b'{"acti', root=64 * "0", path="journal.jsonl")
    >>> found.events == (event,), found.rest, found.cut_short
    (True, b'{"acti', True)
    """
    lines = data.split(b"\n")
    events: list[Event] = []
    fault, previous = "", root
    for number, line in enumerate(lines[:-1]):
        where = f"{path}, line {number + 1}"
        try:
            event = Event.from_bytes(line + b"\n", where)
            _check(event, line, number, previous, where)
        except PatientDamagedError as error:
            fault = str(error)
            break
        events.append(event)
        previous = event.sha256
    ends = tuple(accumulate(len(line) + 1 for line in lines[: len(events)]))
    rest = data[ends[-1] if ends else 0 :]
    if rest and not fault:
        fault = f"{path}, line {len(events) + 1} has no end"
    return Journal(tuple(events), ends, rest, fault)


def _check(event: Event, line: bytes, number: int, previous: str, where: str) -> None:
    if event.event != number:
        raise PatientDamagedError(f"{where} is event {event.event}; event {number} belongs there; take a backup")
    if event.to_bytes() != line + b"\n":
        raise PatientDamagedError(f"{where} is not written as auricle writes it; take a backup")
    if event.previous != previous:
        before = "line before it" if number else "patient.json"
        raise PatientDamagedError(
            f"{where} does not follow from the {before}: one of the two was changed after it was written; take a backup"
        )


def clock_went_back(events: Sequence[Event]) -> tuple[Event, ...]:
    """Events with an earlier time than an event before them."""
    latest = list(accumulate((event.time for event in events), max))
    return tuple(event for event, most in zip(events, latest, strict=True) if event.time < most)
