"""A patient's history as rows: what each attempt made, what it changed, and what became of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from auricle.adaptation.patient import canonical
from auricle.adaptation.patient.failures import PatientDamagedError
from auricle.adaptation.patient.journal import Event
from auricle.adaptation.patient.patient import Patient
from auricle.adaptation.patient.state import check_refused
from auricle.adaptation.patient.version import Version

_WHOSE = {
    "personal": " of the patient", "population": " of others", "combined": " of both", "left out": " (left out)",
}  # fmt: skip
State = Literal["active", "retired", "waiting", "refused", "damaged"]


@dataclass(frozen=True, kw_only=True)
class Review:
    """A person's look at a version: when in UTC, who, and what they said of it, if anything."""

    time: str
    by: str
    remark: str | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One attempt of a patient, or version 0.

    Parameters
    ----------
    version
        Its number, which a refused attempt uses up as well.
    id
        SHA-256 of the version; None for a refused attempt.
    parent
        Number of the version that it started from.
    created
        When, in UTC, by a clock that may have been wrong.
    clock_back
        Whether an event before it has a later time.
    steps
        From the base on; None if there is no version to ask.
    state
        "active" judges now; "retired" did once; "waiting" never has.
    changed
        What it changed, or why it was refused.
    reviews
        Who looked at it, when, and what they said.
    """

    version: int
    id: str | None
    parent: int | None
    created: str
    clock_back: bool
    steps: int | None
    state: State
    changed: str
    reviews: tuple[Review, ...] = ()


def history(patient: Patient) -> Iterator[Row]:
    """Give the rows of a patient's history, in order.

    Examples
    --------
    >>> import tempfile
    >>> from auricle import Specialist
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     patient = Patient.create(f"{folder}/anna", Specialist.load("af"), subject=None)
    ...     [(row.version, row.steps, row.state, row.changed) for row in history(patient)]
    [(0, 0, 'active', 'the base af with its own calibration')]
    """
    versions = {version.id: version for version in patient.versions}
    judged, latest = {event.active for event in patient.events}, ""
    for event in patient.events:
        latest, back = max(latest, event.time), event.time < latest
        if event.attempt is None:
            continue
        version = versions.get(event.version or "")
        yield Row(
            version=event.attempt, id=event.version, parent=_number(versions, version), created=event.time,
            clock_back=back, steps=version.steps if version else None,
            state=_state(event, version, patient.events[-1].active, event.version in judged),
            changed=_changed(patient, event, version, versions),
            reviews=reviews(patient, event.version) if event.version else (),
        )  # fmt: skip


def reviews(patient: Patient, version: str) -> tuple[Review, ...]:
    """Give the reviews of a version, by its whole id, in order."""
    return tuple(
        Review(time=event.time, by=event.by or "", remark=event.remark)
        for event in patient.events
        if event.kind == "reviewed" and event.version == version
    )


def overdue(patient: Patient, now: datetime) -> str | None:
    """Say so if nobody has looked at the active version for longer than its plan allows.

    Parameters
    ----------
    patient
        Whose.
    now
        With a time zone. By a clock that went back, a version is younger than it is, and nothing is said.

    Raises
    ------
    PatientDamagedError
        The active version was changed or lost.
    """
    version = patient.active
    record: Any = version.impact() or {}
    try:
        days = float(record["plan"]["assessment"]["review_after_days"])
    except (KeyError, TypeError, ValueError):
        return None  # version 0, or one that was made without a plan
    seen = reviews(patient, version.id)
    age = (now - datetime.fromisoformat(seen[-1].time if seen else version.created)) / timedelta(days=1)
    if age <= days:
        return None
    last = f"was reviewed {age:.0f} days ago" if seen else f"was made {age:.0f} days ago"
    return (
        f"version {version.name} {last}, and its plan asks that a person look at it every {days:g} days; look at its "
        f"report, then `auricle review {patient.path} --by NAME` says so, or roll back if it no longer serves"
    )


def _number(versions: Mapping[str, Version], version: Version | None) -> int | None:
    parent = versions.get(version.parent or "") if version else None
    return parent.number if parent else None


def _state(event: Event, version: Version | None, active: str, judged: bool) -> State:
    if event.kind == "refused":
        return "refused"
    if version is None:
        return "damaged"
    return "active" if version.id == active else "retired" if judged else "waiting"


def _changed(patient: Patient, event: Event, version: Version | None, versions: Mapping[str, Version]) -> str:
    try:
        if event.kind == "refused":
            return _reason(canonical.from_bytes(check_refused(patient.path, event), "impact.json"))
        if version is None:
            return "its version.json was changed or lost"
        if event.kind == "created":
            return f"the base {patient.base.name} with its own calibration"
        return _difference(version, versions.get(version.parent or ""))
    except PatientDamagedError:
        return "its files were changed or lost"


def _difference(version: Version, parent: Version | None) -> str:
    calibration = version.calibration()
    if parent is None:
        return "its parent is damaged"
    parts = [f"{version.steps - parent.steps:+d} steps from {parent.number}"] if version.steps > parent.steps else []
    if version.record.calibration_sha256 != parent.record.calibration_sha256:
        counts = zip(calibration["labels"], map(len, calibration["scores"]), strict=True)
        whose = _whose(version)
        listed = ", ".join(f"{n} {label}{whose.get(str(label), '')}" for label, n in counts)
        parts.append(f"calibrated with {listed}")
    return "; ".join(parts) or f"nothing since {parent.number}"


def _whose(version: Version) -> dict[str, str]:
    """Say of each label whose windows calibrate it, if the version's record tells."""
    record: Any = version.impact() or {}
    try:
        source = next(iter(record["calibration"]["source"].values()))
        return {str(label): _WHOSE.get(one, "") for label, one in source.items()}
    except (AttributeError, KeyError, StopIteration, TypeError):
        return {}


def _reason(impact: Mapping[str, Any]) -> str:
    """Say which check an attempt failed first."""
    checks = impact.get("checks")
    failed = [c for c in checks if isinstance(c, dict) and c.get("passed") is False] if isinstance(checks, list) else []
    text = next((c["text"] for c in failed if isinstance(c.get("text"), str)), None)
    decision = impact.get("decision")
    said = decision.get("reasons") if isinstance(decision, dict) else None
    return text or next((one for one in said or () if isinstance(one, str)), "see its impact.json")
