"""MeZO as its public code does it: the plain step that every forward-only step is measured against."""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor


class MeZO:
    """Zeroth-order SGD with a fresh Gaussian number per weight, drawn four times from one seed instead of being kept.

    Parameters
    ----------
    weights
        Those that are trained.
    lr, eps
        Learning rate, and the perturbation per weight.
    seed
        Of the directions: step t draws from seed x 2**32 + t.
    keep
        Draw the numbers once a step and keep them for its four passes. The same numbers in far less time, for the
        memory of the weights once more: for comparing where training leads, not what it costs.

    Notes
    -----
    Source: MeZO (Malladi et al. 2023) and the habits of its public code: parameter by parameter, each pass out of place
    with temporaries as long as the parameter. `auricle.zeroth.reference.mezo_step` is the same algorithm at its
    shortest, and the tests step one against the other. Deviation: a generator of its own instead of torch's global
    seed, so that dropout masks are the caller's affair.

    Examples
    --------
    >>> weight = torch.tensor([1.0, -2.0])
    >>> optimizer = MeZO([weight], lr=0.05, eps=1e-3)
    >>> for _ in range(200):
    ...     loss = optimizer.step(lambda: weight.square().sum())
    >>> bool(weight.abs().max() < 0.01)
    True
    """

    def __init__(
        self, weights: Iterable[Tensor], *, lr: float = 1e-6, eps: float = 1e-3, seed: int = 0, keep: bool = False
    ) -> None:
        self.weights = list(weights)
        self.lr, self.eps, self.seed = lr, eps, seed
        self.steps = 0
        self._keep = keep
        self._kept: list[Tensor] | None = None

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor]) -> Tensor:
        """Take one step, in four passes over the weights and two evaluations of the loss.

        Returns
        -------
        Mean of the two losses.
        """
        self._perturb(1.0)
        above = closure()
        self._perturb(-2.0)
        below = closure()
        self._perturb(1.0)
        self._update(float(above - below) / (2 * self.eps))
        self.steps += 1
        self._kept = None
        return (above + below) / 2

    def settle(self) -> None:
        """Do nothing: between two steps the weights are where they belong."""

    def _perturb(self, sign: float) -> None:
        for weight, z in zip(self.weights, self._direction(), strict=True):
            if self._keep:
                weight.data.add_(z, alpha=sign * self.eps)
            else:
                weight.data = weight.data + sign * z * self.eps

    def _update(self, slope: float) -> None:
        for weight, z in zip(self.weights, self._direction(), strict=True):
            if self._keep:
                weight.data.add_(z, alpha=-self.lr * slope)
            else:
                weight.data = weight.data - self.lr * (slope * z)

    def _direction(self) -> Iterable[Tensor]:
        if not self._keep:
            return self._drawn()
        if self._kept is None:
            self._kept = list(self._drawn())
        return self._kept

    def _drawn(self) -> Iterator[Tensor]:
        """Numbers of this step, parameter by parameter, the same at every call."""
        generator = torch.Generator(self.weights[0].device).manual_seed((self.seed << 32) + self.steps)
        for weight in self.weights:
            yield gaussian(weight, generator)


def gaussian(weight: Tensor, generator: torch.Generator) -> Tensor:
    """Fresh standard Gaussian numbers, one for each element of a parameter."""
    return torch.normal(
        mean=0.0, std=1.0, size=weight.shape, generator=generator, device=weight.device, dtype=weight.dtype
    )
