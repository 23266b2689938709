"""Help, version, schema and doctor; wrong use of the command."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import auricle
from auricle import Specialist
from auricle.cli.app import COMMANDS, app
from auricle.cli.bench import BENCHMARKS


def test_help_lists_every_command_and_the_exit_codes(command):
    code, out, err = command("--help")
    assert (code, err) == (0, "")
    for name in COMMANDS:
        assert re.search(rf"^\W*{name} +[A-Z]", out, re.MULTILINE), name
    assert "Research software, not a medical device." in out
    text = " ".join(re.sub(r"[│╭╮╰╯─]", " ", out).split())
    for code in (0, 1, 2, 3, 4, 5, 130):
        assert re.search(rf"\b{code} [a-z]", text), code


LIGHT = """
import json, sys
from auricle.cli import run
code = run(json.loads(sys.argv[1]))
heavy = {"torch", "scipy", "sklearn", "matplotlib", "numpy"} & sys.modules.keys()
print(code, sorted(heavy), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (0, ["--help"]),
        (0, ["--version"]),
        (0, ["evaluate", "--help"]),
        (0, ["bench", "--help"]),
        (2, ["predcit", "af", "x"]),
        (2, ["predict", "af", "x", "--alpha", "2"]),
    ],
)
def test_help_version_and_wrong_use_wait_for_no_heavy_import(code, arguments):
    source = str(Path(auricle.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, json.dumps(arguments)],
        capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": source},
    )  # fmt: skip
    assert done.stderr.splitlines()[-1] == f"{code} []"


def test_help_of_bench_lists_every_benchmark(command):
    code, out, err = command("bench", "--help")
    assert (code, err) == (0, "")
    for name in BENCHMARKS:
        assert re.search(rf"^\W*{name} +[A-Z]", out, re.MULTILINE), name


OPTIONS = {
    "predict": "--alpha --json --lead --fs --unit --explain --evidence --out --figure --report",
    "demo": "--out --alpha --lead",
    "train": "--data --out --device --threads --json",
    "calibrate": "--out --part --kind",
    "evaluate": "--part --kind --lead --faithful --ec57 --learning --json",
    "adapt": "--labels --plan --out --subject --lead --report --json",
    "history": "--json",
    "review": "--by --version --remark",
    "rollback": "--to",
    "replay": "--verify --version --base --out",
    "watch": "--reference --labels --alpha --delta --gamma --seed --lead --fs --unit --json",
    "consult": "--endpoint --model --local --alpha --all --most --show --lead --fs --unit --dry-run --out --json",
    "trial": "--endpoint --model --local --n --arms --part --kind --alpha --seed --out --json",
    "mcp": "--alpha --fs --unit",
    "export": "--onnx",
    "doctor": "--json",
}


@pytest.mark.parametrize("name", OPTIONS)
def test_help_of_a_command_names_its_options(command, name):
    code, out, _ = command(name, "--help")
    assert code == 0
    assert [option for option in OPTIONS[name].split() if option not in out] == []


def every_command(group, path=()):
    """Give every command that does something, by its words."""
    for name in group:
        if name.startswith("-"):
            continue
        if group[name].default_command:
            yield " ".join((*path, name)), group[name]
        yield from every_command(group[name], (*path, name))


COMMAND_LINES = dict(every_command(app))


def options_of(name):
    return COMMAND_LINES[name].assemble_argument_collection(parse_docstring=True)


def test_no_command_is_overlooked():
    assert {"predict", "trial", "bench zeroth", "rtl generate"} < set(COMMAND_LINES)


@pytest.mark.parametrize("name", COMMAND_LINES)
def test_every_option_has_a_sentence(name):
    for option in options_of(name):
        text = option.parameter.help or ""
        assert len(text.split()) > 1, option.name
        assert text.endswith("."), f"{option.name}: {text!r}"
        assert not any(flag.startswith("--empty") for flag in option.names)


@pytest.mark.parametrize(
    ("name", "extra"), [("consult", "consult"), ("trial", "consult"), ("mcp", "mcp"), ("export", "onnx")]
)
def test_help_names_the_extra_that_a_command_needs(command, name, extra):
    _, out, _ = command(name, "--help")
    assert f"pip install 'auricle[{extra}]'" in " ".join(re.sub(r"[│╭╮╰╯─]", " ", out).split())


def test_consult_and_trial_say_the_same_of_whom_they_ask():
    for option in ("--endpoint", "--model", "--local"):
        texts = {
            found.parameter.help for name in ("consult", "trial") for found in options_of(name) if option in found.names
        }
        assert len(texts) == 1, texts


def test_version_names_the_hash_of_each_shipped_specialist(command, monkeypatch, made):
    monkeypatch.setattr("auricle.folder.shipped", lambda: {"tiny": made.specialist})
    code, out, _ = command("--version")
    assert code == 0
    hash_ = Specialist.load(made.specialist).hash_
    assert out.splitlines() == [f"auricle {auricle.__version__}", f"tiny 7 sha256:{hash_}"]


def test_schema_is_the_published_one(command):
    code, out, err = command("schema")
    published = Path(auricle.__file__).parent / "schemas" / "finding.schema.json"
    assert (code, err) == (0, "")
    assert json.loads(out) == json.loads(published.read_text(encoding="utf-8"))


def test_doctor_as_json_and_as_text(command, monkeypatch, made):
    monkeypatch.delenv("AURICLE_DATA", raising=False)
    monkeypatch.setattr("auricle.folder.shipped", lambda: {"tiny": made.specialist})
    code, out, err = command("doctor", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["ok"] is True
    code, out, _ = command("doctor")
    assert out.startswith(f"auricle {auricle.__version__}, Python ")
    assert "ok        specialist tiny 7\n" in out
    monkeypatch.setattr("auricle.folder.shipped", dict)
    code, out, _ = command("doctor", "--json")
    assert (code, json.loads(out)["ok"]) == (1, False)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["predict"], "requires an argument"),
        (["predict", "af", "x", "--alpha", "2"], "It must lie between 0 and 1; 0.1 means that at most a tenth"),
        (["predict", "af", "x", "--alpha", "nan"], "It must lie between 0 and 1"),
        (["predict", "af", "x", "--alpha", "ten"], 'unable to convert "ten" into float'),
        (["predict", "af", "x", "--alhpa", "0.1"], r"Unknown option: --alhpa\. Did you mean --alpha\?"),
        (["predcit", "af", "x"], 'Did you mean "predict"'),
        (["evaluate", "af", "x", "--part", "tset"], "Choose from"),
    ],
)
def test_wrong_use_is_code_2(refused, arguments, text):
    refused(2, text, *arguments)
