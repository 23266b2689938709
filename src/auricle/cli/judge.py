"""The specialist that a command is given: a shipped one, a folder of one, or a patient's active version."""

from pathlib import Path
from typing import TYPE_CHECKING

from auricle.cli.terminal import note

if TYPE_CHECKING:
    from auricle.specialist import Specialist


def judge_of(place: str) -> "Specialist":
    """Load a specialist by its name or folder, or the version that judges in a patient's folder.

    Raises
    ------
    SpecialistError, PatientError
        There is none, or it is damaged.
    """
    from auricle.specialist import Specialist

    if not (Path(place) / "patient.json").is_file():
        return Specialist.load(place)
    from auricle.adaptation.patient import Patient

    patient = Patient.open(place)
    for notice in patient.notices:
        note(f"note: {notice}")
    return patient.specialist(patient.find_base())
