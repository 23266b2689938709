"""Time of a training step over the time of its two forward passes."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from auricle.bench.timing import Work, paired, quartiles
from auricle.bench.zeroth.arms import MUST, stepper
from auricle.bench.zeroth.models import Timed


def time_steps(
    timed: Timed, arms: Sequence[str], *, rounds: int, rare: int, seed: int = 0, done: Callable[[], None] = lambda: None
) -> dict[str, dict[str, float]]:
    """Time a step of each arm, right after two forward passes of the same network.

    Parameters
    ----------
    timed
        The network; it is copied for each arm, as the arms move its weights.
    arms
        Which ones.
    rounds, rare
        Timed steps of the arms that have something to hold, and of the others, which are slow and hold nothing.
    seed
        Of the order of the arms.
    done
        Called after each timed step.

    Returns
    -------
    Arm -> `median` and quartiles `low`, `high` of the ratio; `seconds` of a step and `forwards` of two forward passes,
    medians.
    """
    pairs: dict[str, tuple[Work, Work]] = {}
    for arm in arms:
        own = replace(timed, network=copy.deepcopy(timed.network))
        optimizer = stepper(arm, own.weights)
        pairs[arm] = (_two_forwards(own.closure), partial(optimizer.step, own.closure))
    found = paired(pairs, {arm: rounds if arm in MUST else rare for arm in arms}, seed=seed, done=done)
    return {
        arm: {
            **quartiles([step / forwards for forwards, step in times]),
            "seconds": float(np.median([step for _, step in times])),
            "forwards": float(np.median([forwards for forwards, _ in times])),
        }
        for arm, times in found.items()
    }


def _two_forwards(closure: Callable[[], Tensor]) -> Work:
    """Evaluate the loss twice, without gradients: what no step can do without."""

    def work() -> Any:
        with torch.no_grad():
            return float(closure()), float(closure())

    return work
