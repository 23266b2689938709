import pytest
import torch
from torch import nn
from torch.nn import functional

from auricle.bench import mezo
from auricle.bench.mezo import MeZO
from auricle.zeroth import Gaussian, ZerothOrder
from auricle.zeroth.reference import mezo_step


def problem(seed=0):
    generator = torch.Generator().manual_seed(seed)
    x, y = torch.randn(32, 5, generator=generator), torch.randint(3, (32,), generator=generator)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))
    return network, lambda: functional.cross_entropy(network(x), y)


def weights(network):
    return torch.cat([weight.detach().flatten() for weight in network.parameters()])


@pytest.mark.parametrize("keep", [False, True])
def test_a_step_is_zeroth_order_with_the_same_numbers(monkeypatch, keep):
    """MeZO's arithmetic and the library's agree, once both draw the numbers of `Gaussian`."""
    plain, plain_loss = problem()
    ours, our_loss = problem()
    dimension = len(weights(plain))
    spec = Gaussian(seed=3)
    drawn = {}

    def numbers(weight, generator):
        step = optimizer.steps
        start = drawn.get(step, 0)
        drawn[step] = (start + weight.numel()) % dimension
        index = torch.arange(start, start + weight.numel()).numpy()
        made = torch.from_numpy(spec.integers(step, index, dimension).astype("float32"))
        return made.view(weight.shape) * library._blocks[0].plan(range(1)).scales[0]

    monkeypatch.setattr(mezo, "gaussian", numbers)
    optimizer = MeZO(plain.parameters(), lr=0.05, eps=2**-10, keep=keep)
    library = ZerothOrder(ours.parameters(), lr=0.05, eps=2**-10, perturbation=spec, modulus="exact")
    library.step(our_loss)
    ours_first = weights(ours)
    optimizer.step(plain_loss)
    scale = library._blocks[0].plan(range(1)).scales[0]
    assert 0.9 < scale * 256 < 1.1
    torch.testing.assert_close(weights(plain), ours_first, rtol=0, atol=2e-4)
    assert (weights(plain) - weights(problem()[0])).abs().max() > 1e-3


@pytest.mark.parametrize("keep", [False, True])
def test_hundred_steps_as_the_reference(keep):
    fast, fast_loss = problem()
    slow, slow_loss = problem()
    optimizer = MeZO(fast.parameters(), lr=0.02, eps=2**-8, seed=3, keep=keep)
    for step in range(100):
        loss = optimizer.step(fast_loss)
        wanted = mezo_step([*slow.parameters()], slow_loss, lr=0.02, eps=2**-8, seed=(3 << 32) + step)
        assert float(loss) == pytest.approx(wanted, rel=1e-4)
    torch.testing.assert_close(weights(fast), weights(slow), rtol=0, atol=2e-4)
    assert (weights(fast) - weights(problem()[0])).abs().max() > 1e-2


def test_kept_numbers_are_the_drawn_ones():
    drawn, drawn_loss = problem()
    kept, kept_loss = problem()
    one, other = MeZO(drawn.parameters(), lr=0.01), MeZO(kept.parameters(), lr=0.01, keep=True)
    for _ in range(5):
        torch.testing.assert_close(one.step(drawn_loss), other.step(kept_loss), rtol=0, atol=1e-5)
    torch.testing.assert_close(weights(drawn), weights(kept), rtol=0, atol=1e-4)


def test_numbers_are_gaussian_fresh_and_not_the_global_ones():
    state = torch.random.get_rng_state()
    optimizer = MeZO([torch.zeros(20_000)])
    first = next(iter(optimizer._direction()))
    again = next(iter(optimizer._direction()))
    optimizer.steps += 1
    other = next(iter(optimizer._direction()))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert abs(float(first.mean())) < 4 / 20_000**0.5
    assert abs(float(first.var()) - 1) < 4 * (2 / 20_000) ** 0.5
    assert torch.equal(torch.random.get_rng_state(), state)


def test_it_learns():
    network, loss = problem()
    before = float(loss().detach())
    optimizer = MeZO(network.parameters(), lr=0.05)
    for _ in range(300):
        optimizer.step(loss)
    assert float(loss().detach()) < 0.8 * before
