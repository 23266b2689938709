"""Forward-only training of one attempt: a network moves by forward passes on a patient's windows and rehearsed ones."""

import copy
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from auricle.adaptation.plan import Description
from auricle.errors import InputError
from auricle.network import ConMIL
from auricle.training import Floats, binary_loss, pad
from auricle.zeroth import Estimator, GridOverflowError, OneSided, TwoSided, ZerothOrder

SMOOTHING = 0.05
BALANCE = 0.5
"""Windows are drawn with a probability of their class's count to the power of minus this."""
PERSONAL = 0.5
"""Share of a batch that is the patient's; the rest is rehearsed."""
LOOK = 20
"""Steps between two looks at how far the weights have moved."""


@dataclass(frozen=True)
class Examples:
    """Conditioned windows and the place of each one's label among the classes.

    Attributes
    ----------
    rows
        float32 (channels, time) each.
    columns
        (n,) int64.
    """

    rows: Sequence[Floats]
    columns: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def draw(self, count: int, rng: np.random.Generator) -> list[int]:
        """Draw indices, with repetition, rare classes more often than their share."""
        weight = np.bincount(self.columns)[self.columns].astype(np.float64) ** -BALANCE
        return [int(i) for i in rng.choice(len(self), count, p=weight / weight.sum())]


@dataclass(frozen=True)
class Lesson:
    """What one attempt is trained on: the patient's windows, and those of others that are rehearsed between them.

    A batch depends on the seed and the step alone, so that a stopped training goes on as if it had not been stopped.
    """

    personal: Examples
    rehearsal: Examples | None
    batch: int
    seed: int

    def at(self, step: int) -> tuple[Tensor, Tensor | None, Tensor]:
        """Windows (B, C, T), valid samples (B,) or None, and labels (B,) of a step."""
        rng = np.random.default_rng([self.seed, step])
        own = self.batch if not self.rehearsal else max(1, round(PERSONAL * self.batch))
        chosen = self.personal.draw(own, rng)
        rows, columns = [self.personal.rows[i] for i in chosen], self.personal.columns[chosen]
        if self.rehearsal and self.batch > own:
            others = self.rehearsal.draw(self.batch - own, rng)
            rows += [self.rehearsal.rows[i] for i in others]
            columns = np.concatenate([columns, self.rehearsal.columns[others]])
        x, lengths = pad(rows)
        return x, lengths, torch.from_numpy(columns)

    def closure(self, network: ConMIL, step: int) -> Callable[[], Tensor]:
        """Give the loss of a step's batch, as a function of the network's present weights."""
        x, lengths, columns = self.at(step)
        return lambda: binary_loss(network(x, lengths), columns, SMOOTHING)


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What a training came to.

    Attributes
    ----------
    network
        With the new weights.
    steps, forwards
        In all, those of earlier sessions included; forward passes of a batch.
    seconds
        Of this session.
    distance
        L2 distance of the weights from the base's over the length of the base's, of those that may move.
    change
        Largest change of one weight.
    stopped
        Why it ended before its last step, or nothing.
    """

    network: ConMIL
    steps: int
    forwards: int
    seconds: float
    distance: float
    change: float
    stopped: str = ""

    @classmethod
    def nothing(cls, network: ConMIL) -> "Learned":
        """Give what comes of no step: the network as it is."""
        return cls(network=network, steps=0, forwards=0, seconds=0.0, distance=0.0, change=0.0)


def movable(network: ConMIL, parameters: str) -> dict[str, nn.Parameter]:
    """Name the weights that may move: "all", or the "small" part of norms, class tokens and head."""
    named = dict(network.named_parameters())
    if parameters == "all":
        return named
    norms = {
        f"{place}.{name}"
        for place, module in network.named_modules()
        if isinstance(module, nn.BatchNorm1d | nn.LayerNorm)
        for name, _ in module.named_parameters(recurse=False)
    }
    return {name: weight for name, weight in named.items() if name in norms or name.startswith("head.")}


def ready(network: ConMIL, parameters: str) -> tuple[ConMIL, dict[str, nn.Parameter]]:
    """Copy a network for training: in evaluation mode, and only the weights that may move require a gradient."""
    own = copy.deepcopy(network).eval()
    moving = movable(own, parameters)
    for name, weight in own.named_parameters():
        weight.requires_grad_(name in moving)
    return own, moving


def distances(moving: dict[str, nn.Parameter], base: ConMIL) -> tuple[float, float]:
    """Relative L2 distance from the base's weights, and the largest change of one weight."""
    there = dict(base.named_parameters())
    moved, length, change = 0.0, 0.0, 0.0
    with torch.no_grad():
        for name, weight in moving.items():
            difference = weight - there[name]
            moved += float(difference.double().square().sum())
            length += float(there[name].double().square().sum())
            change = max(change, float(difference.abs().max()))
    return (moved / length) ** 0.5 if length else float("inf"), change


