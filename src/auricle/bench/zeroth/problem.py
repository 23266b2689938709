"""What is trained in a comparison of convergence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """A network, what it learns from and what it is judged by, all of it decided by a seed that the arms share.

    Parameters
    ----------
    weights
        Those that are trained.
    closure
        Gives the loss of a step's batch.
    watched
        Loss on samples that no run trains on: chooses the learning rate and draws the curve.
    tested
        What a finished run is judged by, on samples that chose nothing.
    """

    weights: Sequence[Tensor]
    closure: Callable[[int], Callable[[], Tensor]]
    watched: Callable[[], float]
    tested: Callable[[], dict[str, float]]
