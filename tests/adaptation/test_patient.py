"""A patient's folder: versions that replay to the bit, one that is active, and whatever else may lie in the way."""

import json
import os
import re
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle import Specialist
from auricle.adaptation.patient import Patient, canonical
from auricle.adaptation.patient.adapted import weights_sha256
from auricle.adaptation.patient.failures import PatientBusyError, PatientDamagedError, PatientError
from auricle.adaptation.patient.history import history
from auricle.errors import InputError, NotCalibratedError, SpecialistError
from auricle.zeroth import Ledger, LedgerError, Pool
from auricle.zeroth.ledger import LedgerGroup, LedgerHeader, LedgerTensor


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file but the lock, by its path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "lock"}


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
        f"{other_base.hash_[:12]}; give the base from which this patient's versions begin (--base FOLDER); it was at "
        f"{str(base_folder)!r}"
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


def replaced(lines: list[bytes], at: int, old: bytes, new: bytes) -> list[bytes]:
    lines[at] = lines[at].replace(old, new)
    return lines


JOURNAL_DAMAGE = {
    "a changed letter": (lambda lines: replaced(lines, 1, b"accepted", b"rejected"), r"journal\.jsonl, line 2: kind: "),
    "a changed digit": (
        lambda lines: replaced(lines, 1, b'"time":"2', b'"time":"3'),
        "line 3 does not follow from the line before it",
    ),
    "the last line changed": (
        lambda lines: replaced(lines, 3, b'"time":"2', b'"time":"3'),
        r"active\.json and the journal disagree about event 3",
    ),
    "spaces": (lambda lines: replaced(lines, 0, b":", b": "), "line 1 is not written as auricle writes it"),
    "a line less": (lambda lines: [*lines[:1], *lines[2:]], "line 2 is event 2; event 1 belongs there"),
    "an end less": (
        lambda lines: lines[:-1],
        r"ends after 3 events; active\.json knows of 4 events, so that acknowledged",
    ),
    "half of the last line": (
        lambda lines: [*lines[:-1], lines[-1][:50]],
        r"line 4 has no end; active\.json knows of 4",
    ),
    "nothing": (lambda _: [], "does not begin with a patient"),
    "noise": (lambda _: [bytes(range(256))], "line 1 is no canonical JSON"),
}


