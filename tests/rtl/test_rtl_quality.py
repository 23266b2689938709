"""What measures the quality of a stream: right where the answer is known, and it notices streams that are bad."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from auricle.errors import InputError
from auricle.rtl import Engine, bank, row_pool
from auricle.rtl.quality import ENGINES, examine, one
from auricle.rtl.quality.directions import Directions, beats
from auricle.rtl.quality.show import figure, markdown, table
from auricle.rtl.quality.streams import bound, compared, equidistribution, lag_correlations, pairs, same_time
from auricle.zeroth import LfsrBank, lfsr

SMALL = (Engine(spec=bank(lanes=9, bits=3, generators=5, widths=(6,))), Engine(spec=row_pool(lanes=4, bits=3, rows=11)))


def test_lag_correlations_are_those_of_the_definition():
    x = np.random.default_rng(0).integers(-9, 10, 101)
    expected = [np.corrcoef(x, np.roll(x, -lag))[0, 1] for lag in range(101)]
    assert lag_correlations(x) == pytest.approx(np.array(expected), abs=1e-12)


def test_independent_numbers_stay_below_the_bound_and_alike_ones_do_not():
    rng = np.random.default_rng(1)
    exceeded = 0
    for _ in range(200):
        x = rng.integers(-255, 256, 501)
        exceeded += compared(np.arange(1, 251), lag_correlations(x)[1:251], 501).above > 0
    assert exceeded <= 8  # of 200 with a chance of 1 % each: more than 8 once in 4,000 times
    assert bound(500, 250) > bound(500, 1) > bound(5000, 1)
    twins = rng.integers(-255, 256, (400, 3))
    twins[:, 2] = twins[:, 0] + rng.integers(-99, 100, 400)
    found = same_time(twins)
    assert (found.above, found.largest[0][0]) == (1, [0, 2])


def test_a_register_that_is_clocked_once_a_word_is_noticed():
    """Neighbouring words then share all bits but one: the reason for leaps (measured 0.49)."""
    states = [1]
    for _ in range(lfsr.period(11) - 1):
        states.append(lfsr.clock(states[-1], 11))
    words = 2 * (np.array(states) & 255) - 255
    found = compared(np.arange(1, 1001), lag_correlations(words)[1:1001], len(words))
    assert found.largest[0] == (1, pytest.approx(0.49, abs=0.02))
    assert pairs(words, np.roll(words, -1), 8)["p"] < 1e-9


def test_exact_counts_of_a_bank_and_of_a_pool():
    """State zero never occurs, so word 0 comes once less; a pool is as even as its size allows."""
    found = one(SMALL[0], 30)["equidistribution"]
    period = SMALL[0].spec.period
    assert (found["numbers"], found["least"], found["most"]) == (period, 7 * period // 63, 8 * period // 63)
    assert Fraction(found["mean"]) == Fraction(7, 63)
    found = one(SMALL[1], 30)["equidistribution"]
    assert found["numbers"] == 44
    assert found["most"] - found["least"] <= 1
    assert Fraction(found["mean"]) == 0
    even = equidistribution(np.arange(-7, 8, 2), 3)
    assert even["variance"] == even["uniform_variance"] == "21"


@pytest.mark.parametrize(
    "engine", [*SMALL, Engine(spec=bank(lanes=3, bits=4)), Engine(spec=row_pool(lanes=9, words=2))]
)
@pytest.mark.parametrize("dimension", [5, 40])
def test_directions_are_those_of_the_spec(engine, dimension):
    """Inner products over groups of weights are those of whole directions, looked up one by one."""
    made = Directions(engine, dimension)
    chosen = np.array([0, 1, 7, made.of - 1])
    whole = np.array([engine.spec.integers(t, np.arange(dimension), dimension) for t in chosen.tolist()], np.float64)
    grouped = made.vectors(chosen)
    assert grouped @ grouped.T == pytest.approx(whole @ whole.T)
    assert made.sizes.sum() == dimension
    alike, cosines = made.likeness()
    assert cosines[6] == pytest.approx(whole[0] @ whole[2] / np.sqrt((whole[0] @ whole[0]) * (whole[2] @ whole[2])))
    assert alike["groups"] == grouped.shape[1]
    assert made.span(4)["rank"] <= min(4, alike["groups"])


def test_weights_of_a_row_that_share_a_word_are_one_dimension():
    engine = Engine(spec=bank(lanes=100, bits=8))
    made = Directions(engine, 250)
    assert made.span(200)["rank"] == 3 * 31
    assert made.span(50)["rank"] == 50
    assert 50 / (1 + 50 / made.effective) == made.span(50)["groups_even"]


def test_registers_at_even_distances_are_noticed_and_others_meet_only_their_own_past():
    """Even ones meet again, 30 of 31 at a time; others' words come again but for a bit, where a register is back."""
    hardware = ENGINES[0]
    even = replace(hardware, spec=replace(hardware.spec, spacing="even"))
    found = lag_correlations(beats(even)[:, 0])
    assert compared(np.arange(1, 20_000), found[1:20_000], 63_457).largest[0] == (
        10_169,
        pytest.approx(30 / 31, abs=2e-4),
    )
    assert 1500 < 63_457 / (found**2).sum() < 2000
    found = one(hardware, 30_720)
    assert found["lane"]["largest"][0] == (16_120, pytest.approx(0.5, abs=1e-3))
    assert all(lag % 31 == 0 for lag, value in found["lane"]["largest"] if value > 1 / 31)
    assert 20_000 < found["lane_effective"] < 20_200
    assert found["beat"]["above"] == 0
    assert found["likeness"]["rms"] == pytest.approx(found["likeness"]["groups_rms"], rel=0.01)
    assert found["spans"][-1]["rank"] == 30 * 31
    assert found["spans"][-1]["even"] > found["spans"][-1]["groups_even"]


def test_a_weight_of_the_first_row_of_a_pool_changes_its_order_and_one_of_the_last_does_not():
    pool = one(ENGINES[1], 30_720)
    assert pool["likeness"]["above"] == 0
    assert [weight["row"] for weight in pool["weights"]] == [0, 10, 29]
    assert [weight["common"] for weight in pool["weights"]] == [508] * 3
    first, _, last = one(SMALL[1], 11 * 4)["weights"]
    assert (first["row"], last["row"]) == (0, 10)
    assert sorted(lag for lag, value in last["largest"] if value > 0.999) == [11, 22, 33, 44, 55]
    assert not any(value > 0.999 for _, value in first["largest"])


def test_the_page_and_the_figure_hold_all_of_it(tmp_path):
    seen = []
    result = examine(SMALL, dimension=40, progress=lambda *step: seen.append(step))
    assert seen[-1] == (2, 2, "examining")
    assert json.loads(json.dumps(result, allow_nan=False))["dimension"] == 40
    text = table(result)
    for part in ("bank of 5, 9 lanes", "pool of 11 x 4, 4 lanes", "## Likeness of directions", "words of a beat"):
        assert part in text
    assert markdown(result).endswith(text + "\n")
    figure(result, tmp_path / "quality.png")
    assert (tmp_path / "quality.png").read_bytes()[:4] == b"\x89PNG"


def test_what_cannot_be_examined_is_refused():
    with pytest.raises(InputError, match="dimension=1 was given; at least 2 weights are needed to compare directions"):
        examine(SMALL, dimension=1)
    with pytest.raises(InputError, match=r"a bank with a period of [\d,]+ cycles was given; periods up to 1,048,576"):
        one(Engine(spec=LfsrBank()), 100)
