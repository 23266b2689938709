"""What reaches a terminal: nothing that it would obey, in any encoding, and also when it is closed or full."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import auricle
from auricle import Recording, Specialist
from auricle.cli import terminal
from auricle.cli.evaluate import evaluation_text
from auricle.cli.finding_text import finding_text
from auricle.cli.terminal import plain, print_json, print_line
from auricle.finding import Finding, QualityNote, SpecialistName, WindowSpan
from auricle.signals.simulate import sinus

OBEYED = "\x1b[31m\u202e\x9b\n"
SHOWN = r"\x1b[31m\u202e\x9b\n"


def test_a_line_is_shown_and_not_obeyed_and_has_an_end():
    assert plain("Größe µV 日本") == "Größe µV 日本"
    assert plain(f"a{OBEYED}b") == f"a{SHOWN}b"
    assert len(plain("x" * 9000)) < 2001


def test_labels_and_notes_of_a_finding_are_shown_and_not_obeyed():
    label = f"A{OBEYED}"
    finding = Finding(
        specialist=SpecialistName(name="x"), recording=f"r{OBEYED}", window=WindowSpan(start=0, stop=8), alpha=0.1,
        labels=(label, "N"), set=(label,), state="confident", top=label, scores={label: 1.0, "N": 0.0},
        p_values={label: 0.5, "N": None}, left_out=("N",), notes=(f"no gain: 200 per mV{OBEYED}",),
        quality=(QualityNote(kind="flat", start=0, stop=1, text=f"flat{OBEYED}"),),
    )  # fmt: skip
    text = finding_text(finding)
    assert all(line.isprintable() for line in text.split("\n"))
    assert text.splitlines() == [
        f"r{SHOWN}, 0 to 8 s: {{A{SHOWN}}}, confident at alpha 0.1",
        f"  * A{SHOWN} p 0.500  score   1.00",
        "    N     p   -    score   0.00",
        "  left out of the sets, nothing is promised: N",
        f"  signal: flat 0.0 to 1.0 s: flat{SHOWN}",
        f"  reading: no gain: 200 per mV{SHOWN}",
    ]


def test_what_was_assumed_while_reading_is_said_in_text_and_json(command, findings, tiny, tmp_path):
    digital = np.round(200 * sinus(8.0, 300.0, seed=1).samples()[0]).astype("<i2")
    (tmp_path / "r.dat").write_bytes(digital.tobytes())
    (tmp_path / "r.hea").write_text(f"r 1 300 {len(digital)}\nr.dat 16 0 16 0 0 0 0 ECG\n", encoding="utf-8")
    (note,) = Recording.read(tmp_path / "r.hea").notes
    _, out, _ = command("predict", tiny, tmp_path / "r.hea")
    assert f"\n  reading: {note}\n" in out
    _, out, _ = command("predict", tiny, tmp_path / "r.hea", "--json")
    assert findings(out)[0]["notes"] == [note]


def test_an_error_quotes_a_path_without_obeying_it(refused, tiny):
    refused(3, r"no file or folder a\\x1b\[31m\\u202e\\x9b\\nb, nor", "predict", tiny, f"a{OBEYED}b")
    refused(4, r"there is no folder 'a\\", "predict", f"a{OBEYED}b", __file__)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["predict", "af", "x", "--lead", ""], "It is empty .*; give a channel's name or its number, or leave it out"),
        (["demo", "--lead", " "], "It is empty"),
        (["train", "x.toml", "--threads", "-1"], "It must be 1 or more"),
        (["train", "x.toml", "--threads", "0"], "It must be 1 or more"),
        (["evaluate", "af", "x", "--faithful", "-1"], "It must be 0 or more"),
        (["bench", "spine", "--threads", "0"], "It must be 1 or more"),
        (["bench", "coverage", "x", "--splits", "0"], "It must be 1 or more"),
        (["bench", "evidence", "af", "x", "--most", "0"], "It must be 1 or more"),
    ],
)
def test_a_value_that_means_nothing_is_wrong_use(refused, arguments, text):
    refused(2, text, *arguments)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", "is a folder; name a file in it"),
        (".", "is a folder; name a file in it"),
        ("no/x.onnx", r"x\.onnx can't be written: there is no folder .*no; make it first"),
        ("pipe", "pipe can't be written: it is a pipe or a device; name a file"),
    ],
)
def test_a_graph_that_cannot_be_written_is_refused_before_it_is_made(refused, tmp_path, monkeypatch, name, text):
    monkeypatch.setattr(Specialist, "load", lambda _: pytest.fail("the specialist was loaded"))
    os.mkfifo(tmp_path / "pipe")
    refused(3, text, "export", "af", "--onnx", tmp_path / name if name else "")


def test_a_file_where_a_folder_is_to_be_is_refused_before_the_work(refused, made, tiny, tmp_path, monkeypatch):
    taken = tmp_path / "taken"
    taken.write_text("mine", encoding="utf-8")
    monkeypatch.setattr("auricle.folder.shipped", lambda: {"af": made.specialist})
    monkeypatch.setattr(Specialist, "findings", lambda *_, **__: pytest.fail("a recording was judged"))
    refused(3, "taken is no folder; name one for the report, or one that isn't there yet", "demo", "--out", taken)
    refused(3, "taken is no folder; name one", "bench", "spine", "--out", taken)
    refused(4, "taken exists and is no specialist", "calibrate", tiny, made.data / "packed.npz", "--out", taken)
    assert taken.read_text(encoding="utf-8") == "mine"


def test_without_a_scored_class_there_is_no_macro_f1():
    result = {"n": 3, "recordings": 3, "macro_f1": 0.0, "macro_f1_over": [], "f1": {"N": 0.0, "~": 1.0}, "levels": {}}
    assert evaluation_text(result).splitlines() == [
        "3 windows of 3 recordings",
        "no macro F1: no scored class is present  N 0.000  ~ 1.000",
    ]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_json_is_json_in_every_encoding(monkeypatch, encoding):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, errors="backslashreplace"))
    value = {"recording": "Größe 日本 \udcff", "p": 0.1}
    print_line(json.dumps(value, ensure_ascii=False))
    print_json(value)
    sys.stdout.flush()
    line, _, rest = raw.getvalue().decode(encoding).partition("\n")
    assert json.loads(line) == json.loads(rest) == value


def started(*arguments, **options):
    """Run the command as a process of its own."""
    own = {"PYTHONPATH": str(Path(auricle.__file__).parents[1]), "OMP_NUM_THREADS": "1"} | options.pop("env", {})
    line = [sys.executable, "-m", "auricle", *arguments]
    return subprocess.run(line, stderr=subprocess.PIPE, text=True, check=False, env=os.environ | own, **options)


def test_a_name_that_the_locale_lacks_is_no_failure():
    done = started("predcit", "Größe", env={"PYTHONIOENCODING": "ascii"}, stdout=subprocess.DEVNULL)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("error: ")
    done = started("predict", "af", "Größe.edf", env={"PYTHONIOENCODING": "ascii"}, stdout=subprocess.DEVNULL)
    assert done.returncode == 3
    assert r"there is no file or folder Gr\xf6\xdfe.edf" in done.stderr


def test_a_closed_stdout_is_no_failure():
    done = started("--version", preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_stdout_is_code_1_in_one_sentence():
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = started("--version", stdout=full)
    assert done.returncode == 1
    assert done.stderr == "error: No space left on device; free some space or check the path, then try again\n"


def test_progress_in_a_log_is_a_line_now_and_then(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(terminal, "err", Console(file=sys.stderr, markup=False))
    with terminal.progress() as update:
        for done in range(100):
            now[0] += 1.0
            update(done, 100, "learning")
    assert capsys.readouterr().err.splitlines() == ["learning: 29 of 100", "learning: 59 of 100", "learning: 89 of 100"]
    with terminal.progress(show=False) as update:
        now[0] += 100
        update(1, 2, "learning")
    assert not capsys.readouterr().err