def estimator_of(description: Description) -> Estimator:
    """Give the estimator that a plan names."""
    kind = OneSided if description.estimator == "one-sided" else TwoSided
    return kind(queries=description.queries)


def rate(description: Description, step: int) -> float:
    """Learning rate of a step of an attempt, from 0 on: it falls in a straight line to nothing."""
    return description.lr * (1 - step / description.most_steps)


def learn(
    base: ConMIL, lesson: Lesson, description: Description, *, ledger: Path | None = None, start: int = 0,
    on_step: Callable[[int, int], None] | None = None,
) -> Learned:  # fmt: skip
    """Train a copy of a network as a plan describes it.

    Parameters
    ----------
    base
        Stays as it is.
    lesson
        What to train on.
    description
        Which weights, how, and how far they may go. Training stops at the last look before a weight would be farther
        from the base than the plan allows.
    ledger
        Where every step is recorded; a ledger that is there already is gone on with. None keeps none.
    start
        Steps of the ledger that earlier versions took; the plan's steps come after them.
    on_step
        Called with steps done and steps planned.

    Raises
    ------
    InputError
        No window to train on; and what `ZerothOrder` refuses.
    """
    if not len(lesson.personal):
        raise InputError("there is no window to learn from in the adaptation stretch; give more labels")
    began = time.perf_counter()
    network, moving = ready(base, description.parameters)
    with tempfile.TemporaryDirectory() as folder:
        optimizer = ZerothOrder(
            list(moving.items()), lr=description.lr, eps=description.eps, perturbation=description.perturbation,
            estimator=estimator_of(description), ledger=ledger or Path(folder) / "ledger",
        )  # fmt: skip
        try:
            stopped = _train(optimizer, network, moving, base, lesson, description, start, on_step)
        finally:
            optimizer.close()
    distance, change = distances(moving, base)
    steps = optimizer.steps - start
    return Learned(
        network=network, steps=steps, forwards=len(optimizer.estimator.points) * steps,
        seconds=time.perf_counter() - began, distance=distance, change=change, stopped=stopped,
    )  # fmt: skip


def _train(
    optimizer: ZerothOrder, network: ConMIL, moving: dict[str, nn.Parameter], base: ConMIL, lesson: Lesson,
    description: Description, start: int, on_step: Callable[[int, int], None] | None,
) -> str:  # fmt: skip
    """Take the steps that the plan allows; say why they ended early, or nothing."""
    planned, done = description.most_steps, optimizer.steps - start
    # A stopped training had passed every look before its last step; one at that step may not have been taken.
    within = start + LOOK * (max(0, done - 1) // LOOK)
    while True:
        if done and (not done % LOOK or done == planned):
            distance, change = distances(moving, base)
            if distance > description.most_distance or change > description.most_change:
                optimizer.rollback(within)
                return (
                    f"At step {done} the weights had moved by {distance:.3g} of their length, one of them by "
                    f"{change:.3g}; the plan allows {description.most_distance:g} and {description.most_change:g}, so "
                    f"training went back to step {within - start} and ended there"
                )
            within = optimizer.steps
        if done == planned:
            return ""
        optimizer.param_groups[0]["lr"] = rate(description, done)
        try:
            optimizer.step(lesson.closure(network, optimizer.steps))
        except GridOverflowError as error:
            optimizer.rollback(within)
            return f"Training ran away and went back to step {within - start}: {error}"
        done += 1
        if on_step:
            on_step(done, planned)
