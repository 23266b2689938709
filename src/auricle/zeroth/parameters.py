"""What an optimizer is given: which parameters are trained, and whether they and the settings can be."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from auricle.errors import InputError

Groups = Iterable[Mapping[str, Any]]


def trained(groups: Groups) -> list[Tensor]:
    """Parameters that require a gradient, in the order of the flat index: group by group."""
    return [weight for group in groups for weight in group["params"] if weight.requires_grad]


def names(groups: Groups) -> list[str]:
    """Name of each trained parameter: its own where the optimizer was given names, else its number."""
    found = [
        name
        for group in groups
        for name, weight in zip(group.get("param_names") or group["params"], group["params"], strict=True)
        if weight.requires_grad
    ]
    return [name if isinstance(name, str) else str(i) for i, name in enumerate(found)]


def check_trained(weights: Sequence[Tensor], *, grid: bool) -> None:
    """Refuse parameters that can't be perturbed.

    Raises
    ------
    InputError
        None at all; one that is not dense and real, not float32 where a grid needs it, or shares its memory.
    """
    if not weights:
        raise InputError("no parameter requires a gradient; at least one is needed, as the others count as frozen")
    for weight in weights:
        if not weight.is_floating_point() or weight.layout != torch.strided:
            raise InputError(
                f"a parameter of type {weight.dtype}, {weight.layout} was given; dense real ones are needed"
            )
        if grid and weight.dtype != torch.float32:
            raise InputError(f"a parameter of type {weight.dtype} was given with grid=True; a grid needs float32")
        if any(step == 0 and size > 1 for step, size in zip(weight.stride(), weight.shape, strict=True)):
            raise InputError(
                f"a parameter of shape {tuple(weight.shape)} was given whose elements share their memory, as after "
                "expand(); give it memory of its own with clone()"
            )
    places = [weight.data_ptr() for weight in weights if weight.numel()]
    if len(set(places)) != len(places):
        raise InputError("two parameters share their storage; tie modules to one parameter instead")


def check_kind(name: str, given: object, kind: type, example: str) -> None:
    """Refuse the class of a perturbation or an estimator in place of one of its objects."""
    if not isinstance(given, kind):
        raise InputError(f"{name}={given!r} was given; an object of auricle.zeroth is needed, such as {example}")


def check_settings(group: Mapping[str, Any], *, grid: bool) -> None:
    """Refuse settings of a group that no step can be taken with; a scheduler may change them at any time.

    Raises
    ------
    InputError
        An lr, eps or weight_decay that is no number, outside its range, or lost in float32.
    """
    lr, eps, decay = (_number(name, group[name]) for name in ("lr", "eps", "weight_decay"))
    if not (math.isfinite(lr) and lr >= 0):
        raise InputError(f"lr={lr} was given; it can't be negative or infinite")
    least = torch.finfo(torch.float32).tiny
    if 0 < lr < least:
        raise InputError(f"lr={lr} was given; float32 loses steps below {least:.2g}: give more, or 0 for no steps")
    if not (math.isfinite(eps) and eps > 0):
        raise InputError(f"eps={eps} was given; it must be above 0 (2**-10 is usual)")
    if not (math.isfinite(decay) and decay >= 0):
        raise InputError(f"weight_decay={decay} was given; it can't be negative or infinite")
    if grid and decay:
        raise InputError("weight_decay was given with a grid; shrinking leaves it, so one of them must go")


def check_same(weights: Sequence[Tensor], held: Sequence[Tensor], noted: Sequence[int] | None = None) -> None:
    """Refuse parameters that are not what the optimizer left behind.

    Parameters
    ----------
    weights
        The parameters that are trained now.
    held
        The tensors that the optimizer took hold of.
    noted
        Their `versions` after its last step; None where others may write to them.

    Raises
    ------
    InputError
        Other tensors, or the same ones written to.
    """
    if len(weights) != len(held) or any(_place(a) != _place(b) for a, b in zip(weights, held, strict=True)):
        raise InputError(
            "parameters were added, frozen, moved or given other storage since the last step; the perturbations "
            "would hit other weights: make a new optimizer"
        )
    if noted is not None and noted != versions(weights):
        raise InputError(
            "weights were changed outside of the optimizer since the last step, or written to (a checkpoint that "
            "was loaded counts, whatever it holds); on a grid, and with merge=True before settle(), only its own "
            "steps may move them: make a new optimizer to go on from here, with a ledger from the base weights"
        )


def versions(weights: Iterable[Tensor]) -> list[int]:
    """Count the in-place changes of each tensor."""
    return [weight._version for weight in weights]


def _place(weight: Tensor) -> tuple[object, ...]:
    return weight.data_ptr(), weight.shape, weight.stride(), weight.dtype


def _number(name: str, value: object) -> float:
    # Text would pass float() here and stop a scheduler later.
    if isinstance(value, str | bytes | bool):
        raise InputError(f"{name}={value!r} was given; a number is needed, not text or a truth value")
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InputError(f"{name}={value!r} was given; a number is needed") from None
