"""The header of a ledger: what its steps are counted in, for which weights, and along which directions."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from auricle.errors import InputError
from auricle.zeroth.perturbation import Perturbation
from auricle.zeroth.specs import KINDS, perturbation_from

FORMAT = 1
GRID_LIMIT = 1 << 24
"""Grid weights are k * 2**-grid with |k| below this, so that float32 holds each of them exactly."""
LOWEST_GRID, HIGHEST_GRID = -10, 60
MOST_GROUPS = MOST_QUERIES = 4096
MOST_WEIGHTS = 1 << 40

KEYS = {
    "base_sha256", "dimension", "estimator", "format", "groups", "note", "perturbation", "queries", "seed", "tensors",
}  # fmt: skip


class LedgerError(InputError):
    """A ledger that can't be made, read, written or replayed as asked."""


class LedgerDamagedError(LedgerError):
    """A ledger whose bytes are not those that were written."""


@dataclass(frozen=True, kw_only=True)
class LedgerTensor:
    """One tensor of the weights: its name, its shape, and the index of its group."""

    name: str
    shape: tuple[int, ...]
    group: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise LedgerError(f"tensor name {self.name!r} was given; a text is needed")
        if not isinstance(self.shape, tuple) or not all(_is_integer(n) and 0 <= n <= MOST_WEIGHTS for n in self.shape):
            raise LedgerError(f"shape {self.shape!r} was given for tensor {self.name!r}; sizes from 0 on are needed")

    @property
    def size(self) -> int:
        """Weights in the tensor."""
        return prod(self.shape)


@dataclass(frozen=True, kw_only=True)
class LedgerGroup:
    """One group of tensors with a common multiplier: its weights are multiples of 2**-grid.

    Parameters
    ----------
    grid
        Binary digits behind the point.
    amplitude
        Of the perturbation: grid units for each unit of the direction's integers.
    """

    grid: int
    amplitude: int

    def __post_init__(self) -> None:
        if not _is_integer(self.grid) or not LOWEST_GRID <= self.grid <= HIGHEST_GRID:
            raise LedgerError(f"grid={self.grid!r} was given; allowed are {LOWEST_GRID} to {HIGHEST_GRID}")
        if not _is_integer(self.amplitude) or not 1 <= self.amplitude < GRID_LIMIT:
            raise LedgerError(f"amplitude={self.amplitude!r} was given; allowed are 1 to {GRID_LIMIT - 1} grid units")


