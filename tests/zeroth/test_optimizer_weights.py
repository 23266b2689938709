"""Kinds of weights, and weights that somebody else changes, under ZerothOrder."""

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from auricle.errors import InputError
from auricle.zeroth import ZerothOrder
from small_models import KINDS, loss_of, model, one, weights, x_and_y

pytestmark = pytest.mark.usefixtures("one_thread")


def test_frozen_parameters_are_left_alone():
    net = model()
    net[0].weight.requires_grad_(False)
    before = net[0].weight.detach().clone()
    optimizer = ZerothOrder(net.parameters(), lr=0.1)
    optimizer.step(loss_of(net))
    assert optimizer.dimension == 8 + 8 + 1
    assert torch.equal(before, net[0].weight)
    assert all(p.grad is None for p in net.parameters())


def test_a_tied_parameter_counts_once():
    net = nn.Sequential(nn.Linear(5, 5, bias=False), nn.Tanh(), nn.Linear(5, 5, bias=False))
    net[2].weight = net[0].weight
    optimizer = ZerothOrder(net.parameters(), lr=0.1)
    optimizer.step(lambda: net(x_and_y()[0]).square().mean())
    assert optimizer.dimension == 25
    assert net[2].weight is net[0].weight


def test_two_parameters_of_one_storage_are_refused():
    shared = torch.ones(6)
    with pytest.raises(InputError, match=r"^two parameters share their storage; tie modules to one parameter instead$"):
        ZerothOrder([nn.Parameter(shared), nn.Parameter(shared)])


@pytest.mark.parametrize(("dtype", "eps"), [("float16", 2**-6), ("bfloat16", 2**-5), ("float64", 2**-20)])
@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.kind)
def test_other_floats_train(spec, dtype, eps):
    weight = nn.Parameter(torch.full((40,), 0.5, dtype=getattr(torch, dtype)))
    optimizer = ZerothOrder([weight], lr=5e-3, eps=eps, perturbation=spec)
    losses = [float(optimizer.step(lambda: weight.double().square().sum())) for _ in range(150)]
    assert weight.dtype == getattr(torch, dtype)
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.kind)
@pytest.mark.parametrize("layout", ["transposed", "channels_last"])
def test_layout_in_memory_changes_nothing(spec, layout):
    values = torch.linspace(-1, 1, 2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    if layout == "transposed":
        strided = values.transpose(0, 3).contiguous().transpose(0, 3)
    else:
        strided = values.to(memory_format=torch.channels_last)
    assert not strided.is_contiguous()
    pair = [nn.Parameter(values.clone()), nn.Parameter(strided)]
    target = torch.arange(120.0).reshape(2, 3, 4, 5) / 120
    for weight in pair:
        optimizer = ZerothOrder([weight], lr=1e-3, perturbation=spec, grid=True)
        for _ in range(5):
            optimizer.step(lambda w=weight: (w.contiguous() - target).square().sum())
    assert torch.equal(*pair)
    assert not pair[1].is_contiguous()


def test_an_empty_parameter_and_one_number_are_no_obstacle():
    empty, number = nn.Parameter(torch.ones(0, 3)), nn.Parameter(torch.tensor(1.0))
    optimizer = ZerothOrder([empty, number], lr=0.05, grid=True)
    for _ in range(20):
        optimizer.step(lambda: number.square() + empty.sum())
    assert abs(number.item()) < 0.9


@pytest.mark.parametrize(
    ("weight", "settings", "text"),
    [
        (torch.ones(3, requires_grad=False), {}, "no parameter requires a gradient; at least one is needed, as the ot"),
        (
            torch.ones(3, dtype=torch.complex64),
            {},
            "a parameter of type torch.complex64, torch.strided was given; dense",
        ),
        (
            torch.ones(3, dtype=torch.float64),
            {"grid": True},
            "a parameter of type torch.float64 was given with grid=Tru",
        ),
    ],
)
def test_weights_that_cannot_be_perturbed_are_refused(weight, settings, text):
    weight = nn.Parameter(weight, requires_grad=weight.is_complex() or weight.dtype == torch.float64)
    with pytest.raises(InputError, match=f"^{text}"):
        one(weight, **settings)


@pytest.mark.parametrize("grid", [False, True])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_weight_that_is_not_finite_is_refused(value, grid):
    weight = nn.Parameter(torch.tensor([1.0, value]))
    optimizer = one(weight, grid=grid)
    with pytest.raises(InputError, match=r"^a weight is infinite or not a number; no step leads away from there$"):
        optimizer.step(lambda: 1.0)


def swap(net: nn.Module) -> None:
    net[0].weight.data = net[0].weight.data.clone()


def freeze(net: nn.Module) -> None:
    net[0].weight.requires_grad_(False)


def convert(net: nn.Module) -> None:
    net.double()


@pytest.mark.parametrize("change", [swap, freeze, convert])
def test_weights_that_were_swapped_are_refused(change):
    net = model()
    optimizer = ZerothOrder(net.parameters())
    optimizer.step(loss_of(net))
    change(net)
    text = (
        "parameters were added, frozen, moved or given other storage since the last step; the perturbations would hit"
    )
    with pytest.raises(InputError, match=f"^{text}"):
        optimizer.step(lambda: 1.0)


@pytest.mark.parametrize("settings", [{"grid": True}, {"merge": True}])
def test_weights_that_were_changed_elsewhere_are_refused(settings):
    net = model()
    optimizer = ZerothOrder(net.parameters(), **settings)
    optimizer.step(loss_of(net))
    with torch.no_grad():
        net[0].weight[0, 0] += 1
    with pytest.raises(
        InputError, match=r"^weights were changed outside of the optimizer since the last step, or written to"
    ):
        optimizer.step(loss_of(net))


def test_free_weights_may_be_changed_between_steps():
    net = model()
    optimizer = ZerothOrder(net.parameters(), lr=0.05)
    optimizer.step(loss_of(net))
    net.load_state_dict(model().state_dict())
    optimizer.step(loss_of(net))
    assert optimizer.steps == 2


def test_until_the_first_step_a_model_may_be_loaded_and_moved():
    net = model()
    optimizer = ZerothOrder(net.parameters(), grid=True, lr=0.05)
    swap(net)
    with torch.no_grad():
        net[0].weight.mul_(2)
    optimizer.step(loss_of(net))
    assert optimizer.steps == 1


def test_weight_decay_shrinks_the_weights_by_lr_times_it():
    weight = nn.Parameter(torch.linspace(1, 2, 16))
    before = weight.detach().clone()
    optimizer = one(weight, lr=0.5, weight_decay=0.1)
    optimizer.step(lambda: 1.0)
    torch.testing.assert_close(weight.detach(), 0.95 * before, rtol=0, atol=1e-6)


def test_merged_weights_stand_in_their_place_after_settle(tmp_path: Path):
    nets = [model(), model()]
    merged, plain = (
        ZerothOrder(n.parameters(), lr=0.05, grid=True, merge=m) for n, m in zip(nets, (1, 0), strict=True)
    )
    for _ in range(3):
        merged.step(loss_of(nets[0]))
        plain.step(loss_of(nets[1]))
    assert not torch.equal(weights(nets[0]), weights(nets[1]))
    merged.settle()
    assert torch.equal(weights(nets[0]), weights(nets[1]))
