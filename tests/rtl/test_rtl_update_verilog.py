"""The update lane's Verilog against its golden model and its netlist; test bench and proof against a fault."""

from itertools import pairwise

import pytest

from auricle.rtl import Engine, bank, generate, proof, row_pool
from auricle.rtl.proof import update_netlist_is_rtl
from auricle.rtl.simulation import lint_update, simulate
from auricle.rtl.update import TOP, UpdateLane, update_files
from auricle.rtl.update_vectors import END, update_vectors

PAIRS = [
    (Engine(spec=bank(lanes=40)), UpdateLane()),
    (Engine(spec=bank(lanes=1, bits=4)), UpdateLane(weight_bits=32, fraction_bits=0)),
    (Engine(spec=bank(lanes=5, bits=4, generators=3), shift_bits=1), UpdateLane(weight_bits=8, fraction_bits=3)),
    (Engine(spec=row_pool(lanes=6, rows=13)), UpdateLane(weight_bits=16, fraction_bits=15)),
    (Engine(spec=row_pool(lanes=64, bits=12), shift_bits=3), UpdateLane(weight_bits=24, fraction_bits=1)),
]


@pytest.mark.parametrize(("engine", "lane"), PAIRS)
def test_every_weight_is_the_golden_models(engine, lane, simulator, tmp_path):
    generate(engine, tmp_path / "engine", update=lane, numbers=1500, seed=1)
    result = simulate(tmp_path / "engine", f"{engine.name}_update", simulator)
    assert result.passed, result.said
    assert result.numbers >= 1500
    assert result.stalls > 20


@pytest.mark.parametrize(("engine", "lane"), PAIRS)
def test_the_verilog_is_lint_clean(engine, lane, linter, tmp_path):
    generate(engine, tmp_path / "engine", update=lane, numbers=1)
    assert not lint_update(tmp_path / "engine", linter)
    top = tmp_path / "engine" / f"{TOP}.v"
    top.write_text(top.read_text().replace("    reg held;", "    wire idle = rst;\n    reg held;"))
    assert "idle" in lint_update(tmp_path / "engine", linter)


@pytest.mark.parametrize("words", [None, 1, 3, 7])
def test_a_lane_can_be_had_without_an_engine(words, linter, tmp_path):
    """For any generator: as many multipliers as numbers differ, one for each lane if nothing is said."""
    made = update_files(lanes=7, bits=8, weight_bits=16, words=words)
    assert list(made)[-1] == f"{TOP}.v"
    assert f"parameter WORDS = {words or 7}," in made[f"{TOP}.v"]
    for name, text in made.items():
        (tmp_path / name).write_text(text)
    assert not lint_update(tmp_path, linter)


