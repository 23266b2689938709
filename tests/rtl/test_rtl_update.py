"""The update lane: its golden model against exact arithmetic, its Verilog against the golden model, and whole steps."""

import re
import shutil
import subprocess
from fractions import Fraction
from math import floor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.errors import InputError, MissingExtraError
from auricle.rtl import Engine, bank, files, generate, row_pool, tools
from auricle.rtl.simulation import lint_update, simulate
from auricle.rtl.update import COEFFICIENT_BITS, TOP, UpdateLane, update_files
from auricle.rtl.update_vectors import update_vectors
from auricle.zeroth import Ledger, ZerothOrder, replay

LANES = st.builds(UpdateLane, weight_bits=st.sampled_from([8, 16, 24, 32]), fraction_bits=st.integers(0, 15))
COEFFICIENTS = st.integers(1 - (1 << (COEFFICIENT_BITS - 1)), (1 << (COEFFICIENT_BITS - 1)) - 1)
NUMBERS = st.lists(st.integers(-(2**22), 2**22), min_size=1, max_size=6)


def clipped(value, low, high):
    return min(max(value, low), high)


@settings(max_examples=200, deadline=None)
@given(lane=LANES, coefficient=COEFFICIENTS, numbers=NUMBERS, data=st.data())
def test_the_lane_rounds_once_and_cuts_off_twice(lane, coefficient, numbers, data):
    low, high = lane.limits
    weights = data.draw(st.lists(st.integers(low, high), min_size=len(numbers), max_size=len(numbers)))
    found = lane.apply(weights, numbers, coefficient)
    saturated = False
    for weight, number, out in zip(weights, numbers, found.weights.tolist(), strict=True):
        exact = Fraction(coefficient * number, 2**lane.fraction_bits)
        nearest = floor(abs(exact) + Fraction(1, 2)) * (-1 if exact < 0 else 1)
        change = clipped(nearest, -high, high)
        assert out == clipped(weight - change, low, high)
        saturated |= change != nearest or not low <= weight - change <= high
    assert found.saturated == saturated


@settings(max_examples=100, deadline=None)
@given(lane=LANES, coefficient=COEFFICIENTS, numbers=NUMBERS)
def test_the_opposite_coefficient_undoes_a_change(lane, coefficient, numbers):
    there = lane.apply([0] * len(numbers), numbers, coefficient)
    assert lane.apply(there.weights, numbers, -coefficient).weights.tolist() == [0] * len(numbers)


