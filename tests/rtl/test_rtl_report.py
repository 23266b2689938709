"""The report: counts, lines through two sizes, what is saved, what was promised, and how it is shown."""

import importlib.util
import json
import shutil
from dataclasses import replace

import pytest

from auricle.cli import run as command
from auricle.errors import MissingExtraError
from auricle.rtl import Engine, bank, tools
from auricle.rtl import report as room
from auricle.rtl.baselines import Uniform, baselines
from auricle.rtl.report import assemble, figure, markdown, measurement, summary
from auricle.rtl.report.chart import COLOURS
from auricle.rtl.report.comparison import comparison, extrapolated, musts, per_lane
from auricle.rtl.report.design import of_baseline, of_engine, of_update
from auricle.rtl.report.fmax import fmax, nextpnr
from auricle.rtl.report.measurement import Task, measure, tasks
from auricle.rtl.report.synthesis import count, synthesise
from auricle.rtl.tools import ToolError


def found(find):
    try:
        return find()
    except MissingExtraError as error:
        pytest.skip(str(error))


def row(family, name, lanes, lut, ff, energy=None, *, held=True, line=(), target="xc7"):
    energies = dict.fromkeys(("energy", "energy_zero_delay", "energy_with_clock"), energy)
    return {
        "family": family, "name": name, "target": target, "lanes": lanes, "bits": 8, "lut": lut, "ff": ff, "bram": 0.0,
        "dsp": 0, **energies, "energy_memory": 0.0, "lane_registers": held, "extrapolated": False, "line": list(line),
    }  # fmt: skip


ROWS = [
    row("lfsr", "bank of 31 registers", 16, 400, 900, 60.0),
    row("lfsr", "bank of 31 registers", 64, 450, 1300, 20.0),
    row("lfsr", "bank of 31 registers", 1024, 500, 9000, 10.0),
    *(row("lfsr", "bank of 31 registers", lanes, 450, 744, 9.0, held=False) for lanes in (16, 64, 1024)),
    row("uniform", "uniform, a register per lane", 16, 128, 304, 32.0, line=(16, 64)),
    row("uniform", "uniform, a register per lane", 64, 512, 1216, 32.0, line=(16, 64)),
    row("gaussian", "CLT-4", 16, 960, 656, 200.0, line=(16, 64)),
    row("gaussian", "CLT-4", 64, 3840, 2624, 200.0, line=(16, 64)),
    row("gaussian", "CLT-12", 16, 3200, 480, None, line=(16, 64)),
    row("gaussian", "CLT-12", 64, 12800, 1920, None, line=(16, 64)),
    row("update", "update of 16-bit weights, a multiplier per lane", 16, 700, 900, held=False, line=(16, 64)),
    row("update", "update of 16-bit weights, a multiplier per lane", 64, 2620, 3300, held=False, line=(16, 64)),
]
MEASURED = {
    "tools": {"yosys": "0.70"},
    "rows": ROWS,
    "fmax": [
        {"family": "lfsr", "name": "bank of 31 registers", "lanes": 16, "chip": "x", "median": 80.0, "low": 78.0,
         "high": 90.0, "cells": 1900, "seeds": 5},
        {"family": "gaussian", "name": "CLT-4", "lanes": 16, "chip": "x", "median": None},
    ],
    "missing": ["no clock was measured: a reason"],
}  # fmt: skip


@pytest.fixture(scope="module")
def result():
    return assemble(MEASURED, quick=False)


def test_what_is_extrapolated_lies_on_the_line_and_says_so(result):
    designs = {(one["name"], one["lanes"]): one for one in result["designs"]}
    far = designs["CLT-4", 1024]
    assert (far["lut"], far["ff"], far["energy"], far["extrapolated"]) == (61_440, 41_984, 200.0, True)
    assert not designs["CLT-4", 64]["extrapolated"]
    assert sorted(lanes for name, lanes in designs if name == "bank of 31 registers") == [16, 64, 1024]
    assert len(extrapolated(ROWS, [16, 64])) == 0


def test_savings_are_shares_of_what_stands_beside(result):
    pairs = {(one["against"], one["lanes"]): one for one in result["comparison"]}
    assert pairs["CLT-4", 1024]["lut"] == pytest.approx(1 - 500 / 61_440, abs=1e-4)
    assert pairs["CLT-4", 1024]["energy"] == 0.95
    assert pairs["CLT-12", 1024]["energy"] is None
    assert pairs["uniform, a register per lane", 16]["lut"] == pytest.approx(1 - 400 / 128)
    other = [one | {"lane_registers": False} for one in ROWS if one["family"] == "gaussian"]
    assert comparison([*ROWS[:1], *other]) == []


