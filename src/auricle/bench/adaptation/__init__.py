"""The field's patient-specific protocol: five labelled minutes of each unseen patient, and the rest is scored."""

import multiprocessing
import platform
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import torch

from auricle.adaptation.plan import Plan
from auricle.bench.adaptation.arms import ARMS, BASE, RATES, Arm
from auricle.bench.adaptation.cost import measured
from auricle.bench.adaptation.patients import Case, read, willing
from auricle.bench.adaptation.running import Progress, judge_on, patient_trials
from auricle.bench.adaptation.safety import safety as harms
from auricle.bench.adaptation.show import figure, markdown, table
from auricle.bench.adaptation.summary import summed
from auricle.bench.adaptation.sweep import sweep
from auricle.errors import InputError

__all__ = ["ARMS", "DEFAULT", "figure", "markdown", "run", "sweep", "table"]

DEFAULT = (BASE, "pool")
"""Arms of a run that names none; all of them take hours."""
SPOILED = "pool"
"""The arm whose labelled minutes are spoiled."""


def run(
    folder: Path, *, specialist: str = "beats", arms: Sequence[str] = DEFAULT, seeds: int = 1, plan: Plan | None = None,
    results: Path | None = None, part: str = "test", workers: int = 2, safety: bool = False, lead: str | None = None,
    progress: Progress | None = None,
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
        Folder of finished runs, a file for each record, which are not done again; None keeps none.
    part
        Whose patients: see `patients.willing`.
    workers
        Processes, of one thread and one patient at a time.
    safety
        Whether to spoil the labelled minutes as well, for the arm pool: see `safety.safety`.
    lead
        Channel to judge, by name or number; None for those that the specialist was made for.
    progress
        Called with patients done, of how many, and a word.

    Returns
    -------
    dict
        `patients`, their number, and `arms`: see `summary.summed`; beside them the `records`, who was `left_out`, the
        `plan`'s hash and the `machine`; `safety` if it was asked for.

    Raises
    ------
    InputError
        An unknown arm, no seed, no worker, or nobody in the folder.
    """
    if unknown := [arm for arm in arms if arm not in ARMS]:
        raise InputError(f"arm {unknown[0]!r} was asked for; allowed are {', '.join(ARMS)}")
    if seeds < 1 or workers < 1:
        raise InputError(f"seeds={seeds} and workers={workers} were given; at least 1 of each is needed")
    judge, plan = judge_on(specialist, lead), plan or Plan.default()
    headers, left = willing(judge, folder, part=part)
    chosen = [Arm(name=name, lr=RATES.get(name, 0.0)) for name in dict.fromkeys((BASE, *arms))]
    trials: dict[str, list[dict[str, Any]]] = {arm.name: [] for arm in chosen}
    records: list[str] = []
    # A forked process would inherit torch's threads in the state they happen to be in.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = [
            pool.submit(patient_trials, specialist, header, chosen, plan, seeds, results, lead=lead)
            for header in headers
        ]
        for done, _ in enumerate(as_completed(waiting), start=1):
            if progress:
                progress(done, len(waiting), "adapting, patients")
    for header, future in zip(headers, waiting, strict=True):
        found = future.result()
        if isinstance(found, str):
            left[header.stem] = found
            continue
        records.append(header.stem)
        for name, own in found.items():
            trials[name] += own
    if not records:
        why = "; ".join(f"{name}: {reason}" for name, reason in list(left.items())[:4])
        raise InputError(f"{folder} holds no patient for this comparison ({why or 'no annotated WFDB record'})")
    first = read(judge, next(header for header in headers if header.stem == records[0]), plan.protocol.minutes)
    assert isinstance(first, Case)
    costs = measured(judge, first, [arm for arm in chosen if arm.name in arms], plan)
    told = None
    if safety:
        heard = [header for header in headers if header.stem in records]
        arm = Arm(name=SPOILED, lr=RATES[SPOILED])
        told = harms(specialist, heard, arm, plan, results=results, workers=workers, lead=lead, progress=progress)
    return {
        "patients": len(records),
        "records": records,
        "left_out": left,
        "seeds": seeds,
        "arms": {name: {**summed(trials[name], len(records)), **costs[name]} for name in trials if name in arms},
        "trials": {
            name: [{k: v for k, v in one.items() if k != "unguarded"} for one in trials[name]] for name in trials
        },
        **({"safety": told} if told else {}),
        "specialist": {"name": judge.manifest().name, "hash": judge.hash_},
        "plan_sha256": plan.sha256,
        "lead": lead,
        "rates": {arm.name: arm.lr for arm in chosen if arm.name != BASE},
        "machine": {
            "processor": platform.processor() or platform.machine(), "torch": torch.__version__, "threads": 1,
            "date": time.strftime("%Y-%m-%d"),
        },
    }  # fmt: skip
