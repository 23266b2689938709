"""The alarm: its bound on false alarms, its power, and the fast form beside the plain one."""

import json
from math import log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, kstest

from auricle.conformal import ExchangeabilityMartingale
from auricle.conformal.drift import plain_log_capital
from auricle.errors import InputError

NUMBERS = st.lists(st.integers(-3, 3).map(float) | st.floats(-1e6, 1e6), max_size=25)


def watched(numbers, reference=(), **options):
    watch = ExchangeabilityMartingale(reference, **options)
    for number in numbers:
        watch.update(number)
    return watch


def at_most(alarms, sequences, delta):
    """Whether so many alarms may be chance, if each sequence gives one with probability delta at most."""
    return binom.sf(alarms - 1, sequences, delta) > 1e-4


@given(NUMBERS, NUMBERS, st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_the_fast_form_equals_the_plain_one(numbers, reference, seed):
    watch = ExchangeabilityMartingale(reference, seed=seed)
    fast = []
    for number in numbers:
        watch.update(number)
        fast.append(watch.log_capital)
    plain = plain_log_capital(numbers, reference, seed=seed)
    np.testing.assert_allclose(fast, plain, rtol=1e-12, atol=1e-12)


def test_the_fast_form_equals_the_plain_one_where_capital_is_large():
    numbers = np.arange(150.0)
    assert watched(numbers).log_capital == pytest.approx(plain_log_capital(numbers)[-1], rel=1e-12)
    assert watched(numbers).highest > 1e6


@given(NUMBERS, NUMBERS, st.data())
@settings(max_examples=40, deadline=None)
def test_a_watch_that_was_saved_goes_on_to_the_same_bits(numbers, reference, data):
    cut = data.draw(st.integers(0, len(numbers)))
    first = watched(numbers[:cut], reference, delta=0.3, seed=5)
    second = ExchangeabilityMartingale.from_dict(json.loads(json.dumps(first.to_dict())))
    for number in numbers[cut:]:
        assert first.update(number) == second.update(number)
    assert second.to_dict() == first.to_dict() == watched(numbers, reference, delta=0.3, seed=5).to_dict()


@given(NUMBERS, NUMBERS, st.randoms())
@settings(max_examples=30, deadline=None)
def test_neither_the_order_of_the_reference_nor_a_rising_transformation_matters(numbers, reference, random):
    shuffled = random.sample(reference, len(reference))
    ranks = {x: float(i) for i, x in enumerate(sorted({*numbers, *reference}))}
    plain = watched(numbers, reference)
    assert watched(numbers, shuffled).log_capital == plain.log_capital
    assert watched([ranks[x] for x in numbers], [ranks[x] for x in reference]).log_capital == plain.log_capital


@pytest.mark.parametrize("reference", [0, 40])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("delta", [0.05, 0.3])
def test_exchangeable_sequences_give_false_alarms_as_seldom_as_promised(reference, ties, delta):
    rng, sequences, alarms = np.random.default_rng(7), 250, 0
    for seed in range(sequences):
        # One offset for a whole sequence: exchangeable, not independent.
        numbers = rng.standard_t(2, reference + 80) + rng.normal(0, 5)
        numbers = numbers.round() if ties else numbers
        alarms += watched(numbers[reference:], numbers[:reference], delta=delta, seed=seed).alarm is not None
    assert at_most(alarms, sequences, delta), alarms
    assert alarms > 0 or delta < 0.1, "a test that never alarms has no power"


def test_p_values_are_uniform_and_do_not_follow_one_another():
    rng = np.random.default_rng(3)
    watch, p = ExchangeabilityMartingale(rng.integers(0, 4, 20), seed=9), []
    for number in rng.integers(0, 4, 1500):
        watch.update(number)
        p.append(watch.p_value)
    assert kstest(p, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(p[1:], p[:-1])[0, 1]) < 4 / np.sqrt(len(p))


def test_ranks_against_a_fixed_reference_alone_would_break_the_bound():
    """Why each number joins those that the next is ranked among."""
    rng, delta, alarms = np.random.default_rng(5), 0.01, 0
    for _ in range(60):
        reference = np.sort(rng.normal(size=20))
        below = np.searchsorted(reference, rng.normal(size=1500))
        p = (len(reference) - below + rng.random(1500)) / (len(reference) + 1)
        capital, highest = np.full(3, 1 / 3), 0.0
        for one in p:
            capital = (0.999 * capital + 0.001 * capital.mean()) * (1 + np.array([-1, 0, 1]) * (one - 0.5))
            highest = max(highest, capital.sum())
        alarms += highest >= 1 / delta
    assert not at_most(alarms, 60, delta), alarms


def test_recordings_of_the_challenge_in_random_order_keep_the_bound():
    with np.load(Path(__file__).parent / "scores" / "af.npz", allow_pickle=False) as table:
        strange = -table["scores"].max(axis=1).astype(np.float64)
    rng, delta, sequences = np.random.default_rng(11), 0.1, 150
    alarms = 0
    for seed in range(sequences):
        numbers = strange[rng.permutation(len(strange))[:250]]
        alarms += watched(numbers[100:], numbers[:100], delta=delta, seed=seed).alarm is not None
    assert at_most(alarms, sequences, delta), alarms


@pytest.mark.parametrize(("shift", "direction"), [(1.5, "stranger"), (-1.5, "more typical")])
@pytest.mark.parametrize("reference", [0, 200])
def test_a_shift_raises_the_alarm_soon_and_says_since_when(shift, direction, reference):
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        numbers = [*rng.normal(size=120), *rng.normal(shift, 1, size=80)]
        found.append(watched(numbers, rng.normal(size=reference), delta=0.01, seed=seed).alarm)
    assert all(found)
    late = [alarm for alarm in found if alarm.index >= 120]
    assert len(late) >= 19
    assert {alarm.direction for alarm in late} == {direction}
    assert np.median([alarm.index for alarm in late]) < 120 + 50
    assert np.quantile([abs(alarm.since - 120) for alarm in late], 0.8) <= 25


def test_there_is_one_alarm_and_it_stays():
    watch = ExchangeabilityMartingale(delta=0.05)
    given_back = [watch.update(float(i)) for i in range(60)]
    (alarm,) = [one for one in given_back if one]
    assert watch.alarm is alarm
    assert given_back.index(alarm) == alarm.index
    assert alarm.value >= 20
    assert alarm.since <= alarm.index
    assert alarm.direction == "stranger"
    assert str(alarm) == (
        f"alarm at window {alarm.index}: stranger since about window {alarm.since}; false-alarm chance at most 5 %"
    )


def test_capital_never_falls_far_below_what_bets_nothing():
    rng = np.random.default_rng(0)
    assert watched(rng.normal(size=3000)).log_capital > log(0.19)


@pytest.mark.parametrize(
    ("given_", "text"),
    [
        ({"delta": 0}, r"delta must be a number between 0 and 1, such as 0\.01; got 0"),
        ({"delta": True}, "delta must be a number"),
        ({"seed": -1}, "seed must be a whole number, 0 or more; got -1"),
        ({"reference": [1.0, np.nan]}, r"reference must be finite; 1 of 2 are not, the first is reference\[1\]"),
        ({"reference": [[1.0]]}, r"one number a window, shape \(m,\); got shape \(1, 1\)"),
    ],
)
def test_settings_that_cannot_be(given_, text):
    with pytest.raises(InputError, match=text):
        ExchangeabilityMartingale(**given_)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (np.nan, "nonconformity must be finite; got nan. Leave this window out"),
        ("x", "must be one real number; got 'x'"),
    ],
)
def test_a_number_that_is_none_changes_nothing(number, text):
    watch = watched([1.0, 2.0])
    before = watch.to_dict()
    with pytest.raises(InputError, match=text):
        watch.update(number)
    assert watch.to_dict() == before


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"kind": "x"}, "kind 'exchangeability martingale'; got"),
        ({"past": [2.0, 1.0]}, "past must ascend; begin anew"),
        ({"past": [1.0, None]}, "can't be used: reference must be real numbers"),
        ({"reference": 9}, "reference must be a whole number from 0 to 2"),
        ({"capital": [[1.0]]}, r"capital must be \(5, 3\) numbers"),
        ({"log_scale": float("nan")}, "nan is no finite number"),
        ({"page": [[0.0, 0]]}, "page must hold two pairs"),
        ({"alarm": {"index": 1}}, "alarm has other fields"),
        ({"delta": 2}, "delta must be a number between 0 and 1"),
    ],
)
def test_a_saved_state_that_was_changed_is_refused(change, text):
    state = watched([1.0, 2.0]).to_dict() | change
    with pytest.raises(InputError, match=text):
        ExchangeabilityMartingale.from_dict(state)


def test_a_saved_state_of_another_kind_is_refused():
    with pytest.raises(InputError, match=r"a saved martingale has the keys 'kind', 'delta', .*; got 'x'"):
        ExchangeabilityMartingale.from_dict({"x": 1})
    with pytest.raises(InputError, match="got list"):
        ExchangeabilityMartingale.from_dict([])
