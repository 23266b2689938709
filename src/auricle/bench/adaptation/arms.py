"""The arms: `auricle.zeroth` with each kind of perturbation, plain MeZO, and AdamW, which needs gradients."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from auricle.adaptation.learning import Learned, Lesson, distances, learn, rate, ready
from auricle.adaptation.plan import Description
from auricle.bench.mezo import MeZO
from auricle.errors import InputError
from auricle.network import ConMIL
from auricle.zeroth import LfsrBank, Perturbation, Pool, Signs

BASE = "base"
PERTURBATIONS: dict[str, Perturbation] = {"pool": Pool(), "lfsr": LfsrBank(), "signs": Signs(), "pool-small": Pool()}
ARMS = (BASE, "pool", "lfsr", "signs", "mezo", "adamw", "pool-small", "adamw-small")
FORWARD_ONLY = ("pool", "lfsr", "signs", "mezo", "pool-small")

GRID: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(("pool", "lfsr", "signs", "mezo"), (3e-4, 1e-3, 3e-3)),
    "adamw": (1e-4, 3e-4, 1e-3), "pool-small": (1e-3, 3e-3, 1e-2), "adamw-small": (1e-3, 3e-3, 1e-2),
}  # fmt: skip
"""Learning rates that a sweep tries."""

RATES: dict[str, float] = {
    "pool": 1e-3, "lfsr": 1e-3, "signs": 1e-3, "mezo": 1e-3, "adamw": 3e-4, "pool-small": 3e-3, "adamw-small": 3e-3,
}  # fmt: skip
"""Learning rate of each arm: the best of `GRID`, by the F1 of VEB and SVEB on records 118 and 215 of the calibration
part (docs/bench/adaptation-sweep; 1e-4 and 3e-4 came out alike for adamw, and 1e-3 was not run)."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to adapt.

    Attributes
    ----------
    name
        Of `ARMS`.
    lr
        Its learning rate.
    """

    name: str
    lr: float

    @property
    def parameters(self) -> str:
        """Which weights may move."""
        return "small" if self.name.endswith("-small") else "all"

    @property
    def perturbation(self) -> str:
        """Of the arms that have one."""
        return repr(PERTURBATIONS.get(self.name, ""))

    def described(self, plan: Description, seed: int) -> Description:
        """Give a plan's description with this arm's settings."""
        changes = {"parameters": self.parameters, "lr": self.lr, "seed": seed}
        if self.name in PERTURBATIONS:
            changes["perturbation"] = replace(PERTURBATIONS[self.name], seed=seed)  # type: ignore[call-arg]
        return plan.model_copy(update=changes)

    def learn(self, base: ConMIL, lesson: Lesson, plan: Description, *, ledger: Path | None = None) -> Learned:
        """Train a copy of a network.

        Parameters
        ----------
        base
            Stays as it is.
        lesson
            What to train on, and the seed.
        plan
            How many steps, of what size of batch.
        ledger
            Of the arms that keep one.
        """
        description = self.described(plan, lesson.seed)
        if self.name in PERTURBATIONS:
            return learn(base, lesson, description, ledger=ledger)
        if self.name == "mezo":
            return _loop(base, lesson, description, _mezo)
        if self.name in {"adamw", "adamw-small"}:
            return _loop(base, lesson, description, _adamw)
        raise InputError(f"arm {self.name!r} was given; those that learn are {', '.join(ARMS[1:])}")


Step = Callable[[Callable[[], torch.Tensor], float], None]


def _loop(
    base: ConMIL, lesson: Lesson, description: Description, make: Callable[[list[nn.Parameter], Description], Step]
) -> Learned:
    """Train without a plan's limits, as the comparison's methods know none."""
    began = time.perf_counter()
    network, moving = ready(base, description.parameters)
    step = make(list(moving.values()), description)
    for number in range(description.most_steps):
        step(lesson.closure(network, number), rate(description, number))
    distance, change = distances(moving, base)
    return Learned(
        network=network, steps=description.most_steps, forwards=description.most_forwards,
        seconds=time.perf_counter() - began, distance=distance, change=change,
    )  # fmt: skip


def _mezo(weights: list[nn.Parameter], description: Description) -> Step:
    optimizer = MeZO(weights, lr=description.lr, eps=description.eps, seed=description.seed)

    def step(closure: Callable[[], torch.Tensor], lr: float) -> None:
        optimizer.lr = lr
        optimizer.step(closure)

    return step


def _adamw(weights: list[nn.Parameter], description: Description) -> Step:
    optimizer = torch.optim.AdamW(weights, lr=description.lr, weight_decay=0.0)

    def step(closure: Callable[[], torch.Tensor], lr: float) -> None:
        optimizer.param_groups[0]["lr"] = lr
        optimizer.zero_grad()
        closure().backward()
        optimizer.step()

    return step
