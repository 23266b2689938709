"""Generators without reuse: Verilog against golden models, golden models against the law they claim."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from auricle.errors import InputError, MissingExtraError
from auricle.rtl import tools
from auricle.rtl.baselines import BoxMuller, CentralLimit, Law, Tree, Uniform, baselines, statistics
from auricle.rtl.baselines.box_muller import radii, segments
from auricle.rtl.baselines.register import TAPS, Register
from auricle.rtl.baselines.tree import thresholds
from auricle.zeroth import lfsr

BENCH = """
module bench;
    reg clk = 0, rst = 1, next = 0;
    wire [{msb}:0] row;
    integer i, file;
    reg [{last}:0] stalls;
    {top} made (.clk(clk), .rst(rst), .next(next), .row(row));
    initial begin
        stalls = {count}'b{stalls};
        #1 clk = 1; #1 clk = 0; rst = 0;
        for (i = 0; i < {count}; i = i + 1) begin
            next = stalls[i];
            #1 if (next) $display("%h", row);
            clk = 1; #1 clk = 0;
        end
    end
endmodule
"""


@pytest.fixture(scope="module")
def icarus():
    try:
        return tools.iverilog()
    except MissingExtraError as error:
        pytest.skip(str(error))


def simulated(made, icarus, folder, cycles, files=None, seed=0):
    """Numbers that the Verilog of a generator sends in cycles with `next`, between which it waits now and then."""
    stalls = np.random.default_rng(seed).random(4 * cycles) < 0.6
    bits = "".join("1" if go else "0" for go in stalls[::-1])
    files = made.files() if files is None else files
    for name, text in files.items():
        (folder / name).write_text(text)
    text = BENCH.format(
        msb=made.lanes * made.bits - 1, last=len(stalls) - 1, top=made.top, count=len(stalls), stalls=bits
    )
    (folder / "bench.v").write_text(text)
    sources = [name for name in files if name.endswith(".v")]
    tools.run([*icarus.command, "-g2005", "-Wall", "-s", "bench", "-o", "bench.vvp", *sources, "bench.v"], folder)
    said = tools.run(["vvp", "-n", "bench.vvp"], folder).split()[made.latency : cycles]
    assert len(said) == cycles - made.latency
    words = np.array(
        [[int(line, 16) >> (made.bits * i) & ((1 << made.bits) - 1) for i in range(made.lanes)] for line in said]
    )
    return np.where(words >> (made.bits - 1), words - (1 << made.bits), words)


EACH = {one.name: one for one in baselines(lanes=4)}


@pytest.mark.parametrize("name", EACH)
def test_the_verilog_sends_the_numbers_of_the_golden_model(name, icarus, tmp_path):
    made = EACH[name]
    found = simulated(made, icarus, tmp_path, 200)
    assert np.array_equal(found, made.numbers(200 - made.latency))


FAULTS = {
    "uniform": ("auricle_register_11_8.v", "stream_0[2 +: 8]", "stream_0[3 +: 8]"),
    "clt_4": ("auricle_clt_4_unit.v", "$signed(state[31:24])", "state[31:24]"),
    "clt_12": ("auricle_clt_12_unit.v", "'sd6", "'sd7"),
    "tree": ("auricle_tree_unit.v", "< 8'd12", "<= 8'd12"),
    "box_muller": ("auricle_box_muller_unit.v", "s3[15:12] == 4'd0", "s3[15:12] == 4'd1"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_the_verilog_is_seen(name, icarus, tmp_path):
    made = EACH[name]
    place, right, wrong = FAULTS[name]
    files = made.files()
    assert files[place].count(right) == 1
    files[place] = files[place].replace(right, wrong)
    assert not np.array_equal(simulated(made, icarus, tmp_path, 200, files), made.numbers(200 - made.latency))


@pytest.fixture(scope="module")
def samples():
    return {one.name: (one.law, one.numbers(4096)) for one in baselines(lanes=64)}


# 262,144 numbers: standard errors of 0.002 for the mean, 0.003 for the variance, 0.01 for the kurtosis, 0.0015 for the
# distance. Numbers of clocked registers are correlated, so theirs are larger. An exact sum of four uniform numbers lies
# 0.007 from a normal law, one of twelve 0.0022, and dropped bits move them by 0.003.
BOUNDS = {
    "uniform": (0.008, 0.012, 0.02, 0.004),
    "uniform_stepped": (0.012, 0.012, 0.02, 0.006),
    "clt_4": (0.01, 0.012, 0.04, 0.011),
    "clt_4_stepped": (0.012, 0.02, 0.06, 0.012),
    "clt_12": (0.01, 0.012, 0.04, 0.007),
    "tree": (0.008, 0.014, 0.04, 0.005),
    "box_muller": (0.008, 0.012, 0.04, 0.005),
}


def within(found, law, bounds):
    far = (found.mean, found.variance - 1, found.kurtosis - law.kurtosis, found.distance)
    return all(abs(value) < bound for value, bound in zip(far, bounds, strict=True))


@pytest.mark.parametrize("name", BOUNDS)
def test_numbers_follow_the_law_they_claim(name, samples):
    law, numbers = samples[name]
    found = statistics(numbers, law)
    assert within(found, law, BOUNDS[name]), found
    assert found.numbers == 262_144
    if name.endswith("stepped"):
        # Seven of eight bits come again one place lower, the one with the sign among them: (sum w w' - 2 s) / sum w w.
        assert found.lag == pytest.approx(-0.25, abs=0.01)
    else:
        assert abs(found.lag) < 0.01


BREAKS = {
    # What could be wrong: the numbers of a generator, and what is left of its claim.
    "a number in a hundred is lost": lambda y: np.where(np.arange(y.size).reshape(y.shape) % 100 == 0, 0, y),
    "all are one step higher": lambda y: y + 1,
    "the largest are cut off": lambda y: np.clip(y, -80, 79),
    "every second one is one more": lambda y: np.where(y % 2 == 0, y + 1, y),
    "a bit is stuck": lambda y: y | 4,
}


@pytest.mark.parametrize("what", BREAKS)
@pytest.mark.parametrize("name", ["uniform", "clt_12", "tree", "box_muller"])
def test_a_subtle_break_leaves_the_bounds(name, what, samples):
    law, numbers = samples[name]
    assert not within(statistics(BREAKS[what](numbers), law), law, BOUNDS[name])


def test_a_sum_that_lost_a_term_and_a_tree_with_a_wrong_weight_leave_the_bounds(monkeypatch):
    clt = CentralLimit(lanes=64)
    monkeypatch.setattr(CentralLimit, "_firsts", (0, 8, 16, 16))
    assert not within(statistics(clt.numbers(4096), clt.law), clt.law, BOUNDS["clt_4"])
    wrong = [list(level) for level in thresholds()]
    wrong[1][0] += 4
    monkeypatch.setattr("auricle.rtl.baselines.tree.thresholds", lambda: wrong)
    tree = Tree(lanes=64)
    assert not within(statistics(tree.numbers(4096), tree.law), tree.law, BOUNDS["tree"])


def test_the_weights_of_the_tree_are_those_of_the_normal_law_to_a_512th():
    for level, weights in enumerate(thresholds()):
        size = 128 >> level
        for prefix, weight in enumerate(weights):
            low, middle, high = (norm.cdf((prefix * size + part * size / 2) / 32) for part in (0, 1, 2))
            assert abs(weight / 256 - (high - middle) / (high - low)) <= 1 / 512 + 1e-9


def test_the_table_of_radii_falls_with_the_uniform_number_and_keeps_the_variance():
    u = np.arange(1 << 16)
    found = radii()[segments(u)] / 64
    assert (np.diff(found) <= 0).all()
    assert np.mean(found**2) == pytest.approx(2, abs=0.01)
    assert np.abs(found - np.sqrt(-2 * np.log((u + 0.5) / (1 << 16))))[64:].max() < 0.13


def test_lanes_have_seeds_of_their_own():
    for made in baselines(lanes=16):
        seeds = made.seeds()
        assert len(np.unique(seeds, axis=0)) == len(seeds)
        assert not np.array_equal(seeds, type(made)(**{**made.__dict__, "seed": 1}).seeds())


def power(exponent, width):
    """The residue of x**exponent modulo the polynomial of a register, as bits."""
    modulus = (1 << width) | sum(1 << (width - tap) for tap in TAPS[width])

    def product(a, b):
        out = 0
        while b:
            out ^= a if b & 1 else 0
            b >>= 1
            a <<= 1
            a ^= modulus if a >> width else 0
        return out

    out, square = 1, 2
    while exponent:
        out = product(out, square) if exponent & 1 else out
        square = product(square, square)
        exponent >>= 1
    return out


FACTORS = {
    28: (3, 5, 29, 43, 113, 127),
    33: (7, 23, 89, 599479),
    58: (3, 59, 233, 1103, 2089, 3033169),
    97: (11447, 13842607235828485645766393),
}


@pytest.mark.parametrize("width", FACTORS)
def test_long_registers_have_the_full_period(width):
    """The order of x divides 2**width - 1, and none of its greatest parts: for the polynomial or its mirror alike."""
    period, rest = (1 << width) - 1, (1 << width) - 1
    for factor in FACTORS[width]:
        assert all(factor % small for small in range(2, min(factor, 2000)))
        while rest % factor == 0:
            rest //= factor
        assert power(period // factor, width) != 1
    assert rest == 1
    assert power(period, width) == 1


@pytest.mark.parametrize("made", baselines(lanes=2), ids=lambda made: made.name)
def test_leaps_share_no_factor_with_the_period(made):
    for register in made.registers:
        assert np.gcd.reduce([register.leap, (1 << register.width) - 1], dtype=object) == 1


@settings(max_examples=30, deadline=None)
@given(width=st.sampled_from(sorted(lfsr.TAPS)), leap=st.integers(1, 30), seed=st.integers(1, 2**31))
def test_registers_step_like_those_of_the_bank(width, leap, seed):
    state = seed % ((1 << width) - 1) + 1
    bits = np.array([[state >> (width - 1 - i) & 1 for i in range(width)]], np.uint8)
    found = Register(width=width, leap=leap).states(bits, 4)[0]
    for row in found:
        # The bank's bit 0 is the newest, here the oldest comes first.
        assert "".join(map(str, row)) == f"{state:0{width}b}"
        for _ in range(leap):
            state = lfsr.clock(state, width)


@pytest.mark.parametrize("lanes", [0, -2, 2.0, True])
def test_lanes_that_cannot_be_are_refused(lanes):
    with pytest.raises(InputError, match=re.escape(f"lanes={lanes!r} was given; CLT-4 has 1 lane(s) a unit: name")):
        CentralLimit(lanes=lanes)


def test_box_muller_needs_pairs():
    with pytest.raises(
        InputError, match=r"lanes=3 was given; Box-Muller, LUTs only has 2 lane\(s\) a unit: name a mult"
    ):
        BoxMuller(lanes=3)


def test_the_distance_sees_what_moments_do_not():
    law = Law(kind="normal", deviation=32, kurtosis=0)
    rng = np.random.default_rng(0)
    good = np.floor(32 * rng.standard_normal((4096, 64))).astype(np.int64)
    assert statistics(good, law).distance < 0.004
    # Three values with the first four moments of a normal law.
    few = np.floor(32 * 3**0.5 * rng.choice([-1, 0, 1], (4096, 64), p=[1 / 6, 2 / 3, 1 / 6])).astype(np.int64)
    found = statistics(few, law)
    assert abs(found.kurtosis) < 0.05
    assert abs(found.variance - 1) < 0.02
    assert found.distance > 0.3


def test_uniform_words_are_all_there():
    assert len(np.unique(Uniform(lanes=1).numbers(2047))) == 256
    assert len(np.unique(Uniform(lanes=1, leaping=False).numbers(255))) == 255
