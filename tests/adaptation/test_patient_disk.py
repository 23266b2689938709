"""A disk that is full or fails, at each operation in turn: nothing half done, nothing lost, and it goes on."""

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from auricle.adaptation.patient import Patient
from auricle.adaptation.patient.failures import PatientError
from auricle.adaptation.patient.state import read_state
from auricle.adaptation.patient.storage import Disk

OPERATIONS = ("mkdir", "write", "append", "truncate", "fsync", "fsync_folder", "rename", "remove")
TAKES_ROOM = ("mkdir", "write", "append")


class Failing(Disk):
    """A disk on which the n-th of some operations fails, half done where it writes, and those after it if `lasting`."""

    def __init__(self, n: int, *, error: int, lasting: bool, operations: tuple[str, ...] = OPERATIONS) -> None:
        self.left = n
        self.lasting = lasting
        self.failed: list[str] = []
        for name in operations:
            setattr(self, name, self._failing(name, getattr(super(), name), error))
        for name in {"fsync", "fsync_folder"} - set(operations):
            setattr(self, name, lambda _: None)

    def _failing(self, name: str, do: Callable[..., None], error: int) -> Callable[..., None]:
        def call(path: Path, *arguments: object) -> None:
            self.left -= 1
            if self.left == -1 or (self.left < 0 and self.lasting):
                self.failed.append(name)
                if name in {"write", "append"}:
                    data = arguments[0]
                    do(path, data[: len(data) // 2])
                raise OSError(error, os.strerror(error), str(path))
            if "fsync" not in name:
                do(path, *arguments)

        return call


@pytest.fixture
def actions(base, ledgers, calibrations) -> dict[str, Callable[[Patient], None]]:
    def accept(patient: Patient) -> None:
        patient.check_base(base)
        with patient.attempt() as attempt:
            attempt.accept(ledgers[1], calibrations[1], {"n": 4})

    def refuse(patient: Patient) -> None:
        with patient.attempt() as attempt:
            attempt.refuse({"n": 4})

    return {
        "accept": accept, "refuse": refuse, "rollback": lambda patient: patient.rollback("1"),
        "review": lambda patient: patient.review("Dr. Keller"),
    }  # fmt: skip


def each_failure(
    start: Path, act: Callable[[Patient], None], place: Path, **how: object
) -> Iterator[tuple[Failing, Path, str]]:
    """Fail at one operation after the other, each time on a copy, until none fails."""
    for n in range(100):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(start, place)
        disk = Failing(n, **how)
        patient = Patient.open(place, storage=disk)
        try:
            act(patient)
        except PatientError as error:
            refused = error
        else:
            # What may fail unheard is the removal of working files, once all is acknowledged.
            if not disk.failed:
                return
            assert set(disk.failed) == {"remove"}
            continue
        assert isinstance(refused.__cause__, OSError)
        assert refused.__cause__.errno == how["error"]
        yield disk, place, str(refused)
    raise AssertionError("no end of operations")


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("name", ["accept", "refuse", "rollback", "review"])
def test_a_full_disk(grown, actions, tmp_path, name, lasting):
    """Where only room is missing, what failed has not happened, and happens when there is room."""
    tried = 0
    for _, place, text in each_failure(
        grown.path, actions[name], tmp_path / "copy", error=errno.ENOSPC, lasting=lasting, operations=TAKES_ROOM
    ):  # fmt: skip
        assert re.search(
            r"copy can't be written .No space left on device.; the active version is as it was\. Make room on the disk",
            text,
        )
        opened = Patient.open(place)
        assert opened.events == grown.events
        assert all("left behind" in notice or "not in the journal" in notice for notice in opened.notices)
        actions[name](opened)
        assert len(opened.events) == len(grown.events) + 1
        assert Patient.open(place).notices == ()
        tried += 1
    assert tried == {"accept": 9, "refuse": 6, "rollback": 2, "review": 2}[name]


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("name", ["accept", "refuse", "rollback", "review"])
def test_a_failing_disk(grown, actions, tmp_path, name, lasting):
    """Where anything may fail, what failed has happened or not, and the folder is whole."""
    outcomes = set()
    for disk, place, text in each_failure(
        grown.path, actions[name], tmp_path / "copy", error=errno.EIO, lasting=lasting
    ):  # fmt: skip
        before = read_state(place)
        opened = Patient.open(place)
        assert opened.events[: len(grown.events)] == grown.events
        assert len(opened.events) - len(grown.events) in {0, 1}
        assert read_state(place).sound
        done = len(opened.events) > len(grown.events)
        if "the disk does not confirm that it would outlast a power cut" in text:
            assert (disk.failed[0], len(before.events)) == ("fsync_folder", len(opened.events))
            assert done
        elif not lasting:
            assert not done
        outcomes.add(done)
        for version in opened.versions:
            version.check_files()
        with opened.attempt() as attempt:
            attempt.refuse({})
    assert outcomes == {False, True}


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
def test_a_full_disk_when_a_patient_is_created(base, tmp_path, lasting):
    for n in range(9):
        disk = Failing(n, error=errno.ENOSPC, lasting=lasting, operations=TAKES_ROOM)
        with pytest.raises(PatientError, match=r"p can't be written .No space left"):
            Patient.create(tmp_path / "p", base, subject=None, storage=disk)
        assert list(tmp_path.iterdir()) == []
    disk.left = 9
    Patient.create(tmp_path / "p", base, subject=None, storage=disk)
    assert Patient.open(tmp_path / "p").notices == ()


def test_room_is_made_while_the_attempt_goes_on(grown, ledgers, calibrations, base):
    disk = Failing(10**9, error=errno.ENOSPC, lasting=True, operations=TAKES_ROOM)
    patient = Patient.open(grown.path, storage=disk)
    patient.check_base(base)
    with patient.attempt() as attempt:
        (attempt.folder / "progress").write_text("hours of it")
        for n in range(7):
            disk.left = n
            with pytest.raises(PatientError, match=r"can't be written .No space left on device"):
                attempt.accept(ledgers[1], calibrations[1], {})
            assert (attempt.folder / "progress").exists()
        disk.left = 10**9
        version = attempt.accept(ledgers[1], calibrations[1], {})
    assert (version.number, patient.active) == (4, version)
    assert not (grown.path / "attempt").exists()
    assert Patient.open(grown.path).verify(base).versions == 4


def test_what_a_kill_left_while_a_patient_was_created_is_cleared_away(base, tmp_path):
    (tmp_path / ".p.creating" / "versions" / ".new").mkdir(parents=True)
    (tmp_path / ".p.creating" / "patient.json").write_bytes(b"{")
    Patient.create(tmp_path / "p", base, subject=None)
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


def test_every_way_of_recovering_is_said(grown, ledgers, calibrations, base):
    """What a kill may leave, all at once; power cuts are in test_patient_power.py."""
    path, orphan = grown.path, "versions/0004-0123456789ab"
    event = (path / "journal.jsonl").read_bytes().splitlines(keepends=True)[-1]
    (path / "active.json").write_bytes(b"{")
    with (path / "journal.jsonl").open("ab") as journal:
        journal.write(event[:100])
    (path / "active.json.new").write_bytes(b"{")
    (path / "versions" / ".new").mkdir()
    (path / orphan).mkdir()
    (path / "refused" / "0005").mkdir()
    (path / "attempt").mkdir()
    opened = Patient.open(path)
    assert opened.notices == (
        "the journal's last line was cut short before it was acknowledged, and was removed",
        "active.json was missing or unreadable, and was made anew from the journal",
        "active.json.new was left behind, and was removed",
        "versions/.new was left behind, and was removed",
        f"{orphan} was not in the journal, and was moved to unfinished/0004-0123456789ab.1",
        "refused/0005 was not in the journal, and was moved to unfinished/0005.1",
        "attempt was left behind, and was removed",
    )
    assert opened.events == grown.events
    assert Patient.open(path).notices == ()
    assert opened.verify(base).versions == 3


def test_an_event_whose_files_are_not_whole_is_dropped(grown, base):
    """No power cut leaves this on a disk that keeps its word; on one that does not, the old version still judges."""
    mark, journal = (grown.path / "active.json").read_bytes(), (grown.path / "journal.jsonl").read_bytes()
    with grown.attempt() as attempt:
        attempt.refuse({"n": 4})
    (grown.path / "active.json").write_bytes(mark)
    (grown.path / "refused" / "0004" / "impact.json").write_bytes(b"")
    opened = Patient.open(grown.path)
    assert opened.notices == (
        "the last event of the journal told of files that are not whole, and was dropped",
        "refused/0004 was not in the journal, and was moved to unfinished/0004.1",
    )
    assert (grown.path / "journal.jsonl").read_bytes() == journal
    assert Patient.open(grown.path).notices == ()
