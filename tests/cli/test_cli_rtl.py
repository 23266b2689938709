"""`auricle rtl`: what is written, what is refused, and what a verification prints."""

import json
import re

import pytest

from auricle import rtl
from auricle.cli.rtl import COMMANDS
from auricle.errors import MissingExtraError


def test_help_lists_both_commands(command):
    code, out, err = command("rtl", "--help")
    assert (code, err) == (0, "")
    for name in COMMANDS:
        assert re.search(rf"^\W*{name} +[A-Z]", out, re.MULTILINE), name


@pytest.mark.parametrize("kind", ["lfsr", "pool"])
def test_an_engine_is_generated(command, tmp_path, kind):
    place = tmp_path / "made" / "engine"
    code, out, err = command("rtl", "generate", "--spec", kind, "--lanes", "6", "--bits", "5", "--out", str(place))
    assert code == 0
    assert sorted(out.split()) == sorted(map(str, place.iterdir()))
    assert "lanes=6, " in err
    again = {path.name: path.read_bytes() for path in place.iterdir()}
    assert command("rtl", "generate", "--spec", kind, "--lanes", "6", "--bits", "5", "--out", str(place))[0] == 0
    assert again == {path.name: path.read_bytes() for path in place.iterdir()}


def test_an_update_lane_goes_with_an_engine(command, tmp_path):
    place = tmp_path / "engine"
    arguments = [
        "rtl",
        "generate",
        "--spec",
        "lfsr",
        "--lanes",
        "6",
        "--bits",
        "5",
        "--out",
        str(place),
        "--with-update",
    ]
    assert command(*arguments)[0] == 0
    assert "parameter WEIGHT_BITS = 16" in (place / "auricle_update.v").read_text()
    assert command(*arguments, "--weight-bits", "24", "--fraction-bits", "2")[0] == 0
    text = (place / "auricle_update.v").read_text()
    assert "parameter WEIGHT_BITS = 24" in text
    assert "parameter FRACTION_BITS = 2 " in text
    assert command(*arguments[:-1])[0] == 0
    assert not (place / "auricle_update.v").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--spec", "lfsr", "--lanes", "0"], 3, "lanes=0 was given; at least 1 is needed"),
        (["--spec", "pool", "--lanes", "0"], 3, "lanes=0 was given; allowed are 1 to 65536"),
        (["--spec", "lfsr", "--lanes", "4", "--bits", "15"], 3, "bits=15 was given; allowed are 1 to 14"),
        (["--spec", "pool", "--lanes", "4", "--bits", "0"], 3, "bits=0 was given; allowed are 1 to 14"),
        (["--spec", "pool", "--lanes", "4", "--rows", "512"], 3, "rows=512 was given; allowed are primes from 3 to"),
        (
            ["--spec", "lfsr", "--lanes", "4", "--rows", "5"],
            3,
            "--rows was given with --spec lfsr; it belongs to the other",
        ),
        (["--spec", "pool", "--lanes", "4", "--widths", "9"], 3, "--widths was given with --spec pool; it belongs"),
        (
            ["--spec", "lfsr", "--lanes", "4", "--weight-bits", "16"],
            3,
            "--weight-bits was given without --with-update; add",
        ),
        (
            ["--spec", "lfsr", "--lanes", "4", "--with-update", "--weight-bits", "9"],
            3,
            "weight_bits=9 was given; allowed",
        ),
        (["--spec", "gaussian", "--lanes", "4"], 2, "gaussian"),
        (["--spec", "lfsr"], 2, "lanes"),
    ],
)
def test_what_cannot_be_generated_is_refused_and_nothing_written(command, tmp_path, arguments, code, text):
    place = tmp_path / "engine"
    found, out, err = command("rtl", "generate", "--out", str(place), *arguments)
    assert (found, out) == (code, "")
    assert text in " ".join(err.split())
    assert not place.exists()


FOUND = {
    "ok": True,
    "numbers": 12,
    "tools": {"iverilog": "11.0"},
    "engines": [
        {
            "name": "auricle_pool", "spec": {"kind": "row_pool", "rows": 5, "words": 2}, "lanes": 4, "bits": 8,
            "passed": True, "said": "PASS", "beats": 3, "numbers": 12, "stalls": 2, "seconds": 0.5, "lint": "",
        }
    ],
    "updates": [
        {
            "name": "auricle_update", "spec": {"kind": "row_pool", "rows": 5, "words": 2}, "lanes": 4, "bits": 8,
            "passed": True, "said": "PASS", "beats": 3, "numbers": 12, "stalls": 9, "seconds": 0.5, "lint": "",
            "weight_bits": 24, "fraction_bits": 8,
        }
    ],
    "proofs": [{"what": "a claim", "proved": True, "said": "7 points", "seconds": 1.0}],
}  # fmt: skip


@pytest.mark.parametrize("ok", [True, False])
def test_a_verification_is_printed_kept_and_told_by_the_exit_code(command, monkeypatch, tmp_path, ok):
    monkeypatch.setattr(rtl, "verify", lambda **_: FOUND | {"ok": ok})
    code, out, _ = command("rtl", "verify", "--out", str(tmp_path / "table.md"))
    assert code == (0 if ok else 1)
    assert "| auricle_pool | 5 rows of 2 words | 4 | 8 | 12 | 3 | 2 | 0.5 | clean | equal |" in out
    assert "| auricle_update | 5 rows of 2 words | 4 | 24 | 12 | 3 | 9 | 0.5 | clean | equal |" in out
    assert "| a claim | proved | 7 points |" in out
    assert (tmp_path / "table.md").read_text() == out
    code, out, _ = command("rtl", "verify", "--json")
    assert json.loads(out) == FOUND | {"ok": ok}


def test_a_missing_tool_ends_with_its_own_exit_code(command, monkeypatch):
    def missing(**_):
        raise MissingExtraError("Yosys isn't installed; pip install 'auricle[rtl]' brings it")

    monkeypatch.setattr(rtl, "verify", missing)
    code, out, err = command("rtl", "verify")
    assert (code, out) == (5, "")
    assert "pip install 'auricle[rtl]'" in err


def test_a_table_that_cannot_be_kept_is_refused_first(command, tmp_path):
    code, _, err = command("rtl", "verify", "--out", str(tmp_path))
    assert code == 3
    assert "is a folder; name a file in it" in err
