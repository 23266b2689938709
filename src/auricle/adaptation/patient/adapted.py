"""A version as a specialist: the base's network with a ledger replayed into it, and the version's calibration."""

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from auricle.adaptation.patient.failures import PatientDamagedError, PatientError
from auricle.adaptation.patient.records import Base
from auricle.adaptation.patient.version import Version
from auricle.conformal import LabelConditional
from auricle.errors import InputError, NotCalibratedError, SpecialistError
from auricle.folder import Manifest
from auricle.network import ConMIL
from auricle.specialist import Specialist
from auricle.zeroth.ledger import Ledger
from auricle.zeroth.reconstruction import replay


def weights_sha256(network: nn.Module) -> str:
    """Hash of all weights and buffers of a network: names, shapes and bytes, in the order of the names; in hex.

    Examples
    --------
    >>> one, other = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
    >>> _ = other.load_state_dict(one.state_dict())
    >>> weights_sha256(one) == weights_sha256(other)
    True
    """
    running = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        values = np.ascontiguousarray(tensor.detach().cpu().numpy())
        values = values.astype(values.dtype.newbyteorder("<"), copy=False)
        running.update(f"{name} {values.dtype.str} {tensor.shape[:]}\n".encode())
        running.update(values.tobytes())
    return running.hexdigest()


def replayed(network: ConMIL, ledger: Ledger) -> ConMIL:
    """Copy a network and take all steps of a ledger with the copy.

    Raises
    ------
    LedgerError
        The ledger began with other weights.
    """
    own = network.state_dict()
    weights = replay({name: value.detach().cpu().numpy() for name, value in own.items()}, ledger)
    made = copy.deepcopy(network)
    new = {t.name: torch.from_numpy(w) for t, w in zip(ledger.header.tensors, weights, strict=True)}
    made.load_state_dict(own | new)
    return made.eval()


def base_of(specialist: Specialist, place: str | Path | None) -> Base:
    """Describe a specialist as a base.

    Raises
    ------
    PatientError
        It was never saved, or was changed since.
    NotCalibratedError
        It has no calibration, so that version 0 would promise nothing.
    """
    if not specialist.hash_:
        raise PatientError(
            "the specialist was changed or made in memory and has no hash by which it could be found again; save it "
            "into a folder first"
        )
    if not hasattr(specialist, "calibration_"):
        raise NotCalibratedError("the specialist is not calibrated; call calibrate(X, y) and save it before it adapts")
    name = specialist.manifest().name
    there = name if place is None else str(place)
    if Path(there).is_dir():
        there = str(Path(there).absolute())
    return Base(name=name, place=there, sha256=specialist.hash_, weights_sha256=weights_sha256(specialist.network_))


def check_base(specialist: Specialist, base: Base, patient: Path) -> None:
    """Refuse another specialist than a patient's base.

    Raises
    ------
    SpecialistError
        With what differs.
    """
    # Training in place changes weights and leaves the hash.
    same = weights_sha256(specialist.network_) == base.weights_sha256
    if specialist.hash_ == base.sha256 and same:
        return
    given = specialist.hash_[:12] or "none, as it was changed in memory"
    if specialist.hash_ == base.sha256:
        given += ", but its weights were changed in memory since; load it again"
    elif same:
        given += " (its weights are the same, its manifest or card is not)"
    raise SpecialistError(
        f"{patient} was adapted from {base.name!r} with hash {base.sha256[:12]}, and the given specialist's hash is "
        f"{given}; give the base from which this patient's versions begin (`replay` takes it with --base FOLDER); it "
        f"was at {base.place!r}"
    )


def load_base(base: Base, patient: Path) -> Specialist:
    """Load a patient's base from its place.

    Raises
    ------
    SpecialistError
        It isn't there, or is another one by now.
    """
    try:
        found = Specialist.load(base.place)
    except SpecialistError as error:
        raise SpecialistError(
            f"the base {base.name!r} of {patient} can't be loaded from {base.place!r}: {error}; --base FOLDER says "
            "where it is now"
        ) from error
    check_base(found, base, patient)
    return found


def check_calibration(given: Mapping[str, Any], base: Specialist) -> LabelConditional:
    """Make a calibration of what `LabelConditional.to_dict` gave, for the labels of a base.

    Raises
    ------
    PatientError
        It is none, or one of other labels.
    """
    try:
        made = LabelConditional.from_dict(given)
    except InputError as error:
        raise PatientError(f"the calibration can't be used: {error}") from error
    if list(made.labels) != base.classes_.tolist():
        raise PatientError(
            f"the calibration is of {', '.join(map(str, made.labels))} in this order, and the base judges "
            f"{', '.join(map(str, base.classes_.tolist()))}"
        )
    return made


def specialist_of(base: Specialist, version: Version) -> Specialist:
    """Give a version as a specialist; the base stays as it is.

    Raises
    ------
    PatientDamagedError
        Files of the version were changed, or its ledger leads elsewhere.
    """
    calibration = check_calibration(version.calibration(), base)
    ledger = version.ledger()
    made = copy.deepcopy(base)
    if ledger is not None:
        made.network_ = replayed(base.network_, ledger)
    if (found := weights_sha256(made.network_)) != version.weights_sha256:
        raise PatientDamagedError(
            f"version {version.name} replays to weights with SHA-256 {found[:12]}, and {version.weights_sha256[:12]} "
            "were accepted: this machine or auricle computes otherwise than the one that made it; use another version"
        )
    if version.number == 0:
        return made
    # A graph, like the manifest's version and the hash, belongs to the base alone.
    made.__dict__.pop("_graph", None)
    if (leads := _leads(version)) is not None:
        made.preprocessing = replace(made.windowing, leads=leads)
    made.calibration_, made.leave_out, made.hash_ = calibration, calibration.leave_out, version.id
    made.manifest_ = _manifest(made.manifest(), version)
    made._card = (
        f"{base.card.rstrip()}\n\n## Adapted to one patient\n\nVersion {version.name}: {version.steps} steps from the "
        f"base (sha256 {version.record.base[:12]}), with a calibration of its own. Results above are the base's.\n"
    )
    return made


def _leads(version: Version) -> tuple[tuple[str, ...], ...] | None:
    """Give the leads that a version was adapted on; None where its impact record does not say."""
    data = (version.impact() or {}).get("data")
    leads = data.get("leads") if isinstance(data, dict) else None
    return None if leads is None else tuple(tuple(map(str, names)) for names in leads)


def _manifest(base: Manifest, version: Version) -> Manifest:
    about = {"base": version.record.base, "version": version.id, "steps": version.steps}
    return base.model_copy(
        update={"version": f"{base.version}+{version.name}", "provenance": {**base.provenance, "adapted": about}}
    )
