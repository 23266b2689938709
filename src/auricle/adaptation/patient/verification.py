"""Everything about a patient's folder, checked byte by byte and replayed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from auricle.adaptation.patient.adapted import check_base, specialist_of
from auricle.adaptation.patient.failures import PatientDamagedError
from auricle.adaptation.patient.records import Base
from auricle.adaptation.patient.state import check_refused, read_state
from auricle.adaptation.patient.version import Version, begins_with
from auricle.specialist import Specialist


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What was found right.

    Parameters
    ----------
    events
        In the journal, their chain unbroken.
    versions
        Whole, and replayed to the weights that were accepted.
    refused
        Impact records of refused attempts.
    steps
        Steps replayed, of all versions together.
    head
        Last link of the journal's chain: whoever keeps it elsewhere will notice a folder that was exchanged.
    """

    events: int
    versions: int
    refused: int
    steps: int
    head: str


def verify(path: Path, known: Base, base: Specialist) -> Verification:
    """Check a patient's folder; see `Patient.verify`."""
    check_base(base, known, path)
    state = read_state(path)  # patient.json, active.json, the journal's chain and every version.json
    for error in state.faults.values():
        raise error
    for version in state.versions.values():
        _check(version, state.versions, known.sha256)
        specialist_of(base, version)
    refused = [event for event in state.events if event.kind == "refused"]
    for event in refused:
        check_refused(path, event)
    return Verification(
        events=len(state.events),
        versions=len(state.versions),
        refused=len(refused),
        steps=sum(version.steps for version in state.versions.values()),
        head=state.events[-1].sha256,
    )


def _check(version: Version, versions: Mapping[str, Version], base: str) -> None:
    """Compare a version with its files, its base and its parent."""
    version.check_files()
    if version.record.base != base:
        raise PatientDamagedError(f"{version.folder} is a version of another base, {version.record.base[:12]}")
    ledger = version.ledger()
    if version.steps != (0 if ledger is None else ledger.steps):
        raise PatientDamagedError(
            f"{version.folder}: version.json tells of {version.steps} steps, its ledger of others"
        )
    if version.parent is None:
        return
    if version.parent not in versions:
        raise PatientDamagedError(f"{version.folder} begins with version {version.parent[:12]}, which isn't there")
    if not begins_with(ledger, versions[version.parent].ledger()):
        raise PatientDamagedError(
            f"{version.folder}: its ledger does not begin with the steps of {versions[version.parent].name}, its parent"
        )
