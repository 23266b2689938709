"""Steps in a row that find no slope, and the one warning that they are worth."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MANY = 20
"""Steps in a row. Losses that are rounded coarsely agree now and then, but not so often."""
CALLER = 4
"""Frames from the warning to whoever called the optimizer's step, which torch wraps."""


class NoSlopeWarning(UserWarning):
    """Many steps in a row found no slope to follow, so that nothing is learned."""


class SlopeWatch:
    """Counts the steps in a row that found no slope, and warns once when they become many.

    Examples
    --------
    >>> watch = SlopeWatch()
    >>> with warnings.catch_warnings(record=True, action="always") as seen:
    ...     for _ in range(50):
    ...         watch.notice([0.0], [{"eps": 1e-9}], null=False)
    >>> [str(one.message).partition(":")[0] for one in seen]
    ['the last 20 steps found no slope to follow']
    """

    def __init__(self) -> None:
        self._equal = self._lost = 0
        self._warned = False

    def notice(self, differences: Sequence[float], groups: Iterable[Mapping[str, Any]], *, null: bool) -> None:
        """Look at the differences between a step's losses.

        Parameters
        ----------
        differences
            One per query.
        groups
            Param groups: what their eps is, for the warning.
        null
            Whether the step was a null step, as a loss was not finite.

        Warns
        -----
        NoSlopeWarning
            Once, after so many steps in a row in which all losses were equal or one was not finite.
        """
        if null:
            self._lost += 1
        elif any(differences):
            self._equal = self._lost = 0
        else:
            self._equal += 1
        if self._equal + self._lost >= MANY and not self._warned:
            self._warned = True
            eps = min(float(group["eps"]) for group in groups)
            warnings.warn(
                f"the last {MANY} steps found no slope to follow: {' '.join(self._reasons(eps))} This is said once "
                "for each optimizer",
                NoSlopeWarning,
                stacklevel=CALLER,
            )

    def _reasons(self, eps: float) -> list[str]:
        reasons = []
        if self._equal:
            reasons.append(
                f"in {self._equal} of them all losses were equal. Either eps={eps:g} changes the loss by less than its "
                "rounding: give a larger eps, or compute the loss in float32. Or the loss does not depend on the "
                "weights that are trained: look whether the closure runs this model, and which parameters require a "
                "gradient."
            )
        if self._lost:
            reasons.append(
                f"in {self._lost} of them a loss was infinite or not a number. Look for such numbers in the data; if "
                "the weights have grown too far, begin again with a lower lr."
            )
        return reasons
