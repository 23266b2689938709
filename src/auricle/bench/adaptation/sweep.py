"""The learning rate of each arm, chosen on patients of the calibration part: no test patient has a say."""

import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from auricle.adaptation.plan import Plan
from auricle.bench.adaptation.arms import ARMS, BASE, GRID, Arm
from auricle.bench.adaptation.patients import willing
from auricle.bench.adaptation.running import Progress, patient_trials
from auricle.ec57 import statistics
from auricle.errors import InputError
from auricle.specialist import Specialist

PART = "calibration"


def sweep(
    folder: Path, *, specialist: str = "beats", arms: Sequence[str] = ARMS[1:], seeds: int = 1,
    results: Path | None = None, workers: int = 2, progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Run each arm at each rate of its grid, and choose the best.

    A rate is as good as the mean of the F1 of VEB and of SVEB after the training, whatever the plan would say, from
    gross counts over the patients.

    Returns
    -------
    dict
        Arm -> `rates`, the F1 of both by rate, and the `best` one.
    """
    if unknown := [arm for arm in arms if arm not in GRID]:
        raise InputError(f"arm {unknown[0]!r} was asked for; those with a learning rate are {', '.join(GRID)}")
    headers, _ = willing(Specialist.load(specialist, backend="torch"), folder, part=PART)
    chosen = [Arm(name=name, lr=lr) for name in arms if name != BASE for lr in GRID[name]]
    plan = Plan.default()
    found: dict[tuple[str, float], list[Mapping[str, Any]]] = {(arm.name, arm.lr): [] for arm in chosen}
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {
            pool.submit(patient_trials, specialist, header, [arm], plan, seeds, _place(results, arm)): arm
            for arm in chosen for header in headers
        }  # fmt: skip
        for done, future in enumerate(as_completed(waiting), start=1):
            trials, arm = future.result(), waiting[future]
            if not isinstance(trials, str):
                found[arm.name, arm.lr] += trials[arm.name]
            if progress:
                progress(done, len(waiting), "sweeping, patients and rates")
    return {name: _chosen({lr: _f1(found[name, lr]) for lr in GRID[name]}) for name in arms if name != BASE}


def _place(results: Path | None, arm: Arm) -> Path | None:
    """Give each arm and rate a folder of its own, as processes must not write to one file."""
    return None if results is None else results / f"{arm.name}-{arm.lr:g}"


def _f1(trials: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    if not trials:
        raise InputError(f"there is no patient of the {PART} part in this folder")
    table = np.sum([np.array(one["unguarded"]["table"], np.int64) for one in trials], axis=0)
    return {group: float(statistics(table)[group]["f1"] or 0.0) for group in ("veb", "sveb")}


def _chosen(rates: Mapping[float, Mapping[str, float]]) -> dict[str, Any]:
    best = max(rates, key=lambda lr: rates[lr]["veb"] + rates[lr]["sveb"])
    return {"best": best, "rates": {f"{lr:g}": dict(one) for lr, one in rates.items()}}