@settings(max_examples=60, deadline=None)
@given(lane=LANES, seed=st.integers(0, 99), shift=st.integers(0, 3), room=st.sampled_from([1, 2, 64]))
def test_a_step_leaves_the_weights_where_they_were(lane, seed, shift, room):
    """From the stored weights always, as nothing is written back; by a walk unless something was cut off."""
    engine = Engine(spec=bank(lanes=31, seed=seed))
    low, high = lane.limits
    stored = np.random.default_rng(seed).integers(low // room, high // room + 1, (2, 31))
    numbers = engine.beats(seed, 50, shift=shift)
    above, below = lane.apply(stored, numbers, -lane.one), lane.apply(stored, numbers, lane.one)
    if not above.saturated | below.saturated:
        assert (above.weights - stored == numbers).all()
        assert (stored - below.weights == numbers).all()
    walk = [above]
    for coefficient in (2 * lane.one, -lane.one):
        walk.append(lane.apply(walk[-1].weights, numbers, coefficient))
    if any(one.saturated for one in walk):
        assert room == 1 or lane.weight_bits == 8 or (lane.weight_bits == 16 and room == 2)
    else:
        assert (walk[1].weights == below.weights).all()
        assert (walk[2].weights == stored).all()


def test_a_coefficient_is_the_nearest():
    lane = UpdateLane(fraction_bits=8)
    assert [lane.coefficient(c) for c in (1, -1, 0.001, 0.002, 511.99)] == [256, -256, 0, 1, 131069]
    assert UpdateLane(fraction_bits=15).coefficient(2) == 2 * UpdateLane(fraction_bits=15).one


def found(find):
    try:
        return find()
    except MissingExtraError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def simulator():
    return found(tools.iverilog)


@pytest.fixture(scope="module")
def linter():
    return found(tools.verilator)


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
    made = update_vectors(engine, lane, numbers=900, seed=2)
    assert made == update_vectors(engine, lane, numbers=900, seed=2)
    heads = [int(line, 16) >> 40 for line in made.updated]
    assert sum(head & 0xFFFF for head in heads) == made.numbers >= 900
    assert {head >> 17 for head in heads} == {0, 1}
    assert any(head & 0xFFFF < 5 for head in heads)


COMPANION = """
module companion;
    reg clk = 1'b0, rst = 1'b1, cmd_valid = 1'b0, c_valid = 1'b0, w_valid = 1'b0, w_last = 1'b0;
    reg [1:0] cmd = 2'd0;
    reg [31:0] rows = 32'd0;
    reg [15:0] tail = 16'd0;
    reg [7:0] pad = 8'd0;
    reg [1:0] shift = 2'd0;
    reg [17:0] c = 18'd0;
    reg [{bits}*{lanes}-1:0] w = 0;
    wire cmd_ready, c_ready, w_ready, u_valid, u_ready, u_last, m_valid, saturated, misaligned;
    wire [{lanes}*{lane_bits}-1:0] u;
    wire [15:0] u_user;
    wire [{bits}*{lanes}-1:0] m;
    {name} engine (
        .clk(clk), .rst(rst), .cmd_valid(cmd_valid), .cmd_ready(cmd_ready), .cmd(cmd), .cfg_rows(rows),
        .cfg_tail(tail), .cfg_pad(pad), .cfg_shift(shift), .seed_valid(1'b0), .m_axis_tvalid(u_valid),
        .m_axis_tready(u_ready), .m_axis_tdata(u), .m_axis_tuser(u_user), .m_axis_tlast(u_last)
    );
    auricle_update lane (
        .clk(clk), .rst(rst), .coefficient_valid(c_valid), .coefficient_ready(c_ready), .coefficient(c),
        .s_axis_u_tvalid(u_valid), .s_axis_u_tready(u_ready), .s_axis_u_tdata(u), .s_axis_u_tuser(u_user),
        .s_axis_u_tlast(u_last), .s_axis_w_tvalid(w_valid), .s_axis_w_tready(w_ready), .s_axis_w_tdata(w),
        .s_axis_w_tlast(w_last), .m_axis_tvalid(m_valid), .m_axis_tready(1'b1), .m_axis_tdata(m),
        .saturated(saturated), .misaligned(misaligned)
    );
    always #5 clk = ~clk;
    always @(posedge clk) if (m_valid & ~rst) $display("%h", m);

    // Taken at the rising edge, looked at and set at the falling one.
    reg cmd_taken = 1'b0, c_taken = 1'b0, w_taken = 1'b0;
    always @(posedge clk) begin
        cmd_taken <= cmd_valid & cmd_ready;
        c_taken <= c_valid & c_ready;
        w_taken <= w_valid & w_ready;
    end

    integer op, i, got;
    initial begin
        repeat (2) @(negedge clk);
        rst = 1'b0;
        while ($fscanf(32'h8000_0000, "%d %d %d %d %d %d", op, rows, tail, pad, shift, c) == 6) begin
            cmd = op;
            cmd_valid = 1'b1;
            @(negedge clk);
            while (!cmd_taken) @(negedge clk);
            cmd_valid = 1'b0;
            if (op == 0) begin
                c_valid = 1'b1;
                @(negedge clk);
                while (!c_taken) @(negedge clk);
                c_valid = 1'b0;
                for (i = 0; i < rows; i = i + 1) begin
                    got = $fscanf(32'h8000_0000, "%h", w);
                    w_valid = 1'b1;
                    w_last = i == rows - 1;
                    @(negedge clk);
                    while (!w_taken) @(negedge clk);
                    w_valid = 1'b0;
                end
                repeat (4) @(negedge clk);
                $display("end %0d %0d", saturated, misaligned);
                $fflush(32'h8000_0001);
            end
        end
        $finish;
    end
endmodule
"""


class Companion:
    """An engine and its lane in a simulator that runs beside: a training step is made of its passes."""

    def __init__(self, engine, lane, folder):
        generate(engine, folder, update=lane, numbers=1)
        text = COMPANION.format(bits=lane.weight_bits, lanes=engine.lanes, lane_bits=engine.lane_bits, name=engine.name)
        if engine.name == "auricle_pool":
            text = text.replace(".cfg_pad(pad), ", "")
        (folder / "companion.v").write_text(text)
        names = sorted(path.name for path in folder.glob("*.v") if not path.name.endswith("_tb.v"))
        flags = ["-g2005", "-Wno-portbind", "-s", "companion", "-o", "companion.vvp"]
        tools.run(["iverilog", *flags, *names], folder)
        self.engine, self.lane = engine, lane
        self.process = subprocess.Popen(
            ["vvp", "-n", "companion.vvp"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()

    def command(self, op, schedule=(0, 0, 0), shift=0, coefficient=0):
        rows, tail, pad = schedule
        self.process.stdin.write(f"{op} {rows} {tail} {pad} {shift} {coefficient % (1 << COEFFICIENT_BITS)}\n")

    def run(self, weights, coefficient, *, shift):
        """Send one direction over flat weights; give what leaves, and whether it was cut off."""
        schedule = self.engine.schedule(len(weights))
        self.command(0, schedule, shift, coefficient)
        lanes, size = self.engine.lanes, self.lane.weight_bits // 8
        padded = np.zeros(schedule.rows * lanes, np.int64)
        padded[: len(weights)] = weights
        for row in padded.reshape(-1, lanes):
            data = row.astype("<i8").view(np.uint8).reshape(lanes, 8)[:, :size].tobytes()
            self.process.stdin.write(f"{int.from_bytes(data, 'little'):x}\n")
        self.process.stdin.flush()
        out = []
        while not (line := self.process.stdout.readline()).startswith("end"):
            assert line, "the simulator ended"
            data = int(line, 16).to_bytes(lanes * size, "little")
            out += [int.from_bytes(data[i : i + size], "little", signed=True) for i in range(0, len(data), size)]
        saturated, misaligned = line.split()[1:]
        assert misaligned == "0"
        return np.array(out[: len(weights)]), saturated == "1"


def test_a_linear_model_is_trained_by_the_hardware(simulator, tmp_path):
    """Two-point steps from the stored weights: the simulator perturbs and updates, the loss is computed outside."""
    engine, lane = Engine(spec=bank(lanes=5, bits=4, generators=7)), UpdateLane(weight_bits=16, fraction_bits=8)
    unit, shift, dimension = 2.0**-12, 1, 18
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, dimension))
    y = x @ rng.normal(size=dimension)

    def loss(weights):
        return float(((x @ (weights * unit) - y) ** 2).mean())

    stored = np.zeros(dimension, np.int64)
    losses = [loss(stored)]
    with Companion(engine, lane, tmp_path / "engine") as hardware:
        for step in range(400):
            numbers = engine.beats(step, dimension, shift=shift).ravel()[:dimension]
            seen = []
            hardware.command(1)
            for turn in (-1, 1):
                perturbed, saturated = hardware.run(stored, turn * lane.one, shift=shift)
                assert not saturated
                assert (perturbed == stored - turn * numbers).all()
                seen.append(loss(perturbed))
                hardware.command(2)
            coefficient = lane.coefficient(0.03 * (seen[0] - seen[1]) / (2 * unit))
            updated, saturated = hardware.run(stored, coefficient, shift=shift)
            expected = lane.apply(stored, numbers, coefficient)
            assert (updated == expected.weights).all()
            assert saturated == expected.saturated
            stored = updated
            losses.append(loss(stored))
    assert losses[-1] < 0.05 * losses[0]
    assert np.mean(losses[-50:]) < np.mean(losses[50:100])


@pytest.mark.parametrize("spec", [bank(lanes=16), row_pool(lanes=16)])
def test_a_ledger_is_replayed_by_the_hardware(spec, simulator, tmp_path):
    """Whole coefficients over 32-bit weights are the arithmetic of a ledger: the same weights to the bit."""
    weight = torch.nn.Parameter(torch.linspace(-1, 1, 70))
    base = {"weight": weight.detach().clone()}
    optimizer = ZerothOrder([("weight", weight)], lr=0.02, perturbation=spec, ledger=tmp_path / "run.ledger")
    grid = 2.0 ** optimizer.ledger.header.groups[0].grid
    for _ in range(25):
        optimizer.step(lambda: torch.sum(weight**2))
    optimizer.close()
    engine, lane = Engine(spec=spec), UpdateLane(weight_bits=32, fraction_bits=0)
    with Ledger.open(tmp_path / "run.ledger") as ledger, Companion(engine, lane, tmp_path / "engine") as hardware:
        trained = replay(base, ledger)[0]
        stored = np.rint(base["weight"].numpy().astype(np.float64) * grid).astype(np.int64)
        for coefficient in ledger.multipliers()[0][:, 0, 0].tolist():
            stored, saturated = hardware.run(stored, coefficient, shift=0)
            assert not saturated
    assert (np.float32(stored / grid) == trained).all()
    assert (trained != base["weight"].numpy()).any()


def test_the_header_makes_the_same_coefficients(tmp_path):
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) on the search path")
    engine, lane = Engine(spec=bank(lanes=3)), UpdateLane(fraction_bits=10)
    generate(engine, tmp_path / "engine", update=lane, numbers=1)
    values = [0, 1, -1, 0.3, -0.3, 127.99, -(2.0**-12)]
    (tmp_path / "main.c").write_text(
        '#include <stdio.h>\n#include "engine/auricle_lfsr.h"\nint main(void) {\n'
        f"double v[] = {{{', '.join(map(repr, values))}, 1e9, -1e9}};\n"
        'for (int i = 0; i < 9; i++) printf("%d ", (int)auricle_lfsr_coefficient(v[i]));\n'
        'printf("%d %u", AURICLE_LFSR_ONE, AURICLE_LFSR_WEIGHT_BITS); return 0; }\n'
    )
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Wno-unused-const-variable", "-Wno-unused-variable"]
    subprocess.run(["cc", *flags, "-o", "main", "main.c"], cwd=tmp_path, check=True)
    said = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout
    most = (1 << (COEFFICIENT_BITS - 1)) - 1
    assert [*map(int, said.split())] == [*map(lane.coefficient, values), most, -most, lane.one, 16]


