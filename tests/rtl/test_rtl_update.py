"""The update lane's golden model against exact arithmetic, and what stands beside its Verilog."""

import re
import shutil
import subprocess
from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.errors import InputError
from auricle.rtl import Engine, bank, files, generate
from auricle.rtl.update import COEFFICIENT_BITS, TOP, UpdateLane, update_files

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
