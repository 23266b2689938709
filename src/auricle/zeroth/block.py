"""The weights of one param group: perturbed, put back and moved in place."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from auricle.errors import InputError
from auricle.zeroth.grid import LIMIT, GridOverflowError, exponent_for, round_randomly, to_grid, units
from auricle.zeroth.interrupts import held_back
from auricle.zeroth.modulus import Modulus, amplitude, scale
from auricle.zeroth.parameters import check_settings
from auricle.zeroth.perturbation import Perturbation
from auricle.zeroth.streams import Adder, adder

BROKEN_OFF = (
    "a pass over the weights broke off half-way, so that some stand perturbed and some do not; load the weights again "
    "and make a new optimizer"
)
WORD = (1 << 15) - 1
"""Greatest magnitude of a multiplier's word: with its sign it takes two bytes in a ledger."""
BEYOND = 2.0**64


@dataclass(frozen=True)
class Plan:
    """The directions of one step for one block.

    Attributes
    ----------
    directions
        One per query.
    amplitudes
        What the integers are multiplied by to perturb.
    scales
        What makes the integers as long as a Gaussian vector.
    """

    directions: range
    amplitudes: list[float]
    scales: list[float]

    @property
    def eps(self) -> list[float]:
        """Perturbations in Gaussian lengths."""
        return [a / s for a, s in zip(self.amplitudes, self.scales, strict=True)]

    def point(self, query: int, sign: int) -> dict[int, float]:
        """Where the weights stand for one evaluation."""
        return {self.directions[query]: sign * self.amplitudes[query]} if sign else {}