def test_promises_are_judged_by_the_worst_generator_with_enough_flip_flops(result):
    judged = {one["figure"]: one for one in result["musts"]}
    # CLT-12 has 30,720 flip-flops in these rows, too few to count.
    assert {one["against"] for one in judged.values()} == {"CLT-4"}
    assert {key: one["met"] for key, one in judged.items()} == {"lut": True, "ff": True, "energy": True}
    assert judged["ff"]["value"] == pytest.approx(1 - 9000 / 41_984, abs=1e-4)
    worse = [one | {"ff": 12_000} if one["lanes"] == 1024 else one for one in ROWS]
    worse += extrapolated(ROWS, [1024])
    assert not {one["figure"]: one for one in musts(comparison(worse), lanes=1024)}["ff"]["met"]
    assert musts(comparison(ROWS), lanes=1024) == []


@pytest.mark.parametrize(
    ("ours", "theirs", "judged"), [(10_000, 40_000, True), (10_001, 40_000, False), (1, 35_000, None)]
)
def test_a_promise_is_met_at_its_very_value_by_generators_above_the_least(ours, theirs, judged):
    rows = [row("lfsr", "bank", 1024, 5, ours), row("gaussian", "CLT-4", 1024, 100, theirs)]
    found = {one["figure"]: one["met"] for one in musts(comparison(rows), lanes=1024)}
    assert found == ({} if judged is None else {"lut": True, "ff": judged})


def test_a_lane_more_is_the_slope():
    assert per_lane(ROWS) == [
        {"name": "update of 16-bit weights, a multiplier per lane", "target": "xc7", "lut": 40.0, "ff": 50.0,
         "bram": 0.0, "dsp": 0.0}
    ]  # fmt: skip


def test_the_json_has_the_promised_shape(result):
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    kinds = {
        "family": str, "name": str, "target": str, "lanes": int, "bits": int, "lut": (int, float), "ff": (int, float),
        "bram": (int, float), "dsp": (int, float), "energy": (int, float, type(None)), "lane_registers": bool,
        "extrapolated": bool,
    }  # fmt: skip
    for one in result["designs"]:
        assert all(isinstance(one[key], kind) for key, kind in kinds.items())
    assert {one["family"] for one in result["designs"]} <= {"pool", "lfsr", "uniform", "gaussian", "update"}
    assert len(result["statistics"]) == 7


def test_the_page_says_what_was_met_missed_extrapolated_and_left_out(result):
    text = markdown(result)
    assert "yosys 0.70" in text
    assert "| CLT-4 (e) | yes | 61,440 | 41,984 | 0 | 0 | 200.0 |" in text
    assert (
        "| lane registers | LUTs, at least 95 % | flip-flops, at least 75 % | energy with glitches, at least 90 % |"
        in text
    )
    assert "| bank of 31 registers | xc7 | yes | 99.2 % (CLT-4) | 78.6 % (CLT-4) | 95.0 % (CLT-4) |" in text
    assert "at 64, 12.1 % to 12.1 % of the LUTs, -6.9 % to -6.9 % of the flip-flops, 37.5 % to 37.5 %" in text
    assert "What it divides by could not be read" in text
    assert "| CLT-4 | 16 | doesn't fit |" in text
    assert "- no clock was measured: a reason" in text
    assert "MISSED" not in text
    missed = result | {"musts": [result["musts"][0] | {"met": False, "value": 0.5}]}
    assert "| xc7 | yes | 50.0 % (CLT-4) MISSED |  |  |" in markdown(missed)
    assert "0 of 1 are met" in markdown(missed)
    quick = markdown(result | {"musts": []})
    assert "which the quick report leaves out" in quick
    assert "at least 95 %" not in quick
    assert "Reuse alone" in summary(result)
    assert "doesn't fit" not in summary(result)


def test_each_generator_has_a_colour_of_its_own_in_the_chart(result, tmp_path):
    assert {one.title for one in baselines(lanes=2)} <= set(COLOURS)
    assert len(set(COLOURS.values())) == len(COLOURS)
    figure(result, tmp_path / "chart.png")
    assert (tmp_path / "chart.png").read_bytes()[:4] == b"\x89PNG"
    figure(result | {"fmax": []}, tmp_path / "without.png")
    assert (tmp_path / "without.png").stat().st_size > 20_000


def test_a_cell_without_a_place_in_the_table_is_an_error():
    with pytest.raises(ToolError, match="Yosys gave 3 cells of kind BUFG, which the report doesn't count; use pyosys"):
        count({"LUT1": 1, "BUFG": 3})


@pytest.mark.parametrize(("leaping", "lut", "ff", "target"), [(False, 1, 8, "xc7"), (True, 8, 11, "xcup")])
def test_a_register_per_lane_takes_what_one_counts_by_hand(leaping, lut, ff, target):
    """A gate for each bit that comes in, a flip-flop for each bit that stays."""
    counts, _ = synthesise(of_baseline(Uniform(lanes=2, leaping=leaping)), target, found(tools.yosys))
    assert counts == (2 * lut, 2 * ff, 0, 0)


