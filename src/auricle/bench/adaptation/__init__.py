"""The field's patient-specific protocol: five labelled minutes of each unseen patient, and the rest is scored."""

import math
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from auricle.adaptation.plan import Plan
from auricle.bench.adaptation.arms import ARMS, BASE, RATES, Arm
from auricle.bench.adaptation.cost import measured
from auricle.bench.adaptation.patients import Patient, patients
from auricle.bench.adaptation.show import figure, markdown, table
from auricle.bench.adaptation.summary import summed
from auricle.bench.adaptation.trial import trial
from auricle.bench.zeroth.runs import Runs
from auricle.errors import InputError
from auricle.specialist import Specialist

__all__ = ["ARMS", "figure", "markdown", "run", "table"]

COMMAND = "auricle bench adaptation --json --out docs/bench"

Progress = Callable[[int, int, str], None]


def run(
    folder: Path, *, specialist: str = "beats", arms: Sequence[str] = ARMS, seeds: int = 3, plan: Plan | None = None,
    results: Path | None = None, part: str = "test", progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Adapt to each patient with each arm and seed, and sum up what came of it.

    Parameters
    ----------
    folder
        With WFDB records and their annotations; patients that helped to make the specialist are left out.
    specialist
        One of beats, by its name or folder.
    arms
        Of `ARMS`.
    seeds
        Of each arm.
    plan
        The change-control plan that accepts or refuses; None for the one that comes with auricle.
    results
        Folder of finished runs, which are not done again; None keeps none.
    part
        Whose patients: see `patients.patients`.
    progress
        Called with what is done, of how much, and a word.

    Returns
    -------
    dict
        `patients`, their number, and `arms`: see `summary.summed`; beside them the `records`, who was `left_out`, the
        `plan`'s hash and the `machine`.

    Raises
    ------
    InputError
        An unknown arm, no seed, or nobody in the folder.
    """
    if unknown := [arm for arm in arms if arm not in ARMS]:
        raise InputError(f"arm {unknown[0]!r} was asked for; allowed are {', '.join(ARMS)}")
    if seeds < 1:
        raise InputError(f"seeds={seeds} was given; at least 1 is needed")
    judge, plan = Specialist.load(specialist, backend="torch"), plan or Plan.default()
    found, left = patients(
        judge, folder, part=part, minutes=plan.protocol.minutes,
        progress=(lambda done, total: progress(done, total, "reading")) if progress else None,
    )  # fmt: skip
    chosen = [Arm(name=name, lr=RATES.get(name, 0.0)) for name in dict.fromkeys((BASE, *arms))]
    total = sum(len(found) * (1 if arm.name == BASE else seeds) for arm in chosen)
    done = 0
    trials: dict[str, list[dict[str, Any]]] = {}
    for arm in chosen:
        runs = None if results is None else Runs(results / f"{arm.name}.jsonl")
        for seed in range(1 if arm.name == BASE else seeds):
            for patient in found:
                trials.setdefault(arm.name, []).append(_trial(judge, patient, arm, plan, seed, runs))
                done += 1
                if progress:
                    progress(done, total, "adapting")
    costs = measured(judge, found[0], [arm for arm in chosen if arm.name in arms], plan)
    return {
        "patients": len(found),
        "records": [patient.name for patient in found],
        "left_out": left,
        "seeds": seeds,
        "arms": {name: {**summed(trials[name], len(found)), **costs[name]} for name in trials if name in arms},
        "trials": {
            name: [{k: v for k, v in one.items() if k != "unguarded"} for one in trials[name]] for name in trials
        },
        "specialist": {"name": judge.manifest().name, "hash": judge.hash_},
        "plan_sha256": plan.sha256,
        "rates": {arm.name: arm.lr for arm in chosen if arm.name != BASE},
        "machine": {
            "processor": platform.processor() or platform.machine(), "torch": torch.__version__,
            "threads": torch.get_num_threads(), "date": time.strftime("%Y-%m-%d"),
        },
    }  # fmt: skip


def _trial(judge: Specialist, patient: Patient, arm: Arm, plan: Plan, seed: int, runs: Runs | None) -> dict[str, Any]:
    settings: Mapping[str, Any] = {
        "record": patient.name, "arm": arm.name, "lr": arm.lr, "seed": seed, "specialist": judge.hash_,
        "plan": plan.sha256, "beats": int(np.size(patient.truth)),
    }  # fmt: skip
    found = runs.find(settings) if runs is not None else None
    if found is None:
        found = _finite(trial(judge, patient, arm, plan, seed))
        if runs is not None:
            runs.keep(settings, found)
    return {"record": patient.name, "subject": patient.subject, "seed": seed, **found}


def _finite(found: dict[str, Any]) -> dict[str, Any]:
    """Replace what JSON can't hold."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in found.items()}
