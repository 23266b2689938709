"""ZerothOrder as a torch optimizer: groups, schedulers, states, kinds of parameters, closures, and every refusal."""

import copy
import math
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR

from auricle.errors import InputError
from auricle.zeroth import (
    Gaussian,
    GridOverflowError,
    LfsrBank,
    OneSided,
    Perturbation,
    Pool,
    Signs,
    TwoSided,
    Uniform,
    ZerothOrder,
)

KINDS: list[Perturbation] = [
    Pool(size=127), LfsrBank(generators=7, bits=4, widths=(5, 7)), Signs(), Uniform(bits=6), Gaussian()
]  # fmt: skip

pytestmark = pytest.mark.usefixtures("one_thread")


def model(*extra: nn.Module) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(5, 8), *extra, nn.Tanh(), nn.Linear(8, 1))


def x_and_y() -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(32, 5, generator=torch.Generator().manual_seed(1))
    return x, x[:, :1] - x[:, 1:2] * x[:, 2:3]


def loss_of(net: nn.Module) -> Any:
    x, y = x_and_y()
    return lambda: nn.functional.mse_loss(net(x), y)


def weights(net: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().reshape(-1).double() for p in net.parameters()])


def one(weight: torch.Tensor, **settings: Any) -> ZerothOrder:
    """An optimizer of one weight, with a short pool."""
    return ZerothOrder([weight], perturbation=Pool(size=31), **settings)


# Groups and schedulers


def test_each_group_has_its_own_lr_and_eps():
    net = model()
    groups = [{"params": net[0].parameters(), "lr": 0.0}, {"params": net[2].parameters(), "eps": 2**-6}]
    optimizer = ZerothOrder(groups, lr=0.1)
    before = [p.detach().clone() for p in net.parameters()]
    seen = []
    optimizer.step(lambda: (seen.append([p.detach().clone() for p in net.parameters()]), loss_of(net)())[1])
    moved = [float((there - back).abs().mean()) for there, back in zip(seen[0], before, strict=True)]
    # Signs of 2**-10 and 2**-6 of a standard deviation: 16 times as far, within the spread of so few weights.
    assert 8 < moved[2] / moved[0] < 32
    after = list(net.parameters())
    torch.testing.assert_close(after[0], before[0], rtol=0, atol=1e-6)
    assert (after[2] - before[2]).abs().max() > 1e-4


@pytest.mark.parametrize("schedule", [lambda o: LambdaLR(o, lambda t: 0.5**t), lambda o: CosineAnnealingLR(o, 8)])
def test_a_scheduler_changes_the_step(schedule):
    nets = [model(), model()]
    scheduled, by_hand = (ZerothOrder(net.parameters(), lr=0.05, grid=True) for net in nets)
    scheduler = schedule(scheduled)
    rates = []
    for _ in range(6):
        rates.append(scheduled.param_groups[0]["lr"])
        scheduled.step(loss_of(nets[0]))
        scheduler.step()
    assert len(set(rates)) == 6
    for rate in rates:
        by_hand.param_groups[0]["lr"] = rate
        by_hand.step(loss_of(nets[1]))
    assert torch.equal(weights(nets[0]), weights(nets[1]))


def test_a_group_that_comes_later_is_refused():
    optimizer = one(nn.Parameter(torch.ones(3)))
    with pytest.raises(InputError, match=r"^a ZerothOrder takes no param group later; make a new one with all groups$"):
        optimizer.add_param_group({"params": [nn.Parameter(torch.ones(3))]})


# State


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize("grid", [False, True])
@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.kind)
def test_a_saved_state_goes_on_to_the_same_bits(tmp_path, spec, grid, merge):
    settings = {"lr": 0.02, "perturbation": spec, "grid": grid, "merge": merge, "estimator": TwoSided(queries=2)}
    net = model(nn.Dropout(0.2))
    optimizer = ZerothOrder(net.parameters(), **settings)
    scheduler = LambdaLR(optimizer, lambda t: 1 / (1 + t))
    torch.manual_seed(3)
    for _ in range(4):
        optimizer.step(loss_of(net))
        scheduler.step()
    kept = {
        "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(), "model": net.state_dict(),
        "random": torch.get_rng_state(),
    }  # fmt: skip
    torch.save(kept, tmp_path / "kept.pt")
    ends = [net]
    _go_on(net, optimizer, scheduler)

    loaded = torch.load(tmp_path / "kept.pt", weights_only=True)
    again = model(nn.Dropout(0.2))
    again.load_state_dict(loaded["model"])
    second = ZerothOrder(again.parameters(), **settings)
    later = LambdaLR(second, lambda t: 1 / (1 + t))
    second.load_state_dict(loaded["optimizer"])
    later.load_state_dict(loaded["scheduler"])
    torch.set_rng_state(loaded["random"])
    _go_on(again, second, later)
    ends.append(again)
    assert torch.equal(weights(ends[0]), weights(ends[1]))
    assert second.steps == 8


