"""The arms of the benchmark: MeZO, and `ZerothOrder` with each kind of perturbation."""

from collections.abc import Callable, Iterable
from typing import Protocol

from torch import Tensor

from auricle.bench.mezo import MeZO
from auricle.zeroth import LfsrBank, Perturbation, Pool, Signs, Uniform, ZerothOrder

MEZO = "mezo"
ARMS = (MEZO, "pool", "pool_ledger", "lfsr", "signs", "uniform")
MUST = ("pool", "pool_ledger")
"""Arms that a step has to be cheap for."""
PERTURBATIONS: dict[str, Perturbation] = {
    "pool": Pool(), "pool_ledger": Pool(), "lfsr": LfsrBank(), "signs": Signs(), "uniform": Uniform(),
}  # fmt: skip


class Stepper(Protocol):
    """What all arms have in common."""

    def step(self, closure: Callable[[], Tensor]) -> Tensor:
        """Take one step."""

    def settle(self) -> None:
        """Put the weights where they belong."""


def stepper(arm: str, weights: Iterable[Tensor], *, lr: float = 1e-9, eps: float = 2**-10) -> Stepper:
    """Make the optimizer of an arm, as it is timed: two passes over the weights a step where it can."""
    if arm == MEZO:
        return MeZO(weights, lr=lr, eps=eps)
    return ZerothOrder(weights, lr=lr, eps=eps, perturbation=PERTURBATIONS[arm], grid=arm == "pool_ledger", merge=True)