def test_an_engine_grows_by_its_registers_not_by_its_lanes():
    mapper = found(tools.yosys)
    spec = bank(lanes=5, bits=4, generators=3, widths=(5,))
    few = synthesise(of_engine(Engine(spec=spec), fixed=True), "xc7", mapper)[0]
    many = synthesise(of_engine(Engine(spec=replace(spec, lanes=50)), fixed=True), "xc7", mapper)[0]
    assert many.ff == few.ff
    assert many.lut < 1.2 * few.lut


@pytest.fixture
def no_nextpnr(monkeypatch):
    find, which = importlib.util.find_spec, shutil.which
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if "nextpnr" in name else find(name))
    monkeypatch.setattr(shutil, "which", lambda name: None if "nextpnr" in name else which(name))


def test_without_nextpnr_the_report_goes_on_and_says_so(no_nextpnr):
    with pytest.raises(
        MissingExtraError, match=r"nextpnr-ice40 isn't installed; pip install 'auricle\[rtl\]' brings it"
    ):
        nextpnr()
    found(tools.yosys)
    seen = []
    task = Task(design=of_baseline(Uniform(lanes=2, leaping=False)), target="xc7", line=(2, 4), seeds=(1, 2))
    made = measure([task], progress=lambda *step: seen.append(step))
    assert seen == [(1, 1, "synthesising")]
    assert made["fmax"] == []
    assert len(made["missing"]) == 1
    assert made["missing"][0].startswith("no clock was measured: nextpnr-ice40 isn't installed")
    bare, held = made["rows"]
    assert (bare["ff"], held["ff"], bare["lut"], held["lut"]) == (16, 32, 2, 2)
    assert held["energy"] > bare["energy"] > 0
    assert held["energy_with_clock"] - held["energy"] == 2 * (bare["energy_with_clock"] - bare["energy"])


def test_without_yosys_there_is_no_report(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"Yosys isn't installed; pip install 'auricle\[rtl\]' brings it"):
        measure([])


def test_clocks_are_told_for_each_seed():
    mapper, placer = found(tools.yosys), found(nextpnr)
    design = of_baseline(Uniform(lanes=2, leaping=False))
    ports = synthesise(design, "xc7", mapper)[1]["ports"]
    clock = fmax(design, ports, mapper, placer, seeds=(1, 2))
    assert clock.seeds == 2
    assert 100 < clock.low <= clock.median <= clock.high < 1000
    # Two registers of eight bits, their outputs once more, five bits that fold them, and two inputs.
    assert 2 * 8 + 2 * 8 + 5 + 2 <= clock.cells <= 2 * 8 + 2 * 8 + 5 + 2 + 4


def test_update_lanes_without_a_multiplier_of_their_own_have_fewer():
    texts = [of_update(lanes=8, words=words).files["auricle_update.v"] for words in (None, 3)]
    assert "WORDS = 8" in texts[0]
    assert "WORDS = 3" in texts[1]


def test_everything_is_measured_once_and_lines_have_both_ends():
    for quick in (False, True):
        todo = tasks(quick=quick)
        keys = [(task.design.title, task.design.lanes, task.target) for task in todo]
        assert len(set(keys)) == len(keys)
        for task in todo:
            assert all((task.design.title, lanes, task.target) in keys for lanes in task.line)
            assert not task.line or task.design.lanes in task.line
    assert {task.target for task in tasks(quick=True)} == {"xc7"}
    assert {task.design.lanes for task in tasks(quick=True)} == set(measurement.SYNTHESISED)


def test_the_command_keeps_three_files_and_prints_json(monkeypatch, tmp_path, capsys, result):
    monkeypatch.setattr(room, "report", lambda **options: result | {"quick": options["quick"]})
    place = tmp_path / "new" / "place"
    assert command(["rtl", "report", "--out", str(place), "--quick", "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out) == json.loads((place / "report.json").read_text()) == result | {"quick": True}
    assert sorted(path.name for path in place.iterdir()) == ["report.json", "report.md", "report.png"]
    assert "`auricle rtl report --quick`" in (place / "report.md").read_text()
    assert command(["rtl", "report", "--out", str(place)]) == 0
    assert "Promises" in capsys.readouterr().out
    assert "`auricle rtl report`" in (place / "report.md").read_text()


def test_the_command_refuses_a_file_as_folder_and_names_a_missing_tool(monkeypatch, tmp_path, capsys):
    def missing(**_):
        raise MissingExtraError("Yosys isn't installed; pip install 'auricle[rtl]' brings it as the package pyosys")

    monkeypatch.setattr(room, "report", missing)
    (tmp_path / "file").touch()
    assert command(["rtl", "report", "--out", str(tmp_path / "file")]) == 3
    assert "is no folder" in capsys.readouterr().err
    assert command(["rtl", "report", "--out", str(tmp_path / "folder")]) == 5
    assert "pip install 'auricle[rtl]'" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "folder").exists()
