"""Where the arms lead: the tasks, their contenders, and what finished runs say."""

import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from auricle.bench.zeroth import shifted, text
from auricle.bench.zeroth.statistics import compared, mean_with_interval
from auricle.bench.zeroth.study import Contender, Study, follow
from auricle.errors import InputError
from auricle.rtl import bank, row_pool
from auricle.zeroth import LfsrBank, OneSided, Pool, Signs, Uniform

MEZO = Contender(name="mezo", perturbation=None)
ONE_SIDED_RATES = (1e-3, 3.2e-3, 1e-2)
ONE_SIDED = (
    Contender(name="one_sided_signs", perturbation=Signs(), estimator=OneSided(queries=8), rates=ONE_SIDED_RATES),
    Contender(name="one_sided_pool", estimator=OneSided(queries=8), rates=ONE_SIDED_RATES),
)
HARDWARE = (
    Contender(name="rtl_lfsr", perturbation=bank(lanes=1024, bits=8)),
    Contender(name="rtl_pool", perturbation=row_pool(lanes=1024, bits=8)),
)
"""What the engines of `auricle rtl generate` send, number for number."""
TEXT = (
    MEZO,
    Contender(name="signs", perturbation=Signs()),
    Contender(name="pool"),
    Contender(name="lfsr", perturbation=LfsrBank()),
)
LARGER = tuple(Contender(name=f"pool_{size}", perturbation=Pool(size=size)) for size in (131071, 524287))
PRIMES = (31, 127, 509, 2039, 4093, 16381, 32749, 65521)
POWERS = (32, 128, 512, 2048, 4096, 8192, 65536)
SHIFTED = (
    MEZO,
    Contender(name="signs", perturbation=Signs()),
    Contender(name="uniform", perturbation=Uniform()),
    Contender(name="pool"),
    Contender(name="lfsr", perturbation=LfsrBank()),
    *HARDWARE,
    *(Contender(name=f"pool_{size}", perturbation=Pool(size=size)) for size in PRIMES),
    *(Contender(name=f"pool_{size}_repeating", perturbation=Pool(size=size, repeats="allow")) for size in POWERS),
    *(Contender(name=f"pool_{size}", perturbation=Pool(size=size)) for size in (2048, 4096, 8192)),
    Contender(name="pool_unscaled", modulus="none"),
    Contender(name="pool_exact", modulus="exact"),
    *(Contender(name=f"pool_{bits}_bits", perturbation=Pool(bits=bits)) for bits in (1, 2, 4, 6, 10, 12)),
    *(
        Contender(name=f"lfsr_{n}", perturbation=LfsrBank(generators=n))
        for n in (3, 7, 15, 63, 127)
    ),
    Contender(name="lfsr_4_bits", perturbation=LfsrBank(bits=4)),
    Contender(name="lfsr_one_width", perturbation=LfsrBank(widths=(11,))),
    Contender(name="pool_ledger", grid=True),
    Contender(name="signs_ledger", perturbation=Signs(), grid=True),
    *ONE_SIDED,
)  # fmt: skip
CONTENDERS = {"trec": (*TEXT, *HARDWARE, LARGER[0], *ONE_SIDED), "sst2": (*TEXT, *LARGER), "shifted": SHIFTED}
STEPS = {"trec": 500, "sst2": 500, "shifted": 2000}
"""Of the two-sided arms; the others have as many forward passes."""
ALL_TASKS = tuple(CONTENDERS)
PRECISE = ("mezo", "signs", "pool", "lfsr", "rtl_lfsr", "rtl_pool", "one_sided_signs", "one_sided_pool")
"""Arms of the small network with four times the seeds: five left the differences wider than their margin."""
PRECISE_SST2 = ("mezo", "pool")
"""The same on sst2, for the pair that the default stands or falls by."""


def study(task: str, data: Path, *, steps: int | None = None, seeds: int = 5) -> Study:
    """Describe the comparison on a task; docs/zeroth-convergence.md gives the reasons for the margins.

    Raises
    ------
    InputError
        An unknown task, or too few steps or seeds.
    """
    if task not in CONTENDERS:
        raise InputError(f"a task {task!r} was asked for; allowed are {', '.join(CONTENDERS)}")
    steps = STEPS[task] if steps is None else steps
    if steps < 10 or seeds < 2:
        raise InputError(f"steps={steps} and seeds={seeds} were given; at least 10 and 2 are needed")
    reported = tuple(range(seeds))
    if task == "shifted":
        return Study(
            task=task, problem=partial(shifted.problem, data), metric="loss",
            margins={"loss": 0.015, "accuracy": 0.01},
            rates=(2.5e-4, 5e-4, 1e-3), factor=2.0, forwards=2 * steps, sweep_seeds=(1000, 1001), seeds=reported,
            more=dict.fromkeys(PRECISE, tuple(range(seeds, 4 * seeds))),
        )  # fmt: skip
    of = {"trec": text.TREC, "sst2": text.SST2}[task]
    return Study(
        task=task, problem=partial(text.problem, of, data), metric="accuracy",
        margins={"accuracy": 0.03, "loss": 0.03},
        rates=(1e-4, 3.2e-4), factor=3.2, forwards=2 * steps, sweep_seeds=(1000,), seeds=reported,
        more=dict.fromkeys(PRECISE_SST2 if task == "sst2" else (), tuple(range(seeds, 4 * seeds))),
    )  # fmt: skip


