"""A way to measure one thing in a window or in a stretch of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Stretch = tuple[float, float]
"""Start and stop in s from the start of the window."""

Reading = Callable[[Stretch | None], float | None]
"""Gives the number in a stretch, in s from the start of the window, or in the whole window for None."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One thing that can be measured.

    Attributes
    ----------
    name, unit
        What, and in what; the unit of a ratio or a count is empty.
    how
        How it is measured, in words.
    of
        Measures it; None where it can't be measured.
    where
        Where it means something: in the window, in stretches, or in both.
    family
        What it is named with its like where none of them can be measured; empty for its own name.
    least
        Shortest stretch in s in which it is more than chance.
    """

    name: str
    unit: str
    how: str
    of: Reading
    where: Literal["window", "stretches", "both"] = "both"
    family: str = ""
    least: float = 0.0
