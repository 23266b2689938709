"""All trials of one patient, in a process of one thread; finished ones are kept and not done again."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from auricle.adaptation.plan import Plan
from auricle.bench.adaptation.arms import BASE, Arm
from auricle.bench.adaptation.patients import Case, read
from auricle.bench.adaptation.spoiling import HONEST, spoiled
from auricle.bench.adaptation.trial import trial
from auricle.bench.runs import Runs
from auricle.specialist import Specialist

Progress = Callable[[int, int, str], None]


def judge_on(specialist: str, lead: str | None) -> Specialist:
    """Load a specialist, to judge the lead of that name or number, or those that it was made for."""
    judge = Specialist.load(specialist, backend="torch")
    judge.preprocessing = judge.windowing.on_lead(lead)
    return judge


def patient_trials(
    specialist: str, header: Path, arms: Sequence[Arm], plan: Plan, seeds: int, results: Path | None, *,
    spoiled_by: str = HONEST, lead: str | None = None,
) -> dict[str, list[dict[str, Any]]] | str:  # fmt: skip
    """Run all arms and seeds on one patient, or say why there is none.

    Finished runs lie in a file for each record, those of spoiled minutes in a folder for each kind: no two processes
    write to the same.
    """
    torch.set_num_threads(1)
    judge = judge_on(specialist, lead)
    patient = read(judge, header, plan.protocol.minutes)
    if isinstance(patient, str):
        return patient
    runs = None
    if results is not None:
        runs = Runs((results if spoiled_by == HONEST else results / spoiled_by) / f"{patient.name}.jsonl")
    return {
        arm.name: [
            _trial(judge, patient, arm, plan, seed, runs, spoiled_by, lead)
            for seed in range(1 if arm.name == BASE else seeds)
        ]
        for arm in arms
    }


def _trial(
    judge: Specialist, patient: Case, arm: Arm, plan: Plan, seed: int, runs: Runs | None, spoiled_by: str,
    lead: str | None,
) -> dict[str, Any]:  # fmt: skip
    settings: Mapping[str, Any] = {
        "record": patient.name, "arm": arm.name, "lr": arm.lr, "seed": seed, "perturbation": arm.perturbation,
        "spoiled_by": spoiled_by, "specialist": judge.hash_, "plan": plan.sha256, "beats": int(np.size(patient.truth)),
        **({} if lead is None else {"lead": lead}),
    }  # fmt: skip
    found = runs.find(settings) if runs is not None else None
    if found is None:
        found = _finite(trial(judge, spoiled(patient, spoiled_by, seed), arm, plan, seed))
        if runs is not None:
            runs.keep(settings, found)
    return {"record": patient.name, "subject": patient.subject, "seed": seed, **found}


def _finite(found: dict[str, Any]) -> dict[str, Any]:
    """Replace what JSON can't hold."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in found.items()}
