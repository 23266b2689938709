"""One evaluation of the loss: no gradients, the same random numbers each time, buffers as they were."""

import math
import numbers
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

    Random numbers (dropout masks) are drawn from the same state each time, and the state moves on once a step: that of
    torch's own generators on the CPU and on CUDA devices.
    Buffers that a module changes while it runs, such as the running mean of a batch normalisation, would carry one
    evaluation into the next: they are put back.

    Parameters
    ----------
    buffers
        "freeze" puts changed buffers back, "refuse" raises, "ignore" does not look.
    """

    def __init__(self, buffers: Buffers) -> None:
        if buffers not in {"freeze", "refuse", "ignore"}:
            raise InputError(f"buffers={buffers!r} was given; allowed are 'freeze', 'refuse' and 'ignore'")
        self._buffers = buffers

    @contextmanager
    def step(self) -> Iterator[Callable[[Sequence[Loss]], float]]:
        """Everything that happens within one step: gives the function that evaluates closures to their mean loss."""
        # Before CUDA is in use there are none of its generators.
        generators = [torch.default_generator, *torch.cuda.default_generators]
        states = [generator.get_state() for generator in generators]

        def evaluate(closures: Sequence[Loss]) -> float:
            for generator, state in zip(generators, states, strict=True):
                generator.set_state(state)
            with torch.no_grad(), self._watched():
                try:
                    return mean([_number(closure()) for closure in closures])
                except RuntimeError as error:
                    if "does not require grad" not in str(error):
                        raise
                    raise InputError(
                        "the closure asks for gradients, and there are none: leave out backward() and zero_grad(), and "
                        "return the loss"
                    ) from error

        yield evaluate

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
                if module._buffers.get(name) is not buffer or not torch.equal(buffer, copy):
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


def checked(closure: Loss | Sequence[Loss] | None) -> Sequence[Loss]:
    """Refuse what can't be evaluated, and give the closures of all micro-batches."""
    if isinstance(closure, Tensor):
        raise InputError(
            "step(loss) was called with a tensor; give the function that returns it: "
            "optimizer.step(lambda: loss_fn(model(x), y))"
        )
    closures = [closure] if callable(closure) else closure
    if not closures or not all(callable(one) for one in closures):
        raise InputError(
            f"step({closure!r}) was called; forward-only training needs a function that returns the loss: "
            "optimizer.step(lambda: loss_fn(model(x), y))"
        )
    return closures


def _number(loss: Any) -> float:
    """Turn what a closure returned into a float."""
    if isinstance(loss, Tensor) and loss.numel() == 1 and not loss.is_complex():
        return float(loss.detach())
    if not isinstance(loss, bool) and isinstance(loss, numbers.Real):
        return float(loss)
    what = f"a tensor of shape {tuple(loss.shape)} and {loss.dtype}" if isinstance(loss, Tensor) else repr(loss)
    raise InputError(f"the closure returned {what}; it must return the loss, a single real number")
