"""What a step of each arm costs: its time over two forward passes, and its peak memory over inference."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from auricle.adaptation.learning import Lesson
from auricle.adaptation.plan import Plan
from auricle.bench.adaptation.arms import BASE, Arm
from auricle.bench.adaptation.patients import Case
from auricle.bench.forking import forked, peak
from auricle.bench.timing import paired, quartiles
from auricle.network import ConMIL
from auricle.specialist import Specialist

ROUNDS = 3
STEPS = 12
"""Of a timed run; a run makes a copy of the network first, which counts as well."""


def measured(specialist: Specialist, patient: Case, arms: Sequence[Arm], plan: Plan) -> dict[str, dict[str, float]]:
    """Measure all arms on one patient's windows with one thread.

    Returns
    -------
    Arm -> `time_over_two_forwards`, the median over alternating runs; `memory_over_inference`, ratio of the peaks of
    two forked processes (1 where the system has no /proc).
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        task = patient.lesson(specialist, plan)
        short = plan.description.model_copy(update={"most_steps": STEPS})
        learning = [arm for arm in arms if arm.name != BASE]
        pairs = {
            arm.name: (_forwards(specialist.network_, task), _steps(arm, specialist.network_, task, short))
            for arm in learning
        }
        times = paired(pairs, dict.fromkeys(pairs, ROUNDS), done=lambda: None) if pairs else {}
        memory = _memory(specialist.network_, task, learning, short)
    finally:
        torch.set_num_threads(before)
    found = {BASE: {"time_over_two_forwards": 0.0, "memory_over_inference": 1.0}}
    for arm in learning:
        ratio = quartiles([steps / forwards for forwards, steps in times[arm.name]])["median"]
        found[arm.name] = {"time_over_two_forwards": ratio, "memory_over_inference": memory[arm.name]}
    return found


def _forwards(network: ConMIL, task: Lesson) -> Callable[[], Any]:
    def work() -> None:
        with torch.no_grad():
            for step in range(STEPS):
                closure = task.closure(network, step)
                float(closure())
                float(closure())

    return work


def _steps(arm: Arm, network: ConMIL, task: Lesson, short: Any) -> Callable[[], Any]:
    return lambda: arm.learn(network, task, short)


def _memory(network: ConMIL, task: Lesson, arms: Sequence[Arm], short: Any) -> dict[str, float]:
    if not Path("/proc/self/status").exists():
        return {arm.name: 1.0 for arm in arms}

    def inference() -> int:
        for _ in range(2):
            _forwards(network, task)()
        return peak()

    def training(arm: Arm) -> int:
        _forwards(network, task)()
        _steps(arm, network, task, short)()
        return peak()

    base = forked(inference)
    return {arm.name: forked(lambda arm=arm: training(arm)) / base for arm in arms}  # type: ignore[misc]
