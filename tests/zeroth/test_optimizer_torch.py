"""ZerothOrder as a torch optimizer: groups, schedulers and saved states."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR

from auricle.errors import InputError
from auricle.zeroth import Pool, Signs, TwoSided, ZerothOrder
from small_models import KINDS, loss_of, model, one, weights

pytestmark = pytest.mark.usefixtures("one_thread")


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
