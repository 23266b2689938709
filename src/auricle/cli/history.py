"""`auricle history`: the versions of one patient."""

from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from auricle.cli.options import Flag
from auricle.cli.terminal import note, plain, print_line


def history(patient: Path, /, *, json: Flag = False) -> int:
    """Show the versions of a patient: when each was made, what it changed, who reviewed it, and which judges now.

    Parameters
    ----------
    patient
        The patient's folder.
    json
        Print a line of JSON for each attempt on stdout, and nothing else there.
    """
    from auricle.adaptation.patient import Patient
    from auricle.adaptation.patient.canonical import to_bytes
    from auricle.adaptation.patient.failures import PatientDamagedError
    from auricle.adaptation.patient.history import history as rows_of
    from auricle.adaptation.patient.history import overdue

    opened = Patient.open(patient)
    for notice in opened.notices:
        note(f"note: {notice}")
    rows = list(rows_of(opened))
    if json:
        for row in rows:
            print_line(to_bytes(asdict(row)).decode().rstrip())
        return 0
    cells = [("version", "created (UTC)", "steps", "state", "what changed")]
    for row in rows:
        name = f"{row.version:04d}{f'-{row.id[:12]}' if row.id else ''}"
        steps = "" if row.steps is None else str(row.steps)
        seen = "".join(f"; reviewed {one.time} by {one.by}" for one in row.reviews[-1:])
        cells.append((name, row.created + ("*" if row.clock_back else ""), steps, row.state, row.changed + seen))
    widths = [max(len(line[i]) for line in cells) for i in range(4)]
    for line in cells:
        print(plain("  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[4]])))
    with suppress(PatientDamagedError):  # the table says so
        if (late := overdue(opened, datetime.now(UTC))) is not None:
            note(f"note: {late}")
    if any(row.clock_back for row in rows):
        print("* the clock had gone back by then; the numbers give the order")
    return 0
