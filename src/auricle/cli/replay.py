"""`auricle replay`: a version of a patient made again from base and ledger, and held against what was accepted."""

from pathlib import Path

from auricle.cli.options import Flag
from auricle.cli.terminal import note, plain


def replay(
    patient: Path,
    /,
    *,
    verify: Flag = False,
    version: str | None = None,
    base: str | None = None,
    out: Path | None = None,
) -> int:
    """Replay a version of a patient from its base and ledger, and compare its weights bit for bit.

    Parameters
    ----------
    patient
        The patient's folder.
    verify
        Check everything in the folder: every file, every version's weights, the chain of the journal.
    version
        A version's number, or its id or the beginning of it; the active one if not given.
    base
        Folder of the base specialist, if it isn't where it was.
    out
        Folder to save the version in, as a specialist.
    """
    from auricle.adaptation.patient import Patient
    from auricle.folder import check_free
    from auricle.specialist import Specialist

    if out is not None:
        check_free(out.absolute())
    opened = Patient.open(patient)
    for notice in opened.notices:
        note(f"note: {notice}")
    chosen = opened.active if version is None else opened.version(version)
    specialist = opened.find_base() if base is None else Specialist.load(base)
    if verify:
        found = opened.verify(specialist)
        print(
            f"verified: {found.versions} versions, {found.steps} steps, {found.refused} refused attempts, "
            f"{found.events} events; last link {found.head}"
        )
    made = opened.specialist(specialist, chosen)
    print(plain(f"{chosen.name}: {chosen.steps} steps replayed; weights sha256 {chosen.weights_sha256}, as accepted"))
    if out is not None:
        made.save(out)
        print(plain(f"specialist: {out}"))
    return 0
