"""What spoiled minutes do to a patient, with the change-control plan and without it."""

import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from auricle.adaptation.plan import Plan
from auricle.bench.adaptation.arms import Arm
from auricle.bench.adaptation.running import Progress, patient_trials
from auricle.bench.adaptation.spoiling import KINDS
from auricle.ec57 import statistics


def safety(
    specialist: str, headers: Sequence[Path], arm: Arm, plan: Plan, *, results: Path | None = None, workers: int = 2,
    lead: str | None = None, progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Adapt to each patient with each kind of spoiled minutes.

    Harm is a loss of the F1 of VEB, on the rest of the record, by more than the margin that the plan names; the table
    compares what the plan leaves the patient with and what the training alone would have left.

    Returns
    -------
    dict
        `margin`, and `kinds`: kind -> `patients`, those `refused`, `harmed_with_plan`, `harmed_without_plan` (numbers),
        `rows`, one for each patient: `record`, `veb_f1` [before, with the plan, without it] (null without any VEB in
        the record or the answers), `refused`, `reasons`.
    """
    margin = plan.assessment.harm_margin
    rows: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {
            pool.submit(patient_trials, specialist, header, [arm], plan, 1, results, spoiled_by=kind, lead=lead): kind
            for header in headers for kind in KINDS
        }  # fmt: skip
        for done, _ in enumerate(as_completed(waiting), start=1):
            if progress:
                progress(done, len(waiting), "spoiling, patients and kinds")
    for future, kind in waiting.items():
        found = future.result()
        if not isinstance(found, str):
            rows[kind] += [harm_of(one, margin) for one in found[arm.name]]
    return {
        "margin": margin,
        "arm": arm.name,
        "kinds": {
            kind: {
                "patients": len(found), "refused": sum(one["refused"] for one in found),
                "harmed_with_plan": sum(one["harmed"][0] for one in found),
                "harmed_without_plan": sum(one["harmed"][1] for one in found), "rows": found,
            }
            for kind, found in rows.items()
        },
    }  # fmt: skip


def harm_of(trial: Mapping[str, Any], margin: float) -> dict[str, Any]:
    """Tell what a trial did to its patient, with the plan and without it."""
    tables = [np.array(trial[when]["table"], np.int64) for when in ("before", "after", "unguarded")]
    f1 = [statistics(table)["veb"]["f1"] for table in tables]
    before = f1[0]
    return {
        "record": trial["record"], "veb_f1": f1, "refused": trial["refused"], "reasons": trial["reasons"],
        "harmed": [before is not None and (after is None or after < before - margin) for after in f1[1:]],
    }  # fmt: skip
