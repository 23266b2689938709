"""What can't become a patient, its base or its next version: nothing is changed."""

import re
from pathlib import Path

import numpy as np
import pytest

from auricle import Specialist
from auricle.adaptation.patient import Patient
from auricle.adaptation.patient.failures import PatientDamagedError, PatientError
from auricle.errors import InputError, NotCalibratedError, SpecialistError
from auricle.zeroth import Ledger, LedgerError, Pool
from auricle.zeroth.ledger import LedgerGroup, LedgerHeader, LedgerTensor
from patient_files import files_of


def untouched(patient: Patient, text: str, kind: type[Exception], *arguments, **options) -> None:
    with patient.attempt() as attempt:
        before = files_of(patient.path)
        with pytest.raises(kind, match=text):
            attempt.accept(*arguments, **options)
    assert files_of(patient.path) == before
    assert Patient.open(patient.path).notices == ()


def test_what_can_not_be_accepted(grown, ledgers, calibrations, train, tmp_path):
    own = calibrations[0]
    no_start = r"the ledger does not begin with the 5 steps of version 0003-\w+; go on with a copy"
    untouched(grown, no_start, PatientError, ledgers[0], own, {})
    untouched(grown, no_start, PatientError, b"", own, {})
    untouched(grown, "is no ledger", LedgerError, b"anything", own, {})
    untouched(
        grown, r"has an end that no seal protects \(0 steps\)", PatientDamagedError, ledgers[1] + b"\x00", own, {}
    )
    untouched(
        grown, r"has an end that no seal protects \(1 steps\)", PatientDamagedError, ledgers[1] + b"\x01\x00", own, {}
    )
    untouched(grown, "the calibration can't be used: a saved calibration has", PatientError, ledgers[1], {}, {})
    other = own | {"labels": ["bump", "other"]}
    text = "the calibration is of bump, other in this order, and the base judges bump, flat"
    untouched(grown, text, PatientError, ledgers[1], other, {})
    untouched(grown, "the impact record can't be written as JSON", PatientError, ledgers[1], own, {"f1": float("nan")})
    untouched(grown, "the impact record can't be written as JSON", PatientError, ledgers[1], own, {"f1": np.ones(2)})
    text = f"leads to weights with SHA-256 {grown.active.weights_sha256[:12]}, and the network that was tested has 0000"
    untouched(grown, text, PatientError, ledgers[1], own, {}, weights_sha256=64 * "0")


def test_a_ledger_of_other_weights_is_refused(patient, base, calibrations, tmp_path):
    name, value = next(iter(base.network_.named_parameters()))
    header = LedgerHeader(
        base_sha256=64 * "0", perturbation=Pool(size=7, bits=3), groups=(LedgerGroup(grid=20, amplitude=16),),
        tensors=(LedgerTensor(name=name, shape=tuple(value.shape)),),
    )  # fmt: skip
    with Ledger.create(tmp_path / "l", header) as ledger:
        ledger.append([[1]])
    data = (tmp_path / "l").read_bytes()
    untouched(patient, "the ledger began with 000000000000", LedgerError, data, calibrations[0], {})


@pytest.fixture
def other_base(base_folder, tmp_path) -> Specialist:
    other = Specialist.load(base_folder)
    next(other.network_.parameters()).data.add_(1.0)
    return other.save(tmp_path / "other base")


def test_another_base_is_refused(grown, base, other_base, base_folder):
    text = (
        f"was adapted from 'tiny' with hash {base.hash_[:12]}, and the given specialist's hash is "
        f"{other_base.hash_[:12]}; give the base from which this patient's versions begin (`replay` takes it with "
        f"--base FOLDER); it was at {str(base_folder)!r}"
    )
    with pytest.raises(SpecialistError, match=re.escape(text)):
        grown.check_base(other_base)
    recalibrated = Specialist.load(base_folder)
    recalibrated.hash_ = ""
    with pytest.raises(
        SpecialistError, match=r"none, as it was changed in memory .its weights are the same, its manif"
    ):
        grown.specialist(recalibrated)
    trained = Specialist.load(base_folder)
    next(trained.network_.parameters()).data.add_(1.0)
    with pytest.raises(SpecialistError, match="but its weights were changed in memory since; load it again"):
        grown.check_base(trained)


def test_the_base_is_found_at_its_place(grown, base, other_base, tmp_path):
    assert Patient.open(grown.path).find_base().hash_ == base.hash_
    for place, text in (("nowhere", "can't be loaded from 'nowhere': there is no folder 'nowhere'"), (tmp_path / "other base", "was adapted from")):  # fmt: skip # noqa: E501
        other = Patient.create(tmp_path / f"at {Path(place).name}", base, subject=None, place=place)
        with pytest.raises(SpecialistError, match=text):
            Patient.open(other.path).find_base()


def test_what_can_not_become_a_patient(base, base_folder, tmp_path, patient):
    unsaved, uncalibrated = Specialist.load(base_folder), Specialist.load(base_folder)
    unsaved.hash_ = ""
    del uncalibrated.calibration_
    with pytest.raises(PatientError, match="has no hash by which it could be found again; save it"):
        Patient.create(tmp_path / "new", unsaved, subject=None)
    with pytest.raises(NotCalibratedError, match=r"call calibrate\(X, y\) and save it before it adapts"):
        Patient.create(tmp_path / "new", uncalibrated, subject=None)
    with pytest.raises(PatientError, match=r"holds a patient already; Patient\.open continues it"):
        Patient.create(patient.path, base, subject=None)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").touch()
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    for name in ("full", "full/letter", "link"):
        with pytest.raises(PatientError, match="is there already and is no empty folder; name a new one, nothing was"):
            Patient.create(tmp_path / name, base, subject=None)
    with pytest.raises(PatientError, match=r"there is no folder .*/none; make it first"):
        Patient.create(tmp_path / "none" / "new", base, subject=None)
    (tmp_path / "empty").mkdir()
    assert Patient.create(tmp_path / "empty", base, subject=None).active.number == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["anna", "empty", "full", "link"]


def test_what_is_no_patient(tmp_path, base_folder):
    (tmp_path / "file").touch()
    for path, text in ((tmp_path / "none", "is no folder"), (tmp_path / "file", "is no folder"), (base_folder, r"holds no patient\.json")):  # fmt: skip # noqa: E501
        with pytest.raises(PatientError, match=rf"{text}, so it is no patient's folder; give one that `auricle adapt`"):
            Patient.open(path)
    assert issubclass(PatientDamagedError, InputError)
