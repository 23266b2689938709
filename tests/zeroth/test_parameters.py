"""Parameters and settings that change under the optimizer, and the limits of a grid."""

import math
import re

import numpy as np
import pytest
import torch
from torch import nn

from auricle.errors import InputError
from auricle.zeroth import (
    Gaussian,
    GridOverflowError,
    Ledger,
    LedgerError,
    OneSided,
    Pool,
    Signs,
    TwoSided,
    ZerothOrder,
    replay,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def weight(size=40, **changes):
    return nn.Parameter(torch.linspace(-1, 1, size), **changes)


def bits(tensor):
    return tensor.detach().numpy().tobytes()


# Settings


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("lr", -1.0, "lr=-1.0 was given; it can't be negative or infinite"),
        ("lr", math.nan, "lr=nan was given; it can't be negative or infinite"),
        ("lr", 1e-60, "lr=1e-60 was given; float32 loses steps below 1.2e-38: give more, or 0 for no steps"),
        ("lr", "fast", "lr='fast' was given; a number is needed, not text or a truth value"),
        ("lr", "1e-3", "lr='1e-3' was given; a number is needed, not text or a truth value"),
        ("eps", True, "eps=True was given; a number is needed, not text or a truth value"),
        ("eps", 0.0, "eps=0.0 was given; it must be above 0 (2**-10 is usual)"),
        ("eps", None, "eps=None was given; a number is needed"),
        ("weight_decay", -0.1, "weight_decay=-0.1 was given; it can't be negative or infinite"),
        ("weight_decay", math.nan, "weight_decay=nan was given; it can't be negative or infinite"),
    ],
)
def test_settings_are_refused_at_once_and_when_they_change(name, value, text):
    with pytest.raises(InputError, match=f"^{re.escape(text)}$"):
        ZerothOrder([weight()], **{name: value})
    with pytest.raises(InputError, match=f"^{re.escape(text)}$"):
        ZerothOrder([{"params": [weight()], name: value}])
    given, calls = weight(), []
    optimizer = ZerothOrder([given], lr=0.0, grid=True)
    optimizer.step(given.sum)
    before = bits(given)
    optimizer.param_groups[0][name] = value
    with pytest.raises(InputError, match=f"^{re.escape(text)}$"):
        optimizer.step(lambda: calls.append(1))
    assert not calls
    assert bits(given) == before
    assert optimizer.steps == 1


def test_weight_decay_that_comes_later_does_not_lead_off_the_grid():
    given = weight()
    optimizer = ZerothOrder([given], grid=True)
    optimizer.step(given.sum)
    optimizer.param_groups[0]["weight_decay"] = 0.1
    with pytest.raises(InputError, match=r"^weight_decay was given with a grid; shrinking leaves it, so one of them"):
        optimizer.step(given.sum)


@pytest.mark.parametrize("grid", [False, True])
def test_an_eps_that_a_scheduler_leads_below_the_rounding_is_refused(grid):
    given = weight()
    optimizer = ZerothOrder([given], lr=0.0, grid=grid)
    optimizer.step(given.sum)
    optimizer.param_groups[0]["eps"] = 1e-9
    with pytest.raises(InputError, match=r"^eps=1e-09 (is lost in the rounding of|moves the weights by .*, less than)"):
        optimizer.step(given.sum)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"perturbation": Pool}, "perturbation=<class 'auricle.zeroth.pool.Pool'> was given; an object of auricle.zer"),
        ({"estimator": OneSided}, "estimator=<class 'auricle.zeroth.estimators.OneSided'> was given; an object of aur"),
        ({"seed": 0.5}, "seed=0.5 was given; a whole number is needed, as Python's int"),
        ({"seed": np.int64(5)}, "seed=np.int64(5) was given; a whole number is needed, as Python's int"),
    ],
)
def test_settings_of_another_kind_are_refused(settings, text):
    with pytest.raises(InputError, match=f"^{re.escape(text)}"):
        ZerothOrder([weight()], **settings)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: TwoSided(queries=0), "queries=0 was given; TwoSided needs at least 1"),
        (lambda: OneSided(queries=1), "queries=1 was given; OneSided needs at least 2"),
        (lambda: TwoSided(queries=2.5), "queries=2.5 was given; a whole number is needed, as Python's int"),
    ],
)
def test_queries_that_cannot_be_are_refused(make, text):
    with pytest.raises(InputError, match=f"^{re.escape(text)}$"):
        make()


