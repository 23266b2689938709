"""MeZO and PeZO in their plainest form: slow, short, and what faster forms are stepped against in the tests."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from auricle.zeroth.modulus import Modulus, amplitude, scale
from auricle.zeroth.perturbation import Perturbation


def mezo_step(weights: Sequence[Tensor], loss: Callable[[], Tensor], *, lr: float, eps: float, seed: int) -> float:
    """One step of MeZO: a Gaussian number per weight, drawn four times from the same seed instead of being kept.

    Parameters
    ----------
    weights
        Changed in place.
    seed
        Of this step's direction.

    Returns
    -------
    Mean of the two losses.

    Notes
    -----
    Source: Malladi et al. 2023, algorithm 1. `auricle.bench.mezo.MeZO` is the same with the habits of its public code,
    for measuring what it costs; `pezo_step` with `Gaussian` the same with numbers that any machine can make.

    Examples
    --------
    >>> weight = torch.tensor([1.0, -2.0])
    >>> losses = [mezo_step([weight], lambda: weight.square().sum(), lr=0.05, eps=1e-3, seed=i) for i in range(200)]
    >>> losses[-1] < 1e-3
    True
    """

    def numbers() -> Iterable[Tensor]:
        generator = torch.Generator(weights[0].device).manual_seed(seed)
        for weight in weights:
            yield torch.empty_like(weight).normal_(generator=generator)

    return _four_passes(weights, loss, numbers, a=eps, s=1.0, lr=lr)


def pezo_step(
    weights: Sequence[Tensor], loss: Callable[[], Tensor], *, spec: Perturbation, step: int, lr: float, eps: float,
    modulus: Modulus = "power-of-two",
) -> float:  # fmt: skip
    """One step of PeZO: the same four passes, with the golden model's integers of direction `step`.

    Parameters
    ----------
    weights
        All weights that are trained, in the order of the flat index; changed in place.

    Returns
    -------
    Mean of the two losses.

    Notes
    -----
    Source: PeZO (arXiv 2504.20314). Every product and every sum is rounded by itself, in float32.

    Examples
    --------
    >>> from auricle.zeroth import Pool
    >>> weight, spec = torch.tensor([1.0, -2.0]), Pool(size=31)
    >>> def loss():
    ...     return weight.square().sum()
    >>> losses = [pezo_step([weight], loss, spec=spec, step=i, lr=0.05, eps=2**-10) for i in range(200)]
    >>> losses[-1] < 1e-3
    True
    """
    dimension = sum(weight.numel() for weight in weights)
    s = scale(spec, dimension, step, modulus)

    def numbers() -> Iterable[Tensor]:
        start = 0
        for weight in weights:
            index = np.arange(start, start + weight.numel(), dtype=np.int64)
            yield torch.from_numpy(spec.integers(step, index, dimension).astype(np.float32)).view(weight.shape)
            start += weight.numel()

    return _four_passes(weights, loss, numbers, a=amplitude(eps, s, modulus), s=s, lr=lr)


@torch.no_grad()
def _four_passes(
    weights: Sequence[Tensor], loss: Callable[[], Tensor], numbers: Callable[[], Iterable[Tensor]], *, a: float,
    s: float, lr: float,
) -> float:  # fmt: skip
    """Perturb by a, to the other side, back, and follow the slope; s makes the numbers as long as Gaussian ones."""

    def add(by: float) -> None:
        for weight, u in zip(weights, numbers(), strict=True):
            weight.add_(u * by)

    add(a)
    above = float(loss())
    add(-2 * a)
    below = float(loss())
    add(a)
    add(-lr * (above - below) / (2 * a / s) * s)
    return (above + below) / 2
