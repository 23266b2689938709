"""The arms of the benchmark that train with what the engines send."""

import numpy as np
import pytest
import torch

from auricle.bench.zeroth import convergence
from auricle.bench.zeroth.problem import Problem
from auricle.bench.zeroth.study import train
from auricle.rtl import Engine, bank, row_pool

ARMS = {one.name: one for one in convergence.HARDWARE}


@pytest.mark.parametrize(("name", "make"), [("rtl_lfsr", bank), ("rtl_pool", row_pool)])
def test_an_arm_trains_with_what_an_engine_of_1024_lanes_sends(name, make):
    """The first step leads along the very beats that are the golden model of the Verilog."""
    weight = torch.nn.Parameter(torch.zeros(2500, dtype=torch.float64))
    optimizer = ARMS[name].stepper([weight], lr=1e-3, seed=3)
    slope = torch.linspace(-1, 2, 2500, dtype=torch.float64)
    optimizer.step(lambda: slope @ weight)
    optimizer.settle()
    sent = Engine(spec=make(lanes=1024, bits=8, seed=3)).beats(0, 2500).ravel()[:2500]
    moved = weight.detach().numpy()
    assert np.corrcoef(moved, sent)[0, 1] ** 2 == pytest.approx(1, abs=1e-12)
    assert slope.numpy() @ moved < 0


@pytest.mark.parametrize("name", ARMS)
def test_an_arm_learns(name):
    truth = torch.linspace(-1, 1, 31)
    weight = torch.nn.Parameter(torch.zeros(31))

    def loss() -> torch.Tensor:
        return ((weight - truth) ** 2).mean()

    def value() -> float:
        return float(loss().detach())

    problem = Problem(weights=[weight], closure=lambda _: loss, watched=value, tested=lambda: {"loss": value()})
    found = train(problem, ARMS[name], lr=0.3, seed=1, forwards=600)
    assert found["watched"] < 0.2 * found["curve"][0][1]


def test_every_task_that_has_them_gives_them_the_seeds_of_mezo(tmp_path):
    tasks = [task for task, arms in convergence.CONTENDERS.items() if set(ARMS) <= {one.name for one in arms}]
    assert tasks == ["trec", "shifted"]
    for task in tasks:
        what = convergence.study(task, tmp_path)
        for name in ARMS:
            assert what.seeds_of(name) == what.seeds_of("mezo")