# Parameters


def test_elements_that_share_their_memory_are_refused():
    with pytest.raises(InputError, match=r"^a parameter of shape \(5,\) was given whose elements share their memory"):
        ZerothOrder([nn.Parameter(torch.ones(1).expand(5))])


def test_a_transposed_square_is_another_tensor():
    given = nn.Parameter(torch.arange(9.0).view(3, 3))
    optimizer = ZerothOrder([given])
    optimizer.step(given.sum)
    given.data = given.data.t()
    with pytest.raises(InputError, match=r"^parameters were added, frozen, moved or given other storage since the las"):
        optimizer.step(given.sum)


@pytest.mark.parametrize("grid", [False, True])
def test_what_is_frozen_before_the_first_step_does_not_count(grid):
    pairs = []
    for late in (False, True):
        one, other = weight(), weight(7)
        one.requires_grad_(late)
        optimizer = ZerothOrder([one, other], lr=0.1, grid=grid)
        one.requires_grad_(False)
        for _ in range(3):
            optimizer.step(lambda other=other: other.square().sum())
        assert optimizer.dimension == 7
        pairs.append(other)
    assert torch.equal(*pairs)


def test_a_first_step_that_is_refused_touches_no_group():
    good, bad = weight(), nn.Parameter(torch.tensor([math.nan]))
    before = bits(good)
    optimizer = ZerothOrder([{"params": [good]}, {"params": [bad]}], grid=True)
    with pytest.raises(InputError, match=r"^a weight is infinite or not a number"):
        optimizer.step(good.sum)
    assert bits(good) == before


# Losses


@pytest.mark.parametrize("kind", [float, int, np.float32, np.float64, np.int64, torch.tensor])
def test_a_loss_is_any_real_number(kind):
    assert float(ZerothOrder([weight()]).step(lambda: kind(3))) == 3


@pytest.mark.parametrize("value", [torch.tensor(1j), 1j, np.bool_(True), "1"])
def test_what_is_no_real_number_is_no_loss(value):
    with pytest.raises(InputError, match=r"^the closure returned .*; it must return the loss, a single real number$"):
        ZerothOrder([weight()]).step(lambda: value)


def test_a_loss_with_a_gradient_is_as_good():
    given = weight()

    def closure():
        with torch.enable_grad():
            return given.square().sum()

    ZerothOrder([given]).step(closure)
    assert given.grad is None


@pytest.mark.parametrize("grid", [False, True])
def test_losses_whose_slope_overflows_are_a_null_step(grid):
    given = weight()
    optimizer = ZerothOrder([given], grid=grid, lr=0.5)
    losses = iter([1.6e308, 0.0])
    optimizer.step(lambda: next(losses))
    assert optimizer.steps == 1
    torch.testing.assert_close(given.detach(), weight().detach(), rtol=0, atol=1e-6)


# The range of a grid


@pytest.mark.parametrize("lr", [1e5, 1e30, 1e300])
def test_a_step_of_any_length_out_of_the_grid_is_refused(lr):
    given = weight()
    optimizer = ZerothOrder([given], lr=lr, grid=True)
    losses = iter([1e200, 0.0])
    with pytest.raises(GridOverflowError, match=r"^a step of .* takes weights of up to 1 out of the range of their gr"):
        optimizer.step(lambda: next(losses))


@pytest.mark.parametrize("merge", [False, True])
def test_a_perturbation_out_of_the_grid_is_refused_before_it_rounds_anything(merge):
    given, calls = weight(), []
    optimizer = ZerothOrder([given], lr=0.0, grid=True, merge=merge)
    optimizer.step(given.sum)
    optimizer.settle()
    before = bits(given)
    optimizer.param_groups[0]["eps"] = 8.0
    text = "a perturbation of 15.9 takes weights of up to 1 out of the range of their grid, 4; lower eps=8.0, or give"
    with pytest.raises(GridOverflowError, match=f"^{text}"):
        optimizer.step(lambda: calls.append(1))
    assert not calls
    assert bits(given) == before


