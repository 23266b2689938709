"""What a ledger costs: bytes a step, the time to replay it, and the numbers that workers exchange."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from auricle.bench.timing import seconds
from auricle.zeroth import Pool, ZerothOrder
from auricle.zeroth.ledger import Ledger, LedgerGroup, LedgerHeader, LedgerTensor
from auricle.zeroth.reconstruction import base_sha256, replay
from auricle.zeroth.streams import adder

STEPS = 20_000
"""Of MeZO's runs on OPT."""
GRID = 22
SPREAD = 60
"""Standard deviation of the multipliers, in grid units: so many steps of them stay within the range of the grid."""


def measure(*, weights: int, steps: int = STEPS, rounds: int = 5, seed: int = 0) -> dict[str, float]:
    """Write a run of a pool, replay it, and compare a replayed step with one perturbation pass.

    Parameters
    ----------
    weights
        float32 weights that are replayed.
    steps
        In the ledger; their multipliers are drawn at random.
    rounds
        Replays and passes, in turn; medians are taken.

    Returns
    -------
    `bytes_per_step` (seals included, the header not), `replay_over_pass` (time of the replay per step over one
    perturbation pass), `replay_seconds`, `pass_seconds`, `steps`, `weights`.
    """
    spec = Pool()
    rng = np.random.default_rng(seed)
    base = rng.standard_normal(weights, np.float32)
    base = np.rint(base * 0.05 * 2.0**GRID).astype(np.float32) * np.float32(2.0**-GRID)
    header = LedgerHeader(
        base_sha256=base_sha256([(base, GRID)]),
        perturbation=spec,
        tensors=(LedgerTensor(name="weights", shape=(weights,)),),
        groups=(LedgerGroup(grid=GRID, amplitude=32),),
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.ledger"
        with Ledger.create(path, header):
            pass
        begin = path.stat().st_size
        with Ledger.append_to(path) as ledger:
            for c in np.rint(rng.standard_normal(steps) * SPREAD).astype(int).tolist():
                ledger.append([[c]])
        size = path.stat().st_size - begin
        buffer = torch.from_numpy(base.copy())
        added = adder(spec, weights, [(buffer, 0)])
        added.add([(0, 2.0**-17)])
        replays, passes = [], []
        with Ledger.open(path) as ledger:
            for _ in range(rounds):
                replays.append(seconds(lambda: replay([base], ledger)))
                passes.append(seconds(lambda: added.add([(1, 2.0**-17)])))
    one_replay, one_pass = float(np.median(replays)), float(np.median(passes))
    return {
        "bytes_per_step": size / steps,
        "replay_over_pass": one_replay / steps / one_pass,
        "replay_seconds": one_replay,
        "pass_seconds": one_pass,
        "steps": steps,
        "weights": weights,
    }


def scalars_per_step() -> int:
    """Count the numbers that a worker hands to the others in one two-sided step."""
    weight = torch.nn.Parameter(torch.ones(3))
    sent: list[int] = []

    def exchange(differences: Sequence[float]) -> Sequence[float]:
        sent.append(len(differences))
        return differences

    ZerothOrder([weight], lr=1e-3, exchange=exchange).step(lambda: weight.square().sum())
    return sent[0]