def test_the_lane_stands_in_what_people_read():
    lane = UpdateLane(weight_bits=24, fraction_bits=6)
    made = files(Engine(spec=bank(lanes=40)), update=lane, numbers=1)
    readme = made["README.md"]
    assert "| 64 | w - u |" in readme
    assert "`s_axis_w_tdata` | in | LANES x 24 |" in readme
    for name in made:
        assert f"`{name}`" in readme or name == "README.md"
    assert "Update lane" not in files(Engine(spec=bank(lanes=40)), numbers=1)["README.md"]
    assert "parameter WORDS = 31," in made[f"{TOP}.v"]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: UpdateLane(weight_bits=12), "weight_bits=12 was given; allowed are 8, 16, 24 and 32"),
        (lambda: UpdateLane(fraction_bits=16), "fraction_bits=16 was given; allowed are 0 to 15"),
        (lambda: UpdateLane().coefficient(600), "a coefficient of 600 was given; allowed are -511.996 to 511.996"),
        (lambda: UpdateLane().coefficient(float("nan")), "a coefficient of nan was given; allowed are"),
        (lambda: UpdateLane().change([1], 0.5), "coefficient=0.5 was given; a whole number is needed, as"),
        (lambda: UpdateLane().change([1], 1 << 17), "coefficient=131072 was given; allowed are -131072 to 131071"),
        (lambda: UpdateLane().apply([1 << 15], [1], 1), "weights from 32768 to 32768 were given; 16 bits hold -32768"),
        (lambda: UpdateLane().apply([1], [1, 2], 1), "weights of shape (1,) and numbers of shape (2,) were given"),
        (lambda: update_files(lanes=0, bits=8, weight_bits=8), "lanes=0 was given; allowed are 1 to 65535"),
        (lambda: update_files(lanes=4, bits=8, weight_bits=8, words=5), "words=5 was given; allowed are 1 to 4"),
        (lambda: update_files(lanes=4, bits=20, weight_bits=8), "bits=20 was given"),
    ],
)  # fmt: skip
def test_errors_say_what_is_allowed(make, text):
    with pytest.raises(InputError, match=re.escape(text)):
        make()
