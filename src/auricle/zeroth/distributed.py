"""Training on several processes: each has data of its own, and a step moves one number per worker and direction."""

import hashlib
import json
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from auricle.errors import AuricleError, InputError
from auricle.zeroth.closure import mean
from auricle.zeroth.optimizer import ZerothOrder


class WorkerLostError(AuricleError):
    """A worker that died or did not answer in time; the weights are as they were before the step."""


class DataParallel:
    """Averages the differences of losses over workers, so that all of them take the same step.

    The directions are known to every worker, so a difference of losses is all that one has to tell the others: one
    float64 per query, whatever the size of the model. The mean is rounded once from an exact sum, so that replicas
    which begin with the same bits keep the same bits.

    Parameters
    ----------
    group
        Process group whose backend moves CPU tensors, such as gloo; None for the default group.
    timeout_s
        How long to wait for the slowest worker before it counts as lost, in seconds. It has to outlast the longest
        difference between two workers' steps.

    Notes
    -----
    Source: one scalar per worker as in FedKSeed (2023) and DeComFL (2024).

    A worker with a loss that is infinite or not a number makes a null step of it for all. When a worker dies, what it
    sent last may have reached some of the others and not all, so that these are one step apart: start all again from
    one checkpoint, and `check` tells whether they agree.

    Examples
    --------
    Run with `torchrun --nproc-per-node 4 train.py`; here with a single worker:

    >>> dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    >>> model = torch.nn.Linear(3, 1)
    >>> workers = DataParallel(timeout_s=60)
    >>> optimizer = ZerothOrder(model.parameters(), lr=1e-3, exchange=workers)
    >>> workers.check(optimizer)
    >>> loss = optimizer.step(lambda: model(torch.ones(1, 3)).square().mean())  # on this worker's data
    >>> dist.destroy_process_group()
    """

    def __init__(self, group: dist.ProcessGroup | None = None, *, timeout_s: float = 300.0) -> None:
        if not (math.isfinite(timeout_s) and timeout_s > 0):
            raise InputError(f"timeout_s={timeout_s} was given; a number of seconds above 0 is needed")
        self.timeout_s = timeout_s
        self._group = group
        self._checked = False
        self._lost = ""

    def __repr__(self) -> str:
        return f"DataParallel(timeout_s={self.timeout_s})"

    def __call__(self, differences: Sequence[float]) -> list[float]:
        """Average over the workers; the optimizer calls it once a step.

        Parameters
        ----------
        differences
            This worker's, one per query.

        Returns
        -------
        list of float
            Mean over all workers, one per query, the same bits on each; not finite where a worker's is not.

        Raises
        ------
        WorkerLostError
            A worker that died or did not answer in time.
        """
        if not self._checked:
            raise InputError("call check(optimizer) on every worker before the first step, to see that they agree")
        everyone = self._gather(torch.tensor(differences, dtype=torch.float64))
        return [mean(column) for column in zip(*(one.tolist() for one in everyone), strict=True)]

    def check(self, optimizer: ZerothOrder) -> None:
        """Compare all workers' settings, steps and weights; every worker calls it, before the first step or any time.

        Parameters
        ----------
        optimizer
            The one that this object was given to as `exchange`.

        Raises
        ------
        InputError
            A worker that differs from worker 0: the message names the first setting that does.
        WorkerLostError
            A worker that died or did not answer in time.
        """
        if optimizer._exchange is not self:
            raise InputError("the optimizer does not exchange with this object; make it with exchange=this object")
        text = json.dumps(_description(optimizer)).encode()
        everyone = [json.loads(bytes(one.tolist())) for one in self._gather_bytes(text)]
        for rank, other in enumerate(everyone):
            for name, value in everyone[0].items():
                if other[name] != value:
                    raise InputError(
                        f"worker {rank} has {name}={other[name]!r}, and worker 0 has {value!r}; all workers must "
                        "have the same: load one checkpoint everywhere, or broadcast worker 0's weights"
                    )
        self._checked = True

    def _gather_bytes(self, text: bytes) -> list[Tensor]:
        """Bytes of every worker, in rank order."""
        lengths = [int(one) for one in self._gather(torch.tensor([len(text)]))]
        padded = self._gather(torch.tensor([*text.ljust(max(lengths))], dtype=torch.uint8))
        return [one[:length] for one, length in zip(padded, lengths, strict=True)]

    def _gather(self, mine: Tensor) -> list[Tensor]:
        """Give every worker's tensor, in rank order.

        Messages from one to one, as a collective operation doesn't tell who is missing, and on gloo goes on waiting in
        a thread that keeps the process from ending.
        """
        self._check_group()
        size, me = dist.get_world_size(self._group), dist.get_rank(self._group)
        others = [rank for rank in range(size) if rank != me]
        tensors = [mine if rank == me else torch.empty_like(mine) for rank in range(size)]
        deadline = time.monotonic() + self.timeout_s
        works = []
        for rank in others:
            with self._naming(rank):
                works.append((rank, dist.isend(mine, group=self._group, group_dst=rank)))
        for rank in others:
            with self._naming(rank):
                works.append((rank, dist.irecv(tensors[rank], group=self._group, group_src=rank)))
        for rank, work in works:
            with self._naming(rank):
                assert work is not None
                work.wait(timedelta(seconds=max(deadline - time.monotonic(), 0.001)))
        return tensors

    def _check_group(self) -> None:
        """Refuse a group that is not there, can't move CPU tensors, or has lost a worker."""
        if self._lost:
            raise WorkerLostError(self._lost)
        if not dist.is_available() or not dist.is_initialized():
            raise InputError("no process group was made; call torch.distributed.init_process_group('gloo') first")
        if "cpu:" not in (backends := dist.get_backend_config(self._group)):
            raise InputError(
                f"a process group of {backends} was given; it can't move CPU tensors: give "
                "group=torch.distributed.new_group(backend='gloo')"
            )

    @contextmanager
    def _naming(self, rank: int) -> Iterator[None]:
        """Turn an error of the backend into one that names the worker."""
        try:
            yield
        except RuntimeError as error:
            raise self._lose(rank, error) from error

    def _lose(self, rank: int, error: RuntimeError) -> WorkerLostError:
        """Remember who was lost, as the group is of no more use, and describe it."""
        why = f"did not answer within {self.timeout_s:g} s" if "Timed out" in str(error) else "is gone"
        self._lost = (
            f"worker {rank} of {dist.get_world_size(self._group)} {why}, and the weights are as before the step; "
            "look at that worker's log and start all workers again from the last checkpoint"
        )
        return WorkerLostError(self._lost)


