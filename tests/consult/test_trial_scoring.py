"""What a trial's answers add up to: the right sign, and no gain where there is none."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.consult.trial import show
from auricle.consult.trial.scoring import ALL, SPECIALIST, Answer, Case, scored

LABELS = ("N", "A", "O")


def cases(n, arms, *, seed=0, right=0.6):
    """Windows of n persons whose specialist is right so often; an arm is a function of truth, top and a generator."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        truth = str(rng.choice(LABELS))
        others = [label for label in LABELS if label != truth]
        top = truth if rng.random() < right else str(rng.choice(others))
        state = ("confident", "uncertain")[i % 2]
        answers = {name: arm(truth, top, rng) for name, arm in arms.items()}
        out.append(Case(subject=f"p{i}", truth=truth, top=top, state=state, answers=answers))
    return out


def says(label):
    return Answer(label=label, opinion="agrees", tokens=10, seconds=0.5)


SILENT = Answer(label=None, opinion="no opinion")
DOUBLES = {
    "knows": lambda truth, _top, _rng: says(truth),
    "follows": lambda _truth, top, _rng: says(top),
    "contradicts": lambda truth, _top, _rng: says(next(label for label in LABELS if label != truth)),
    "silent": lambda _truth, _top, _rng: SILENT,
    "guesses": lambda _truth, _top, rng: says(str(rng.choice(LABELS))),
}
SHARE = {"confident": 0.9, "uncertain": 0.1}


def test_the_doubles_are_told_apart_with_the_right_sign():
    found = scored(cases(200, DOUBLES), list(DOUBLES), SHARE)
    for state in ("confident", "uncertain", ALL):
        gain = {name: found[name][state]["gain"] for name in DOUBLES}
        assert gain["follows"] == 0
        # All alike: of 100 or 200 persons, some 3.6 or 1.8 % may be otherwise.
        assert -0.04 < found["follows"][state]["gain_low"] < 0 < found["follows"][state]["gain_high"] < 0.04
        assert gain["silent"] == 0
        assert gain["knows"] > 0
        assert found["knows"][state]["gain_low"] > 0
        assert found["contradicts"][state]["gain_high"] < 0
        assert found["knows"][state]["accuracy"] == 1
        assert found["contradicts"][state]["accuracy"] == 0
        assert found["silent"][state]["accuracy"] == 0
        assert found["silent"][state]["fallback"] == found[SPECIALIST][state]["accuracy"]
        assert found["silent"][state]["no_opinion"] == 1
    assert found["guesses"][ALL]["gain_high"] < 0


def test_all_puts_the_states_back_in_their_place():
    found = scored(cases(120, DOUBLES), ["guesses"], SHARE)
    one = found["guesses"]
    assert one[ALL]["accuracy"] == pytest.approx(
        0.9 * one["confident"]["accuracy"] + 0.1 * one["uncertain"]["accuracy"]
    )
    assert one[ALL]["n"] == 120


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.3, 0.9))
def test_intervals_hold_what_they_are_about(seed, right):
    found = scored(cases(60, DOUBLES, seed=seed, right=right), ["guesses", "follows"], SHARE, seed=seed)
    for arm in found.values():
        for entry in arm.values():
            assert entry["low"] <= entry["accuracy"] + 1e-12
            assert entry["accuracy"] <= entry["high"] + 1e-12
            assert entry["gain_low"] <= entry["gain"] + 1e-12 <= entry["gain_high"] + 2e-12
            assert 0 <= entry["disagrees"] + entry["no_opinion"] <= 1


def test_the_interval_of_a_gain_covers_the_truth_as_often_as_it_says():
    # A guess is right in a third of the windows, the specialist in 0.6: the true gain is 1/3 - 0.6.
    inside = 0
    for seed in range(150):
        entry = scored(cases(80, DOUBLES, seed=seed), ["guesses"], SHARE, seed=seed)["guesses"]["uncertain"]
        inside += entry["gain_low"] <= 1 / 3 - 0.6 <= entry["gain_high"]
    # 95 % of 150 are 142.5; a percentile bootstrap of 40 windows loses a few. P(X < 131 | 0.93) is below 0.003.
    assert inside >= 131


def test_windows_of_one_person_move_together():
    # The specialist is always right about half of the windows and never about the others.
    def windows(subject):
        return [
            Case(subject=subject(i), truth="N", top="N" if i < 30 else "A", state="uncertain",
                 answers={"knows": says("N")})
            for i in range(60)
        ]  # fmt: skip

    alone = scored(windows(lambda i: f"p{i}"), ["knows"], SHARE)["knows"][ALL]
    eight = scored(windows(lambda i: f"p{i * 8 // 60}"), ["knows"], SHARE)["knows"][ALL]
    assert alone["gain"] == eight["gain"] == 0.5
    assert 0.3 < alone["gain_low"] < alone["gain_high"] < 0.7
    assert eight["gain_high"] - eight["gain_low"] > 2 * (alone["gain_high"] - alone["gain_low"])


def alike(n, *, persons=None, arm=DOUBLES["knows"]):
    """Windows of so many persons in which the specialist is always wrong."""
    rng = np.random.default_rng(0)
    return [
        Case(subject=f"p{i % (persons or n)}", truth="N", top="A", state="uncertain", answers={"x": arm("N", "A", rng)})
        for i in range(n)
    ]


@pytest.mark.parametrize(("windows", "persons"), [(1, 1), (5, 5), (60, 2), (60, 5)])
def test_of_too_few_persons_nothing_is_concluded(windows, persons):
    for entry in scored(alike(windows, persons=persons), ["x"], SHARE)["x"].values():
        assert entry["accuracy"] == entry["gain"] == 1
        assert [entry[key] for key in ("low", "high", "gain_low", "gain_high")] == 4 * [None]


@pytest.mark.parametrize("persons", [6, 20, 100])
def test_where_all_are_alike_the_bounds_are_the_exact_ones(persons):
    entry = scored(alike(persons), ["x"], SHARE)["x"]["uncertain"]
    exact = scipy.stats.binomtest(persons, persons).proportion_ci(0.95, method="exact")
    assert (entry["low"], entry["high"]) == pytest.approx((exact.low, exact.high))
    assert (entry["gain_low"], entry["gain_high"]) == pytest.approx((2 * exact.low - 1, 1))
    never = scored(alike(persons, arm=DOUBLES["contradicts"]), ["x"], SHARE)["x"]["uncertain"]
    assert (never["low"], never["high"]) == pytest.approx((0, 1 - exact.low))


def test_a_single_window_that_stands_for_most_of_the_data_concludes_nothing():
    some = alike(30)
    some[0] = replace(some[0], state="confident")
    found = scored(some, ["x"], SHARE)["x"]  # the one confident window has nine tenths of the weight
    assert found["uncertain"]["low"] is not None
    assert found["confident"]["low"] is None
    assert found[ALL]["low"] is None


def test_the_table_says_where_there_are_too_few():
    few = show.rows({"arms": scored(alike(3), ["x"], SHARE)}, "uncertain")
    assert few[1][:6] == ["x", "3", "1.000", "too few to say", "+1.000", "too few to say"]
    many = show.rows({"arms": scored(alike(40), ["x"], SHARE)}, "uncertain")
    assert many[1][:6] == ["x", "40", "1.000", "0.91 to 1.00", "+1.000", "+0.82 to +1.00"]