def _go_on(net: nn.Module, optimizer: ZerothOrder, scheduler: LambdaLR) -> None:
    for _ in range(4):
        optimizer.step(loss_of(net))
        scheduler.step()
    optimizer.settle()


@pytest.mark.parametrize("grid", [False, True])
def test_a_state_from_before_the_first_step_begins_as_if_it_were_new(grid):
    nets = [model(), model()]
    optimizers = [ZerothOrder(net.parameters(), lr=0.05, grid=grid) for net in nets]
    optimizers[1].load_state_dict(copy.deepcopy(optimizers[0].state_dict()))
    for net, optimizer in zip(nets, optimizers, strict=True):
        for _ in range(3):
            optimizer.step(loss_of(net))
    assert torch.equal(weights(nets[0]), weights(nets[1]))
    assert optimizers[1].state_dict()["zeroth"] == optimizers[0].state_dict()["zeroth"]


def test_a_scheduler_still_reaches_a_recorded_run_whose_state_was_loaded(tmp_path):
    net = model()
    optimizer = ZerothOrder(net.parameters(), lr=0.1, ledger=tmp_path / "run")
    optimizer.load_state_dict(optimizer.state_dict())
    optimizer.param_groups[0]["lr"] = 0.0
    before = weights(net)
    optimizer.step(loss_of(net))
    optimizer.close()
    assert torch.equal(before, weights(net))


@pytest.mark.parametrize(
    ("other", "text"),
    [
        ({"seed": 1}, "the state was saved with seed=0, and this optimizer has 1"),
        ({"grid": True}, "the state was saved with grid=False, and this optimizer has True"),
        ({"modulus": "exact"}, "the state was saved with modulus='power-of-two', and this optimizer has 'exact'"),
        ({"perturbation": Signs()}, r"the state was saved with perturbation={'kind': 'pool', .*"),
        ({"estimator": TwoSided(queries=2)}, r"the state was saved with estimator='TwoSided\(queries=1\)', .*"),
    ],
)
def test_a_state_of_other_settings_is_refused(other, text):
    weight = nn.Parameter(torch.ones(4))
    state = one(weight).state_dict()
    with pytest.raises(InputError, match=f"^{text}$"):
        ZerothOrder([weight], **{"perturbation": Pool(size=31), **other}).load_state_dict(state)


def test_a_state_of_another_optimizer_is_refused():
    weight = nn.Parameter(torch.ones(4))
    with pytest.raises(InputError, match=r"^the state is not one of a ZerothOrder: it has no entry 'zeroth'$"):
        one(weight).load_state_dict(torch.optim.SGD([weight]).state_dict())


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_copy_is_refused_and_told_what_to_do(copied):
    with pytest.raises(
        InputError, match=r"^a ZerothOrder can't be copied .*make another one and give it this one's st"
    ):
        copied(one(nn.Parameter(torch.ones(4))))


# Parameters


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


# Closures


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


# Buffers


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


# Refusals


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"eps": 0.0}, r"eps=0.0 was given; it must be above 0 \(2\*\*-10 is usual\)"),
        ({"eps": math.nan}, r"eps=nan was given; it must be above 0 .*"),
        ({"eps": 1e-12}, r"eps=1e-12 is lost in the rounding of weights of type torch.float32 around 1; give .*"),
        ({"lr": -1.0}, "lr=-1.0 was given; it can't be negative or infinite"),
        ({"lr": math.inf}, "lr=inf was given; it can't be negative or infinite"),
        ({"modulus": "half"}, "modulus='half' was given; allowed are 'exact', 'power-of-two' and 'none'"),
        ({"buffers": "keep"}, "buffers='keep' was given; allowed are 'freeze', 'refuse' and 'ignore'"),
        ({"grid": True, "weight_decay": 0.1}, "weight_decay was given with a grid; .* so one of them must go"),
        ({"grid": True, "headroom": 0.5}, "headroom=0.5 was given; weights need a range of at least 1 times their own"),
        (
            {"grid": True, "eps": 5e-8, "headroom": 2.0**12},
            r"eps=5e-08 moves the weights by .*, less than their grid .*",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, text):
    weight = nn.Parameter(torch.ones(4))
    with pytest.raises(InputError, match=f"^{text}$"):
        one(weight, **settings).step(lambda: weight.square().sum())
    assert torch.equal(weight, torch.ones(4))


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


def test_a_step_out_of_the_grid_is_refused_and_nothing_moves():
    weight = nn.Parameter(torch.linspace(-1, 1, 8))
    optimizer = one(weight, grid=True, lr=0.0)
    optimizer.step(weight.sum)
    before = weight.detach().clone()
    optimizer.param_groups[0]["lr"] = 1e6
    with pytest.raises(
        GridOverflowError, match=r"^a step of .* takes weights of up to 1 out .* lower lr=1000000.0, or"
    ):
        optimizer.step(weight.sum)
    assert torch.equal(weight, before)
    assert optimizer.steps == 1


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
