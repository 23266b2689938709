"""Means over seeds with t-intervals, differences paired by seed, and equivalence by two one-sided tests."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats


def mean_with_interval(values: Sequence[float], level: float = 0.95) -> dict[str, float]:
    """Mean and its t-interval.

    Examples
    --------
    >>> {name: round(value, 3) for name, value in mean_with_interval([1.0, 2.0, 3.0]).items()}
    {'mean': 2.0, 'low': -0.484, 'high': 4.484}
    """
    x = np.asarray(values, np.float64)
    half = float(stats.t.ppf((1 + level) / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))) if len(x) > 1 else np.inf
    return {"mean": float(x.mean()), "low": float(x.mean()) - half, "high": float(x.mean()) + half}


def compared(
    values: Sequence[float], baseline: Sequence[float], *, margin: float, larger_is_better: bool
) -> dict[str, Any]:
    """Difference to a baseline, seed by seed, and what it shows against a margin.

    Parameters
    ----------
    values, baseline
        One per seed, in the same order.
    margin
        Largest difference that does not matter, stated before the runs.
    larger_is_better
        Whether the numbers are accuracies or losses.

    Returns
    -------
    `mean`, `low`, `high` (95 % t-interval of the difference); `p`, the larger of the two one-sided tests' p-values;
    `equivalent` at the 5 % level; `not_worse`, the one-sided half of it.

    Notes
    -----
    Source: two one-sided tests (Schuirmann 1987), on paired differences.

    Examples
    --------
    >>> found = compared([0.50, 0.52, 0.51], [0.51, 0.51, 0.51], margin=0.05, larger_is_better=True)
    >>> found["equivalent"], found["not_worse"]
    (True, True)
    """
    d = np.asarray(values, np.float64) - np.asarray(baseline, np.float64)
    error = float(d.std(ddof=1)) / np.sqrt(len(d))
    mean = float(d.mean())

    def p_value(distance: float) -> float:
        """Of the mean being on the wrong side of a bound that it is `distance` inside of."""
        if error == 0:
            return float(distance <= 0)
        return float(stats.t.sf(distance / error, len(d) - 1))

    below, above = p_value(margin + mean), p_value(margin - mean)
    return {
        **mean_with_interval(d.tolist()),
        "p": max(below, above),
        "equivalent": max(below, above) < 0.05,
        "not_worse": (below if larger_is_better else above) < 0.05,
    }
