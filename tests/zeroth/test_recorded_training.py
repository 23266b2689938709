"""Training with a ledger: what the file says is what the weights are."""

import copy
import re

import numpy as np
import pytest
import torch

from auricle.errors import InputError
from auricle.zeroth import (
    Gaussian,
    GridOverflowError,
    Ledger,
    LedgerError,
    LfsrBank,
    OneSided,
    Pool,
    RowPool,
    Signs,
    TwoSided,
    Uniform,
    ZerothOrder,
    pool_change,
    replay,
)  # fmt: skip

SPECS = [
    Pool(size=127, bits=4),
    Pool(size=31),
    RowPool(rows=13, words=2, lanes=5),
    LfsrBank(generators=5, bits=4, widths=(5, 7)),
    Signs(),
    Uniform(),
    Gaussian(),
]


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Linear(6, 21), torch.nn.Tanh(), torch.nn.Linear(21, 1))


def loss_of(model):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(32, 6, generator=generator)
    return lambda: torch.nn.functional.mse_loss(model(x), x[:, :1] * x[:, 1:2])


def arrays(model):
    return [p.detach().numpy().copy() for p in model.parameters()]


def groups(model):
    return [{"params": model[0].parameters(), "lr": 3e-3}, {"params": model[2].parameters(), "lr": 1e-3, "eps": 2**-8}]


@pytest.fixture
def trained():
    """Train to a step, with bad losses at three of them; all ledgers are closed in the end."""
    optimizers = []

    def train(path, spec, steps, *, estimator=None, merge=False, model=None):
        model = network() if model is None else model
        optimizer = ZerothOrder(
            groups(model), eps=2**-9, perturbation=spec, estimator=estimator, ledger=path, merge=merge, seed=5
        )
        optimizers.append(optimizer)
        for step in range(optimizer.steps, steps):
            optimizer.step((lambda: torch.tensor(float("nan"))) if step in {3, 4, 11} else loss_of(model))
        return model, optimizer

    yield train
    for optimizer in optimizers:
        optimizer.close()


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize("estimator", [TwoSided(), TwoSided(queries=3), OneSided(queries=4)], ids=repr)
@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_replay_gives_the_trained_bits(tmp_path, trained, spec, estimator, merge):
    model, optimizer = trained(tmp_path / "l", spec, 40, estimator=estimator, merge=merge)
    optimizer.close()
    with Ledger.open(tmp_path / "l") as ledger:
        assert (ledger.steps, ledger.unsealed) == (40, 0)
        assert ledger.multipliers()[1].nonzero()[0].tolist() == [3, 4, 11]
        for replayed, weights in zip(replay(arrays(network()), ledger), arrays(model), strict=True):
            np.testing.assert_array_equal(replayed, weights)


def test_run_of_a_pool_is_one_vector(tmp_path, trained):
    model, optimizer = trained(tmp_path / "l", Pool(size=31), 60)
    optimizer.close()
    ledger = Ledger.open(tmp_path / "l")
    base, start = arrays(network()), 0
    for tensor, before, after in zip(ledger.header.tensors, base, arrays(model), strict=True):
        grid = ledger.header.groups[tensor.group].grid
        change = pool_change(ledger, tensor.group)
        moved = np.rint(before * 2.0**grid) + change[(start + np.arange(before.size)) % 31].reshape(before.shape)
        np.testing.assert_array_equal(moved * 2.0**-grid, after)
        start += before.size


@pytest.mark.parametrize("spec", SPECS[:4], ids=repr)
def test_going_on_with_a_ledger_equals_going_through(tmp_path, trained, spec):
    whole, _ = trained(tmp_path / "whole", spec, 30)
    _, half = trained(tmp_path / "half", spec, 13)
    half.close()
    resumed, again = trained(tmp_path / "half", spec, 30)
    again.close()
    for a, b in zip(arrays(whole), arrays(resumed), strict=True):
        np.testing.assert_array_equal(a, b)
    assert Ledger.open(tmp_path / "half").digest() == Ledger.open(tmp_path / "whole").digest()


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_rollback_gives_the_old_bits(tmp_path, trained, spec, merge):
    model, optimizer = trained(tmp_path / "l", spec, 8, merge=merge)
    optimizer.settle()
    then = arrays(model)
    model, optimizer = optimizer_on(model, optimizer, 30)
    optimizer.rollback(8)
    for a, b in zip(then, arrays(model), strict=True):
        np.testing.assert_array_equal(a, b)
    assert optimizer.steps == optimizer.ledger.steps == 8
    optimizer.rollback(0)
    optimizer.close()
    for a, b in zip(replay(arrays(network()), Ledger.open(tmp_path / "l")), arrays(model), strict=True):
        np.testing.assert_array_equal(a, b)