FAULTS = {
    "weights are taken without numbers": ("s_axis_w_tready = changes_valid & sums_free", "s_axis_w_tready = sums_free"),
    "a sum is overwritten while it waits": ("sums_free = ~m_axis_tvalid | m_axis_tready", "sums_free = 1'b1"),
    "a change is overwritten while it waits": ("changes_free = ~changes_valid | join_now", "changes_free = 1'b1"),
    "a product is overwritten while it waits": ("= ~products_valid | changes_free", "= 1'b1"),
    "a change is used twice": ("else if (changes_free) changes_valid <=", "else if (products_valid) changes_valid <="),
    "numbers pass without a coefficient": ("s_axis_u_tready = held & products_free", "s_axis_u_tready = products_free"),
    "a coefficient serves two directions": ("else if (multiply & s_axis_u_tlast) held", "else if (1'b0) held"),
    "the coefficient changes in flight": ("if (~held) factor", "if (coefficient_valid) factor"),
    "a reset leaves a coefficient": ("if (rst) held <= 1'b0;", "if (1'b0) held <= 1'b0;"),
    "a reset leaves a product": ("if (rst) products_valid <= 1'b0;", "if (1'b0) products_valid <= 1'b0;"),
    "a reset leaves a change": ("if (rst) changes_valid <= 1'b0;", "if (1'b0) changes_valid <= 1'b0;"),
    "halves go up": ("product[WIDE-1] ? LESS : HALF", "1'b0 ? LESS : HALF"),
    "nothing is rounded": ("(product + (product[WIDE-1] ? LESS : HALF)) >>>", "product >>>"),
    "a change wraps": ("if (change > LIMIT) change = LIMIT;", "if (1'b0) change = LIMIT;"),
    "a change wraps below": ("else if (change < -LIMIT) change = -LIMIT;", ""),
    "the cut change is not told": ("sums_beyond | (|over)", "(|over)"),
    "words without a lane are told": (" & ({16'd0, products_user} > n)", ""),
    "a weight wraps": ("over[m] ? {sum", "1'b0 ? {sum"),
    "the cut weight is not told": ("sums_beyond | (|over)", "sums_beyond"),
    "what was cut off before is told": ("(saturated & ~fresh)", "saturated"),
    "the tail is changed too": (" & {WEIGHT_BITS{counts[l]}}", ""),
    "the sign of a number is lost": ("{COEFFICIENT_BITS{number[NUMBER_BITS-1]}}", "{COEFFICIENT_BITS{1'b0}}"),
    "streams that differ are not told": ("s_axis_w_tlast != changes_last", "1'b0"),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_the_test_bench_notices(what, simulator, tmp_path):
    right, wrong = FAULTS[what]
    engine = Engine(spec=bank(lanes=6, bits=3, generators=5), shift_bits=1)
    generate(engine, tmp_path / "engine", update=UpdateLane(weight_bits=8, fraction_bits=3), numbers=2500)
    path = tmp_path / "engine" / f"{TOP}.v"
    text = path.read_text()
    assert text.count(right) == 1
    path.write_text(text.replace(right, wrong))
    result = simulate(tmp_path / "engine", f"{engine.name}_update", simulator)
    assert not result.passed
    assert result.said.startswith("FAIL ")


def test_vectors_hold_what_they_should():
    engine, lane = Engine(spec=bank(lanes=5, bits=4, generators=3)), UpdateLane(weight_bits=8, fraction_bits=3)
    made = update_vectors(engine, lane, numbers=3000, seed=2)
    assert made == update_vectors(engine, lane, numbers=3000, seed=2)
    heads = [int(line, 16) >> 40 for line in made.updated]
    assert sum(head & 0xFFFF for head in heads) == made.numbers >= 3000
    assert {head >> 17 for head in heads} == {0, 1}
    # A last beat that isn't full, behind one that is.
    assert any(one & 0x1FFFF == 5 and 0x10000 < two & 0x1FFFF < 0x10005 for one, two in pairwise(heads))
    assert {int(line, 16) & 1 for line in made.commands if int(line, 16) >> 80 == END} == {0, 1}
    sent = [int(line, 16) & 0x3FFFF for line in made.coefficients]
    sent = [one - (1 << 18) if one >> 17 else one for one in sent]
    for begun in ([-lane.one, lane.one], [-lane.one, 2 * lane.one, -lane.one]):
        assert begun in [sent[i : i + len(begun)] for i in range(len(sent))]


@pytest.fixture
def narrow(tmp_path):
    """Generate the lane that is proved in the least time."""
    engine, lane = Engine(spec=bank(lanes=2, bits=1, generators=1), shift_bits=1), UpdateLane(weight_bits=8)
    generate(engine, tmp_path / "engine", update=lane, numbers=1)
    return tmp_path / "engine", engine, lane


def test_the_netlist_is_the_rtl(narrow, yosys):
    found = update_netlist_is_rtl(*narrow, yosys)
    assert found.proved, found.said
    assert found.what == "netlist of auricle_update at 2 lanes, 3-bit numbers and 8-bit weights = RTL"
    assert int(found.said.split()[0]) > 100


def test_the_proof_notices_a_netlist_that_rounds_otherwise(narrow, yosys, monkeypatch):
    path = narrow[0] / f"{TOP}.v"
    right = "product[WIDE-1] ? LESS : HALF"
    text = path.read_text()
    assert text.count(right) == 1
    path.write_text(
        "`ifdef NETLIST\n`define ROUND HALF\n`else\n`define ROUND "
        + right
        + "\n`endif\n"
        + text.replace(right, "`ROUND")
    )
    gold, read, gate = proof._EQUAL.rpartition("read_verilog ")
    # Only unproven cells are worked on by induction, which takes long here and proves no more.
    script = (gold + read + "-DNETLIST " + gate).replace("equiv_induct\n", "")
    monkeypatch.setattr(proof, "_EQUAL", script)
    found = update_netlist_is_rtl(*narrow, yosys)
    assert not found.proved
    assert "unproven $equiv cells" in found.said
