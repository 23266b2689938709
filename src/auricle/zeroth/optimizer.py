"""The optimizer: forward passes alone, in place, with numbers that are reused."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from auricle.errors import InputError
from auricle.zeroth.block import BROKEN_OFF, Block, Plan
from auricle.zeroth.closure import Buffers, Evaluation, Loss, checked, mean
from auricle.zeroth.estimators import Estimator, TwoSided
from auricle.zeroth.interrupts import held_back
from auricle.zeroth.ledger import Ledger
from auricle.zeroth.modulus import Modulus, check_modulus
from auricle.zeroth.no_slope import SlopeWatch
from auricle.zeroth.parameters import check_kind, check_same, check_settings, check_trained, names, trained, versions
from auricle.zeroth.perturbation import Perturbation, check_whole
from auricle.zeroth.pool import Pool
from auricle.zeroth.recorder import Recorder

Exchange = Callable[[Sequence[float]], Sequence[float]]


class ZerothOrder(Optimizer):
    """Zeroth-order stochastic gradient descent: two forward passes a step, no gradients, no copy of the weights.

    A step perturbs all weights along one direction, evaluates the loss on either side, and moves the weights along the
    direction by lr times the slope. The directions come from a `Perturbation`; the default reuses a pool of 8,191
    small integers (PeZO).

    Parameters
    ----------
    params
        Parameters or groups of them, as for any optimizer; `model.named_parameters()` gives a ledger its names.
        Those that do not require a gradient are left alone.
    lr
        Learning rate: the step is lr x slope x direction, a direction being as long as a Gaussian vector. Settings of
        MeZO carry over (1e-6 for a language model, 1e-3 for a small network).
    eps
        Perturbation per weight, in standard deviations of a Gaussian: 1e-3 is usual. It has to change the loss by more
        than its rounding.
    weight_decay
        Weights shrink by lr x weight_decay a step, apart from the slope. Not on a grid.
    perturbation
        Where the directions come from: `Pool`, `RowPool`, `LfsrBank`, `Signs`, `Uniform`, `Gaussian`.
    modulus
        How integers are scaled to a Gaussian's length; see `modulus.scale`.
    estimator
        `TwoSided` or `OneSided`, and how many directions a step looks at.
    grid
        Keep all weights on a power-of-two grid, where every step is exact: nothing drifts, a step is undone to the bit
        and a run replays on any machine. float32 only.
    headroom
        On a grid: how many times the greatest weight a weight may become.
    ledger
        File in which every step is recorded in two bytes; implies a grid. A new path begins a ledger. A ledger that
        began with these very weights is replayed into them, and training goes on after its last step.
    merge
        Leave the weights perturbed for the next step, which saves one of three passes over them. Call `settle()`
        before looking at the weights; `state_dict()` does.
    buffers
        What to do when the closure changes buffers, such as a batch normalisation's running mean: "freeze" them,
        "refuse", or "ignore" it.
    seed
        Of the rounding on a grid.
    exchange
        Averages the differences of losses over workers that train on data of their own: `DataParallel`.

    Notes
    -----
    Sources: MeZO (Malladi et al. 2023), PeZO (arXiv 2504.20314). Deviations from PeZO: see the specs; power-of-two
    scaling loses nothing (`modulus.amplitude`).

    Where not to use it: gradients, where there is memory for them, reach the same loss in far fewer passes.

    Examples
    --------
    >>> _ = torch.manual_seed(0)
    >>> x = torch.randn(64, 3)
    >>> y = x @ torch.tensor([1.0, -2.0, 0.5])
    >>> model = torch.nn.Linear(3, 1)
    >>> optimizer = ZerothOrder(model.parameters(), lr=0.05, perturbation=Pool(size=127))
    >>> for _ in range(300):
    ...     loss = optimizer.step(lambda: torch.nn.functional.mse_loss(model(x)[:, 0], y))
    >>> bool(loss < 1e-3)
    True
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        eps: float = 2**-10,
        *,
        weight_decay: float = 0.0,
        perturbation: Perturbation | None = None,
        modulus: Modulus = "power-of-two",
        estimator: Estimator | None = None,
        grid: bool = False,
        headroom: float = 4.0,
        ledger: str | Path | None = None,
        merge: bool = False,
        buffers: Buffers = "freeze",
        seed: int = 0,
        exchange: Exchange | None = None,
    ) -> None:
        check_modulus(modulus)
        check_whole(seed=seed)
        self.perturbation = Pool() if perturbation is None else perturbation
        self.modulus: Modulus = modulus
        self.estimator = TwoSided() if estimator is None else estimator
        check_kind("perturbation", self.perturbation, Perturbation, "Pool()")
        check_kind("estimator", self.estimator, Estimator, "TwoSided()")
        self.grid = grid or ledger is not None
        self.merge = merge
        self.seed = seed
        self.steps = 0
        """Steps taken so far, null steps included."""
        self._headroom = headroom
        self._exchange = exchange
        self._blocks: list[Block] = []
        self._slopes = SlopeWatch()
        self._exponents: list[int | None] = []
        self._versions: list[int] = []
        self._complete = False
        super().__init__(params, {"lr": lr, "eps": eps, "weight_decay": weight_decay})
        self._complete = True
        self._survey()
        for group in self.param_groups:
            check_settings(group, grid=self.grid)
        self._evaluation = Evaluation(buffers)
        self._recorder: Recorder | None = None
        if ledger is not None:
            self._record(Path(ledger))

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group while the optimizer is made; later, the flat index would change under the perturbations."""
        if self._complete:
            raise InputError("a ZerothOrder takes no param group later; make a new one with all groups")
        super().add_param_group(param_group)

    def step(self, closure: Loss | Sequence[Loss] | None = None) -> Tensor:  # type: ignore[override]
        """Take one step.

        Parameters
        ----------
        closure
            Evaluates the loss and returns it; needed. It runs without gradients, twice or more often, each time with
            the same random numbers. Several (one per micro-batch) count as one with their mean loss.

        Returns
        -------
        Tensor
            Mean of the losses of the step; where one of them was taken at the weights themselves, that one.

        Raises
        ------
        InputError
            No closure, or one that returns no number; weights that were swapped; settings that can't be, such as an
            eps that is lost in rounding.
        GridOverflowError
            The perturbation or the step would lead out of the range of the grid.

        Warns
        -----
        NoSlopeWarning
            Once, after 20 steps in a row in which all losses were equal or one was not finite.

        Notes
        -----
        After an error, also one in the closure, the weights are as before the step: to the bit on a grid, within
        rounding elsewhere. Ctrl-C waits until a pass over the weights is whole; where something else breaks one off
        (memory that ran out), the error says so and no further step is taken. A step in which a loss is infinite or
        not a number moves nothing, and counts.
        """
        closures = checked(closure)
        self._begin()
        self._check_weights_are_ours()
        queries = self.estimator.queries
        directions = range(self.steps * queries, (self.steps + 1) * queries)
        try:
            plans = [block.plan(directions) for block in self._blocks]
            losses = self._losses(closures, plans)
            differences = self.estimator.differences(losses)
            if self._exchange is not None:
                differences = list(self._exchange(differences))
            ahead = self._ahead()
            changes = self._changes(plans, differences)
            with held_back():
                if self._recorder is not None:
                    self._recorder.record(changes)
                self._move(plans, changes, ahead)
        except BaseException as error:
            if any(block.broken for block in self._blocks):
                error.add_note(BROKEN_OFF)
            else:
                self.settle()
            raise
        self._slopes.notice(differences, self.param_groups, null=changes is None)
        return torch.tensor(losses[0] if self.estimator.points[0][1] == 0 else mean(losses))

    def settle(self) -> None:
        """Put the weights where they belong; with merge=True they stand perturbed between two steps."""
        for block in self._blocks:
            block.move({})
        self._versions = versions(self._weights)

    @property
    def ledger(self) -> Ledger | None:
        """The ledger that the steps are recorded in."""
        return None if self._recorder is None else self._recorder.ledger

    def rollback(self, step: int) -> None:
        """Take back all steps from `step` on, in the ledger and in the weights, to the bit.

        Raises
        ------
        InputError
            An optimizer without a ledger.
        LedgerError
            A step that the ledger does not hold, or a file that can't be written; nothing has then changed.
        """
        if self._recorder is None:
            raise InputError("rollback was asked of an optimizer without a ledger; make it with ledger=PATH")
        self.settle()
        with held_back():
            self._recorder.rollback(step)
            self.steps = step
            self.settle()

    def close(self) -> None:
        """Put the weights where they belong, and seal and close the ledger."""
        try:
            self.settle()
        finally:
            if self._recorder is not None:
                self._recorder.ledger.close()

    def state_dict(self) -> dict[str, Any]:
        """Everything but the weights; they belong beside it. Resumes to the same bits."""
        self.settle()
        own = {
            **self._identity(),
            "steps": self.steps,
            "exponents": [block.exponent for block in self._blocks] or self._exponents,
        }
        return {**super().state_dict(), "zeroth": own}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken; the model's weights are loaded by the caller, before or after.

        Raises
        ------
        InputError
            A state of another optimizer, or of other settings: the message names the first that differs.
        """
        own = state_dict.get("zeroth")
        if not isinstance(own, Mapping):
            raise InputError("the state is not one of a ZerothOrder: it has no entry 'zeroth'")
        for name, value in self._identity().items():
            if own.get(name) != value:
                raise InputError(f"the state was saved with {name}={own.get(name)!r}, and this optimizer has {value!r}")
        if self._recorder is not None:
            if own["steps"] != self.steps:
                raise InputError(f"the state is of step {own['steps']}, and the ledger of step {self.steps}")
            super().load_state_dict(dict(state_dict))
            for block, group in zip(self._blocks, self.param_groups, strict=True):
                block.group = group  # torch has made new ones, and schedulers change those
            return
        # Weights that were loaded already stand nowhere else.
        if self._versions == versions(self._weights):
            self.settle()
        super().load_state_dict(dict(state_dict))
        self.steps, self._exponents = own["steps"], own["exponents"]
        # The next step takes hold of the weights, which may be loaded until then.
        self._blocks = []

    def __getstate__(self) -> dict[str, Any]:
        """Refuse to be copied: a copy would move the weights of the original, or lose its place."""
        raise InputError(
            "a ZerothOrder can't be copied or pickled, as it holds on to the weights of one model; make another one "
            "and give it this one's state_dict()"
        )

    def _identity(self) -> dict[str, Any]:
        """Name what must not change between two parts of a run."""
        return {
            "perturbation": self.perturbation.to_dict(), "dimension": self.dimension, "modulus": self.modulus,
            "estimator": repr(self.estimator), "grid": self.grid, "seed": self.seed,
        }  # fmt: skip

    def _made(self) -> list[Block]:
        """One block per group; the flat index runs through the groups and their parameters in order."""
        blocks, start = [], 0
        for group in self.param_groups:
            placed = []
            for weight in group["params"]:
                if weight.requires_grad:
                    placed.append((weight, start))
                    start += weight.numel()
            blocks.append(Block(group, placed, self.perturbation, self.dimension, self.modulus))
        return blocks

    def _survey(self) -> None:
        """Look which parameters are trained, and refuse those that can't be."""
        self._weights = trained(self.param_groups)
        check_trained(self._weights, grid=self.grid)
        self.dimension = sum(weight.numel() for weight in self._weights)
        """Weights that are trained, d."""
        self.perturbation.length(self.dimension)  # refuses directions that repeat

    def _begin(self) -> None:
        """Take hold of the weights at the first step: until then a model may still be loaded, moved or frozen."""
        if self._blocks:
            return
        self._survey()
        blocks = self._made()
        for i, block in enumerate(blocks):
            block.look()
            if self.grid:
                block.choose_grid(self._headroom)
                block.exponent = self._exponents[i] if self._exponents else block.exponent
            block.plan(range(1))
        # Nothing is touched before everything was checked.
        for block in blocks if self.grid else []:
            block.round_to_grid()
        self._blocks = blocks
        self.settle()

    def _record(self, path: Path) -> None:
        """Take hold of the weights at once: the ledger begins with them, or leads them to its last step."""
        blocks = self._made()
        for block in blocks:
            block.look()
        self._recorder = Recorder.begin(
            path, blocks, names(self.param_groups), spec=self.perturbation, queries=self.estimator.queries,
            estimator=repr(self.estimator), seed=self.seed, headroom=self._headroom,
        )  # fmt: skip
        self._blocks = blocks
        self.steps = self._recorder.ledger.steps
        self.settle()

    def _check_weights_are_ours(self) -> None:
        """Refuse weights that nobody knows any more, were swapped, or on a grid changed, since the last step."""
        if any(block.broken for block in self._blocks):
            raise InputError(BROKEN_OFF)
        views = [view for block in self._blocks for view in block.views]
        kept = self.grid or any(block.here for block in self._blocks)
        check_same(trained(self.param_groups), views, self._versions if kept else None)

    def _losses(self, closures: Sequence[Loss], plans: Sequence[Plan]) -> list[float]:
        """Evaluate the loss at each point of the estimator."""
        losses = []
        with self._evaluation.step() as evaluate:
            for query, sign in self.estimator.points:
                for block, plan in zip(self._blocks, plans, strict=True):
                    block.move(plan.point(query, sign))
                losses.append(evaluate(closures))
        return losses

    def _changes(self, plans: Sequence[Plan], differences: Sequence[float]) -> list[list[float]] | None:
        """Coefficients per block and query; None for a null step."""
        if not all(map(math.isfinite, differences)):
            return None
        slopes = [self.estimator.slopes(differences, plan.eps) for plan in plans]
        # Losses near the end of the range of floats may be finite where their slopes are not.
        if not all(math.isfinite(slope) for each in slopes for slope in each):
            return None
        return [
            block.change(plan, each, (self.seed, self.steps, i))
            for i, (block, plan, each) in enumerate(zip(self._blocks, plans, slopes, strict=True))
        ]

    def _ahead(self) -> list[dict[int, float]]:
        """Where the next step begins, for each block: nowhere else, unless it is merged into this one's end."""
        if not self.merge:
            return [{} for _ in self._blocks]
        queries, (query, sign) = self.estimator.queries, self.estimator.points[0]
        directions = range((self.steps + 1) * queries, (self.steps + 2) * queries)
        return [block.plan(directions).point(query, sign) for block in self._blocks]

    def _move(
        self, plans: Sequence[Plan], changes: list[list[float]] | None, ahead: Sequence[dict[int, float]]
    ) -> None:
        """Move the weights from the last perturbation to their new place, and on to where the next step begins."""
        for i, (block, plan) in enumerate(zip(self._blocks, plans, strict=True)):
            there = dict(zip(plan.directions, changes[i], strict=True)) if changes else {}
            if changes and block.group["weight_decay"]:
                block.move(there)
                block.rest()
                block.decay()
                block.move(ahead[i])
            else:
                block.move({**there, **ahead[i]})
                block.rest(ahead[i])
        self.steps += 1
        self._versions = versions(self._weights)
