"""Damage to a patient's folder, and whatever else may lie in the way."""

import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.adaptation.patient import Patient
from auricle.adaptation.patient.failures import PatientDamagedError, PatientError
from auricle.adaptation.patient.history import history
from auricle.errors import InputError
from patient_files import files_of


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
