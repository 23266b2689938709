"""Many steps in a row without a slope are told once, with the likely reasons."""

import math
import re
import warnings
from itertools import cycle

import pytest
import torch
from torch import nn

from auricle.zeroth import NoSlopeWarning, OneSided, ZerothOrder
from auricle.zeroth.no_slope import MANY
from small_models import one, x_and_y

pytestmark = pytest.mark.usefixtures("one_thread")


def told(optimizer: ZerothOrder, losses) -> list[warnings.WarningMessage]:
    """Step with these losses, again and again, and give what was warned of."""
    passing = cycle(losses)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        take(optimizer, lambda: next(passing))
    return seen


def take(optimizer: ZerothOrder, loss) -> None:
    for _ in range(3 * MANY):
        optimizer.step(loss)


@pytest.mark.parametrize("settings", [{}, {"grid": True}, {"merge": True}, {"estimator": OneSided(queries=2)}])
def test_it_is_said_once_and_where_the_step_was_asked_for(settings):
    (warning,) = told(one(nn.Parameter(torch.ones(4)), **settings), [1.5])
    assert warning.category is NoSlopeWarning
    assert warning.filename == __file__


def test_losses_that_are_equal_have_two_likely_reasons():
    (warning,) = told(one(nn.Parameter(torch.ones(4)), eps=2**-9), [1.5])
    assert str(warning.message) == (
        f"the last {MANY} steps found no slope to follow: in {MANY} of them all losses were equal. Either "
        "eps=0.00195312 changes the loss by less than its rounding: give a larger eps, or compute the loss in "
        "float32. Or the loss does not depend on the weights that are trained: look whether the closure runs this "
        "model, and which parameters require a gradient. This is said once for each optimizer"
    )


@pytest.mark.parametrize("losses", [[math.nan], [math.inf, 1.0], [1e308, -1e308]])
def test_losses_that_are_not_finite_have_another(losses):
    (warning,) = told(one(nn.Parameter(torch.ones(4)), grid=True), losses)
    text = (
        f"in {MANY} of them a loss was infinite or not a number. Look for such numbers in the data; if the weights "
        "have grown too far, begin again with a lower lr."
    )
    assert re.search(re.escape(text), str(warning.message))
    assert "equal" not in str(warning.message)


def test_both_kinds_are_counted_apart():
    (warning,) = told(one(nn.Parameter(torch.ones(4))), [1.0, 1.0, math.nan, 1.0])
    assert f"in {MANY // 2} of them all losses were equal" in str(warning.message)
    assert f"in {MANY // 2} of them a loss was infinite" in str(warning.message)


@pytest.mark.parametrize("between", [[1.0, 2.0], [1.0, 1.0 + 1e-15]])
def test_a_slope_between_begins_the_count_again(between):
    flat = [1.0, 1.0] * (MANY - 1)
    assert told(one(nn.Parameter(torch.ones(4)), lr=0.0), flat + between) == []


def test_a_loss_in_too_short_floats_is_noticed():
    x, y = x_and_y()
    net = nn.Linear(5, 1)
    with torch.no_grad():
        net.weight.fill_(0.5)
        net.bias.fill_(0.5)
    optimizer = ZerothOrder(net.parameters(), lr=0.0, eps=2**-18)

    def loss():
        return (1000 + nn.functional.mse_loss(net(x), y)).bfloat16()

    with pytest.warns(NoSlopeWarning, match="all losses were equal"):
        take(optimizer, loss)


def test_a_warning_that_is_an_error_leaves_a_whole_step():
    weight = nn.Parameter(torch.ones(4))
    optimizer = one(weight, grid=True, merge=True)
    with pytest.raises(NoSlopeWarning):
        take(optimizer, lambda: 1.0)
    assert optimizer.steps == MANY
    optimizer.step(lambda: weight.square().sum())
    optimizer.settle()
    assert optimizer.steps == MANY + 1
