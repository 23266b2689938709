"""A patient's folder: versions that replay to the bit, one that is active, and what happened to them."""

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from auricle import Specialist
from auricle.adaptation.patient import Patient, canonical
from auricle.adaptation.patient.adapted import weights_sha256
from auricle.adaptation.patient.failures import PatientBusyError, PatientError
from auricle.adaptation.patient.history import history
from auricle.zeroth import Ledger
from patient_files import files_of


def test_version_0_is_the_base_with_its_own_calibration(patient, base, tmp_path):
    version = patient.active
    assert (version.number, version.parent, version.steps, version.ledger(), version.impact()) == (
        0,
        None,
        0,
        None,
        None,
    )
    assert version.calibration() == base.calibration_.to_dict()
    assert version.weights_sha256 == patient.base.weights_sha256 == weights_sha256(base.network_)
    assert (patient.subject, patient.base.name, patient.base.sha256) == ("anna", "tiny", base.hash_)
    assert [(e.event, e.kind, e.version, e.active) for e in patient.events] == [(0, "created", version.id, version.id)]
    assert patient.specialist(base).hash_ == base.hash_
    assert [p.name for p in tmp_path.iterdir()] == ["anna"]
    assert patient.notices == ()


def test_a_version_replays_to_the_weights_that_were_trained(patient, base, train, calibrations):
    with patient.attempt() as attempt:
        trained = train(attempt.ledger(), 6)
        first = attempt.accept(
            attempt.ledger().read_bytes(), calibrations[1], {"n": 1}, weights_sha256=trained
        )  # fmt: skip
    assert first.weights_sha256 == trained != patient.base.weights_sha256
    with patient.attempt() as attempt:
        assert Ledger.open(attempt.ledger()).steps == 6
        trained = train(attempt.ledger(), 9)
        second = attempt.accept(attempt.ledger().read_bytes(), calibrations[1], {"n": 2}, weights_sha256=trained)
    assert (second.parent, second.steps, second.impact()) == (first.id, 9, {"n": 2})

    x = np.random.default_rng(0).normal(size=(4, 1, 60)).astype(np.float32)
    before = base.scores(x)
    adapted = Patient.open(patient.path).specialist(base)
    assert weights_sha256(adapted.network_) == trained
    assert not np.array_equal(adapted.scores(x), before)
    assert np.array_equal(base.scores(x), before)
    assert adapted.calibration_.to_dict() == calibrations[1]
    assert adapted.hash_ == second.id
    assert adapted.manifest_.version == f"1+{second.name}"
    assert np.array_equal(patient.specialist(base, patient.version(0)).scores(x), before)


def test_an_adapted_specialist_can_be_saved(grown, base, tmp_path):
    made = grown.specialist(base)
    made.save(tmp_path / "saved")
    loaded = Specialist.load(tmp_path / "saved")
    assert loaded.calibration_.to_dict() == made.calibration_.to_dict()
    assert weights_sha256(loaded.network_) == grown.active.weights_sha256
    assert loaded.manifest_.provenance["adapted"]["version"] == grown.active.id
    assert f"Version {grown.active.name}: 5 steps" in loaded.card


def test_what_happened_stands_in_the_folder(grown):
    opened = Patient.open(grown.path)
    assert opened.notices == ()
    assert [v.number for v in opened.versions] == [0, 1, 3]
    assert [e.kind for e in opened.events] == ["created", "accepted", "refused", "accepted"]
    assert opened.active.number == 3
    names = [v.name for v in opened.versions]
    assert sorted(files_of(grown.path)) == sorted(
        [
            "active.json", "journal.jsonl", "patient.json", "refused/0002/impact.json",
            *(f"versions/{names[0]}/{f}.json" for f in ("version", "calibration")),
            *(f"versions/{n}/{f}" for n in names[1:]
              for f in ("version.json", "calibration.json", "impact.json", "ledger.zo")),
        ]
    )  # fmt: skip
    for data in files_of(grown.path).values():
        if data.startswith(b"{"):
            assert all(canonical.to_bytes(json.loads(line)) == line + b"\n" for line in data.splitlines())


def test_rollback_and_forward_again(grown, base):
    before = files_of(grown.path)
    assert grown.rollback("1").number == 1
    assert grown.active.number == 1
    assert Patient.open(grown.path).active.number == 1
    assert grown.rollback(0).number == 0
    assert grown.rollback("3").number == 3
    assert [e.kind for e in grown.events][-3:] == ["rolled back", "rolled back", "activated"]
    after = files_of(grown.path)
    assert {name for name in before if after[name] != before[name]} == {"journal.jsonl", "active.json"}
    assert grown.verify(base).events == 7


def test_accepted_without_being_activated(patient, ledgers, calibrations):
    with patient.attempt() as attempt:
        version = attempt.accept(ledgers[0], calibrations[0], {}, activate=False)
    assert (version.number, patient.active.number) == (1, 0)
    assert [row.state for row in history(patient)] == ["active", "waiting"]
    assert patient.rollback("1").number == 1
    assert patient.events[-1].kind == "activated"