class Block:
    """The weights of one param group, and where they stand relative to where the step began.

    Parameters
    ----------
    group
        The optimizer's param group: holds lr, eps and weight_decay.
    weights
        Those that are trained, and the flat index of the first element of each.
    spec, dimension, modulus
        The perturbation, over how many weights in all, and how it is scaled.
    """

    def __init__(
        self, group: dict[str, Any], weights: list[tuple[Tensor, int]], spec: Perturbation, dimension: int,
        modulus: Modulus,
    ) -> None:  # fmt: skip
        self.group, self.weights = group, weights
        self.spec, self.dimension, self.modulus = spec, dimension, modulus
        self.exponent: int | None = None
        """Of the grid; None without one."""
        self.reach = 0
        """No weight is greater than this, in grid units."""
        self.here: dict[int, float] = {}
        """Coefficient of each direction that the weights stand away from their own place."""
        self.broken = False
        """Whether a pass broke off, so that nobody knows where the weights stand."""
        self._least_eps = 0.0
        self._lost = ""
        self.views = [weight.detach() for weight, _ in weights]
        """The weights in the storage that they have now, without their gradients."""
        kinds: dict[tuple[torch.device, torch.dtype], list[tuple[Tensor, int]]] = {}
        for view, (_, start) in zip(self.views, weights, strict=True):
            kinds.setdefault((view.device, view.dtype), []).append((view, start))
        self.adders: list[Adder] = [adder(spec, dimension, tensors) for tensors in kinds.values()]

    def look(self) -> None:
        """Refuse weights that are no numbers, and note which eps most of them would not notice."""
        for weight in self.views:
            # A norm needs no copy of the magnitudes.
            length = torch.linalg.vector_norm(weight, 1, dtype=torch.promote_types(weight.dtype, torch.float32))
            typical = float(length) / max(1, weight.numel())
            if not math.isfinite(typical):
                raise InputError("a weight is infinite or not a number; no step leads away from there")
            rounding = torch.finfo(weight.dtype).eps * typical
            if rounding / 4 > self._least_eps:
                self._least_eps = rounding / 4
                self._lost = (
                    f"is lost in the rounding of weights of type {weight.dtype} around {typical:.2g}; give "
                    f"{rounding:.2g} or more, or longer floats"
                )

    def choose_grid(self, headroom: float) -> None:
        """Choose the finest grid that leaves the headroom; the weights stay as they are."""
        ends = [float(end) for weight in self.views if weight.numel() for end in torch.aminmax(weight)]
        largest = math.nan if any(map(math.isnan, ends)) else max(map(abs, ends), default=0.0)
        if not math.isfinite(largest):
            raise InputError("a weight is infinite or not a number; a grid has no place for it")
        self.exponent = exponent_for(largest, headroom)

    def round_to_grid(self) -> None:
        """Bring the weights to the nearest points of the grid."""
        assert self.exponent is not None
        for weight in self.views:
            to_grid(weight, self.exponent)
        self.measure()

    def measure(self) -> None:
        """Look how great the weights are, wherever they stand."""
        assert self.exponent is not None
        away = sum(map(abs, self.here.values())) * 2.0**self.exponent
        measured = max([0, *(units(weight, self.exponent) for weight in self.views)])
        self.reach = measured + round(away) * self.spec.largest

    def plan(self, directions: range) -> Plan:
        """Amplitudes and scales of a step, from the group's present settings.

        Raises
        ------
        InputError
            Settings that no step can be taken with.
        GridOverflowError
            A perturbation that would lead out of the range of the grid.
        """
        check_settings(self.group, grid=self.exponent is not None)
        eps = float(self.group["eps"])
        scales = [scale(self.spec, self.dimension, direction, self.modulus) for direction in directions]
        amplitudes = [amplitude(eps, s, self.modulus) for s in scales]
        if self.exponent is not None:
            amplitudes = [self._on_grid(a, s) for a, s in zip(amplitudes, scales, strict=True)]
        plan = Plan(directions, amplitudes, scales)
        if plan.eps[0] < self._least_eps:
            raise InputError(f"eps={eps} {self._lost}")
        return plan

    def _on_grid(self, a: float, s: float) -> float:
        assert self.exponent is not None
        eps, unit = self.group["eps"], 2.0**-self.exponent
        steps = round(a / unit)
        if steps < 1:
            raise InputError(
                f"eps={eps} moves the weights by {a:.2g} per unit, less than their grid of 2**-{self.exponent}; give "
                f"eps={unit / s:.2g} or more, less headroom, or fewer bits"
            )
        if not self._has_room(steps * self.spec.largest):
            raise GridOverflowError(
                f"a perturbation of {steps * self.spec.largest * unit:.3g} takes weights of up to "
                f"{self.reach * unit:.3g} out of the range of their grid, {LIMIT * unit:.3g}; lower eps={eps}, or give "
                "more headroom to the optimizer"
            )
        return steps * unit

    def _has_room(self, distance: int) -> bool:
        """Whether each weight can go so many grid units without leaving the range; looks at them where it is close."""
        if self.reach + distance >= LIMIT:
            self.measure()
        return self.reach + distance < LIMIT

    def move(self, there: Mapping[int, float]) -> None:
        """Bring the weights from one sum of directions to another, in one pass."""
        terms = [
            (direction, difference)
            for direction in sorted({*self.here, *there})
            if (difference := there.get(direction, 0.0) - self.here.get(direction, 0.0))
        ]
        if self.broken:
            raise InputError(BROKEN_OFF)
        with held_back():
            self.broken = True
            for one in self.adders if terms else []:
                one.add(terms)
            self.here = dict(there)
            self.broken = False

    def rest(self, ahead: Mapping[int, float] | None = None) -> None:
        """Call the place where the weights stand their own, but for a perturbation that they are ahead by."""
        self.here = dict(ahead or {})

    def change(self, plan: Plan, slopes: Sequence[float], place: Sequence[int]) -> list[float]:
        """How far each direction is followed: coefficients of the integers.

        On a grid they are whole multiples of it, rounded at random so that their mean is right; `place` decides.
        """
        lr = float(self.group["lr"])
        wanted = [-lr * slope * s for slope, s in zip(slopes, plan.scales, strict=True)]
        if self.exponent is None:
            return wanted
        unit = 2.0**-self.exponent
        # Infinity can't be rounded; what is cut off here leads out of any grid just as well.
        rounded = _rounded([max(-BEYOND, min(c / unit, BEYOND)) for c in wanted], place)
        most = sum(abs(c) for c in rounded) + 2 * round(max(plan.amplitudes) / unit)
        if not self._has_room(most * self.spec.largest):
            raise GridOverflowError(
                f"a step of {most * self.spec.largest * unit:.3g} takes weights of up to {self.reach * unit:.3g} out "
                f"of the range of their grid, {LIMIT * unit:.3g}; lower lr={lr}, or give more headroom to the optimizer"
            )
        self.reach += sum(abs(c) for c in rounded) * self.spec.largest
        return [c * unit for c in rounded]

    def decay(self) -> None:
        """Shrink the weights by lr x weight_decay."""
        if factor := float(self.group["lr"]) * float(self.group["weight_decay"]):
            for weight in self.views:
                weight.mul_(1 - factor)


def _rounded(values: Sequence[float], place: Sequence[int]) -> list[int]:
    """Round multipliers to words of two bytes times one power of two."""
    largest, shift = max(map(abs, values)), 0
    while math.ceil(largest / 2**shift) > WORD:
        shift += 1
    return [round_randomly(value / 2**shift, *place, query) << shift for query, value in enumerate(values)]
