"""A small network with its data, and an optimizer of one weight."""

from typing import Any

import torch
from torch import nn

from auricle.zeroth import Gaussian, LfsrBank, Perturbation, Pool, Signs, Uniform, ZerothOrder

KINDS: list[Perturbation] = [
    Pool(size=127), LfsrBank(generators=7, bits=4, widths=(5, 7)), Signs(), Uniform(bits=6), Gaussian()
]  # fmt: skip


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
