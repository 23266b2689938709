"""The commands that look at a patient's folder: history, rollback and replay."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import auricle
from auricle import Specialist
from auricle.adaptation.patient import Patient
from auricle.adaptation.patient.adapted import weights_sha256
from auricle.zeroth import Ledger, Pool
from auricle.zeroth.ledger import LedgerGroup, LedgerHeader, LedgerTensor
from auricle.zeroth.reconstruction import base_sha256


@pytest.fixture(scope="module")
def ledger(made, tmp_path_factory) -> bytes:
    """Three steps on one tensor of the base."""
    weights = Specialist.load(made.specialist).network_.state_dict()
    name = next(name for name, value in weights.items() if value.ndim > 1)
    value = weights[name].numpy()
    header = LedgerHeader(
        base_sha256=base_sha256([(value, 20)]), perturbation=Pool(size=255, bits=4),
        tensors=(LedgerTensor(name=name, shape=value.shape),), groups=(LedgerGroup(grid=20, amplitude=16),),
    )  # fmt: skip
    path = tmp_path_factory.mktemp("ledger") / "ledger.zo"
    with Ledger.create(path, header) as file:
        for c in (300, -20, 7):
            file.append([[c]])
    return path.read_bytes()


@pytest.fixture
def anna(made, ledger, tmp_path) -> Path:
    base = Specialist.load(made.specialist)
    patient = Patient.create(tmp_path / "anna", base, subject="anna", place=made.specialist)
    with patient.attempt() as attempt:
        attempt.accept(ledger, base.calibration_.to_dict(), {})
    with patient.attempt() as attempt:
        attempt.refuse({"checks": [{"passed": False, "text": "coverage of V \x1b[31mfell"}]})
    return patient.path


def test_history_as_a_table(command, anna):
    code, out, err = command("history", anna)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["version", "created", "(UTC)", "steps", "state", "what", "changed"]
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.fullmatch(rf"0000-\w{{12}}  {time}  0      retired  the base tiny with its own calibration", lines[1])
    assert re.fullmatch(rf"0001-\w{{12}}  {time}  3      active   \+3 steps from 0", lines[2])
    assert re.fullmatch(rf"0002               {time}         refused  coverage of V \\x1b\[31mfell", lines[3])


def test_history_as_json_lines(command, anna):
    code, out, err = command("history", anna, "--json")
    assert (code, err) == (0, "")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [(row["version"], row["state"], row["steps"], row["parent"]) for row in rows] == [
        (0, "retired", 0, None), (1, "active", 3, 0), (2, "refused", None, None),
    ]  # fmt: skip
    assert [row["id"] for row in rows] == [*(v.id for v in Patient.open(anna).versions), None]


def test_rollback(command, refused, anna):
    code, out, err = command("rollback", anna, "--to", "0")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"active: 0000-\w{12} \(0 steps\); before it was \w{12}\n", out)
    assert Patient.open(anna).active.number == 0
    refused(3, r"version 0000-\w+ is active already; nothing was changed", "rollback", anna, "--to", "0")
    refused(3, r"there is no version '9' in .*; give the number, .* 0000-\w+, 0001-\w+$", "rollback", anna, "--to", "9")
    refused(2, "requires an argument|--to", "rollback", anna)


def test_review(command, refused, anna):
    code, out, err = command("review", anna, "--by", "Dr. Keller", "--remark", "as before\x1b[2J")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"version 0001-\w{12} was reviewed by Dr. Keller, \S+Z\n", out)
    _, table, _ = command("history", anna)
    assert re.search(r"\+3 steps from 0; reviewed \S+Z by Dr. Keller$", table, re.MULTILINE)
    _, lines, _ = command("history", anna, "--json")
    rows = [json.loads(line)["reviews"] for line in lines.splitlines()]
    assert [[(one["by"], one["remark"]) for one in row] for row in rows] == [
        [], [("Dr. Keller", "as before\x1b[2J")], []
    ]  # fmt: skip
    assert command("replay", anna, "--verify")[0] == 0
    refused(3, r"there is no version '2' in", "review", anna, "--by", "x", "--version", "2")
    refused(2, "requires an argument|--by", "review", anna)


def test_replay(command, anna, made, tmp_path):
    version = Patient.open(anna).active
    code, out, err = command("replay", anna, "--out", tmp_path / "adapted")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"{version.name}: 3 steps replayed; weights sha256 {version.weights_sha256}, as accepted",
        f"specialist: {tmp_path / 'adapted'}",
    ]
    adapted = Specialist.load(tmp_path / "adapted")
    assert weights_sha256(adapted.network_) == version.weights_sha256
    assert adapted.manifest_.version == f"7+{version.name}"
    code, out, _ = command("replay", anna, "--version", "0", "--base", made.specialist)
    assert (code, out.split(":")[0]) == (0, Patient.open(anna).version(0).name)


def test_replay_verifies_everything(command, refused, anna):
    code, out, _ = command("replay", anna, "--verify")
    assert code == 0
    head = Patient.open(anna).events[-1].sha256
    assert out.splitlines()[0] == f"verified: 2 versions, 3 steps, 1 refused attempts, 3 events; last link {head}"
    path = Patient.open(anna).version(0).folder / "calibration.json"
    path.write_bytes(path.read_bytes().replace(b"[", b"[0,", 1))
    refused(3, r"0000-\w+/calibration\.json was changed after it was written", "replay", anna, "--verify")
    assert command("replay", anna)[0] == 0


def test_replay_with_another_base(refused, anna, made, tmp_path):
    other = Specialist.load(made.specialist)
    other.save(tmp_path / "other", summary="another one")
    refused(4, r"was adapted from 'tiny' with hash \w+, .*its weights are the same.*--base FOLDER", "replay", anna, "--base", tmp_path / "other")  # fmt: skip # noqa: E501
    refused(4, "exists and is no specialist", "replay", anna, "--out", anna)


def test_what_was_put_right_is_said_on_stderr(command, anna):
    with (anna / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"active":')
    code, out, err = command("history", anna, "--json")
    assert (code, len(out.splitlines())) == (0, 3)
    assert err == "note: the journal's last line was cut short before it was acknowledged, and was removed\n"


@pytest.mark.parametrize(
    "arguments", [["history"], ["review", "--by", "x"], ["rollback", "--to", "0"], ["replay"]], ids=lambda a: a[0]
)
def test_no_patient(refused, tmp_path, arguments):
    name, *options = arguments
    refused(3, r"none is no folder, so it is no patient's folder; give one", name, tmp_path / "none", *options)
    refused(3, r"holds no patient\.json, so it is no patient's folder", name, tmp_path, *options)


def test_history_and_rollback_need_no_torch(anna):
    script = (
        "import sys; from auricle.cli import run; "
        f"code = run(['history', {str(anna)!r}]) + run(['rollback', {str(anna)!r}, '--to', '0']); "
        "sys.exit(code or ('torch' in sys.modules))"
    )
    source = str(Path(auricle.__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": source}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_copied_folder_is_the_same_patient(command, anna, tmp_path):
    shutil.copytree(anna, tmp_path / "elsewhere")
    assert command("replay", tmp_path / "elsewhere", "--verify")[1] == command("replay", anna, "--verify")[1]
