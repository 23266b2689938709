"""docs/rtl.md: its figures are those of docs/bench/rtl.json, and what it says to type runs."""

import json
import re
import shlex
from pathlib import Path

import pytest

from auricle.cli import run as command

DOCS = Path(__file__).parents[2] / "docs"
TEXT = " ".join((DOCS / "rtl.md").read_text(encoding="utf-8").split())
NAMES = {
    "bank, run-time shift": "bank of 31 registers",
    "bank, shift fixed": "bank of 31 registers, shift fixed",
    "pool, run-time shift": "pool in block memory",
    "pool, shift fixed": "pool in block memory, shift fixed",
    "uniform register per lane": "uniform, a register per lane",
    "the same, 8 bits clocked once": "uniform, a register per lane, clocked once",
    "CLT-4": "CLT-4",
    "CLT-4, clocked once": "CLT-4, clocked once",
    "tree": "tree of comparators",
}
BANK, POOL = "bank of 31 registers", "pool in block memory"
LEAPING, ONCE = "uniform, a register per lane", "uniform, a register per lane, clocked once"


@pytest.fixture(scope="module")
def report():
    return json.loads((DOCS / "bench" / "rtl.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def designs(report):
    """Give the designs of Xilinx 7 by name, lanes, and whether lane registers are counted."""
    return {
        (one["name"], one["lanes"], one["lane_registers"]): one for one in report["designs"] if one["target"] == "xc7"
    }


@pytest.fixture(scope="module")
def saved(report):
    """Give, in percent, what an engine saves of a figure against another generator at a number of lanes."""
    rows = {
        (one["engine"], one["against"], one["lanes"], one["lane_registers"]): one
        for one in report["comparison"]
        if one["target"] == "xc7"
    }
    return lambda engine, against, figure, *, lanes=1024, held=True: 100 * rows[engine, against, lanes, held][figure]


def test_the_table_holds_the_figures_of_the_report(designs):
    table = (DOCS / "rtl.md").read_text(encoding="utf-8").partition("| | LUT | FF |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    assert {row[0].removesuffix(" (e)") for row in rows} == set(NAMES)
    for title, *cells in rows:
        name = NAMES[title.removesuffix(" (e)")]
        bare, held = designs[name, 1024, False], designs[name, 1024, True]
        assert title.endswith(" (e)") == bare["extrapolated"], title
        figures = [bare["lut"], bare["ff"], held["ff"], bare["bram"]]
        shown = [f"{figure:,.0f}" if figure else "" for figure in figures]
        assert cells == [*shown, f"{bare['energy']:.1f}", f"{held['energy']:.1f}"], title


def test_the_promises_are_those_of_the_report(report):
    found = {
        (one["engine"], one["lane_registers"], one["figure"]): (one["value"], one["met"])
        for one in report["musts"]
        if one["target"] == "xc7"
    }
    percent = {key: f"{100 * value:.1f} %" for key, (value, _) in found.items()}
    fixed = {BANK: f"{BANK}, shift fixed", POOL: f"{POOL}, shift fixed"}
    banks = [value for (name, _, figure), (value, _) in found.items() if figure == "energy" and BANK in name]
    assert f"met** by all, {100 * min(v for (*_, f), (v, _) in found.items() if f == 'lut'):.1f} % and more" in TEXT
    for text in (
        f"({percent[fixed[BANK], True, 'ff']} and {percent[fixed[POOL], True, 'ff']})",
        f"({percent[BANK, True, 'ff']} and {percent[POOL, True, 'ff']})",
        f"({100 * min(banks):.1f} % to {100 * max(banks):.1f} %)",
        f"({percent[POOL, False, 'energy']}, {percent[fixed[POOL], False, 'energy']})",
        f"({percent[POOL, True, 'energy']}; {percent[fixed[POOL], True, 'energy']} with the shift fixed)",
    ):
        assert text in TEXT
    missed = {key for key, (_, met) in found.items() if not met}
    assert missed == {
        (BANK, True, "ff"), (POOL, True, "ff"), (POOL, True, "energy"), (fixed[POOL], True, "energy")
    }  # fmt: skip


def test_what_reuse_alone_saves_is_that_of_the_report(designs, saved):
    fixed = [f"{BANK}, shift fixed", f"{POOL}, shift fixed"]
    shares = [
        [f"{saved(name, LEAPING, figure):.0f} %" for figure in ("lut", "ff", "energy")] for name in (BANK, fixed[0])
    ]
    assert (
        "saves {} of the LUTs, {} of the flip-flops and {} of the energy with lane registers".format(*shares[0]) in TEXT
    )
    assert "(fixed shift: {}, {}, {})".format(*shares[1]) in TEXT
    once = [saved(name, ONCE, figure) for name in (BANK, fixed[0]) for figure in ("lut", "energy")]
    assert f"takes {-once[0]:.0f} % more LUTs and saves {once[1]:.0f} % of the energy" in TEXT
    assert f"of the energy ({once[2]:.0f} % and {once[3]:.0f} %)" in TEXT
    pools = saved(POOL, ONCE, "energy"), saved(fixed[1], ONCE, "energy")
    assert f"the pool takes {-pools[0]:.0f} % more energy, or saves {pools[1]:.0f} % with a fixed shift" in TEXT
    few = {
        (name, other, held): saved(name, other, "energy", lanes=64, held=held)
        for name in (BANK, POOL, *fixed) for other in (LEAPING, ONCE) for held in (True, False)
    }  # fmt: skip
    held, bare = few[fixed[0], LEAPING, True], few[fixed[0], LEAPING, False]
    assert {key for key, value in few.items() if value > 0} == {(fixed[0], LEAPING, True), (fixed[0], LEAPING, False)}
    assert f"{held:.0f} % ({bare:.0f} % without lane registers)" in TEXT
    memory = [designs[name, 1024, True] for name in (POOL, fixed[1])]
    memory = [100 * one["energy_memory"] / one["energy"] for one in memory]
    assert "reading memory is {:.0f} % of its energy, {:.0f} % with the shift fixed".format(*memory) in TEXT
    clock = saved(fixed[0], "CLT-4, clocked once", "energy_with_clock")
    assert f"the bank with fixed shift and lane registers would save {clock:.1f} %" in TEXT


def test_the_paper_the_clocks_and_the_update_lane_are_those_of_the_report(report):
    paper = report["paper"]
    assert (
        f"says {100 * paper['lut']:.1f} % of the LUTs, {100 * paper['ff']:.1f} % of the flip-flops, up to "
        f"{100 * paper['power']:.0f} % of the power"
    ) in TEXT
    mhz = {one["name"]: f"{one['median']:.0f}" for one in report["fmax"]}
    assert f"reach {mhz[BANK]} and {mhz[POOL]} MHz at 16 lanes, CLT-4 {mhz['CLT-4']}, the uniform registers" in TEXT
    assert f"registers {mhz[LEAPING]}, the tree {mhz['tree of comparators']}." in TEXT
    lanes = {one["name"].rpartition(", ")[2]: one for one in report["update"] if one["target"] == "xc7"}
    own, shared = lanes["a multiplier per lane"], lanes["31 multipliers for all lanes"]
    assert own["dsp"] == 1
    assert (
        f"takes {own['lut']:.0f} LUTs, {own['ff']:.0f} flip-flops and a DSP block, or {shared['lut']:.0f} LUTs and "
        f"{shared['ff']:.0f} flip-flops where"
    ) in TEXT


def test_engines_are_generated_as_the_page_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = re.findall(r"^    auricle (rtl generate .*)$", (DOCS / "rtl.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        assert command(shlex.split(line)) == 0
    assert "parameter WEIGHT_BITS = 16" in (tmp_path / "engine" / "auricle_update.v").read_text()


def test_the_example_in_python_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    example = (DOCS / "rtl.md").read_text(encoding="utf-8").partition("## From Python")[2]
    lines = [line[4:] for line in example.splitlines() if line.startswith("    ")]
    exec("\n".join(lines), {})
    assert (tmp_path / "engine" / "auricle_update.v").exists()