@dataclass(frozen=True, kw_only=True)
class LedgerHeader:
    """Everything that the steps of a ledger need in order to be understood.

    Parameters
    ----------
    base_sha256
        SHA-256 of the base weights on their grid, as `auricle.zeroth.reconstruction.base_sha256` gives it, in hex.
    perturbation
        Spec of the directions.
    tensors
        The weights, in flat order: the first weight of a tensor follows the last one of the tensor before.
    groups
        Groups that the tensors name by index.
    queries
        Directions in a step, q.
    estimator
        How the multipliers came about; a note for people, replay does not need it.
    seed
        Of the stochastic rounding of the multipliers.
    note
        Anything else.

    Raises
    ------
    LedgerError
        A value of another type, outside its limits, or at odds with another one.

    Examples
    --------
    >>> from auricle.zeroth.pool import Pool
    >>> header = LedgerHeader(
    ...     base_sha256=64 * "0",
    ...     perturbation=Pool(size=7, bits=3),
    ...     tensors=(LedgerTensor(name="weight", shape=(2, 3)), LedgerTensor(name="bias", shape=(2,))),
    ...     groups=(LedgerGroup(grid=20, amplitude=16),),
    ... )
    >>> header.dimension
    8
    >>> LedgerHeader.from_json(header.to_json()) == header
    True
    """

    base_sha256: str
    perturbation: Perturbation
    tensors: tuple[LedgerTensor, ...]
    groups: tuple[LedgerGroup, ...]
    queries: int = 1
    estimator: str = "two-sided"
    seed: int = 0
    note: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.base_sha256, str) or not re.fullmatch("[0-9a-f]{64}", self.base_sha256):
            raise LedgerError(f"base_sha256={self.base_sha256!r} was given; 64 hexadecimal digits are needed")
        if not _is_integer(self.queries) or not 1 <= self.queries <= MOST_QUERIES:
            raise LedgerError(f"queries={self.queries!r} was given; allowed are 1 to {MOST_QUERIES}")
        if not _is_integer(self.seed) or not -(1 << 63) <= self.seed < 1 << 64:
            raise LedgerError(f"seed={self.seed!r} was given; an integer of at most 64 bits is needed")
        for key in ("estimator", "note"):
            if not isinstance(getattr(self, key), str):
                raise LedgerError(f"{key}={getattr(self, key)!r} was given; a text is needed")
        self._check_tensors()
        self._check_perturbation()

    def _check_tensors(self) -> None:
        if not 1 <= len(self.groups) <= MOST_GROUPS:
            raise LedgerError(f"{len(self.groups)} groups were given; allowed are 1 to {MOST_GROUPS}")
        if not 1 <= self.dimension <= MOST_WEIGHTS:
            raise LedgerError(f"{self.dimension} weights were given; allowed are 1 to {MOST_WEIGHTS}")
        names = set()
        for tensor in self.tensors:
            if not _is_integer(tensor.group) or not 0 <= tensor.group < len(self.groups):
                raise LedgerError(
                    f"group {tensor.group!r} was given for tensor {tensor.name!r}; "
                    f"allowed are 0 to {len(self.groups) - 1}, as there are {len(self.groups)}"
                )
            if tensor.name in names:
                raise LedgerError(f"two tensors of the name {tensor.name!r} were given; name each one differently")
            names.add(tensor.name)

    def _check_perturbation(self) -> None:
        try:
            self.perturbation.length(self.dimension)
        except InputError as error:
            raise LedgerError(str(error)) from error
        for group in self.groups:
            if group.amplitude * self.perturbation.largest >= GRID_LIMIT:
                raise LedgerError(
                    f"amplitude={group.amplitude} times the largest integer {self.perturbation.largest} was given; "
                    f"their product must stay below {GRID_LIMIT} for float32 to hold it: lower one of them"
                )

    @property
    def dimension(self) -> int:
        """Weights in all tensors, d."""
        return sum(tensor.size for tensor in self.tensors)

    @property
    def largest_multiplier(self) -> int:
        """Greatest |c| for which c times any integer of the perturbation is exact in float32."""
        return (GRID_LIMIT - 1) // self.perturbation.largest

    def to_json(self) -> bytes:
        """Canonical JSON: keys sorted, no spaces, ASCII. Equal headers give equal bytes."""
        values = {
            "base_sha256": self.base_sha256,
            "dimension": self.dimension,
            "estimator": self.estimator,
            "format": FORMAT,
            "groups": [{"amplitude": group.amplitude, "grid": group.grid} for group in self.groups],
            "note": self.note,
            "perturbation": self.perturbation.to_dict(),
            "queries": self.queries,
            "seed": self.seed,
            "tensors": [
                {"group": tensor.group, "name": tensor.name, "shape": list(tensor.shape)} for tensor in self.tensors
            ],
        }
        return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "LedgerHeader":
        """Read what `to_json` wrote, and nothing else.

        Raises
        ------
        LedgerError
            Text that is no JSON, or not canonical; a key too many or too few; a value that the header does not allow.
        """
        try:
            values = json.loads(text.decode("ascii"))
        except (ValueError, RecursionError) as error:
            raise LedgerError(f"the header of a ledger must be JSON in ASCII, and this is not: {error}") from error
        if isinstance(values, dict) and (given := values.get("format", FORMAT)) != FORMAT:
            raise LedgerError(f"a ledger of format {given!r} was given; this auricle reads {FORMAT}: update it")
        _check_keys(values, KEYS, "the header")
        header = cls(
            base_sha256=values["base_sha256"],
            perturbation=_perturbation(values["perturbation"]),
            tensors=tuple(_tensor(each) for each in _items(values["tensors"], "tensors")),
            groups=tuple(_group(each) for each in _items(values["groups"], "groups")),
            queries=values["queries"],
            estimator=values["estimator"],
            seed=values["seed"],
            note=values["note"],
        )
        if values["dimension"] != header.dimension:
            raise LedgerError(f"dimension={values['dimension']!r} was given; the tensors hold {header.dimension}")
        if header.to_json() != text:
            raise LedgerError("the header of a ledger must be canonical JSON: keys sorted, no spaces, no repeats")
        return header


def _is_integer(value: object) -> bool:
    return type(value) is int


def _items(value: object, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise LedgerError(f"{what} of type {type(value).__name__} was given; a list is needed")
    return value


def _check_keys(value: object, keys: set[str], what: str) -> None:
    if not isinstance(value, dict):
        raise LedgerError(f"{what} of type {type(value).__name__} was given; a JSON object is needed")
    if value.keys() != keys:
        given, needed = ", ".join(sorted(value)), ", ".join(sorted(keys))
        raise LedgerError(f"{what} with keys {given} was given; needed are {needed}")


def _tensor(value: Mapping[str, Any]) -> LedgerTensor:
    _check_keys(value, {"group", "name", "shape"}, "a tensor")
    return LedgerTensor(name=value["name"], shape=tuple(_items(value["shape"], "a shape")), group=value["group"])


def _group(value: Mapping[str, Any]) -> LedgerGroup:
    _check_keys(value, {"amplitude", "grid"}, "a group")
    return LedgerGroup(grid=value["grid"], amplitude=value["amplitude"])


def _perturbation(value: object) -> Perturbation:
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        raise LedgerError(f"perturbation {value!r} was given; an object with a kind of {', '.join(KINDS)} is needed")
    try:
        return perturbation_from(value)
    except (InputError, TypeError) as error:
        raise LedgerError(f"the header's perturbation can't be used: {error}") from error
