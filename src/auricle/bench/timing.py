"""Ratios of times: what is compared runs side by side, many times, and the ratio is taken within each pair."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch

Work = Callable[[], object]


def seconds(work: Work) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def paired(
    pairs: Mapping[str, tuple[Work, Work]], rounds: Mapping[str, int], *, seed: int = 0, done: Callable[[], None]
) -> dict[str, list[tuple[float, float]]]:
    """Time pairs of a baseline and what is compared with it, one right after the other.

    Parameters
    ----------
    pairs
        Name -> baseline and work. The work is called once before, untimed.
    rounds
        Name -> how often. In a round all pairs run once, in random order, so that a slow spell falls on all of them.
    seed
        Of the order.
    done
        Called after each pair.

    Returns
    -------
    Name -> (seconds of the baseline, seconds of the work) for each round.

    Examples
    --------
    >>> found = paired({"a": (lambda: None, lambda: None)}, {"a": 3}, done=lambda: None)
    >>> len(found["a"])
    3
    """
    rng = np.random.default_rng(seed)
    names = list(pairs)
    for _, work in pairs.values():
        work()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for turn in range(max(rounds.values())):
        for i in rng.permutation(len(names)):
            name = names[i]
            if turn < rounds[name]:
                baseline, work = pairs[name]
                found[name].append((seconds(baseline), seconds(work)))
                done()
    return found


def quartiles(values: Sequence[float]) -> dict[str, float]:
    """Median and quartiles.

    Examples
    --------
    >>> quartiles([1.0, 2.0, 3.0, 4.0, 5.0])
    {'median': 3.0, 'low': 2.0, 'high': 4.0}
    """
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    return {"median": median, "low": low, "high": high}


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch use so many threads, and put its own number back."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
