"""What the estimators make of losses, against their formulas."""

import statistics
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.zeroth.estimators import OneSided, TwoSided

LOSSES = st.lists(st.floats(-100, 100), min_size=3, max_size=9)


@settings(max_examples=50, deadline=None)
@given(losses=LOSSES, eps=st.floats(1e-4, 1.0))
def test_two_sided_is_the_mean_of_central_differences(losses, eps):
    pairs = list(pairwise(losses))
    estimator = TwoSided(queries=len(pairs))
    assert estimator.points == tuple((q, sign) for q in range(len(pairs)) for sign in (1, -1))
    found = estimator.slopes(estimator.differences([loss for pair in pairs for loss in pair]), [eps] * len(pairs))
    assert found == pytest.approx([(plus - minus) / (2 * eps) / len(pairs) for plus, minus in pairs])


@settings(max_examples=50, deadline=None)
@given(losses=LOSSES, eps=st.floats(1e-4, 1.0))
def test_one_sided_is_the_mean_of_forward_differences_over_their_spread(losses, eps):
    q = len(losses) - 1
    estimator = OneSided(queries=q)
    assert estimator.points == ((0, 0), *((query, 1) for query in range(q)))
    found = estimator.slopes(estimator.differences(losses), [eps] * q)
    spread = statistics.stdev(loss - losses[0] for loss in losses[1:])
    assert found == pytest.approx([(loss - losses[0]) / spread / q if spread else 0.0 for loss in losses[1:]])


def test_a_one_sided_step_is_as_long_for_a_loss_a_thousand_times_as_steep():
    estimator, losses = OneSided(queries=3), [1.0, 1.5, 0.25, 2.0]
    one = estimator.slopes(estimator.differences(losses), [1e-3] * 3)
    other = estimator.slopes(estimator.differences([1000 * loss for loss in losses]), [2e-3] * 3)
    assert other == pytest.approx(one)
    assert max(map(abs, one)) > 0.1


def test_losses_that_are_all_alike_lead_nowhere():
    assert OneSided(queries=3).slopes([0.5, 0.5, 0.5], [1e-3] * 3) == [0.0, 0.0, 0.0]
