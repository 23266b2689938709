"""Replay: base weights and a ledger give the trained weights, bit for bit.

All is done in integers (weights in grid units), so the order of the sums does not matter and nothing is rounded. The
same bits come from replaying step by step in float32, as `tests/zeroth/replay.c` does.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.zeroth.ledger import Ledger
from auricle.zeroth.ledger_header import GRID_LIMIT, LedgerError, LedgerHeader
from auricle.zeroth.pool import Pool
from auricle.zeroth.records import Multipliers

CHUNK = 1 << 16
"""Weights, or cells of a table, that are worked on at a time: few enough for a core's cache."""
EXACT = 1 << 53
"""Whole numbers below this are exact in float64."""

Base = Sequence[ArrayLike] | Mapping[str, ArrayLike]
Units = NDArray[np.int32]


def grid_units(weights: ArrayLike, grid: int, *, name: str = "weights") -> Units:
    """Weights as whole multiples of 2**-grid, halves rounded to even; int32 of the same shape.

    Raises
    ------
    LedgerError
        No floating-point numbers, or a weight that is not finite or too large for the grid.

    Examples
    --------
    >>> grid_units(np.float32([0.5, -0.125, 0.375]), 2)
    array([2, 0, 2], dtype=int32)
    """
    given = np.asarray(weights)
    if given.dtype.kind != "f":
        raise LedgerError(f"{name} of type {given.dtype} was given; floating-point numbers are needed")
    units = np.rint(given.astype(np.float64) * 2.0**grid)
    largest = float(np.abs(units).max(initial=0.0))
    if not largest < GRID_LIMIT:
        raise LedgerError(
            f"{name} was given with a weight of {largest * 2.0**-grid:g}; on a grid of 2**-{grid} weights must be "
            f"finite and below {GRID_LIMIT * 2.0**-grid:g}: choose a coarser grid"
        )
    return np.array(units, np.int32, order="C")


def from_grid_units(units: Units, grid: int) -> NDArray[np.float32]:
    """Weights of so many grid units, as float32 and exact."""
    return np.asarray(units.astype(np.float32) * np.float32(2.0**-grid))


def base_sha256(tensors: Iterable[tuple[ArrayLike, int]]) -> str:
    """Hash of base weights on their grid: SHA-256 of their float32 bytes, little-endian, in flat order; in hex.

    Parameters
    ----------
    tensors
        Weights and grid of each tensor.

    Examples
    --------
    >>> base_sha256([(np.float32([0.5, -0.2]), 2)]) == base_sha256([(np.float32([0.5]), 2), (np.float32([-0.25]), 3)])
    True
    """
    return _hash((grid_units(weights, grid), grid) for weights, grid in tensors)


def _hash(tensors: Iterable[tuple[Units, int]]) -> str:
    running = hashlib.sha256()
    for units, grid in tensors:
        running.update(from_grid_units(units, grid).astype("<f4").tobytes())
    return running.hexdigest()


def replay(base: Base, ledger: Ledger, *, step: int | None = None) -> list[NDArray[np.float32]]:
    """Weights after the first `step` steps of a ledger.

    Parameters
    ----------
    base
        Weights before the first step: arrays in flat order, or by name. They are rounded to their grid first, which
        changes nothing if they lie on it.
    ledger
        The steps.
    step
        How many of them; None for all.

    Returns
    -------
    One float32 array per tensor of the header, in its order.

    Raises
    ------
    LedgerError
        Weights of other shapes or values than those that the ledger began with; steps that it does not hold; a path
        in place of the ledger.

    Notes
    -----
    T steps of a pool collapse into one vector of its length, so replay costs O(T) + O(N min(T, N)) + O(d). Other
    perturbations are added direction by direction, O(T d).

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from auricle.zeroth.ledger import LedgerGroup, LedgerTensor
    >>> base = [np.zeros(4, np.float32)]
    >>> header = LedgerHeader(
    ...     base_sha256=base_sha256([(base[0], 10)]),
    ...     perturbation=Pool(size=7, bits=3),
    ...     tensors=(LedgerTensor(name="weight", shape=(4,)),),
    ...     groups=(LedgerGroup(grid=10, amplitude=1),),
    ... )
    >>> with tempfile.TemporaryDirectory() as folder, Ledger.create(Path(folder) / "run.ledger", header) as ledger:
    ...     ledger.append([[2]])
    ...     replay(base, ledger)[0] * 2**10
    array([  6.,  -6., -14., -10.], dtype=float32)
    """
    _check_open(ledger)
    header = ledger.header
    try:
        units = _on_grid(base, header)
    except LedgerError as error:
        raise LedgerError(f"{ledger.path}: {error}") from None
    multipliers, _ = ledger.multipliers(0, step)
    spec = header.perturbation
    changes: dict[int, NDArray[np.int64]] = {}
    start = 0
    for tensor, weights in zip(header.tensors, units, strict=True):
        if isinstance(spec, Pool):
            if tensor.group not in changes:
                changes[tensor.group] = _pool_change(spec, header.dimension, multipliers[:, :, tensor.group])
            _add_cyclic(weights.reshape(-1), changes[tensor.group], start)
        else:
            _add_directions(weights.reshape(-1), header, multipliers[:, :, tensor.group], start)
        if weights.size and max(int(weights.max()), -int(weights.min())) >= GRID_LIMIT:
            raise LedgerError(
                f"{ledger.path} moves a weight of {tensor.name!r} out of its grid, which no training does: whatever "
                "wrote it was not auricle's optimizer, and it can't be replayed"
            )
        start += tensor.size
    return [from_grid_units(k, header.groups[t.group].grid) for k, t in zip(units, header.tensors, strict=True)]


