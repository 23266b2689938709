"""Directions of an engine as vectors: how alike two of them are, and what many of them span, beside Gaussian ones."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.errors import InputError
from auricle.rtl.engine import Engine
from auricle.rtl.quality.streams import bound
from auricle.zeroth import RowPool

SHOWN = 8
NUMBERS = 1 << 26
"""Looked at for the likeness of directions: as many directions as that gives, up to `MOST`."""
MOST = 1 << 16
CHUNK = 256
LONGEST = 1 << 20

Floats = NDArray[np.float64]


class Directions:
    """The numbers of an engine by direction, row and word, as fast as looking whole ones up allows.

    Parameters
    ----------
    engine
        A pool, or a bank whose registers have one width.
    dimension
        Weights of a direction.

    Raises
    ------
    InputError
        A bank whose period is too long to be looked at whole.
    """

    def __init__(self, engine: Engine, dimension: int) -> None:
        self.engine, self.dimension = engine, dimension
        self.rows = engine.schedule(dimension).rows
        spec = engine.spec
        self.of = spec.rows * (spec.rows - 1) if isinstance(spec, RowPool) else int(spec.directions(dimension))
        """Directions after which all come again, in the same order."""
        self.beats = beats(engine)
        """What differs in the beats of a period, (cycles, words), of a pool in the order of its rows."""
        lanes = [engine.lanes] * (self.rows - 1) + [dimension - (self.rows - 1) * engine.lanes]
        self.sizes = np.array(
            [[len(range(word, count, engine.words)) for word in range(engine.words)] for count in lanes]
        )
        """Weights that always get one number, (rows, words): the lanes of a row that are equal modulo words."""

    def cycles(self, direction: NDArray[np.int64], row: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give which of the beats serve rows of directions; both are broadcast against each other."""
        spec = self.engine.spec
        if isinstance(spec, RowPool):
            # As RowPool.row, for many directions at a time.
            strides = np.array([spec.stride(t) for t in range(spec.rows - 1)])
            return np.asarray((direction % spec.rows + strides[direction % (spec.rows - 1)] * (row + 1)) % spec.rows)
        return np.asarray((direction * spec.length(self.dimension) + row) % len(self.beats))

    def vectors(self, directions: NDArray[np.int64]) -> Floats:
        """Give directions as rows, (directions, rows x words), with the inner products that whole ones have."""
        taken = self.beats[self.cycles(directions[:, None], np.arange(self.rows))] * np.sqrt(self.sizes)
        out: Floats = taken.reshape(len(directions), -1)[:, self.sizes.ravel() > 0]
        return out

    @property
    def effective(self) -> float:
        """Dimensions of which independent directions would be as alike: groups of different sizes count as fewer."""
        return self.dimension**2 / float((self.sizes.astype(np.float64) ** 2).sum())

    def likeness(self) -> tuple[dict[str, Any], Floats]:
        """Cosine of direction 0 with each later one, as many as `NUMBERS` and `MOST` allow.

        Returns
        -------
        JSON-able: `directions` looked at, of `of`; `groups` of weights that move alike; `rms`, with `groups_rms` and
        `gaussian_rms` = 1/sqrt(d), of independent directions over the groups and over all weights; `bound`, which as
        many independent ones over the groups exceed with a chance of 1 %; `above`, how many do; `largest`, pairs of a
        distance in directions and a cosine; `first_half`, the first distance at which half of a direction comes again,
        or null. And all cosines.
        """
        groups = int((self.sizes > 0).sum())
        looked = min(self.of, MOST, max(2, NUMBERS // groups))
        start = self.vectors(np.zeros(1, np.int64))[0]
        start /= np.linalg.norm(start)
        parts = []
        for first in range(1, looked, CHUNK):
            made = self.vectors(np.arange(first, min(first + CHUNK, looked)))
            parts.append(made @ start / np.linalg.norm(made, axis=1))
        cosines = np.concatenate(parts)
        limit = bound(int(self.effective), len(cosines))
        order = np.argsort(-np.abs(cosines), kind="stable")[:SHOWN]
        half = np.flatnonzero(np.abs(cosines) > 0.5)
        return {
            "directions": looked, "of": self.of, "groups": groups, "rms": float(np.sqrt((cosines**2).mean())),
            "groups_rms": self.effective**-0.5, "gaussian_rms": self.dimension**-0.5, "bound": limit,
            "above": int((np.abs(cosines) > limit).sum()),
            "largest": [[int(i) + 1, float(cosines[i])] for i in order],
            "first_half": int(half[0]) + 1 if len(half) else None,
        }, cosines  # fmt: skip

    def span(self, count: int) -> dict[str, Any]:
        """Look what the first directions span: their rank, and how evenly they fill it.

        Returns
        -------
        `directions` k; `rank` over the reals (singular values above the usual rounding bound); `even`, the
        participation ratio (sum of squared singular values)^2 / sum of their fourth powers, k for orthogonal ones;
        `groups_even` and `gaussian_even`, k / (1 + k/n), of independent ones over the groups and over all weights.
        """
        made = self.vectors(np.arange(count))
        values = np.linalg.eigvalsh(made @ made.T if count <= made.shape[1] else made.T @ made)
        # Of products, so relative to the greatest value and not to its root.
        rank = int((values > values[-1] * max(made.shape) * np.finfo(np.float64).eps).sum())
        return {
            "directions": count, "rank": rank, "even": float(values.sum() ** 2 / (values**2).sum()),
            "groups_even": count / (1 + count / self.effective), "gaussian_even": count / (1 + count / self.dimension),
        }  # fmt: skip


def beats(engine: Engine) -> NDArray[np.int64]:
    """Give what differs in the beats of a period: (cycles, words), of a pool in the order of its rows.

    Raises
    ------
    InputError
        A bank whose period is too long to be looked at whole.
    """
    spec = engine.spec
    if isinstance(spec, RowPool):
        return spec.numbers.astype(np.int64)
    if spec.period > LONGEST:
        raise InputError(
            f"a bank with a period of {spec.period:,} cycles was given; periods up to {LONGEST:,} can be looked at "
            "whole: name registers of one width, of up to 14 bits"
        )
    index = np.arange(spec.period)[:, None] * engine.lanes + np.arange(engine.words)
    return spec.integers(0, index.ravel(), spec.period * engine.lanes).reshape(index.shape).astype(np.int64)
