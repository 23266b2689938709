"""What a trial's answers add up to: the right sign, and no gain where there is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
        assert gain["follows"] == 0 == found["follows"][state]["gain_low"] == found["follows"][state]["gain_high"]
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
    two = scored(windows(lambda i: "one" if i < 30 else "two"), ["knows"], SHARE)["knows"][ALL]
    assert alone["gain"] == two["gain"] == 0.5
    assert (two["gain_low"], two["gain_high"]) == (0, 1)
    assert 0.3 < alone["gain_low"] < alone["gain_high"] < 0.7
