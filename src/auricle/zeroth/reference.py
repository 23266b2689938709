"""MeZO and PeZO in their plainest form: slow, short, and what the optimizer is stepped against in the tests."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from auricle.zeroth.modulus import Modulus, amplitude, scale
from auricle.zeroth.perturbation import Perturbation


@torch.no_grad()
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
    Source: Malladi et al. 2023, algorithm 1.
    """

    def perturb(by: float) -> None:
        generator = torch.Generator(weights[0].device).manual_seed(seed)
        for weight in weights:
            z = torch.empty_like(weight).normal_(generator=generator)
            weight.add_(z, alpha=by)

    perturb(eps)
    above = float(loss())
    perturb(-2 * eps)
    below = float(loss())
    perturb(eps)
    perturb(-lr * (above - below) / (2 * eps))
    return (above + below) / 2


@torch.no_grad()
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
    """
    dimension = sum(weight.numel() for weight in weights)
    s = scale(spec, dimension, step, modulus)
    a = amplitude(eps, s, modulus)

    def perturb(by: float) -> None:
        start = 0
        for weight in weights:
            index = np.arange(start, start + weight.numel(), dtype=np.int64)
            u = torch.from_numpy(spec.integers(step, index, dimension).astype(np.float32)).view(weight.shape)
            weight.add_(u * by)
            start += weight.numel()

    perturb(a)
    above = float(loss())
    perturb(-2 * a)
    below = float(loss())
    perturb(a)
    perturb(-lr * (above - below) / (2 * a / s) * s)
    return (above + below) / 2