def pool_change(ledger: Ledger, group: int = 0, step: int | None = None) -> NDArray[np.int64]:
    """Everything that the first `step` steps of a pool did to a group: N integers, the whole adapted model.

    Weight i of the flat order has moved by `change[i % N]` grid units.

    Parameters
    ----------
    ledger
        Its perturbation must be a `Pool`.
    group
        Index of the group.
    step
        How many steps; None for all.

    Returns
    -------
    int64 (N,).
    """
    _check_open(ledger)
    spec = ledger.header.perturbation
    if not isinstance(spec, Pool):
        raise LedgerError(f"a ledger of kind {spec.kind!r} was given; only a pool's steps are one vector: use replay")
    if not 0 <= group < len(ledger.header.groups):
        raise LedgerError(f"group {group} was given; allowed are 0 to {len(ledger.header.groups) - 1}")
    return _pool_change(spec, ledger.header.dimension, ledger.multipliers(0, step)[0][:, :, group])


def _check_open(ledger: object) -> None:
    """Refuse the path of a ledger, or anything else that is none."""
    if not isinstance(ledger, Ledger):
        path = repr(os.fspath(ledger)) if isinstance(ledger, str | os.PathLike) else None
        given = path or f"an object of type {type(ledger).__name__}"
        raise LedgerError(f"{given} was given as the ledger; open it first: ledger=Ledger.open({path or 'path'})")


def _on_grid(base: Base, header: LedgerHeader) -> list[Units]:
    """Weights in grid units, once their names, shapes and hash are the header's."""
    given = _in_order(base, header)
    for tensor, weights in zip(header.tensors, given, strict=True):
        if np.shape(weights) != tensor.shape:
            raise LedgerError(f"{tensor.name!r} of shape {np.shape(weights)} was given; the ledger's is {tensor.shape}")
    grids = [header.groups[tensor.group].grid for tensor in header.tensors]
    units = [
        grid_units(weights, grid, name=repr(tensor.name))
        for tensor, weights, grid in zip(header.tensors, given, grids, strict=True)
    ]
    found = _hash(zip(units, grids, strict=True))
    if found != header.base_sha256:
        raise LedgerError(
            f"weights with hash {found[:12]} were given; the ledger began with {header.base_sha256[:12]}: give the "
            "weights from before the first step"
        )
    return units


def _in_order(base: Base, header: LedgerHeader) -> list[ArrayLike]:
    names = [tensor.name for tensor in header.tensors]
    if isinstance(base, Mapping):
        if missing := [name for name in names if name not in base]:
            raise LedgerError(f"weights without {', '.join(map(repr, missing))} were given; the ledger needs them")
        return [base[name] for name in names]
    if len(base) != len(names):
        raise LedgerError(f"{len(base)} arrays were given; the ledger has {len(names)} tensors")
    return list(base)


def _pool_change(spec: Pool, dimension: int, multipliers: Multipliers) -> NDArray[np.int64]:
    """Minus the circular correlation of the pool with the multipliers, added up by offset; (steps, queries) to (N,)."""
    c = np.ascontiguousarray(multipliers).reshape(-1)
    directions = np.flatnonzero(c)
    offsets = directions % spec.size * (spec.length(dimension) % spec.size) % spec.size
    total = np.zeros(spec.size, np.int64)
    np.add.at(total, offsets, c[directions])
    used = np.flatnonzero(total)
    if int(np.abs(total).sum()) * spec.largest >= EXACT:
        raise LedgerError(f"a ledger whose multipliers add up beyond {EXACT // spec.largest} was given; no run does")
    # Every partial sum is a whole number below 2**53, so float64 is exact in any order, and fast.
    twice = np.tile(spec.numbers, 2)[:-1].astype(np.float64)
    if 8 * len(used) > spec.size:
        return -np.correlate(twice, total.astype(np.float64), "valid").astype(np.int64)
    change = np.zeros(spec.size)
    for offset in used:
        change -= total[offset] * twice[offset : offset + spec.size]
    return change.astype(np.int64)


def _add_cyclic(weights: Units, change: NDArray[np.int64], start: int) -> None:
    """Add change[i % N] to weight i, in place; the first weight is number `start` of the flat order."""
    # What is cut off here leads out of the grid just as well.
    row = np.roll(np.clip(change, -2 * GRID_LIMIT, 2 * GRID_LIMIT), -start).astype(np.int32)
    if len(row) < CHUNK:
        row = np.tile(row, CHUNK // len(row))
    whole = len(weights) // len(row) * len(row)
    weights[:whole].reshape(-1, len(row))[...] += row
    weights[whole:] += row[: len(weights) - whole]


def _add_directions(weights: Units, header: LedgerHeader, multipliers: Multipliers, start: int) -> None:
    """Subtract every direction times its multiplier, in place, a chunk of weights at a time."""
    spec, dimension = header.perturbation, header.dimension
    c = np.ascontiguousarray(multipliers).reshape(-1)
    directions = np.flatnonzero(c).tolist()
    for first in range(0, len(weights), CHUNK):
        part = weights[first : first + CHUNK]
        index = np.arange(start + first, start + first + len(part), dtype=np.int64)
        moved = part.astype(np.int64)
        for direction in directions:
            moved -= c[direction] * spec.integers(direction, index, dimension).astype(np.int64)
        part[...] = np.clip(moved, -2 * GRID_LIMIT, 2 * GRID_LIMIT)