def optimizer_on(model, optimizer, steps):
    for _ in range(optimizer.steps, steps):
        optimizer.step(loss_of(model))
    return model, optimizer


def test_rollback_in_portions_when_the_sum_of_steps_is_long(tmp_path):
    model = torch.nn.Linear(50, 1, bias=False)
    base = arrays(model)
    optimizer = ZerothOrder(model.parameters(), lr=1.0, perturbation=Pool(size=13), headroom=64, ledger=tmp_path / "l")
    for step in range(60):
        optimizer.step(iter([0.0, 1e-3 * (-1) ** step]).__next__)
    assert int(np.abs(optimizer.ledger.multipliers()[0]).sum()) * 255 > 1 << 24
    optimizer.rollback(1)
    optimizer.close()
    np.testing.assert_array_equal(replay(base, Ledger.open(tmp_path / "l"))[0], arrays(model)[0])


def test_ledger_of_other_weights_is_refused(tmp_path, trained):
    _, optimizer = trained(tmp_path / "l", Pool(size=31), 5)
    optimizer.close()
    other = network()
    other[0].weight.data.add_(0.25)
    with pytest.raises(LedgerError, match=f"^{re.escape(str(tmp_path / 'l'))}: weights with hash .* the ledger began"):
        trained(tmp_path / "l", Pool(size=31), 9, model=other)
    assert Ledger.open(tmp_path / "l").steps == 5


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"perturbation": Pool(size=61)}, r"perturbation is Pool\(size=61.*, and the ledger has Pool\(size=31"),
        ({"estimator": TwoSided(queries=2)}, "queries is 2, and the ledger has 1"),
        ({"seed": 6}, "seed is 6, and the ledger has 5"),
    ],
)
def test_ledger_of_other_settings_is_refused(tmp_path, trained, settings, text):
    _, optimizer = trained(tmp_path / "l", Pool(size=31), 2)
    optimizer.close()
    model = network()
    with pytest.raises(
        LedgerError, match=rf"^{re.escape(str(tmp_path / 'l'))}: {text}.*; give what it began with, or a new"
    ):
        ZerothOrder(groups(model), **{"perturbation": Pool(size=31), "seed": 5, **settings}, ledger=tmp_path / "l")


def test_second_writer_is_refused(tmp_path, trained):
    _model, optimizer = trained(tmp_path / "l", Pool(size=31), 2)
    with pytest.raises(LedgerError, match="another"):
        trained(tmp_path / "l", Pool(size=31), 4)
    optimizer.close()


def test_full_disk_leaves_weights_and_ledger_before_the_step(tmp_path, trained, monkeypatch):
    model, optimizer = trained(tmp_path / "l", Pool(size=31), 6)
    before = arrays(model)

    def full(*_, **__):
        raise LedgerError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(optimizer.ledger, "append", full)
        with pytest.raises(LedgerError, match="no space"):
            optimizer.step(loss_of(model))
    for a, b in zip(before, arrays(model), strict=True):
        np.testing.assert_array_equal(a, b)
    assert optimizer.steps == optimizer.ledger.steps == 6
    optimizer.step(loss_of(model))
    assert optimizer.ledger.steps == 7


def test_rollback_needs_a_ledger():
    with pytest.raises(InputError, match="without a ledger; make it with ledger=PATH"):
        ZerothOrder(network().parameters()).rollback(0)


def test_names_of_the_parameters_reach_the_header(tmp_path):
    ZerothOrder(network().named_parameters(), ledger=tmp_path / "named").close()
    names = [tensor.name for tensor in Ledger.open(tmp_path / "named").header.tensors]
    assert names == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_state_goes_with_the_ledger(tmp_path, trained):
    model, optimizer = trained(tmp_path / "l", Pool(size=31), 4)
    state = copy.deepcopy(optimizer.state_dict())
    optimizer.step(loss_of(model))
    with pytest.raises(InputError, match="the state is of step 4, and the ledger of step 5"):
        optimizer.load_state_dict(state)
    optimizer.rollback(4)
    optimizer.load_state_dict(state)
    optimizer.close()


def test_overflow_of_the_grid_is_refused_and_nothing_moved():
    model = network()
    optimizer = ZerothOrder(model.parameters(), lr=1e4, eps=2**-9, perturbation=Pool(size=31), grid=True)
    optimizer.step(lambda: 0.0)
    before = arrays(model)
    values = iter([100.0, 0.0])
    with pytest.raises(GridOverflowError, match=r"out of the range of their grid.*lower lr=10000.0"):
        optimizer.step(lambda: next(values))
    for a, b in zip(before, arrays(model), strict=True):
        np.testing.assert_array_equal(a, b)
