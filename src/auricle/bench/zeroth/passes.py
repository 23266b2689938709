"""Time of one perturbation pass over the weights, over that of scaling the same weights in place."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from auricle.bench.mezo import gaussian
from auricle.bench.timing import Work, paired, quartiles
from auricle.bench.zeroth.arms import MEZO, PERTURBATIONS
from auricle.zeroth.streams import adder

WEIGHTS = 22_565_376
"""As many as MiniLM has."""


def time_passes(
    arms: Sequence[str], *, weights: int = WEIGHTS, rounds: int, seed: int = 0, done: Callable[[], None] = lambda: None
) -> dict[str, dict[str, float]]:
    """Time adding one direction to a buffer of float32, next to `mul_` on it.

    Returns
    -------
    Arm -> `median` and quartiles `low`, `high` of the ratio, and `seconds` of the pass.
    """
    buffer = torch.randn(weights, generator=torch.Generator().manual_seed(seed))
    pairs = {arm: (lambda: buffer.mul_(-1.0), _pass(arm, buffer)) for arm in arms}
    found = paired(pairs, dict.fromkeys(arms, rounds), seed=seed, done=done)
    return {
        arm: {
            **quartiles([one / scaling for scaling, one in times]),
            "seconds": quartiles([one for _, one in times])["median"],
        }
        for arm, times in found.items()
    }


def _pass(arm: str, buffer: Tensor) -> Work:
    if arm == MEZO:
        generator = torch.Generator().manual_seed(0)
        return lambda: buffer + 1e-3 * gaussian(buffer, generator)
    added = adder(PERTURBATIONS[arm], len(buffer), [(buffer, 0)])
    return lambda: added.add([(1, 2.0**-17)])
