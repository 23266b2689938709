"""Buffers that a closure changes are put back, ignored or refused."""

import copy

import pytest
import torch
from torch import nn

from auricle.errors import InputError
from auricle.zeroth import ZerothOrder
from small_models import loss_of, model, weights, x_and_y

pytestmark = pytest.mark.usefixtures("one_thread")


def norm() -> nn.Sequential:
    return model(nn.BatchNorm1d(8))


def test_buffers_are_put_back():
    net = norm()
    optimizer = ZerothOrder(net.parameters(), lr=0.05)
    optimizer.step(loss_of(net))
    assert int(net[1].num_batches_tracked) == 0
    assert not net[1].running_mean.any()


def test_buffers_may_be_ignored():
    net = norm()
    ZerothOrder(net.parameters(), buffers="ignore").step(loss_of(net))
    assert int(net[1].num_batches_tracked) == 2


def test_changed_buffers_may_be_refused_and_unchanged_ones_are_not():
    net = norm()
    optimizer = ZerothOrder(net.parameters(), buffers="refuse", grid=True)
    optimizer.step(lambda: net.eval()(x_and_y()[0]).square().mean())
    before = weights(net)
    with pytest.raises(
        InputError, match=r"^the closure changes buffers \(BatchNorm1d\.num_batches_tracked, .*\), so th"
    ):
        optimizer.step(lambda: net.train()(x_and_y()[0]).square().mean())
    assert torch.equal(before, weights(net))
    assert int(net[1].num_batches_tracked) == 0


@pytest.mark.filterwarnings("ignore:Using .torch.compile:UserWarning")
def test_buffers_of_a_compiled_model_are_put_back():
    net = norm()
    compiled = torch.compile(net, backend="eager")
    x = x_and_y()[0]
    plain = copy.deepcopy(net)
    with torch.no_grad():
        compiled(x)
        plain(x)
    optimizers = [ZerothOrder(one.parameters(), lr=0.05, grid=True) for one in (net, plain)]
    for _ in range(3):
        optimizers[0].step(lambda: compiled(x).square().mean())
        optimizers[1].step(lambda: plain(x).square().mean())
    assert int(net[1].num_batches_tracked) == 1
    assert torch.equal(weights(net), weights(plain))
