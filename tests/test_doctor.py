"""The doctor sees what is missing and damaged, and says how to mend it."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import auricle
from auricle.doctor import NEEDED, OPTIONAL, examine


def states(found):
    return {check["what"].rpartition(" ")[0] or check["what"]: check["state"] for check in found["checks"]}


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path_factory):
    """No data are named, and the user's cache is the test's own."""
    monkeypatch.delenv("AURICLE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def test_it_looks_for_what_the_package_needs():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert sorted(NEEDED) == sorted(re.split(r"[>=<]", line)[0] for line in project["dependencies"])
    extras: dict[str, str] = {}
    for extra, lines in project["optional-dependencies"].items():
        for line in lines:
            extras.setdefault(re.split(r"[>=<]", line)[0], extra)
    assert extras == OPTIONAL


def test_a_healthy_installation(monkeypatch, made):
    monkeypatch.setattr("auricle.doctor.folder.shipped", lambda: {"tiny": made.specialist})
    found = examine()
    assert found["ok"]
    assert found["auricle"] == auricle.__version__
    assert found["packages"]["torch"] == metadata.version("torch")
    assert found["specialists"]["tiny"]["version"] == "7"
    assert re.fullmatch(r"[0-9a-f]{64}", found["specialists"]["tiny"]["hash"])
    assert all(check["advice"] == "" for check in found["checks"] if check["state"] == "ok")
    json.dumps(found, allow_nan=False)


def test_a_missing_package_is_not_ok_and_an_optional_one_is(monkeypatch, made):
    monkeypatch.setattr("auricle.doctor.folder.shipped", lambda: {"tiny": made.specialist})
    real = metadata.version

    def version(name):
        if name in {"wfdb", "onnxruntime"}:
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr("auricle.doctor.metadata.version", version)
    found = examine()
    assert not found["ok"]
    by_name = {check["what"]: check for check in found["checks"]}
    assert by_name["wfdb"] == {"what": "wfdb", "state": "missing", "advice": "pip install wfdb"}
    assert by_name["onnxruntime"]["state"] == "optional"
    assert "pip install 'auricle[onnx]'" in by_name["onnxruntime"]["advice"]


def test_what_judges_is_said_where_there_is_a_choice(monkeypatch, made):
    monkeypatch.setattr("auricle.doctor.folder.shipped", lambda: {"tiny": made.specialist})
    monkeypatch.setattr("auricle.doctor._version", lambda _: "1.0")
    (torch,) = [check for check in examine()["checks"] if check["what"].startswith("tiny is judged by")]
    assert (torch["what"], torch["state"]) == ("tiny is judged by torch", "optional")
    assert torch["advice"].startswith("`auricle export tiny --onnx FILE` makes its graph once")
    monkeypatch.setattr("auricle.specialist.Specialist.runtime", "onnxruntime")
    assert {"what": "tiny is judged by ONNX Runtime", "state": "ok", "advice": ""} in examine()["checks"]
    monkeypatch.setattr("auricle.doctor._version", lambda name: None if name == "onnx" else "1.0")
    assert not [check for check in examine()["checks"] if "judged by" in check["what"]]


def test_a_specialist_is_checked_without_torch(made):
    source = str(Path(auricle.__file__).parents[1])
    code = (
        "import sys\nsys.modules['torch'] = None\nfrom pathlib import Path\nfrom auricle import doctor, folder\n"
        "folder.shipped = lambda: {'tiny': Path(sys.argv[1])}\n"
        "doctor._version = lambda name: None if name == 'torch' else '1.0'\n"
        "found = doctor.examine()\n"
        "assert found['packages']['torch'] is None and not found['ok']\n"
        "assert found['specialists']['tiny']['version'] == '7'"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(made.specialist)], check=True, env=os.environ | {"PYTHONPATH": source}
    )


def test_a_damaged_specialist_is_reported_not_raised(monkeypatch, made, tmp_path):
    damaged = tmp_path / "tiny"
    shutil.copytree(made.specialist, damaged)
    with (damaged / "weights.safetensors").open("ab") as file:
        file.write(b"x")
    monkeypatch.setattr("auricle.doctor.folder.shipped", lambda: {"tiny": damaged})
    found = examine()
    assert not found["ok"]
    (check,) = [check for check in found["checks"] if check["what"] == "specialist tiny"]
    assert check["state"] == "damaged"
    assert re.search(
        r"weights\.safetensors changed after the specialist was saved.*\. Install auricle again", check["advice"]
    )


def test_an_installation_without_specialists_is_incomplete(monkeypatch):
    monkeypatch.setattr("auricle.doctor.folder.shipped", dict)
    found = examine()
    assert not found["ok"]
    (check,) = [check for check in found["checks"] if check["what"] == "specialists"]
    assert check == {"what": "specialists", "state": "missing", "advice": "none came with auricle; install it again"}


def test_named_data_must_be_there(monkeypatch, made, tmp_path):
    monkeypatch.setattr("auricle.doctor.folder.shipped", lambda: {"tiny": made.specialist})
    monkeypatch.setenv("AURICLE_DATA", str(tmp_path))
    assert examine()["ok"]
    monkeypatch.setenv("AURICLE_DATA", str(tmp_path / "no"))
    found = examine()
    assert not found["ok"]
    (check,) = [check for check in found["checks"] if check["what"] == "labelled data"]
    assert check["advice"] == f"AURICLE_DATA names {tmp_path / 'no'}, which is no folder; correct or unset it"