def run(
    data: Path, results: Path, *, tasks: Sequence[str] = ALL_TASKS, arms: Sequence[str] = (), steps: int | None = None,
    seeds: int = 5, workers: int = 2, progress: Callable[[int, int, str], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Run what is not finished yet, arm by arm in processes of one thread each, and sum all of it up.

    Parameters
    ----------
    data
        Folder of the real data.
    results
        Folder of the finished runs, a file for each arm of each task.
    tasks, arms
        Which ones; no arms means all.
    steps, seeds
        Of the two-sided arms, and reported runs of each arm.
    workers
        Processes.
    progress
        Called with the arms done, in all, and a word.

    Returns
    -------
    As `summary`.

    Raises
    ------
    InputError
        An unknown task or arm, or too few steps, seeds or workers; data that can't be read.
    """
    if workers < 1:
        raise InputError(f"workers={workers} was given; at least 1 is needed")
    studies = {task: study(task, data, steps=steps, seeds=seeds) for task in tasks}
    jobs = [(task, one.name) for task in tasks for one in CONTENDERS[task] if not arms or one.name in arms]
    if unknown := set(arms) - {name for _, name in jobs}:
        raise InputError(f"arms {sorted(unknown)} were asked for; no task among {', '.join(tasks)} has them")
    found: dict[str, dict[str, dict[str, Any]]] = {task: {} for task in tasks}
    # A forked process would inherit torch's threads in the state they happen to be in.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(_follow, studies[task], name, results): (task, name) for task, name in jobs}
        for done, future in enumerate(as_completed(waiting), start=1):
            task, name = waiting[future]
            found[task][name] = future.result()
            if progress:
                progress(done, len(jobs), "training by forward passes")
    # In the order of the contenders, not in that of finishing.
    ordered = {task: {name: found[task][name] for of, name in jobs if of == task} for task in tasks}
    return {task: summary(studies[task], ordered[task]) for task in tasks if ordered[task]}


def _follow(what: Study, name: str, results: Path) -> dict[str, Any]:
    torch.set_num_threads(1)
    one = next(one for one in CONTENDERS[what.task] if one.name == name)
    return follow(what, one, results)


def summary(what: Study, arms: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Sum up the arms of a task.

    Returns
    -------
    Arm -> `metric` with its 95 % t-interval `low` to `high` over the seeds (null where a run diverged), `values`,
    `lr`, the `sweep`, the mean `curve` over the seeds that all arms have, `diverged` runs; beside the baseline, over
    the seeds of the arm, `difference` of each value tested (see `compared`) and `forwards_to_baseline`: passes until
    the mean curve comes down to the baseline's last loss, over those that the baseline's own takes (null if it never
    does).
    """
    baseline = arms.get(MEZO.name)
    return {name: _summed(what, arm, None if name == MEZO.name else baseline) for name, arm in arms.items()}


def _summed(what: Study, arm: Mapping[str, Any], baseline: Mapping[str, Any] | None) -> dict[str, Any]:
    whole = [one for one in arm["runs"] if one["tested"] is not None]
    entry: dict[str, Any] = {
        "metric": None, "low": None, "high": None, "of": what.metric, "lr": arm["lr"], "sweep": arm["sweep"],
        "forwards": what.forwards, "diverged": len(arm["runs"]) - len(whole),
    }  # fmt: skip
    if entry["diverged"]:
        return entry
    values = {key: [one["tested"][key] for one in whole] for key in what.margins}
    interval = mean_with_interval(values[what.metric])
    curve = _curve(whole)
    entry |= {
        "metric": interval["mean"], "low": interval["low"], "high": interval["high"],
        "tested": {key: mean_with_interval(of) for key, of in values.items()},
        "values": values, "curve": _curve(whole[: len(what.seeds)]).tolist(),
    }  # fmt: skip
    if baseline is None or None in [one["tested"] for one in baseline["runs"]]:
        return entry
    beside = baseline["runs"][: len(whole)]
    entry["difference"] = {
        key: {
            **compared(
                values[key], [one["tested"][key] for one in beside], margin=margin,
                larger_is_better=key == "accuracy",
            ),
            "margin": margin,
        }
        for key, margin in what.margins.items()
    }  # fmt: skip
    reference = _curve(beside)
    target = float(reference[-1, 1])
    own, theirs = forwards_to(target, curve), forwards_to(target, reference)
    entry["forwards_to_baseline"] = own / theirs if own and theirs else None
    return entry


def _curve(runs: Sequence[Mapping[str, Any]]) -> np.ndarray[Any, Any]:
    """Mean curve (points, 2) of some runs: passes and loss."""
    return np.asarray(np.array([one["curve"] for one in runs], np.float64).mean(0))


def forwards_to(loss: float, curve: np.ndarray[Any, Any]) -> float | None:
    """Forward passes until a curve of (passes, loss) first comes down to a loss, between its points by a line.

    Examples
    --------
    >>> forwards_to(0.5, np.array([[0, 1.0], [100, 0.6], [200, 0.4]]))
    150.0
    >>> forwards_to(0.1, np.array([[0, 1.0], [100, 0.6]]))
    """
    passes, losses = np.asarray(curve, np.float64).T
    below = np.flatnonzero(losses <= loss)
    if not len(below):
        return None
    i = int(below[0])
    if i == 0:
        return float(passes[0])
    share = (losses[i - 1] - loss) / (losses[i - 1] - losses[i])
    return float(passes[i - 1] + share * (passes[i] - passes[i - 1]))
