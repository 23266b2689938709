"""Peak memory of training steps over that of plain inference, each measured by a process of its own.

`python -m auricle.bench.zeroth.memory '{"models": [...], "arms": [...], "repeats": 3}'` prints one JSON object. The
interpreter loads its libraries once and forks: a process per network builds it, and one per measurement, forked from
that, runs and reads its own peak. A forked process counts its peak anew, from what is resident at its start.
"""

import ctypes
import gc
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch

from auricle.bench.forking import forked, peak
from auricle.bench.zeroth.arms import ARMS, stepper
from auricle.bench.zeroth.models import Timed, available, build
from auricle.errors import AuricleError

INFERENCE = "inference"
STEPS = 2
"""With merged passes, everything has happened by the second step."""
EVALUATIONS = 3
"""After one, the heap has not found its shape yet."""


def over_inference(models: Sequence[str], arms: Sequence[str], *, repeats: int = 3) -> dict[str, Any]:
    """Measure all networks and arms in a fresh interpreter with one thread.

    Returns
    -------
    `torch_optim_mb`, what the first `torch.optim` optimizer of a process loads, whichever it is: all measurements hold
    it; and network -> `inference`, its peak in MB, `weights` and `arms`: arm -> MB over that; medians over the repeats.
    Empty where the system has no /proc.
    """
    if not Path("/proc/self/status").exists():
        return {}
    asked = json.dumps({"models": list(models), "arms": list(arms), "repeats": repeats})
    fixed = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    # glibc would keep freed blocks of up to 32 MB, so that the peak depended on the order of requests.
    fixed["MALLOC_MMAP_THRESHOLD_"] = "65536"
    ran = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "auricle.bench.zeroth.memory", asked],
        env={**os.environ, **fixed}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ran.returncode:
        raise AuricleError(f"memory could not be measured: {ran.stderr.strip()[-500:]}")
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def main(asked: str) -> None:
    """Measure what was asked for and print it."""
    wanted = json.loads(asked)
    torch.set_num_threads(1)
    able, _ = available(tuple(wanted["models"]))
    before = peak()
    # The first optimizer of any kind makes torch load its compiler: a cost of torch.optim, not of a step.
    torch.optim.SGD([torch.zeros(1, requires_grad=True)])
    result: dict[str, Any] = {"torch_optim_mb": (peak() - before) / 1e6}
    result |= {
        name: forked(lambda name=name: _network(build(name), wanted["arms"], wanted["repeats"]))  # type: ignore[misc]
        for name in able
    }
    print(json.dumps(result))  # noqa: T201


def _network(timed: Timed, arms: Sequence[str], repeats: int) -> dict[str, Any]:
    """Fork a process for each measurement of a network."""
    gc.collect()
    _give_back()
    peaks: dict[str, list[int]] = {arm: [] for arm in (INFERENCE, *arms)}
    for _ in range(repeats):
        for arm, found in peaks.items():
            found.append(forked(lambda arm=arm: _peak_of(timed, arm)))  # type: ignore[misc]
    base = median(peaks.pop(INFERENCE))
    return {
        "inference": base / 1e6,
        "weights": sum(weight.numel() * weight.element_size() for weight in timed.weights) / 1e6,
        "arms": {arm: (median(found) - base) / 1e6 for arm, found in peaks.items()},
    }


def _peak_of(timed: Timed, arm: str) -> int:
    """Evaluate the network, take steps unless it is for inference alone, and read this process's peak, in bytes."""
    # Code is resident once it has run: all processes run all of it, so that they differ by their data.
    for each in ARMS:
        weight = torch.ones(8, requires_grad=True)
        optimizer = stepper(each, [weight])
        for _ in range(STEPS):
            optimizer.step(weight.square().sum)
    # The heap finds its shape only after some evaluations, so inference alone makes as many.
    with torch.no_grad():
        for _ in range(EVALUATIONS + (2 * STEPS if arm == INFERENCE else 0)):
            float(timed.closure())
    if arm != INFERENCE:
        optimizer = stepper(arm, timed.weights)
        for _ in range(STEPS):
            optimizer.step(timed.closure)
    return peak()


def _give_back() -> None:
    """Return freed memory to the system, or the steps' temporaries would hide in it."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):
        return


if __name__ == "__main__":
    main(sys.argv[1])