def test_weights_at_the_end_of_their_grid_leave_no_room():
    """A weight of 1 with headroom 1 is 2**24 units: the next unit is no float32."""
    given = weight()
    optimizer = ZerothOrder([given], grid=True, headroom=1.0, lr=0.0)
    with pytest.raises(GridOverflowError, match=r"^a perturbation of .* takes weights of up to 1 out of the range of "):
        optimizer.step(given.sum)


def test_the_reach_is_counted_step_by_step_and_looked_up_when_it_is_used_up():
    """Steps to and fro: their sum leaves the range long before the weights do."""
    given = weight()
    optimizer = ZerothOrder([given], grid=True, lr=2e-3, perturbation=Signs())
    for step in range(200):
        losses = iter([0.05 * (-1) ** step, 0.0])
        optimizer.step(lambda losses=losses: next(losses))
    block = optimizer._blocks[0]
    largest = float(given.detach().abs().max()) * 2.0**block.exponent
    assert largest <= block.reach < 2**24
    assert 200 * 0.05 * 2.0**block.exponent > 2**24


@pytest.mark.parametrize("headroom", [0.5, math.nan, math.inf])
def test_a_headroom_that_is_none_is_refused(headroom):
    with pytest.raises(InputError, match=f"^headroom={headroom} was given; weights need a range of at least 1 times "):
        ZerothOrder([weight()], grid=True, headroom=headroom).step(lambda: 1.0)


def test_negative_zeros_are_replayed_to_the_bit(tmp_path):
    given = nn.Parameter(torch.full((3000,), -0.0))
    base = [given.detach().numpy().copy()]
    optimizer = ZerothOrder([given], perturbation=Gaussian(), ledger=tmp_path / "run", lr=0.0)
    assert bits(given) == bytes(12_000)
    optimizer.step(given.sum)
    optimizer.close()
    assert bits(given) == replay(base, Ledger.open(tmp_path / "run"))[0].tobytes()


def test_a_ledger_that_cannot_be_made_leaves_the_weights_alone(tmp_path):
    given = nn.Parameter(torch.randn(50, generator=torch.Generator().manual_seed(0)))
    before = bits(given)
    with pytest.raises(LedgerError, match="can't be made: No such file or directory"):
        ZerothOrder([given], ledger=tmp_path / "nowhere" / "run")
    assert bits(given) == before


# States


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize("grid", [False, True])
@pytest.mark.parametrize("model_first", [False, True])
def test_state_and_weights_are_loaded_in_either_order(model_first, grid, merge):
    def target(one):
        return lambda: (one - 0.25).square().sum()

    settings = {"lr": 0.02, "perturbation": Pool(size=31), "grid": grid, "merge": merge}
    given, again = weight(), weight()
    optimizer, second = (ZerothOrder([one], **settings) for one in (given, again))
    for _ in range(3):
        optimizer.step(target(given))
        second.step(lambda: 0.0)
    state, kept = optimizer.state_dict(), given.detach().clone()
    if not model_first:
        second.load_state_dict(state)
    with torch.no_grad():
        again.copy_(kept)
    if model_first:
        second.load_state_dict(state)
    assert second.state_dict()["zeroth"] == state["zeroth"]
    for _ in range(3):
        optimizer.step(target(given))
        second.step(target(again))
    optimizer.settle()
    second.settle()
    assert bits(given) == bits(again)


def test_loading_a_state_alone_puts_merged_weights_in_their_place():
    given = weight()
    optimizer = ZerothOrder([given], lr=0.0, grid=True, merge=True)
    optimizer.step(given.sum)
    state = optimizer.state_dict()
    before = bits(given)
    optimizer.step(given.sum)
    assert bits(given) != before
    optimizer.load_state_dict(state)
    assert bits(given) == before


def test_a_closure_with_a_backward_pass_is_refused():
    weight = torch.ones(3, requires_grad=True)
    optimizer = ZerothOrder([weight])

    def closure():
        loss = (weight**2).sum()
        loss.backward()
        return loss

    with pytest.raises(InputError, match=r"leave out backward\(\) and zero_grad\(\)"):
        optimizer.step(closure)
    assert torch.allclose(weight, torch.ones(3))


def test_a_loss_instead_of_a_function_is_refused():
    weight = torch.ones(3, requires_grad=True)
    with pytest.raises(InputError, match="give the function that returns it"):
        ZerothOrder([weight]).step((weight**2).sum())
