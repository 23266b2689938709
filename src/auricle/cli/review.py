"""`auricle review`: a person has looked at a version of a patient."""

from pathlib import Path

from auricle.cli.terminal import note, plain


def review(patient: Path, /, *, by: str, version: str | None = None, remark: str | None = None) -> int:
    """Write down that a person has looked at a version; its plan asks for that every so many days.

    Parameters
    ----------
    patient
        The patient's folder.
    by
        Who looked: a name, a role or an address.
    version
        Its number, or its id or the beginning of it; the one in use if not given.
    remark
        What they found, if anything is to be said.
    """
    from auricle.adaptation.patient import Patient

    opened = Patient.open(patient)
    for notice in opened.notices:
        note(f"note: {notice}")
    looked_at = opened.review(by, version=version, remark=remark)
    print(plain(f"version {looked_at.name} was reviewed by {by.strip()}, {opened.events[-1].time}"))
    return 0
