"""DataParallel with four gloo workers on loopback, and its refusals in one process."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist

import auricle
from auricle.errors import InputError
from auricle.zeroth import ZerothOrder
from auricle.zeroth.distributed import DataParallel

SCRIPT = Path(__file__).with_name("distributed_workers.py")
SETTINGS = {"float": 2, "grid": 1, "merged": 1, "onesided": 3}
"""Queries of each setting that the workers train with."""
STEPS = 12

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the workers are forked")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the workers once, and give what each wrote: scenario.rank -> result."""
    out = tmp_path_factory.mktemp("workers")
    source = Path(auricle.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(SCRIPT), str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found = {path.stem: json.loads(path.read_text()) for path in out.glob("*.json")}
    failed = "".join(one["failed"] for one in found.values() if "failed" in one)
    assert not failed, failed
    return found


@pytest.mark.parametrize("setting", SETTINGS)
def test_replicas_stay_the_same_to_the_bit(seen, setting):
    replicas = [seen[f"agree.{rank}"][setting] for rank in range(4)]
    assert all(one == replicas[0] for one in replicas)


@pytest.mark.parametrize("setting", ["grid", "merged", "onesided"])
def test_on_a_grid_four_workers_equal_one_with_the_mean_loss_to_the_bit(seen, setting):
    assert seen["agree.0"][setting] == seen["single"][setting]


def test_elsewhere_four_workers_equal_one_with_the_mean_loss(seen):
    np.testing.assert_allclose(seen["agree.0"]["float"], seen["single"]["float"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("setting", "queries"), SETTINGS.items())
def test_a_step_moves_one_number_per_worker_and_query(seen, setting, queries):
    assert [seen[f"agree.{rank}"][f"sent {setting}"] for rank in range(4)] == 4 * [STEPS * queries]


def test_one_infinite_loss_is_a_null_step_for_all(seen):
    for rank in range(4):
        assert seen[f"agree.{rank}"]["null"] == {"unmoved": True, "moved": True, "steps": 2}


def test_a_step_before_the_check_is_refused(seen):
    assert seen["agree.1"]["unchecked"] == (
        "InputError: call check(optimizer) on every worker before the first step, to see that they agree"
    )


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("seed", "InputError: worker 3 has seed=1, and worker 0 has 0; all workers must have the same"),
        ("lr", "InputError: worker 2 has groups=[{'lr': 0.1, "),
        ("weights", "InputError: worker 1 has sha256 of the weights='"),
    ],
)
def test_workers_that_differ_are_refused_by_all(seen, what, text):
    messages = {seen[f"agree.{rank}"][f"other {what}"] for rank in range(4)}
    assert len(messages) == 1
    assert messages.pop().startswith(text)


@pytest.mark.parametrize(
    ("scenario", "why", "most"), [("killed", "is gone", 50), ("stopped", "did not answer within 5 s", 50)]
)
def test_a_lost_worker_is_reported_and_the_weights_are_as_before(seen, scenario, why, most):
    for rank in (0, 1, 3):
        found = seen[f"{scenario}.{rank}"]
        assert found["first"] == (
            f"WorkerLostError: worker 2 of 4 {why}, and the weights are as before the step; look at that worker's log "
            "and start all workers again from the last checkpoint"
        )
        assert found["again"] == found["first"]
        assert found["unmoved"]
        # A reset connection takes with it what was sent and not yet read, so that one may still be a step behind.
        assert found["steps"] in {4, 5}
        assert found["seconds"] < most


@pytest.mark.parametrize("timeout_s", [0, -1.0, math.inf, math.nan])
def test_a_timeout_that_is_none_is_refused(timeout_s):
    with pytest.raises(InputError, match=f"timeout_s={timeout_s} was given; a number of seconds above 0 is needed"):
        DataParallel(timeout_s=timeout_s)


def test_without_a_process_group_it_says_how_to_make_one():
    workers = DataParallel()
    optimizer = ZerothOrder(torch.nn.Linear(2, 1).parameters(), exchange=workers)
    with pytest.raises(InputError, match=r"no process group was made; call .*init_process_group\('gloo'\) first"):
        workers.check(optimizer)


def test_an_optimizer_that_exchanges_elsewhere_is_refused():
    optimizer = ZerothOrder(torch.nn.Linear(2, 1).parameters())
    with pytest.raises(InputError, match="the optimizer does not exchange with this object; make it with exchange="):
        DataParallel().check(optimizer)


def test_a_group_that_moves_no_cpu_tensors_is_refused(monkeypatch):
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "get_backend_config", lambda _: "cuda:nccl")
    workers = DataParallel()
    optimizer = ZerothOrder(torch.nn.Linear(2, 1).parameters(), exchange=workers)
    with pytest.raises(InputError, match=r"a process group of cuda:nccl .*new_group\(backend='gloo'\)"):
        workers.check(optimizer)
