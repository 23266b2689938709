"""The optimizer stepped beside its plainest form."""

import copy

import pytest
import torch

from auricle.zeroth import Gaussian, LfsrBank, Pool, RowPool, Signs, TwoSided, Uniform, ZerothOrder
from auricle.zeroth.grid import round_randomly
from auricle.zeroth.reference import pezo_step
from auricle.zeroth.streams import adder

SPECS = [
    Pool(size=127, bits=4), Pool(), Pool(size=64, repeats="allow"), RowPool(rows=61, words=7, lanes=9), LfsrBank(),
    LfsrBank(lanes=7), LfsrBank(lanes=64), LfsrBank(widths=(11,), lanes=64, spacing="quadratic"),
    LfsrBank(generators=3, bits=4, widths=(4, 5)), Signs(), Uniform(), Uniform(bits=5), Gaussian(),
]  # fmt: skip


@pytest.fixture
def problem():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(32, 6, generator=generator)
    y = x[:, :1] * x[:, 1:2]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(6, 33), torch.nn.Tanh(), torch.nn.Linear(33, 1))

    def loss_of(network):
        return lambda: torch.nn.functional.mse_loss(network(x), y)

    return model, loss_of


def flat(model):
    return torch.cat([p.detach().reshape(-1) for p in model.parameters()])


@pytest.mark.parametrize("modulus", ["exact", "power-of-two", "none"])
@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_hundred_steps_as_the_reference(problem, spec, modulus):
    fast, loss_of = problem
    slow = copy.deepcopy(fast)
    optimizer = ZerothOrder(fast.parameters(), lr=2e-3, eps=2**-7, perturbation=spec, modulus=modulus)
    for step in range(100):
        got = optimizer.step(loss_of(fast))
        wanted = pezo_step(
            [*slow.parameters()], loss_of(slow), spec=spec, step=step, lr=2e-3, eps=2**-7, modulus=modulus
        )
        assert float(got) == pytest.approx(wanted, rel=1e-4)
    # The slope is a difference of nearly equal losses: its rounding is the difference between the two forms.
    torch.testing.assert_close(flat(fast), flat(slow), rtol=0, atol=2e-4)


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_on_a_grid_every_form_gives_the_same_bits(problem, spec, merge):
    """Four passes one by one in float32 (the reference) or two merged ones: exact sums don't mind."""
    fast, loss_of = problem
    slow = copy.deepcopy(fast)
    optimizer = ZerothOrder(fast.parameters(), lr=2e-3, eps=2**-7, perturbation=spec, grid=True, merge=merge, seed=3)
    for step in range(60):
        optimizer.step(loss_of(fast))
        block = optimizer._blocks[0]
        if step == 0:
            for weight in slow.parameters():
                weight.data.mul_(2.0**block.exponent).round_().mul_(2.0**-block.exponent)
        plan = block.plan(range(step, step + 1))
        places = [p.detach().view(-1) for p in slow.parameters()]
        starts = [sum(p.numel() for p in places[:i]) for i in range(len(places))]
        hand = adder(spec, optimizer.dimension, list(zip(places, starts, strict=True)))
        a, s = plan.amplitudes[0], plan.scales[0]
        with torch.no_grad():
            hand.add([(step, a)])
            above = float(loss_of(slow)())
            hand.add([(step, -2 * a)])
            below = float(loss_of(slow)())
            hand.add([(step, a)])
        slope = (above - below) / (2 * a / s)
        c = round_randomly(-2e-3 * slope * s * 2.0**block.exponent, 3, step, 0, 0)
        hand.add([(step, c * 2.0**-block.exponent)])
    optimizer.settle()
    assert torch.equal(flat(fast), flat(slow))


def test_mean_of_many_estimates_is_the_gradient(problem):
    """E[slope u] = gradient for directions of unit variance; over many directions the estimate points along it."""
    model, loss_of = problem
    loss_of(model)().backward()
    gradient = torch.cat([p.grad.reshape(-1) for p in model.parameters()])
    for p in model.parameters():
        p.grad = None
    for spec in (Pool(), LfsrBank(), Signs(), Gaussian()):
        moved = copy.deepcopy(model)
        many = TwoSided(queries=4000)
        optimizer = ZerothOrder(moved.parameters(), lr=1.0, eps=2**-7, perturbation=spec, estimator=many)
        optimizer.step(loss_of(moved))
        estimate = flat(model) - flat(moved)
        cosine = torch.nn.functional.cosine_similarity(estimate, gradient, dim=0)
        assert cosine > 0.95
        assert float(estimate @ gradient / gradient.square().sum()) == pytest.approx(1, abs=0.08)
