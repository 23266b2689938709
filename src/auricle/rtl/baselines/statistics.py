"""What numbers are: moments, distance from the law they claim, and correlation with what comes next."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from auricle.rtl.baselines.baseline import Law


class Statistics(NamedTuple):
    """Figures of a sample, in units of the law's standard deviation.

    Parameters
    ----------
    mean, variance, kurtosis
        Moments; the kurtosis is the excess over that of a normal law.
    distance
        Kolmogorov-Smirnov distance from the law, taken at the edges between two numbers: steps alone count nothing.
    lag
        Correlation of a lane's neighbouring numbers.
    numbers
        Size of the sample.
    """

    mean: float
    variance: float
    kurtosis: float
    distance: float
    lag: float
    numbers: int


def statistics(numbers: NDArray[np.int64], law: Law) -> Statistics:
    """Describe numbers beside a law.

    Parameters
    ----------
    numbers
        (cycles, lanes); y stands for y + 1/2.
    law
        What they claim.

    Examples
    --------
    >>> flat = np.random.default_rng(0).integers(-128, 128, (5000, 8))
    >>> found = statistics(flat, Law(kind="uniform", deviation=73.9, kurtosis=-1.2))
    >>> round(found.variance, 1), round(found.kurtosis, 1), found.distance < 0.01
    (1.0, -1.2, True)
    """
    values = (numbers + 0.5) / law.deviation
    centred = values - values.mean()
    variance = float(np.mean(centred**2))
    places, counts = np.unique(numbers, return_counts=True)
    reached = np.cumsum(counts) / numbers.size
    edges = (places + 1) / law.deviation
    # The uniform law reaches as far as sqrt(3) deviations on both sides.
    claimed = norm.cdf(edges) if law.kind == "normal" else np.clip(0.5 + edges / 12**0.5, 0, 1)
    # Between two numbers that occur the sample stays where it was.
    before = np.concatenate([[0.0], reached[:-1]])
    lower = places / law.deviation
    claimed_before = norm.cdf(lower) if law.kind == "normal" else np.clip(0.5 + lower / 12**0.5, 0, 1)
    distance = max(np.abs(reached - claimed).max(), np.abs(before - claimed_before).max())
    # Lanes of few numbers are each centred as a whole, so that a constant lane counts as correlated.
    lag = float(np.mean(centred[:-1] * centred[1:]) / variance) if len(values) > 1 else 0.0
    return Statistics(
        mean=float(values.mean()), variance=variance, kurtosis=float(np.mean(centred**4) / variance**2 - 3),
        distance=float(distance), lag=lag, numbers=numbers.size,
    )  # fmt: skip
