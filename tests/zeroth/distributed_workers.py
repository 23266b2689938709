"""Four workers on loopback, run by test_distributed.py as a process of its own: what each saw goes into files.

Workers are forked after one import of torch, which takes longer than all they do.
"""

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from auricle.errors import AuricleError
from auricle.zeroth import OneSided, Pool, TwoSided, ZerothOrder
from auricle.zeroth.distributed import DataParallel

WORLD = 4
STEPS = 12
SETTINGS: dict[str, dict[str, Any]] = {
    "float": {"lr": 0.02, "estimator": TwoSided(queries=2)},
    "grid": {"lr": 0.02, "grid": True},
    "merged": {"lr": 0.02, "grid": True, "merge": True},
    "onesided": {"lr": 0.01, "grid": True, "estimator": OneSided(queries=3)},
}


def model() -> torch.nn.Module:
    """The same weights in every process."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return torch.nn.Sequential(torch.nn.Linear(6, 9), torch.nn.Tanh(), torch.nn.Linear(9, 1))


def loss(net: torch.nn.Module, rank: int, step: int) -> torch.Tensor:
    """Give the loss on the data that this worker alone has at this step."""
    x = torch.from_numpy(np.random.default_rng([rank, step]).normal(size=(8, 6)).astype(np.float32))
    return (net(x)[:, 0] - x[:, 0] * x[:, 1]).square().mean()


def weights(net: torch.nn.Module) -> np.ndarray:
    """All weights in one vector."""
    return torch.cat([p.detach().reshape(-1) for p in net.parameters()]).numpy().copy()


def made(net: torch.nn.Module, workers: DataParallel | None, **settings: Any) -> ZerothOrder:
    return ZerothOrder(net.parameters(), eps=2**-8, perturbation=Pool(size=31), exchange=workers, **settings)


def agree(rank: int) -> dict[str, Any]:
    """Train with each setting; count what is sent, and see what is refused."""
    out: dict[str, Any] = {}
    for name, settings in SETTINGS.items():
        net, workers = model(), DataParallel(timeout_s=60)
        optimizer = made(net, workers, **settings)
        workers.check(optimizer)
        sent = count_sent()
        for step in range(STEPS):
            optimizer.step(lambda net=net, step=step: loss(net, rank, step))
        out[f"sent {name}"] = sent()
        workers.check(optimizer)
        out[name] = weights(net).tolist()
    out["null"] = null_step(rank)
    out["unchecked"] = refusal(lambda: made(model(), DataParallel()).step(lambda: 1.0))
    for what, settings in {"seed": {"seed": int(rank == 3)}, "lr": {"lr": 0.1 if rank == 2 else 0.2}}.items():
        out[f"other {what}"] = refusal(lambda settings=settings: check(model(), settings))
    other = model()
    with torch.no_grad():
        other[0].bias[0] += float(rank == 1)
    out["other weights"] = refusal(lambda: check(other, {}))
    return out


def check(net: torch.nn.Module, settings: dict[str, Any]) -> None:
    workers = DataParallel(timeout_s=60)
    workers.check(made(net, workers, **settings))


def count_sent() -> Callable[[], int]:
    """Count the numbers that this worker sends to worker 0 or 1 from now on."""
    original, counted = dist.isend, []

    def counting(tensor: torch.Tensor, **others: Any) -> Any:
        if others["group_dst"] == (1 if dist.get_rank() == 0 else 0):
            assert tensor.dtype == torch.float64
            counted.append(tensor.numel())
        return original(tensor, **others)

    dist.isend = counting

    def stop() -> int:
        dist.isend = original
        return sum(counted)

    return stop


def null_step(rank: int) -> dict[str, Any]:
    """One worker's loss is infinite once on either side."""
    net, workers = model(), DataParallel(timeout_s=60)
    optimizer = made(net, workers, grid=True)
    workers.check(optimizer)
    before = weights(net)
    signs = iter([1, -1])
    optimizer.step(lambda: torch.inf * next(signs) if rank == 2 else loss(net, rank, 0))
    unmoved = np.array_equal(before, weights(net))
    optimizer.step(lambda: loss(net, rank, 1))
    return {"unmoved": unmoved, "moved": not np.array_equal(before, weights(net)), "steps": optimizer.steps}


def refusal(act: Callable[[], Any]) -> str:
    try:
        act()
    except AuricleError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def losing(how: signal.Signals, timeout_s: float) -> Callable[[int], dict[str, Any]]:
    """Worker 2 sends itself a signal in the middle of its sixth step."""

    def run(rank: int) -> dict[str, Any]:
        net, workers = model(), DataParallel(timeout_s=60)
        optimizer = made(net, workers, lr=0.02, grid=True)
        workers.check(optimizer)

        def closure() -> torch.Tensor:
            if rank == 2 and optimizer.steps == 5:
                os.kill(os.getpid(), how)
            return loss(net, rank, optimizer.steps)

        first = ""
        while not first:
            if optimizer.steps == 5:
                workers.timeout_s = timeout_s
            before = weights(net)
            start = time.monotonic()
            first = refusal(lambda: optimizer.step(closure))
        seconds = time.monotonic() - start
        return {
            "first": first, "seconds": seconds, "again": refusal(lambda: optimizer.step(closure)),
            "unmoved": np.array_equal(before, weights(net)), "steps": optimizer.steps,
        }  # fmt: skip

    return run


def scenario(out: Path, name: str, run: Callable[[int], dict[str, Any]]) -> None:
    """Fork the workers, and wait for them or end those that are left after the others."""
    workers = {}
    for rank in range(WORLD):
        pid = os.fork()
        if pid == 0:
            worker(out, name, run, rank)
        workers[rank] = pid
    for rank in [r for r in workers if r != 2] + [2]:
        if rank == 2 and name != "agree":
            os.kill(workers[rank], signal.SIGKILL)
        os.waitpid(workers[rank], 0)


def worker(out: Path, name: str, run: Callable[[int], dict[str, Any]], rank: int) -> None:
    """Run one worker in the forked process, which never returns."""
    try:
        dist.init_process_group("gloo", init_method=f"file://{out / name}.store", rank=rank, world_size=WORLD)
        result = run(rank)
    except BaseException:  # noqa: BLE001 (a forked worker must not go on with its parent's work)
        result = {"failed": traceback.format_exc()}
    (out / f"{name}.{rank}.json").write_text(json.dumps(result))
    # One that leaves at once could be missed by another before the one that was lost.
    others = [out / f"{name}.{r}.json" for r in range(WORLD) if r != 2]
    late = time.monotonic() + 60
    while time.monotonic() < late and not all(path.exists() for path in others):
        time.sleep(0.05)
    os._exit(0)


def single(out: Path) -> None:
    """Train in one process with the mean of all workers' losses."""
    result = {}
    for name, settings in SETTINGS.items():
        net = model()
        optimizer = made(net, None, **settings)
        for step in range(STEPS):
            optimizer.step([lambda r=rank, step=step, net=net: loss(net, r, step) for rank in range(WORLD)])
        optimizer.settle()
        result[name] = weights(net).tolist()
    (out / "single.json").write_text(json.dumps(result))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    single(folder)
    scenario(folder, "agree", agree)
    scenario(folder, "killed", losing(signal.SIGKILL, 60))
    scenario(folder, "stopped", losing(signal.SIGSTOP, 5))
