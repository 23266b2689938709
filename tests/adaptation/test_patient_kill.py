"""`kill -9` at a random moment, again and again: 30 times here, as often as AURICLE_KILLS says in `make crash`."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import auricle
from auricle.adaptation.patient import Patient
from auricle.adaptation.patient.state import check_refused, read_state

KILLS = int(os.environ.get("AURICLE_KILLS", "30"))
WORKER = Path(__file__).with_name("patient_worker.py")


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def wait_for_lines(path: Path, count: int) -> None:
    end = time.monotonic() + 60
    while len(lines_of(path)) < count:
        assert time.monotonic() < end, "the worker does nothing"
        time.sleep(0.001)


def wait_for_change(folder: Path) -> None:
    """Wait until names in a folder, or in one of its own, have changed."""
    places = [folder, folder / "versions", folder / "refused"]
    before, end = [place.stat().st_mtime_ns for place in places], time.monotonic() + 60
    while [place.stat().st_mtime_ns for place in places] == before:
        assert time.monotonic() < end, "the worker does nothing"
        time.sleep(0.001)


def test_after_kills_nothing_acknowledged_is_lost(base, base_folder, ledgers, memory, tmp_path):
    patient = Patient.create(memory / "p", base, subject=None, place=base_folder)
    (tmp_path / "ledger.zo").write_bytes(ledgers[0])
    notes = tmp_path / "notes"
    rng = random.Random(7)
    known, recovered = (), 0
    arguments = [patient.path, base_folder, tmp_path / "ledger.zo", notes]
    environment = os.environ | {"PYTHONPATH": str(Path(auricle.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, WORKER, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as server:  # fmt: skip
        assert server.stdout.readline() == "ready\n"
        for n in range(KILLS):
            server.stdin.write(f"{n}\n")
            server.stdin.flush()
            child = int(server.stdout.readline())
            wait_for_lines(notes, len(lines_of(notes)) + rng.randrange(3))
            if n % 2:
                # On a busy machine most of the time goes into reading: half of the kills wait for a write.
                wait_for_change(patient.path)
            time.sleep(rng.uniform(0.0, 0.06))
            os.kill(child, signal.SIGKILL)
            assert server.stdout.readline() == "ended\n"

            opened = Patient.open(patient.path)
            recovered += bool(opened.notices)
            assert read_state(patient.path).sound
            assert opened.events[: len(known)] == known
            if noted := lines_of(notes):
                count, head, active = noted[-1].split()
                assert opened.events[int(count) - 1].sha256 == head
                if len(opened.events) == int(count):
                    assert opened.active.id == active
                # At most one event more than was noted, or found before: the one that was under way.
                assert len(opened.events) - max(int(count), len(known)) in {0, 1}
            for version in opened.versions:
                version.check_files()
            for event in opened.events:
                if event.kind == "refused":
                    check_refused(opened.path, event)
            known = opened.events
        server.stdin.close()
    # Otherwise the kills came too early, or between two changes, and showed nothing.
    assert len(lines_of(notes)) > KILLS // 2
    assert recovered > KILLS // 10
    assert opened.verify(base).versions == len(opened.versions)
