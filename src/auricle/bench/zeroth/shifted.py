"""A small network for sleep stages that meets a changed signal and adapts by forward passes."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from auricle.bench.zeroth.problem import Problem
from auricle.errors import InputError

WIDTH = 128
"""Of both hidden layers: 30,720 weights = 2**11 x 15, so that powers of two share factors with it."""
BATCH = 128
SOURCE, TARGET = 20, 10
"""Subjects that the network was trained on, and others whose signal it meets."""
WATCHED, JUDGED = 1024, 4096

Floats = NDArray[np.float32]


def problem(data: Path, seed: int) -> Problem:
    """Start from the trained network; the seed draws the change of the signal and the order of the batches.

    The change: the eye channel (35 of 105 features) is gone, and each other feature has another gain (log-normal,
    sigma 0.5) and offset (normal, sigma 0.5), as after other electrodes on another amplifier.
    """
    _, target = _features(data)
    network = _network()
    network.load_state_dict(_trained(data))
    rng = np.random.default_rng(seed)
    gain = np.exp(rng.normal(0, 0.5, 105)).astype(np.float32)
    gain[70:] = 0
    offset = rng.normal(0, 0.5, 105).astype(np.float32) * (gain > 0)
    features, stages = target[0] * gain + offset, target[1]
    # By epoch, not by subject: what is compared is how an arm trains, not what subjects have in common.
    order = np.random.default_rng(0).permutation(len(stages))
    watched, judged, adapted = np.split(order, [WATCHED, WATCHED + JUDGED])
    x, y = torch.from_numpy(features), torch.from_numpy(stages)
    batches = rng.choice(adapted, (4096, BATCH))

    def closure(step: int) -> Callable[[], Tensor]:
        chosen = torch.from_numpy(batches[step % len(batches)])
        inputs, truth = x[chosen], y[chosen]
        return lambda: functional.cross_entropy(network(inputs), truth)

    def judge(part: NDArray[np.int64]) -> tuple[float, float]:
        chosen = torch.from_numpy(part)
        with torch.no_grad():
            scores = network(x[chosen])
        right = scores.argmax(1) == y[chosen]
        return float(functional.cross_entropy(scores, y[chosen])), float(right.float().mean())

    def tested() -> dict[str, float]:
        loss, accuracy = judge(judged)
        return {"loss": loss, "accuracy": accuracy}

    return Problem(
        weights=list(network.parameters()),
        closure=closure,
        watched=lambda: judge(watched)[0],
        tested=tested,
    )


def _network() -> nn.Module:
    layers = nn.Sequential(
        nn.Linear(105, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 5, bias=False)
    )
    return layers.eval()


@cache
def _trained(data: Path) -> dict[str, Tensor]:
    """Weights of the network after training with gradients on the source subjects."""
    features, stages = _features(data)[0]
    rng = np.random.default_rng(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = _network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-2)
    x, y = torch.from_numpy(features), torch.from_numpy(stages)
    for _ in range(1500):
        chosen = torch.from_numpy(rng.integers(len(y), size=128))
        optimizer.zero_grad()
        functional.cross_entropy(network(x[chosen]), y[chosen]).backward()
        optimizer.step()
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


Part = tuple[Floats, NDArray[np.int64]]


@cache
def _features(data: Path) -> tuple[Part, Part]:
    """Features (n, 105) at unit variance over the source, stages, of source and target."""
    path = data / "sleep_edf" / "features.npz"
    try:
        with np.load(path, allow_pickle=False) as archive:
            features, stages = archive["X"], archive["y"].astype(np.int64)
            offset, person = archive["offset"], archive["subject"]
    except OSError as error:
        raise InputError(f"{path} can't be read ({error}); --data or AURICLE_DATA names its folder") from None
    subject = np.repeat(person, np.diff(offset)).astype(np.int64)
    people = np.random.default_rng(0).permutation(np.unique(subject))
    parts = []
    for chosen in (people[:SOURCE], people[SOURCE : SOURCE + TARGET]):
        inside = np.isin(subject, chosen)
        parts.append((features[inside].astype(np.float32), stages[inside]))
    mean, spread = parts[0][0].mean(0), parts[0][0].std(0) + 1e-6
    source, target = ((np.clip((x - mean) / spread, -5, 5).astype(np.float32), y) for x, y in parts)
    return source, target
