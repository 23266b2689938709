"""What ties an optimizer to its ledger: each step is in the file before it is in the weights."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from auricle.zeroth.block import Block
from auricle.zeroth.grid import LIMIT
from auricle.zeroth.ledger import Ledger, LedgerError, LedgerGroup, LedgerHeader, LedgerTensor
from auricle.zeroth.perturbation import Perturbation
from auricle.zeroth.reconstruction import base_sha256, replay


class Recorder:
    """Writes the steps of some blocks into a ledger, and takes them back."""

    def __init__(self, ledger: Ledger, blocks: Sequence[Block]) -> None:
        self.ledger = ledger
        self._blocks = blocks

    @classmethod
    def begin(
        cls, path: Path, blocks: Sequence[Block], names: Sequence[str], *, spec: Perturbation, queries: int,
        estimator: str, seed: int, headroom: float,
    ) -> "Recorder":  # fmt: skip
        """Begin a ledger for the weights as they are, or go on with one that begins with them.

        Raises
        ------
        LedgerError
            A ledger of other weights or settings, one that another process writes, or a file that can't be written.
        """
        if path.exists():
            ledger = Ledger.append_to(path)
            try:
                _check(ledger, names, blocks, perturbation=spec, queries=queries, estimator=estimator, seed=seed)
                _replay(ledger, blocks)
            except BaseException:
                ledger.close()
                raise
            return cls(ledger, blocks)
        for block in blocks:
            block.choose_grid(headroom)
        # The hash is of the rounded weights; they are rounded in place once nothing can fail any more.
        header = LedgerHeader(
            base_sha256=base_sha256((_array(view), _grid(block)) for block in blocks for view in block.views),
            perturbation=spec, queries=queries, estimator=estimator, seed=seed,
            tensors=_tensors(names, blocks),
            groups=tuple(
                LedgerGroup(grid=_grid(block), amplitude=_units(block.plan(range(1)).amplitudes[0], block))
                for block in blocks
            ),
        )  # fmt: skip
        ledger = Ledger.create(path, header)
        for block in blocks:
            block.round_to_grid()
        return cls(ledger, blocks)

    def record(self, changes: Sequence[Sequence[float]] | None) -> None:
        """Write a step, as coefficients per block and query; None for a null step."""
        if changes is None:
            self.ledger.append_null()
            return
        units = [[-_units(c, block) for c in part] for block, part in zip(self._blocks, changes, strict=True)]
        self.ledger.append(np.array(units, np.int64).T)

    def rollback(self, step: int) -> None:
        """Take back all steps from `step` on: first in the file, then in the weights."""
        now = self.ledger.steps
        multipliers = self.ledger.multipliers(min(step, now), now)[0]
        self.ledger.truncate(step)
        first = step * self.ledger.header.queries
        for g, block in enumerate(self._blocks):
            unit, weight = 2.0 ** -_grid(block), 0
            terms: dict[int, float] = {}
            for direction, c in enumerate(multipliers[:, :, g].reshape(-1).tolist(), start=first):
                # The sum of many steps may leave the range in which float32 is exact: they go back in portions.
                if weight + abs(c) * block.spec.largest >= LIMIT:
                    block.move(terms)
                    block.rest()
                    terms, weight = {}, 0
                terms[direction] = c * unit
                weight += abs(c) * block.spec.largest
            block.move(terms)
            block.rest()
            block.measure()


def _grid(block: Block) -> int:
    assert block.exponent is not None
    return block.exponent


def _units(coefficient: float, block: Block) -> int:
    return round(coefficient * 2.0 ** _grid(block))


def _array(view: Tensor) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    return np.asarray(view.cpu().numpy())


def _tensors(names: Sequence[str], blocks: Sequence[Block]) -> tuple[LedgerTensor, ...]:
    shapes = [(tuple(view.shape), g) for g, block in enumerate(blocks) for view in block.views]
    return tuple(LedgerTensor(name=name, shape=shape, group=g) for name, (shape, g) in zip(names, shapes, strict=True))


def _check(ledger: Ledger, names: Sequence[str], blocks: Sequence[Block], **settings: Perturbation | str | int) -> None:
    """Refuse a ledger of other settings, and name the first that differs."""
    given: Mapping[str, object] = {**settings, "tensors": _tensors(names, blocks)}
    for name, value in given.items():
        if (kept := getattr(ledger.header, name)) != value:
            what = f"{name} is {value!r}, and the ledger has {kept!r}"
            if name == "tensors":
                what = "the weights have other names, shapes or groups than in the ledger"
            raise LedgerError(f"{ledger.path}: {what}; give what it began with, or a new path")


def _replay(ledger: Ledger, blocks: Sequence[Block]) -> None:
    """Bring weights that are the ledger's base to where its last step left them."""
    weights = replay([_array(view) for block in blocks for view in block.views], ledger)
    grids = iter([group.grid for group in ledger.header.groups])
    place = iter(weights)
    with torch.no_grad():
        for block in blocks:
            for view in block.views:
                view.copy_(torch.from_numpy(next(place)))
            block.exponent = next(grids)
            block.measure()
