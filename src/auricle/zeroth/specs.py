"""The registry of perturbations: which kinds there are, and a spec from the plain values of a file."""

from collections.abc import Mapping
from typing import Any

from auricle.errors import InputError
from auricle.zeroth.bank import LfsrBank
from auricle.zeroth.fresh import Gaussian, Signs, Uniform
from auricle.zeroth.perturbation import Perturbation
from auricle.zeroth.pool import Pool
from auricle.zeroth.row_pool import RowPool

KINDS: dict[str, type[Perturbation]] = {spec.kind: spec for spec in (Pool, RowPool, LfsrBank, Signs, Uniform, Gaussian)}


def perturbation_from(values: Mapping[str, Any]) -> Perturbation:
    """Make the spec that `Perturbation.to_dict` described.

    Examples
    --------
    >>> perturbation_from({"kind": "pool", "size": 127, "bits": 4})
    Pool(size=127, bits=4, seed=0, repeats='pad')

    Raises
    ------
    InputError
        An unknown kind or parameter, or a value that the kind does not allow.
    """
    rest = dict(values)
    kind = rest.pop("kind", None)
    if kind not in KINDS:
        raise InputError(f"a perturbation of kind {kind!r} was given; allowed are {', '.join(KINDS)}")
    if isinstance(rest.get("widths"), list):
        rest["widths"] = tuple(rest["widths"])
    try:
        return KINDS[kind](**rest)
    except TypeError as error:
        raise InputError(f"a perturbation of kind {kind!r} can't be made of {rest}: {error}") from error
