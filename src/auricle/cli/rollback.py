"""`auricle rollback`: another version of a patient judges from now on."""

from pathlib import Path

from auricle.cli.terminal import note, plain


def rollback(patient: Path, /, *, to: str) -> int:
    """Make an earlier version of a patient the active one, or a later one again; nothing is deleted.

    Parameters
    ----------
    patient
        The patient's folder.
    to
        A version's number, or its id or the beginning of it: see `auricle history`.
    """
    from auricle.adaptation.patient import Patient

    opened = Patient.open(patient)
    for notice in opened.notices:
        note(f"note: {notice}")
    before = opened.events[-1].active
    version = opened.rollback(to)
    print(plain(f"active: {version.name} ({version.steps} steps); before it was {before[:12]}"))
    return 0