def _description(optimizer: ZerothOrder) -> dict[str, Any]:
    """Describe what has to be alike on all workers."""
    optimizer._begin()  # on a grid this rounds the weights, and a worker with a ledger did so before
    optimizer.settle()
    return {
        "perturbation": optimizer.perturbation.to_dict(),
        "dimension": optimizer.dimension,
        "modulus": optimizer.modulus,
        "estimator": repr(optimizer.estimator),
        "grid": optimizer.grid,
        "headroom": optimizer._headroom,
        "merge": optimizer.merge,
        "seed": optimizer.seed,
        "steps": optimizer.steps,
        "groups": [
            {name: float(group[name]) for name in ("lr", "eps", "weight_decay")} | {"tensors": len(group["params"])}
            for group in optimizer.param_groups
        ],
        "sha256 of the weights": _sha256(p for group in optimizer.param_groups for p in group["params"]),
    }


def _sha256(weights: Iterable[Tensor]) -> str:
    """Hash of types, shapes and bytes."""
    running = hashlib.sha256()
    for weight in weights:
        running.update(f"{weight.dtype} {tuple(weight.shape)} ".encode())
        values = weight.detach().cpu().contiguous().view(-1)
        running.update(values.view(torch.uint8).numpy().tobytes())
    return running.hexdigest()
