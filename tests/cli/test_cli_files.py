"""`auricle predict` into files: resumed after a stop, and nothing half written left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import auricle
from auricle import Specialist

FULL = OSError(28, "No space left on device")


def test_out_holds_the_lines_that_json_prints(command, refused, tiny, records, tmp_path):
    _, expected, _ = command("predict", tiny, records, "--json")
    code, out, _ = command("predict", tiny, records, "--out", tmp_path / "f.jsonl")
    assert (code, out) == (0, "")
    assert (tmp_path / "f.jsonl").read_text(encoding="utf-8") == expected
    assert [path.name for path in tmp_path.iterdir()] == ["f.jsonl"]
    refused(
        3, r"f\.jsonl exists and belongs to no stopped run; name another file, or remove it",
        "predict", tiny, records, "--out", tmp_path / "f.jsonl",
    )  # fmt: skip
    assert (tmp_path / "f.jsonl").read_text(encoding="utf-8") == expected


@pytest.fixture
def interrupted(monkeypatch):
    """Ctrl-C comes at the third recording, once; give how often a recording was judged."""
    judged = []
    real = Specialist.findings

    def findings_of(self, recording, **options):
        judged.append(recording.id)
        if len(judged) == 3:
            raise KeyboardInterrupt
        return real(self, recording, **options)

    monkeypatch.setattr(Specialist, "findings", findings_of)
    return judged


def test_an_interrupted_run_goes_on_to_the_same_file(command, refused, tiny, records, tmp_path, interrupted):
    path = tmp_path / "f.jsonl"
    code, out, err = command("predict", tiny, records, "--out", path)
    assert (code, out) == (130, "")
    assert err == (
        "interrupted; nothing is lost, and no file is half written. "
        "Repeated, `train`, `adapt` and `predict --out` go on where they were\n"
    )  # fmt: skip
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2
    refused(
        3, "belongs to a run with other settings",
        "predict", tiny, records, "--out", path, "--alpha", "0.2",
    )  # fmt: skip
    code, _, err = command("predict", tiny, records, "--out", path)
    assert code == 0
    assert "2 of 5 recordings were judged before" in " ".join(err.split())
    assert interrupted == ["r0", "r1", "r2", "r2", "r3", "r4"]
    command("predict", tiny, records, "--out", tmp_path / "whole.jsonl")
    assert path.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f.jsonl", "whole.jsonl"]


def test_a_bad_file_is_tried_again_when_the_command_is_repeated(command, tiny, records, damaged, tmp_path):
    path = tmp_path / "f.jsonl"
    code, _, err = command("predict", tiny, damaged, "--out", path)
    assert code == 3
    assert "what could not be read is tried again when the command is repeated" in " ".join(err.split())
    (damaged / "r2[red].hea").unlink()
    code, _, _ = command("predict", tiny, damaged, "--out", path)
    assert code == 0
    _, expected, _ = command("predict", tiny, records, "--json")
    assert path.read_text(encoding="utf-8") == expected
    assert not path.with_name("f.jsonl.progress").exists()


@pytest.mark.parametrize("at", [1, 3])
def test_a_full_disk_is_code_1_and_what_is_there_goes_on(command, refused, tiny, records, tmp_path, monkeypatch, at):
    calls = []

    def full(_):
        calls.append(1)
        if len(calls) == at:
            raise FULL

    path = tmp_path / "f.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr("auricle.lines.os.fsync", full)
        refused(1, "No space left on device; free some space", "predict", tiny, records, "--out", path)
    assert path.exists() == (at > 1)
    code, _, _ = command("predict", tiny, records, "--out", path)
    assert code == 0
    _, expected, _ = command("predict", tiny, records, "--json")
    assert path.read_text(encoding="utf-8") == expected


def test_figures_and_report_are_written(command, tiny, records, tmp_path):
    figure, report = tmp_path / "f.png", tmp_path / "r.html"
    code, _, err = command("predict", tiny, records / "r1.npz", "--figure", figure, "--report", report)
    assert code == 0
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert "sinus rhythm" in report.read_text(encoding="utf-8")
    assert f"figure: {figure}" in err.replace("\n", "")
    code, _, _ = command("predict", tiny, records / "r4.npz", "--figure", tmp_path / "g.svg", "--explain", "none")
    assert sorted(path.name for path in tmp_path.glob("g*")) == ["g-1.svg", "g-2.svg", "g-3.svg", "g-4.svg"]


def test_of_many_windows_those_that_need_eyes_are_drawn(command, tiny, records, tmp_path, monkeypatch):
    monkeypatch.setattr("auricle.cli.predict.MOST_FIGURES", 2)
    code, _, err = command("predict", tiny, records / "r4.npz", "--figure", tmp_path / "g.svg", "--explain", "none")
    assert code == 0
    assert sorted(path.name for path in tmp_path.glob("g*")) == ["g-1.svg", "g-2.svg"]
    assert "4 windows; figures are drawn of the 2 that need a person's eyes first" in err


@pytest.mark.parametrize(
    ("option", "name", "text"),
    [
        ("--figure", "f.gif", r"f\.gif can't be written: its name must end in \.png or \.svg or \.pdf"),
        ("--report", "r.pdf", r"r\.pdf can't be written: its name must end in \.html or \.htm"),
        ("--report", "no/r.html", r"r\.html can't be written: there is no folder .*no; make it first"),
        ("--out", "no/f.jsonl", r"f\.jsonl can't be written: there is no folder .*no; make it first"),
        ("--out", ".", "is a folder; name a file in it"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    refused, tiny, records, tmp_path, monkeypatch, option, name, text
):
    monkeypatch.setattr(Specialist, "findings", lambda *_, **__: pytest.fail("a recording was judged"))
    refused(3, text, "predict", tiny, records, option, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_under_the_report_is_code_1(command, tiny, records, tmp_path, monkeypatch):
    def full(*_):
        raise FULL

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        code, _, err = command("predict", tiny, records / "r1.npz", "--report", tmp_path / "r.html")
    assert code == 1
    assert "can't be written: No space left on device; nothing was left behind" in err
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_has_seen_enough_ends_the_command_quietly(tiny, records):
    source = str(Path(auricle.__file__).parents[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "auricle", "predict", tiny, str(records), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": source, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert json.loads(process.stdout.readline())["recording"] == "r0"
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 0, err
    assert "Traceback" not in err
    assert "Exception ignored" not in err
