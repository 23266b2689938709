"""A comparison of convergence: each arm's learning rate is swept by itself, then all arms run on the same new seeds."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from auricle.bench.mezo import MeZO
from auricle.bench.runs import Runs
from auricle.bench.zeroth.arms import Stepper
from auricle.bench.zeroth.problem import Problem
from auricle.zeroth import Estimator, GridOverflowError, Perturbation, Pool, TwoSided, ZerothOrder
from auricle.zeroth.modulus import Modulus

EPS = 2.0**-10
MOST_RATES = 8
POINTS = 10
"""Of a curve."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """An arm of a comparison.

    Parameters
    ----------
    name
        Of the arm.
    perturbation
        None for MeZO itself: torch's own Gaussian numbers.
    modulus, estimator, grid
        As `ZerothOrder` has them.
    rates
        Learning rates to begin the sweep with; None for the task's.
    """

    name: str
    perturbation: Perturbation | None = field(default_factory=Pool)
    modulus: Modulus = "power-of-two"
    estimator: Estimator = field(default_factory=TwoSided)
    grid: bool = False
    rates: tuple[float, ...] | None = None

    @property
    def evaluations(self) -> int:
        """Forward passes a step."""
        return len(self.estimator.points)

    def stepper(self, weights: Sequence[Tensor], *, lr: float, seed: int) -> Stepper:
        """Make the optimizer of one run; the seed draws its directions."""
        if self.perturbation is None:
            return MeZO(weights, lr=lr, eps=EPS, seed=seed, keep=True)
        spec = replace(self.perturbation, seed=seed)  # type: ignore[call-arg]
        return ZerothOrder(
            weights, lr=lr, eps=EPS, perturbation=spec, modulus=self.modulus, estimator=self.estimator,
            grid=self.grid, merge=True, seed=seed,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is compared on one task.

    Parameters
    ----------
    task
        Its name.
    problem
        Makes what is trained from a seed.
    metric
        Which of the values of `Problem.tested` counts.
    margins
        Largest difference that does not matter, of each value of `Problem.tested`.
    rates
        Learning rates that a sweep begins with.
    factor
        Between two of them, and to the next one beyond.
    forwards
        Forward passes of a run: the same for all arms.
    sweep_seeds, seeds
        Seeds that choose the learning rate, and those that are reported.
    more
        Further reported seeds of some arms, by their names.
    """

    task: str
    problem: Callable[[int], Problem]
    metric: str
    margins: Mapping[str, float]
    rates: tuple[float, ...]
    factor: float
    forwards: int
    sweep_seeds: tuple[int, ...]
    seeds: tuple[int, ...]
    more: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def seeds_of(self, arm: str) -> tuple[int, ...]:
        """Give the reported seeds of an arm; those of any two arms begin alike."""
        return (*self.seeds, *self.more.get(arm, ()))


def train(problem: Problem, contender: Contender, *, lr: float, seed: int, forwards: int) -> dict[str, Any]:
    """Run one arm from the beginning to its last forward pass.

    Returns
    -------
    `curve`, pairs of forward passes and watched loss (null once it is not finite); `watched`, its last; `tested`.
    A run that leaves the range of numbers or of its grid ends there, with null in place of what it would have reached.
    """
    steps = forwards // contender.evaluations
    marks = {round(steps * (i + 1) / POINTS) for i in range(POINTS)}
    curve: list[list[float | None]] = [[0, problem.watched()]]
    optimizer = contender.stepper(problem.weights, lr=lr, seed=seed)
    for step in range(steps):
        try:
            optimizer.step(problem.closure(step))
        except GridOverflowError:
            return _diverged(curve)
        if step + 1 in marks:
            optimizer.settle()
            loss = problem.watched()
            if not math.isfinite(loss):
                return _diverged(curve)
            curve.append([(step + 1) * contender.evaluations, loss])
    tested = problem.tested()
    if not all(map(math.isfinite, tested.values())):
        return _diverged(curve)
    return {"curve": curve, "watched": curve[-1][1], "tested": tested}


def _diverged(curve: list[list[float | None]]) -> dict[str, Any]:
    return {"curve": curve, "watched": None, "tested": None}


def follow(
    study: Study, contender: Contender, folder: Path, *, say: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Sweep an arm's learning rate, then run it on the reported seeds; what the folder holds already is not run again.

    The sweep goes on towards the side of the best rate until that rate has a worse neighbour on either side. A rate is
    as good as its mean watched loss over the sweep's seeds; one that diverged on any of them is no good.

    Returns
    -------
    `lr`; `sweep`, pairs of a learning rate and its loss; `runs`, the results on the reported seeds, in their order.
    """
    runs = Runs(folder / study.task / f"{contender.name}.jsonl")

    def run(lr: float, seed: int) -> dict[str, Any]:
        settings = {"lr": lr, "seed": seed, "forwards": study.forwards, "arm": _described(contender)}
        found = runs.find(settings)
        if found is None:
            say(f"{study.task} {contender.name} lr {lr:.2g} seed {seed}")
            found = train(study.problem(seed), contender, lr=lr, seed=seed, forwards=study.forwards)
            runs.keep(settings, found)
        return found

    def loss_at(lr: float) -> float:
        losses = [run(lr, seed)["watched"] for seed in study.sweep_seeds]
        return math.inf if None in losses else math.fsum(losses) / len(losses)

    swept = {_rate(lr): loss_at(_rate(lr)) for lr in contender.rates or study.rates}
    while len(swept) < MOST_RATES:
        order = sorted(swept)
        best = min(order, key=swept.__getitem__)
        if math.isinf(swept[best]) or best == order[0]:
            new = _rate(order[0] / study.factor)
        elif best == order[-1]:
            new = _rate(order[-1] * study.factor)
        else:
            break
        swept[new] = loss_at(new)
    best = min(sorted(swept), key=swept.__getitem__)
    return {
        "lr": best,
        "sweep": [[lr, swept[lr] if math.isfinite(swept[lr]) else None] for lr in sorted(swept)],
        "runs": [run(best, seed) for seed in study.seeds_of(contender.name)],
    }


def _rate(lr: float) -> float:
    """Two digits, so that a rate is the same number whichever way a sweep came to it."""
    return float(f"{lr:.1e}")


def _described(contender: Contender) -> dict[str, Any]:
    """Name what makes two runs of an arm the same run."""
    spec = contender.perturbation
    return {
        "perturbation": "mezo" if spec is None else {k: v for k, v in spec.to_dict().items() if k != "seed"},
        "modulus": contender.modulus, "estimator": repr(contender.estimator), "grid": contender.grid,
    }  # fmt: skip
