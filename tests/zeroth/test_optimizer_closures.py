"""What a closure of ZerothOrder may do: dropout, shares of a batch, errors, losses that are none."""

import math
import re

import pytest
import torch
from torch import nn

from auricle.errors import InputError
from auricle.zeroth import OneSided, TwoSided, ZerothOrder
from small_models import loss_of, model, one, weights, x_and_y

pytestmark = pytest.mark.usefixtures("one_thread")


def test_masks_of_dropout_agree_within_a_step_and_differ_between_steps():
    net = model(nn.Dropout(0.5))
    masks: list[torch.Tensor] = []
    net[1].register_forward_hook(lambda *call: masks.append(call[2] == 0))
    optimizer = ZerothOrder(net.parameters(), estimator=TwoSided(queries=2))
    for _ in range(2):
        optimizer.step(loss_of(net))
    assert len(masks) == 8
    assert all(torch.equal(mask, masks[0]) for mask in masks[:4])
    assert all(torch.equal(mask, masks[4]) for mask in masks[4:])
    assert not torch.equal(masks[0], masks[4])


def test_micro_batches_have_masks_of_their_own():
    net = model(nn.Dropout(0.5))
    masks: list[torch.Tensor] = []
    net[1].register_forward_hook(lambda *call: masks.append(call[2] == 0))
    ZerothOrder(net.parameters()).step(2 * [loss_of(net)])
    assert torch.equal(masks[0], masks[2])
    assert torch.equal(masks[1], masks[3])
    assert not torch.equal(masks[0], masks[1])


def test_several_closures_are_one_with_their_mean_loss():
    nets = [model(), model()]
    shares = [lambda net, i=i: net(x_and_y()[0][i::4]).square().mean() for i in range(4)]
    several, single = (ZerothOrder(net.parameters(), lr=0.1, grid=True) for net in nets)
    for _ in range(5):
        a = several.step([lambda share=share: share(nets[0]) for share in shares])
        b = single.step(lambda: torch.stack([share(nets[1]).double() for share in shares]).mean())
        torch.testing.assert_close(a, b)
    assert torch.equal(weights(nets[0]), weights(nets[1]))


def test_the_step_gives_the_mean_loss_or_the_one_at_the_weights():
    weight = nn.Parameter(torch.ones(1))
    assert float(one(weight, eps=2**-3, lr=0.0).step(lambda: weight.square().sum())) > 1
    assert float(one(weight, lr=0.0, estimator=OneSided(queries=2)).step(lambda: weight.square().sum())) == 1


def test_a_loss_may_be_a_plain_number():
    weight = nn.Parameter(torch.ones(2))
    optimizer = one(weight, lr=0.1)
    optimizer.step(lambda: float(weight.square().sum()))
    assert optimizer.steps == 1


def test_no_graph_is_made():
    net = model()
    seen = []

    def closure() -> torch.Tensor:
        loss = loss_of(net)()
        seen.append(loss.requires_grad)
        return loss

    result = ZerothOrder(net.parameters()).step(closure)
    assert seen == [False, False]
    assert not result.requires_grad


@pytest.mark.parametrize(
    ("closure", "text"),
    [
        (None, "step(None) was called; forward-only training needs a function that returns the loss: optimizer.step("),
        ([], "step([]) was called; forward-only training needs a function that returns the loss: optimizer.step("),
        ([1], "step([1]) was called; forward-only training needs a function that returns the loss: optimizer.step("),
        (lambda: None, "the closure returned None; it must return the loss, a single real number"),
        (lambda: True, "the closure returned True; it must return the loss, a single real number"),
        (
            lambda: torch.ones(3),
            "the closure returned a tensor of shape (3,) and torch.float32; it must return the loss, a single real num",
        ),
    ],
)
def test_what_is_no_closure_or_no_loss_is_refused(closure, text):
    weight = nn.Parameter(torch.linspace(0, 1, 4))
    optimizer = one(weight, grid=True)
    optimizer.step(weight.sum)
    before = weight.detach().clone()
    with pytest.raises(InputError, match=f"^{re.escape(text)}"):
        optimizer.step(closure)
    assert torch.equal(before, weight)
    assert optimizer.steps == 1


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("call", [1, 2, 3, 4])
def test_an_error_in_a_closure_leaves_the_weights_as_before(merge, error, call):
    net = model()
    optimizer = ZerothOrder(net.parameters(), lr=0.05, grid=True, merge=merge, estimator=TwoSided(queries=2))
    optimizer.step(loss_of(net))
    optimizer.settle()
    before, calls = weights(net), []

    def closure() -> torch.Tensor:
        calls.append(1)
        if len(calls) == call:
            raise error
        return loss_of(net)()

    with pytest.raises(error):
        optimizer.step(closure)
    assert torch.equal(before, weights(net))
    optimizer.step(loss_of(net))
    assert optimizer.steps == 2


def test_an_error_leaves_free_weights_within_rounding():
    net = model()
    optimizer = ZerothOrder(net.parameters())
    before = weights(net)
    with pytest.raises(ZeroDivisionError):
        optimizer.step(lambda: 1 / 0)
    torch.testing.assert_close(before, weights(net), rtol=0, atol=2e-7)


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize("values", [(math.nan, 1.0), (1.0, math.inf), (math.inf, -math.inf), (1e308, -1e308)])
def test_a_loss_that_is_not_finite_is_a_null_step(merge, values):
    net = model()
    optimizer = ZerothOrder(net.parameters(), lr=0.05, grid=True, merge=merge)
    optimizer.step(loss_of(net))
    optimizer.settle()
    before, losses = weights(net), iter(values)
    optimizer.step(lambda: next(losses))
    optimizer.settle()
    assert torch.equal(before, weights(net))
    assert optimizer.steps == 2
    optimizer.step(loss_of(net))
    optimizer.settle()
    assert not torch.equal(before, weights(net))


def test_opposite_infinities_of_micro_batches_are_a_null_step():
    weight = nn.Parameter(torch.linspace(0, 1, 4))
    optimizer = one(weight, grid=True)
    optimizer.step([lambda: math.inf, lambda: -math.inf])
    assert optimizer.steps == 1
