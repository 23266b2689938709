"""Quality of what engines send: single numbers, sequences and whole directions, against chance and Gaussian ones."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.errors import InputError
from auricle.rtl.engine import Engine, bank, row_pool
from auricle.rtl.quality.directions import Directions
from auricle.rtl.quality.streams import compared, equidistribution, lag_correlations, pairs, same_time
from auricle.zeroth import RowPool

__all__ = ["DIMENSION", "ENGINES", "examine", "one"]

DIMENSION = 30_720
"""Weights of the network on which `auricle bench zeroth` compares convergence."""
WEIGHT_SAMPLES = 1 << 16
"""Directions that the numbers of a single weight are followed over, at most."""
SPANS = (256, 1024, 2048)
ENGINES = tuple(Engine(spec=made(lanes=lanes, bits=8)) for lanes in (1024, 64, 7) for made in (bank, row_pool))

Progress = Callable[[int, int, str], None]


def examine(
    engines: tuple[Engine, ...] = ENGINES, *, dimension: int = DIMENSION, progress: Progress | None = None
) -> dict[str, Any]:
    """Examine engines one by one.

    Parameters
    ----------
    engines
        Which ones.
    dimension
        Weights of a direction.
    progress
        Called with what is done, of how much, and a word for it.

    Returns
    -------
    JSON-able: `dimension`, `engines`, each as `one` gives it.

    Raises
    ------
    InputError
        A dimension below 2.
    """
    if dimension < 2:
        raise InputError(f"dimension={dimension} was given; at least 2 weights are needed to compare directions")
    found = []
    for i, engine in enumerate(engines):
        if progress:
            progress(i, len(engines), "examining")
        found.append(one(engine, dimension))
    if progress:
        progress(len(engines), len(engines), "examining")
    return {"dimension": dimension, "engines": found}


def one(engine: Engine, dimension: int) -> dict[str, Any]:
    """Examine one engine.

    Returns
    -------
    JSON-able: what the engine is; `equidistribution` and `pairs` over a period; correlations (see `Correlations`) of
    one lane from cycle to cycle (`lane`), of the words of a beat (`beat`), of the first weight of some rows from
    direction to direction (`weights`, with the `row`); `lane_effective`, cycles over the sum of all squared
    correlations of the lane: how many independent ones they are worth; `likeness` of whole directions; their `spans`.

    Examples
    --------
    >>> found = one(Engine(spec=bank(lanes=5, bits=4, generators=3)), 40)
    >>> found["equidistribution"]["mean"], found["spans"][-1]["rank"], found["likeness"]["of"]
    ('15/2047', 24, 6141)
    """
    spec, bits = engine.spec, engine.spec.bits
    made = Directions(engine, dimension)
    lane = made.beats[:, 0]
    # Every lane of a bank meets every state in a period; a pool's numbers are spread over its words.
    numbers = made.beats.ravel() if isinstance(spec, RowPool) else lane
    along = lag_correlations(lane)
    half = len(lane) // 2
    alike, cosines = made.likeness()
    counts = sorted({min(k, made.of) for k in SPANS})
    return {
        "name": engine.name, "spec": spec.to_dict(), "lanes": engine.lanes, "words": engine.words, "bits": bits,
        "equidistribution": equidistribution(numbers, bits),
        "pairs": pairs(lane, np.roll(lane, -1), bits),
        "lane": asdict(compared(np.arange(1, half + 1), along[1 : half + 1], len(lane))),
        "lane_lags": _thinned(along[1 : half + 1]),
        "lane_effective": len(lane) / float((along**2).sum()),
        "beat": asdict(same_time(made.beats)) if engine.words > 1 else None,
        "weights": [_weight(made, row) for row in sorted({0, made.rows // 3, made.rows - 1})],
        "likeness": {**alike, "all": _thinned(cosines)},
        "spans": [made.span(k) for k in counts],
    }  # fmt: skip


def _weight(made: Directions, row: int) -> dict[str, Any]:
    """Follow the first weight of a row from direction to direction."""
    count = min(made.of, WEIGHT_SAMPLES)
    numbers = made.beats[made.cycles(np.arange(count), np.array(row)), 0]
    lags = np.arange(1, count // 2 + 1)
    if count == made.of:
        values, samples = lag_correlations(numbers)[1 : len(lags) + 1], count
    else:
        # No period: zeros behind the numbers keep the end from meeting the beginning.
        centred = np.concatenate([numbers - numbers.mean(), np.zeros(count)])
        sums = np.fft.irfft(np.abs(np.fft.rfft(centred)) ** 2)[1 : len(lags) + 1]
        # The bound is that of the greatest lag, which the fewest numbers are taken over.
        values, samples = sums / (count - lags) / numbers.var(), count - len(lags)
    return {"row": row, **asdict(compared(lags, values, samples))}


def _thinned(values: NDArray[np.float64], places: int = 400) -> list[list[float]]:
    """Give the greatest in magnitude of each stretch, with its place counted from 1, for a figure."""
    size = -(-len(values) // places)
    out = []
    for start in range(0, len(values), size):
        part = values[start : start + size]
        i = int(np.argmax(np.abs(part)))
        out.append([start + i + 1, round(float(part[i]), 5)])
    return out
