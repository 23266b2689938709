"""What a patient's folder holds: read as a whole, and refused where no power cut could have left it so."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from auricle.adaptation.patient.canonical import digest
from auricle.adaptation.patient.failures import PatientDamagedError, PatientError
from auricle.adaptation.patient.journal import Event, Journal, read_journal
from auricle.adaptation.patient.records import Mark, PatientRecord, Plot
from auricle.adaptation.patient.storage import STAGING, is_folder, names_in, read_file
from auricle.adaptation.patient.version import IMPACT, Version, checked_file, folder_name

PATIENT, JOURNAL, ACTIVE = "patient.json", "journal.jsonl", "active.json"
VERSIONS, REFUSED, ATTEMPT, UNFINISHED, PLOT = "versions", "refused", "attempt", "unfinished", "attempt.json"
_OWN = {VERSIONS: re.compile(r"\d{4,}-[0-9a-f]{12}"), REFUSED: re.compile(r"\d{4,}")}


@dataclass(frozen=True)
class State:
    """What a patient's folder holds at one moment.

    Parameters
    ----------
    record
        Whose it is.
    events
        Those that were acknowledged.
    versions
        Those that the events tell of and that are whole, by id.
    faults
        What is wrong with the others, by id.
    mark
        `active.json`; None if it is missing or unreadable.
    journal
        All that can be read of it, which may be one event more.
    leftovers
        Names, relative to the folder, of what was being written when something stopped.
    """

    record: PatientRecord
    events: tuple[Event, ...]
    versions: Mapping[str, Version]
    faults: Mapping[str, PatientDamagedError]
    mark: Mark | None
    journal: Journal
    leftovers: tuple[str, ...]

    @property
    def active(self) -> str:
        """Id of the version that judges."""
        return self.events[-1].active

    @property
    def pending(self) -> tuple[Event, ...]:
        """Events in the journal that were not acknowledged."""
        return self.journal.events[len(self.events) :]

    @property
    def sound(self) -> bool:
        """Whether nothing is left to be put right."""
        return not (self.pending or self.journal.rest or self.leftovers) and self.mark is not None

    @property
    def next_attempt(self) -> int:
        """Number of the attempt that comes next, or runs."""
        return 1 + max(event.attempt or 0 for event in self.events)

    def version(self, sha256: str) -> Version:
        """Give a version by its whole id, or raise what is wrong with it."""
        if sha256 in self.faults:
            raise self.faults[sha256]
        return self.versions[sha256]


def read_state(path: Path) -> State:
    """Read everything but the contents of versions.

    Raises
    ------
    PatientError
        There is no patient here.
    PatientDamagedError
        Its files contradict each other, in a way that no power cut leaves behind.
    """
    first = _first(path)
    record = PatientRecord.from_bytes(first, path / PATIENT)
    # In this order, so that a writer at work can't make the journal look too short.
    mark = _mark(path)
    journal = _journal(path, first)
    events = _all(journal) if mark is None else _acknowledged(path, journal, mark)
    versions, faults = read_versions(path, events)
    for event in events:
        if event.active not in versions and event.active not in faults:
            raise PatientDamagedError(
                f"{path / JOURNAL}, line {event.event + 1} makes a version active that no line tells of; "
                "take the folder from a backup"
            )
    leftovers = _leftovers(path, journal.events)
    return State(record, events, versions, faults, mark, journal, leftovers)


def _first(path: Path) -> bytes:
    data = read_file(path / PATIENT) if path.is_dir() else None
    if data is None:
        what = f"holds no {PATIENT}" if path.is_dir() else "is no folder"
        raise PatientError(
            f"{path} {what}, so it is no patient's folder; give one that `auricle adapt` or Patient.create made"
        )
    return data


def _mark(path: Path) -> Mark | None:
    path = path / ACTIVE
    data = read_file(path)
    try:
        return None if data is None else Mark.from_bytes(data, path)
    except PatientDamagedError:
        return None


def _journal(path: Path, first: bytes) -> Journal:
    path = path / JOURNAL
    data = read_file(path)
    if data is None:
        raise PatientDamagedError(f"{path} is missing; take the folder from a backup")
    journal = read_journal(data, root=digest(first), path=path)
    if not journal.events or journal.events[0].kind != "created":
        raise PatientDamagedError(journal.fault or f"{path} does not begin with a patient; take a backup")
    return journal


def _all(journal: Journal) -> tuple[Event, ...]:
    # Without active.json nothing tells whether a broken line was acknowledged; a line without an end never was.
    if journal.rest and not journal.cut_short:
        raise PatientDamagedError(f"{journal.fault}; {ACTIVE} is missing or unreadable too")
    return journal.events


def _acknowledged(path: Path, journal: Journal, mark: Mark) -> tuple[Event, ...]:
    path = path / JOURNAL
    if len(journal.events) < mark.events:
        found = journal.fault or f"{path} ends after {len(journal.events)} events"
        raise PatientDamagedError(
            f"{found}; {ACTIVE} knows of {mark.events} events, so that acknowledged ones are damaged or missing: "
            "take the folder from a backup"
        )
    events = journal.events[: mark.events]
    if (events[-1].sha256, events[-1].active) != (mark.head, mark.version):
        raise PatientDamagedError(
            f"{path / ACTIVE} and the journal disagree about event {mark.events - 1}: one of the two was "
            "changed by hand or comes from another folder; take the folder from a backup"
        )
    return events


def read_versions(path: Path, events: Iterable[Event]) -> tuple[dict[str, Version], dict[str, PatientDamagedError]]:
    """Give the versions that events tell of, by id, and what is wrong with those that are not whole."""
    versions: dict[str, Version] = {}
    faults: dict[str, PatientDamagedError] = {}
    for event in events:
        if event.kind not in {"created", "accepted"}:
            continue
        sha256, number = event.version or "", event.attempt or 0
        try:
            version = Version.read(path / VERSIONS / folder_name(number, sha256), sha256=sha256)
            if version.number != number:
                raise PatientDamagedError(f"{version.folder} holds version {version.number}; take a backup")
            versions[sha256] = version
        except PatientDamagedError as error:
            faults[sha256] = error
    return versions, faults


def _leftovers(path: Path, events: tuple[Event, ...]) -> tuple[str, ...]:
    made = [event for event in events if event.kind in {"created", "accepted"}]
    known = {
        VERSIONS: {folder_name(event.attempt or 0, event.version or "") for event in made},
        REFUSED: {f"{event.attempt:04d}" for event in events if event.kind == "refused"},
    }
    found = [name for name in names_in(path) if name == f"{ACTIVE}{STAGING}"]
    for place, pattern in _OWN.items():
        names = names_in(path / place)
        found += [f"{place}/{n}" for n in names if n == STAGING or (pattern.fullmatch(n) and n not in known[place])]
    if is_folder(path / ATTEMPT):
        plot, done = read_plot(path), {event.attempt for event in events}
        found += [ATTEMPT] if plot is None or plot.number in done else []
    return tuple(found)


def read_plot(path: Path) -> Plot | None:
    """Tell what the working files of an attempt belong to; None if that can't be read."""
    data = read_file(path / ATTEMPT / PLOT)
    try:
        return None if data is None else Plot.from_bytes(data, PLOT)
    except PatientDamagedError:
        return None


def check_refused(path: Path, event: Event) -> bytes:
    """Give the impact record of a refused attempt, once it is what the journal says.

    Raises
    ------
    PatientDamagedError
        It is missing or was changed.
    """
    return checked_file(path / REFUSED / f"{event.attempt:04d}" / IMPACT, event.impact_sha256 or "")
