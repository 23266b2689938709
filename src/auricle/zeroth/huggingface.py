"""Forward-only training with the `Trainer` of transformers, whole models or LoRA adapters."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from auricle.errors import InputError
from auricle.zeroth.optimizer import ZerothOrder


class ZerothOrderTrainerMixin:
    """Makes a `transformers.Trainer` train with `ZerothOrder`: forward passes alone, no gradients.

    Put it before the trainer, and give the optimizer's options as `optimizer_cls_and_kwargs`::

        class ForwardTrainer(ZerothOrderTrainerMixin, Trainer):
            pass

        trainer = ForwardTrainer(
            model=model, args=args, train_dataset=questions,
            optimizer_cls_and_kwargs=(ZerothOrder, {"eps": 2**-10, "perturbation": Pool()}),
        )

    Without them it takes `ZerothOrder` as it is; the learning rate is that of the training arguments unless the options
    name one. Parameters that do not require a gradient are left alone, so that of a PEFT model only the adapter is
    trained. Schedulers, logging, evaluation, checkpoints and resuming work as they do in the trainer.

    Notes
    -----
    The micro-batches of gradient accumulation become one step; each is evaluated at every point of it, and their losses
    are scaled as the trainer scales them. Gradient clipping means nothing here and is left out, and no gradient norm is
    logged. Not with more than one process, DeepSpeed or FSDP: a loop of one's own with `DataParallel` serves there.

    It imports nothing of transformers; made for version 5 (`pip install 'auricle[huggingface]'`).
    """

    args: Any
    accelerator: Any
    optimizer: Any
    optimizer_cls_and_kwargs: tuple[type, dict[str, Any]] | None
    compute_loss: Callable[..., Tensor]
    compute_loss_context_manager: Callable[[], Any]
    compute_loss_func: Any
    current_gradient_accumulation_steps: int
    model_accepts_loss_kwargs: bool
    _prepare_inputs: Callable[[Any], Any]
    _closures: list[Callable[[], Tensor]]

    def create_optimizer(self, model: nn.Module | None = None) -> ZerothOrder:
        """Make the optimizer, and refuse what it can't be used with.

        Raises
        ------
        InputError
            Another optimizer; one that leaves the weights perturbed between steps; more than one process.
        """
        self._closures = []
        _check_processes(self)
        if self.optimizer is None:
            kind, options = self.optimizer_cls_and_kwargs or (ZerothOrder, {})
            self.optimizer_cls_and_kwargs = (kind, {"lr": self.args.learning_rate, **options})
        optimizer = super().create_optimizer(model)  # type: ignore[misc]
        if not isinstance(optimizer, ZerothOrder):
            raise InputError(
                f"the trainer was given {type(optimizer).__name__}; ZerothOrderTrainerMixin needs "
                "optimizer_cls_and_kwargs=(ZerothOrder, {...})"
            )
        if optimizer.merge:
            raise InputError(
                "merge=True was given; it leaves the weights perturbed between steps, when a trainer and its callbacks "
                "look at them: leave it out"
            )
        return optimizer

    def training_step(
        self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Tensor | int | None = None
    ) -> Tensor:
        """Keep a micro-batch, or take the step on all that were kept.

        Parameters
        ----------
        model, inputs, num_items_in_batch
            As the trainer gives them.

        Returns
        -------
        Tensor
            The loss of the step; 0 for a micro-batch that waits for the others, as the trainer adds them up.
        """
        model.train()
        inputs = self._prepare_inputs(inputs)
        # A loss that is a share of the whole batch already must not be averaged once more.
        share = self.current_gradient_accumulation_steps if self._is_share(num_items_in_batch) else 1

        def closure() -> Tensor:
            with self.compute_loss_context_manager():
                # compute_loss may take the labels out of what it is given.
                loss = self.compute_loss(model, copy.copy(inputs), num_items_in_batch=num_items_in_batch)
            return share * loss.mean()

        self._closures.append(closure)
        if not self.accelerator.sync_gradients:
            return torch.zeros((), device=self.args.device)
        closures, self._closures = self._closures, []
        loss = _unwrapped(self.optimizer).step(closures)
        # The trainer calls optimizer.step() next, without a closure; accelerate leaves that out while it accumulates.
        self.accelerator.sync_gradients = False
        return loss.to(self.args.device)

    def _is_share(self, num_items_in_batch: Tensor | int | None) -> bool:
        told = getattr(self, "loss_is_scaled_for_ga", None)
        if told is not None:
            return bool(told)
        return (self.model_accepts_loss_kwargs and num_items_in_batch is not None) or self.compute_loss_func is not None

    def _clip_grad_norm(self, model: nn.Module) -> None:
        """Do nothing, as there is no gradient."""

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> None:
        """Give nothing that could be logged."""


def _unwrapped(optimizer: Any) -> ZerothOrder:
    """Take an optimizer out of accelerate's wrapping."""
    inner = getattr(optimizer, "optimizer", optimizer)
    assert isinstance(inner, ZerothOrder)
    return inner


def _check_processes(trainer: Any) -> None:
    """Refuse trainers of more than one process, whose workers would each take steps of their own."""
    several = {
        "DeepSpeed": getattr(trainer, "is_deepspeed_enabled", False),
        "FSDP": getattr(trainer, "is_fsdp_enabled", False),
        f"{trainer.args.world_size} processes": trainer.args.world_size > 1,
    }
    for what, there in several.items():
        if there:
            raise InputError(
                f"a trainer with {what} was given; use one process, or a loop of your own with auricle.zeroth's "
                "DataParallel"
            )
