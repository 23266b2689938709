"""Accepts, reviews and rolls back until it is killed: a process of its own, started by test_patient_kill.py.

Each line on stdin forks one child, which works on the patient and notes each event that was acknowledged; its number
is printed, and a line more when it has ended. So torch is imported once, which takes longer than all the rest.
"""

import os
import random
import sys
import time
from pathlib import Path

import torch

from auricle import Specialist
from auricle.adaptation.patient import Patient
from auricle.adaptation.patient.storage import Disk


class Waiting(Disk):
    """A folder in memory that takes as long as a disk: so kills come while it writes, not while it computes."""

    def fsync(self, _: Path) -> None:
        time.sleep(0.004)

    fsync_folder = fsync


def work(folder: Path, base: Specialist, ledger: bytes, notes: int, seed: int) -> None:
    """Change the patient again and again; every change is noted once it has returned."""
    rng = random.Random(seed)
    patient = Patient.open(folder, storage=Waiting())
    patient.check_base(base)
    calibration = base.calibration_.to_dict()
    while True:
        choice = rng.random()
        if choice < 0.5:
            with patient.attempt(parent=patient.version(0)) as attempt:
                (attempt.folder / "progress").write_bytes(b"working")
                attempt.accept(ledger, calibration, {"n": attempt.number}, activate=rng.random() < 0.8)
        elif choice < 0.6:
            with patient.attempt() as attempt:
                attempt.refuse({"n": attempt.number})
        elif choice < 0.7:
            patient.review("Dr. Keller", remark="looks right")
        else:
            other = [version.id for version in patient.versions if version.id != patient.active.id]
            if other:
                patient.rollback(rng.choice(other))
        os.write(notes, f"{len(patient.events)} {patient.events[-1].sha256} {patient.active.id}\n".encode())


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main() -> None:
    folder, base, ledger, notes = sys.argv[1:]
    torch.set_num_threads(1)
    specialist = Specialist.load(base)
    data = Path(ledger).read_bytes()
    handle = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    say("ready")
    for line in sys.stdin:
        child = os.fork()
        if not child:
            work(Path(folder), specialist, data, handle, int(line))
        say(child)
        os.waitpid(child, 0)
        say("ended")


if __name__ == "__main__":
    main()
