"""The arithmetic of one class, against integers and fractions written out."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.conformal import p_values, rank, smallest_n, threshold
from auricle.errors import InputError

THOUSANDTHS = st.integers(1, 999)
# Few different values, so that ties are common.
SCORES = st.lists(st.integers(-4, 4).map(lambda i: i / 8), max_size=40)


def reference_set(calibration: list[float], score: float, alpha: Fraction) -> bool:
    """Say whether p > alpha, in fractions, straight from the definition."""
    return Fraction(sum(s <= score for s in calibration) + 1, len(calibration) + 1) > alpha


@given(THOUSANDTHS, st.integers(0, 5000))
def test_rank_is_exact_for_every_decimal_alpha(thousandths, n):
    assert rank(thousandths / 1000, n) == thousandths * (n + 1) // 1000


@pytest.mark.parametrize("alpha", [0.1, 1 - 0.9, np.float32(0.1), np.float64(0.1)])
@pytest.mark.parametrize(("n", "j"), [(8, 0), (9, 1), (18, 1), (19, 2), (28, 2), (29, 3), (99, 10)])
def test_rank_where_alpha_times_n_plus_1_is_whole(alpha, n, j):
    assert rank(alpha, n) == j


@given(THOUSANDTHS)
def test_smallest_n_is_the_first_n_with_a_rank(thousandths):
    n = smallest_n(thousandths / 1000)
    assert rank(thousandths / 1000, n) >= 1
    assert n == 0 or rank(thousandths / 1000, n - 1) == 0


@given(SCORES, SCORES, THOUSANDTHS)
def test_threshold_p_value_and_definition_give_one_set(calibration, scores, thousandths):
    alpha = thousandths / 1000
    by_threshold = np.array(scores) >= threshold(calibration, alpha)
    by_p_value = p_values(calibration, np.array(scores, float)) > alpha
    by_definition = [reference_set(calibration, score, Fraction(thousandths, 1000)) for score in scores]
    assert by_threshold.tolist() == by_p_value.tolist() == by_definition


@pytest.mark.parametrize("n", [9, 19, 29, 99])
def test_a_p_value_equal_to_alpha_is_outside(n):
    calibration = np.arange(n, dtype=float)
    score = rank(0.1, n) - 1.5  # exactly j - 1 calibration scores lie at or below it: p = j / (n + 1) = 1/10
    assert p_values(calibration, score) == pytest.approx(0.1, abs=0)
    assert not score >= threshold(calibration, 0.1)
    assert score + 0.5 >= threshold(calibration, 0.1)


@given(SCORES, THOUSANDTHS, THOUSANDTHS)
def test_a_larger_alpha_never_lowers_the_threshold(calibration, one, other):
    low, high = sorted((one, other))
    assert threshold(calibration, low / 1000) <= threshold(calibration, high / 1000)


@given(SCORES, st.randoms(use_true_random=False))
def test_order_of_calibration_scores_is_irrelevant(calibration, random):
    mixed = random.sample(calibration, len(calibration))
    assert threshold(mixed, 0.3) == threshold(calibration, 0.3)
    assert p_values(mixed, [0.0, 0.25]).tolist() == p_values(calibration, [0.0, 0.25]).tolist()


@given(st.integers(1, 60), st.integers(0, 60))
@settings(max_examples=50)
def test_p_values_are_the_floats_nearest_to_the_fractions(n, below):
    below = min(below, n)
    expected = float(Fraction(below + 1, n + 1))
    assert p_values(np.arange(n), below - 0.5) == expected


def test_without_calibration_nothing_is_ruled_out():
    assert threshold([], 0.1) == -math.inf
    assert p_values([], [-5.0, 5.0]).tolist() == [1.0, 1.0]


def test_p_values_keep_the_shape():
    assert p_values([0.1, 0.2], np.zeros((2, 3))).shape == (2, 3)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, 1.5, math.nan, math.inf, "ten per cent", "0.1", None])
def test_no_level(alpha):
    shown = f"got {alpha!r}"
    with pytest.raises(InputError, match=r"alpha must be a number between 0 and 1, such as 0\.1; ") as error:
        rank(alpha, 10)
    assert str(error.value).endswith(shown)


@pytest.mark.parametrize("n", [-1, 2.5, "9"])
def test_no_count(n):
    with pytest.raises(InputError, match=r"n must be a whole number of samples, 0 or more; got "):
        rank(0.1, n)


@pytest.mark.parametrize(
    ("scores", "text"),
    [
        (
            [0.1, math.nan, math.inf],
            "calibration scores must be finite; 2 of 3 are not, the first is calibration scores[1]",
        ),
        ([[0.1], [0.2]], "the calibration scores of one class must have shape (n,); got shape (2, 1)"),
        (["high"], "calibration scores must be real numbers; got an array of type <U4"),
        ([1 + 2j], "calibration scores must be real numbers; got an array of type complex128"),
    ],
)
def test_calibration_scores_that_cannot_be_used(scores, text):
    for function in (lambda: threshold(scores, 0.1), lambda: p_values(scores, [0.0])):
        with pytest.raises(InputError) as error:
            function()
        assert text in str(error.value)


def test_new_scores_that_cannot_be_used():
    with pytest.raises(
        InputError, match=r"scores must be finite; 1 of 2 are not, the first is scores\[1\] = nan\. Leave"
    ):
        p_values([0.1], [0.2, math.nan])