@pytest.mark.parametrize("what", JOURNAL_DAMAGE)
def test_a_damaged_journal(grown, what):
    change, text = JOURNAL_DAMAGE[what]
    path = grown.path / "journal.jsonl"
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    before = files_of(grown.path)
    with pytest.raises(PatientDamagedError, match=text):
        Patient.open(grown.path)
    assert files_of(grown.path) == before


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_changed_bit_is_found(tmp_path_factory, base, ledgers, calibrations, data):
    """Each bit of each file counts; `verify` finds it, or opening does, or opening makes active.json anew."""
    root = tmp_path_factory.getbasetemp() / "bits"
    if not root.exists():
        patient = Patient.create(root, base, subject="anna")
        with patient.attempt() as attempt:
            attempt.accept(ledgers[0], calibrations[0], {"why": "better"})
        with patient.attempt() as attempt:
            attempt.refuse({"why": "worse"})
    name = data.draw(st.sampled_from(sorted(files_of(root))))
    folder = Path(tempfile.mkdtemp(dir=tmp_path_factory.getbasetemp()))
    shutil.copytree(root, folder / "p")
    content = bytearray((folder / "p" / name).read_bytes())
    at = data.draw(st.integers(0, 8 * len(content) - 1))
    content[at // 8] ^= 1 << at % 8
    (folder / "p" / name).write_bytes(content)
    try:
        opened = Patient.open(folder / "p")
        opened.verify(base)
    except InputError as error:
        found = str(error)
    else:
        assert name == "active.json"
        (found,) = opened.notices
        assert found == "active.json was missing or unreadable, and was made anew from the journal"
        assert files_of(folder / "p") == files_of(root)
    assert re.search(r"backup|roll back|made anew", found)
    shutil.rmtree(folder)


def test_an_edited_version_is_named_and_can_be_rolled_back_from(grown, base):
    path = grown.active.folder / "version.json"
    path.write_bytes(path.read_bytes().replace(b'"steps":5', b'"steps":6'))
    text = rf"{re.escape(str(path))} was changed after it was written: .* was recorded; take it from a backup, or roll"
    opened = Patient.open(grown.path)
    assert len(opened.notices) == 1
    assert re.match(text, opened.notices[0])
    for use in (
        lambda: opened.active,
        lambda: opened.verify(base),
        lambda: opened.specialist(base),
        lambda: opened.version(3),
    ):
        with pytest.raises(PatientDamagedError, match=text):
            use()
    assert [row.state for row in history(opened)] == ["retired", "retired", "refused", "damaged"]
    opened.rollback("1")
    assert opened.specialist(base).hash_ == opened.version(1).id


@pytest.mark.parametrize("name", ["ledger.zo", "calibration.json", "impact.json"])
def test_changed_and_missing_files_of_a_version_are_named(grown, base, name):
    path = grown.version(1).folder / name
    grown.rollback("0")
    path.write_bytes(path.read_bytes()[:-2] + b"]\n")
    for use in (lambda: grown.verify(base), lambda: grown.rollback("1")):
        with pytest.raises(PatientDamagedError, match=rf"{re.escape(str(path))} was changed after it was written"):
            use()
    path.unlink()
    with pytest.raises(PatientDamagedError, match=rf"{re.escape(str(path))} is missing; take it from a backup"):
        grown.rollback("1")
    assert grown.active.number == 0


def test_verify_names_a_refused_record_and_a_version_of_another_patient(grown, base, tmp_path):
    assert grown.verify(base) == Patient.open(grown.path).verify(base)
    assert (grown.verify(base).versions, grown.verify(base).refused, grown.verify(base).steps) == (3, 1, 8)
    assert grown.verify(base).head == grown.events[-1].sha256
    path = grown.path / "refused" / "0002" / "impact.json"
    path.write_bytes(b"{}\n")
    with pytest.raises(PatientDamagedError, match=r"refused/0002/impact\.json was changed"):
        grown.verify(base)


def test_files_of_another_patient_are_found(grown, base, base_folder, tmp_path):
    other = Patient.create(tmp_path / "ben", base, subject="ben", place=base_folder)
    shutil.copy(other.path / "journal.jsonl", grown.path / "journal.jsonl")
    with pytest.raises(PatientDamagedError, match=r"line 1 does not follow from the patient\.json"):
        Patient.open(grown.path)


@pytest.mark.parametrize("name", ["patient.json", "journal.jsonl", "active.json"])
@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_links_folders_and_pipes_are_not_read(grown, tmp_path, name, kind):
    path = grown.path / name
    path.rename(tmp_path / name)
    make = {"link": lambda: path.symlink_to(tmp_path / name), "folder": path.mkdir, "pipe": lambda: os.mkfifo(path)}
    make[kind]()
    text = "it is a symbolic link" if kind == "link" else "is no ordinary file"
    with pytest.raises(PatientDamagedError, match=text):
        Patient.open(grown.path)


def test_a_version_behind_a_link_is_not_read(grown, tmp_path):
    folder = grown.active.folder
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PatientDamagedError, match=r"version\.json is missing, and the journal tells of it"):
        _ = Patient.open(grown.path).active


def test_links_in_working_files_are_removed_and_not_followed(patient, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "letter").touch()
    with patient.attempt() as attempt:
        (attempt.folder / "link").symlink_to(tmp_path / "precious")
        attempt.refuse({})
    assert (tmp_path / "precious" / "letter").exists()
    assert not attempt.folder.exists()


def test_a_folder_that_can_not_be_written_can_be_read(grown, base, ledgers):
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder = Path(place) / "p"
        shutil.copytree(grown.path, folder)
        with (folder / "journal.jsonl").open("ab") as journal:
            journal.write(b'{"act')
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)  # for root everything can be written
        try:
            opened = Patient.open(folder)
            assert opened.active.number == 3
            assert len(opened.notices) == 1
            assert re.match(r"something was stopped while it wrote here, and that can't be put right now: .*Permission", opened.notices[0])  # fmt: skip # noqa: E501
            assert opened.verify(base).versions == 3
            for write in (lambda: opened.rollback("0"), lambda: opened.attempt().__enter__()):
                with pytest.raises(
                    PatientError, match=r"can't be written .Permission denied.; the active version is as it"
                ):
                    write()
        finally:
            if root:
                os.seteuid(0)
            for path in (folder, *folder.rglob("*")):
                path.chmod(0o755)
    assert opened.active.number == 3


def test_what_does_not_belong_to_it_is_left_alone(grown, base):
    (grown.path / "versions" / "notes").mkdir()
    (grown.path / "letter.txt").write_text("dear")
    opened = Patient.open(grown.path)
    assert opened.notices == ()
    assert opened.verify(base).versions == 3
    opened.rollback("0")
    assert (grown.path / "letter.txt").exists()
    assert (grown.path / "versions" / "notes").is_dir()