def test_versions_by_number_id_and_name(grown):
    for version in grown.versions:
        for name in (version.number, str(version.number), f"{version.number:04d}", version.id, version.id[:9].upper(), version.name):  # fmt: skip # noqa: E501
            assert grown.version(name) is version or grown.version(name) == version


@pytest.mark.parametrize(
    "name", ["7", "2", "", "-", "zz", "0003-", "0001-ffffffffffff", "anna/..", "999999999999999999999"]
)
def test_unknown_versions_list_what_there_is(grown, name):
    there = ", ".join(v.name for v in grown.versions)
    with pytest.raises(
        PatientError, match=re.escape(f"there is no version {name!r} in {grown.path}; ") + f".*{there}$"
    ):
        grown.rollback(name)


def test_rollback_to_the_active_version_changes_nothing(grown):
    before = files_of(grown.path)
    with pytest.raises(PatientError, match=r"version 0003-\w+ is active already; nothing was changed"):
        grown.rollback("3")
    assert files_of(grown.path) == before


def test_attempts_go_on_where_they_stopped(patient, ledgers, calibrations):
    def stopped() -> None:
        with patient.attempt() as attempt:
            assert not attempt.resumed
            (attempt.folder / "progress").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    with patient.attempt() as attempt:
        assert (attempt.resumed, attempt.number) == (True, 1)
        assert (attempt.folder / "progress").read_text() == "half"
        attempt.accept(ledgers[0], calibrations[0], {})
    assert not attempt.folder.exists()
    with patient.attempt() as attempt:
        assert (attempt.resumed, attempt.number) == (False, 2)
        assert Path(attempt.ledger()).read_bytes() == ledgers[0]


def test_working_files_of_another_parent_are_not_gone_on_with(grown):
    with grown.attempt() as attempt:
        (attempt.folder / "progress").write_text("from 3")
    grown.rollback("1")
    with grown.attempt() as attempt:
        assert not attempt.resumed
        assert [p.name for p in attempt.folder.iterdir()] == ["attempt.json"]
    three, one = grown.version(3).id[:12], grown.version(1).id[:12]
    assert grown.notices == (
        f"working files of an attempt on version {three} were removed, as this one starts from {one}",
    )


def test_an_attempt_may_start_from_the_base_again(grown, train, calibrations, tmp_path):
    train(tmp_path / "other.zo", 2)
    with grown.attempt(parent=grown.version(0)) as attempt:
        assert not attempt.ledger().exists()
        version = attempt.accept((tmp_path / "other.zo").read_bytes(), calibrations[0], {})
    assert (version.parent, version.steps) == (grown.version(0).id, 2)


def test_an_attempt_ends_once(patient):
    with patient.attempt() as attempt:
        attempt.refuse({})
        for again in (lambda: attempt.refuse({}), lambda: attempt.accept(b"", {}, {})):
            with pytest.raises(PatientError, match=r"attempt 1 has ended; patient\.attempt\(\) begins the next one"):
                again()
    assert len(patient.events) == 2


def test_two_writers(patient):
    other = Patient.open(patient.path)
    host = os.uname().nodename
    text = rf"anna is being written by process {os.getpid()} on '{host}'; wait until that is done, or end it\. The lock is let go"  # noqa: E501
    with patient.attempt() as attempt:
        for write in (lambda: other.attempt().__enter__(), lambda: other.rollback("0"), lambda: patient.rollback("0")):
            with pytest.raises(PatientBusyError, match=text):
                write()
        # A reader needs no lock, and finds nothing amiss.
        assert Patient.open(patient.path).notices == ()
        attempt.refuse({})
    with other.attempt() as attempt:
        assert attempt.number == 2


def test_a_clock_that_jumps_back(base, tmp_path, ledgers, calibrations):
    now = [datetime(2026, 3, 1, 12, tzinfo=UTC)]
    patient = Patient.create(tmp_path / "p", base, subject=None, clock=lambda: now[0])
    assert patient.created == "2026-03-01T12:00:00Z"
    now[0] -= timedelta(days=400)
    with patient.attempt() as attempt:
        attempt.accept(ledgers[0], calibrations[0], {})
    now[0] += timedelta(days=1000)
    with patient.attempt() as attempt:
        attempt.accept(ledgers[1], calibrations[0], {})
    opened = Patient.open(patient.path)
    assert [v.number for v in opened.versions] == [0, 1, 2]
    assert opened.active.number == 2
    assert opened.notices == ("the clock had gone back at event 1 (accepted); numbers give the order, not times",)
    assert [row.clock_back for row in history(opened)] == [False, True, False]


def test_history_says_what_changed(grown):
    assert [(r.version, r.parent, r.steps, r.state, r.changed) for r in history(grown)] == [
        (0, None, 0, "retired", "the base tiny with its own calibration"),
        (1, 0, 3, "retired", "+3 steps from 0"),
        (2, None, None, "refused", "coverage fell"),
        (3, 1, 5, "active", "+2 steps from 1; calibrated with 15 bump, 15 flat"),
    ]
