"""One evaluation of the loss: no gradients, the same random numbers each time, buffers as they were."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn

from auricle.errors import InputError

Loss = Callable[[], Any]
Buffers = Literal["freeze", "refuse", "ignore"]


class Evaluation:
    """Evaluates the loss several times in one step, so that the evaluations differ by the weights alone.

    Random numbers (dropout masks) are drawn from the same state each time, and the state moves on once a step.
    Buffers that a module changes while it runs, such as the running mean of a batch normalisation, would carry one
    evaluation into the next: they are put back.

    Parameters
    ----------
    devices
        Devices whose random state matters, beside the CPU's.
    buffers
        "freeze" puts changed buffers back, "refuse" raises, "ignore" does not look.
    """

    def __init__(self, devices: Sequence[torch.device], buffers: Buffers) -> None:
        if buffers not in {"freeze", "refuse", "ignore"}:
            raise InputError(f"buffers={buffers!r} was given; allowed are 'freeze', 'refuse' and 'ignore'")
        self._cuda = sorted({device.index or 0 for device in devices if device.type == "cuda"})
        self._buffers = buffers

    @contextmanager
    def step(self) -> Iterator[Callable[[Sequence[Loss]], float]]:
        """Everything that happens within one step: gives the function that evaluates closures to their mean loss."""
        state = self._random_state()

        def evaluate(closures: Sequence[Loss]) -> float:
            self._restore_random(state)
            with torch.no_grad(), self._watched():
                return mean([_number(closure()) for closure in closures])

        yield evaluate

    def _random_state(self) -> tuple[Tensor, list[Tensor]]:
        return torch.get_rng_state(), [torch.cuda.get_rng_state(i) for i in self._cuda]

    def _restore_random(self, state: tuple[Tensor, list[Tensor]]) -> None:
        torch.set_rng_state(state[0])
        for index, value in zip(self._cuda, state[1], strict=True):
            torch.cuda.set_rng_state(value, index)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Keep the buffers of each module before it runs, and look at them afterwards."""
        if self._buffers == "ignore":
            yield
            return
        kept: dict[tuple[nn.Module, str], tuple[Tensor, Tensor]] = {}

        def keep(module: nn.Module, _: Any) -> None:
            # The parts of a module that torch.compile has wrapped may run without calling hooks.
            for part in module.modules() if "_orig_mod" in module._modules else [module]:
                for name, buffer in part._buffers.items():
                    if buffer is not None and (part, name) not in kept:
                        kept[part, name] = (buffer, buffer.clone())

        hook = nn.modules.module.register_module_forward_pre_hook(keep)
        try:
            yield
        finally:
            hook.remove()
            changed = set()
            for (module, name), (buffer, copy) in kept.items():
                # Values are compared, as batch normalisation does not count its changes in the tensor's version.
                if module._buffers[name] is not buffer or not torch.equal(buffer, copy):
                    changed.add(f"{type(module).__name__}.{name}")
                    module._buffers[name] = buffer.copy_(copy)
        if changed and self._buffers == "refuse":
            raise InputError(
                f"the closure changes buffers ({', '.join(sorted(changed)[:3])}), so that one evaluation would change "
                "the next; put these modules into eval(), or pass buffers='freeze' to put the values back"
            )


def mean(values: Sequence[float]) -> float:
    """Mean that is rounded once, in any order of the values; not a number where there is none.

    Examples
    --------
    >>> mean([1.0, 2**60, -(2**60)]), mean([float("inf"), float("-inf")])
    (0.3333333333333333, nan)
    """
    try:
        return math.fsum(values) / len(values)
    except (ValueError, OverflowError):  # opposite infinities, or a sum beyond the range
        return math.nan


def _number(loss: Any) -> float:
    """Turn what a closure returned into a float."""
    if isinstance(loss, Tensor) and loss.numel() == 1:
        return float(loss)
    if isinstance(loss, (int, float)) and not isinstance(loss, bool):
        return float(loss)
    what = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else repr(loss)
    raise InputError(f"the closure returned {what}; it must return the loss, a single number")
