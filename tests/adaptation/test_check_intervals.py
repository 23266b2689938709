"""The intervals of the plan's tests, against published ones and against oracles."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import norm, t
from sklearn.metrics import f1_score

from auricle.adaptation.checks.macro import confusion, f1_of, macro_f1, macro_f1_interval
from auricle.adaptation.checks.paired import paired_interval
from compared_windows import table


def test_tangos_interval_of_a_published_table():
    # Airway hyper-responsiveness before and after stem cell transplantation (Bentur et al. 2009), as in Fagerland,
    # Lydersen and Laake, "Recommended tests and confidence intervals for paired binomial proportions", 2014.
    low, high = paired_interval(*table(1, 1, 7, 12))
    assert (round(low, 3), round(high, 3)) == (0.026, 0.517)


@pytest.mark.parametrize("n", [1, 20, 73, 5000])
def test_no_change_has_tangos_closed_form(n):
    right = np.arange(n) % 2 == 0
    z2 = norm.ppf(0.975) ** 2
    low, high = paired_interval(right, right)
    assert low == pytest.approx(-z2 / (n + z2), abs=1e-7)
    assert high == pytest.approx(z2 / (n + z2), abs=1e-7)


@settings(max_examples=25, deadline=None)
@given(st.tuples(*[st.integers(0, 30)] * 4).filter(lambda t: sum(t) > 3 and t[1] + t[2] > 0))
def test_the_ends_are_where_the_score_test_turns(counts):
    """Oracle: the most likely table with a given difference, found by search instead of by the closed form."""
    before, after = table(*counts)
    _, lost, gained, _ = counts
    n = sum(counts)

    def z(delta):
        def loss(q):  # q: probability of lost; gained is then q + delta
            rest = 1 - 2 * q - delta
            terms = ((lost, q), (gained, q + delta), (n - lost - gained, rest))
            return -sum(k * math.log(max(p, 1e-300)) for k, p in terms if k)

        low, high = max(0.0, -delta), (1 - delta) / 2
        q = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
        return (gained - lost - n * delta) / math.sqrt(n * (2 * q + delta - delta**2))

    low, high = paired_interval(before, after)
    if low > -0.999:
        assert z(low) == pytest.approx(norm.ppf(0.975), abs=1e-3)
    if high < 0.999:
        assert z(high) == pytest.approx(-norm.ppf(0.975), abs=1e-3)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 9)), min_size=1, max_size=60), st.booleans())
def test_intervals_hold_the_estimate_and_turn_with_the_order(rows, grouped):
    before, after, groups = (np.array(column) for column in zip(*rows, strict=True))
    groups = groups if grouped else None
    low, high = paired_interval(before, after, groups)
    estimate = after.mean() - before.mean()
    assert -1 <= low <= estimate + 1e-6
    assert estimate - 1e-6 <= high <= 1
    assert paired_interval(after, before, groups) == pytest.approx((-high, -low), abs=1e-6)
    wide = paired_interval(before, after, groups, level=0.99)
    assert wide[0] <= low + 1e-6
    assert wide[1] >= high - 1e-6


def test_windows_of_one_person_count_less_than_those_of_many():
    rng = np.random.default_rng(0)
    before = rng.random(400) < 0.9
    changed = np.arange(400) < 40  # all in two of twenty people
    after = before ^ changed
    people, alone = np.arange(400) // 20, np.arange(400)
    assert paired_interval(before, after, people)[0] < paired_interval(before, after)[0]
    assert paired_interval(before, after, alone) == pytest.approx(paired_interval(before, after), abs=0.005)
    assert paired_interval(before, after, np.zeros(400, np.intp)) == (-1, 1)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40))
def test_f1_is_that_of_scikit_learn(rows):
    y, top = (np.array(column) for column in zip(*rows, strict=True))
    counts = confusion(y, top, 3, None).sum(0)
    present = np.unique(y)
    expected = f1_score(y, top, labels=present, average=None, zero_division=0)
    assert f1_of(counts)[present] == pytest.approx(expected)
    assert np.isnan(np.delete(f1_of(counts), present)).all()
    assert float(macro_f1(counts, range(3))) == pytest.approx(expected.mean())


def test_the_interval_of_macro_f1_is_the_same_each_time_and_in_any_order():
    rng = np.random.default_rng(3)
    y, before, after = rng.integers(0, 3, (3, 300))
    after = np.where(rng.random(300) < 0.8, before, after)
    subject = rng.integers(0, 12, 300)
    ends = set()
    for order in (np.arange(300), rng.permutation(300)):
        counts = [confusion(y[order], top[order], 3, subject[order]) for top in (before, after)]
        for seen in (counts, [matrix[::-1] for matrix in counts]):
            ends.add(tuple(np.round(macro_f1_interval(*seen, range(3)), 12)))
    assert len(ends) == 1
    low, high = ends.pop()
    assert low < float(macro_f1(counts[1].sum(0), range(3)) - macro_f1(counts[0].sum(0), range(3))) < high


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(8, 25), st.sampled_from([0.8, 0.95]))
def test_the_ends_of_macro_f1_are_where_the_score_test_turns(seed, people, level):
    """Oracle: leave each person out by hand, and put the ends into the test's own statistic."""
    rng = np.random.default_rng(seed)
    y, before = rng.integers(0, 3, (2, people * 12))
    after = np.where(rng.random(len(y)) < 0.8, before, y)
    subject = np.arange(len(y)) % people

    def change(chosen):
        old, new = (f1_score(y[chosen], top[chosen], average="macro") for top in (before, after))
        return new - old

    whole = change(np.ones(len(y), bool))
    pseudo = np.array([people * whole - (people - 1) * change(subject != one) for one in range(people)])
    counts = [confusion(y, top, 3, subject) for top in (before, after)]
    ends = macro_f1_interval(*counts, range(3), level=level)
    quantile = t.ppf((1 + level) / 2, people - 1)
    bias = pseudo.mean() - whole
    for end, start, sign in zip(ends, (max(bias, 0), min(bias, 0)), (1, -1), strict=True):
        if abs(end) < 1:
            delta = end + start  # the outermost of the mean and the change was the start
            statistic = (pseudo.mean() - delta) / np.sqrt(((pseudo - delta) ** 2).mean() / (people - 1))
            assert statistic == pytest.approx(sign * quantile, rel=1e-6)


@pytest.mark.parametrize("people", [1, 2, 6])
def test_few_people_bound_nothing(people):
    matrix = np.tile([[9, 1], [2, 8]], (people, 1, 1))
    assert macro_f1_interval(matrix, matrix, (0, 1)) == (-1, 1)
