"""Between a specialist and its manifest: what is written down of it, and how it is made again from that."""

import platform
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import torch
from pydantic import TypeAdapter, ValidationError

import auricle
from auricle.conformal import LabelConditional
from auricle.errors import InputError, SpecialistError
from auricle.finding import SpecialistName
from auricle.folder import MANIFEST, Label, Manifest, first_fault, fits
from auricle.network import Architecture, ConMIL
from auricle.signals import Preprocessing
from auricle.training import Epoch, TrainingSettings

if TYPE_CHECKING:
    from torch import Tensor

    from auricle.specialist.estimator import Specialist

Made = TypeVar("Made")


def manifest_of(specialist: "Specialist", about: Mapping[str, Any]) -> Manifest:
    """Write down everything about a fitted specialist but its weights.

    Parameters
    ----------
    specialist
        What it was loaded with stays, such as its name and definitions.
    about
        Fields to set anew.

    Raises
    ------
    InputError
        A field is unknown or of the wrong kind, or the labels are not those that the specialist was trained with.
    """
    known = specialist.manifest_.model_dump() if hasattr(specialist, "manifest_") else {}
    base = {
        "name": "unnamed",
        "labels": [Label(label=label) for label in specialist.classes_.tolist()],
        "provenance": {
            "auricle": auricle.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }
    own = {
        "preprocessing": asdict(specialist.windowing),
        "architecture": asdict(specialist.network_.architecture),
        "training": asdict(specialist.training or TrainingSettings()),
        "log": [{k: None if np.isnan(v) else v for k, v in asdict(epoch).items()} for epoch in specialist.log_],
        "calibration": specialist.calibration_.to_dict() if hasattr(specialist, "calibration_") else None,
        "parts": {part: sorted(set(members)) for part, members in specialist.parts_.items()},
    }
    try:
        manifest = Manifest.model_validate({**base, **known, **about, **own})
    except ValidationError as error:
        raise InputError(f"this can't stand in a specialist's {MANIFEST}: {first_fault(error)}") from error
    calibration = specialist.calibration_ if hasattr(specialist, "calibration_") else None
    check_agreement(manifest, specialist.network_.architecture, specialist.windowing, calibration)
    return manifest


def name_of(specialist: "Specialist") -> SpecialistName:
    """Name a fitted specialist, as its findings do."""
    if not hasattr(specialist, "manifest_"):
        return SpecialistName(name="unnamed", hash=specialist.hash_)
    manifest = specialist.manifest_
    return SpecialistName(name=manifest.name, version=manifest.version, hash=specialist.hash_)


class Described(NamedTuple):
    """What a manifest says of a specialist, in the objects that it is made of."""

    settings: dict[str, Any]
    """Parameters of `Specialist`, without the device and the backend."""
    calibration: LabelConditional | None
    log: list[Epoch]


def described(manifest: Manifest, place: object) -> Described:
    """Take a manifest apart.

    Parameters
    ----------
    manifest
        As it was read.
    place
        Where from, for the error.

    Raises
    ------
    SpecialistError
        A part of it is missing, unknown or impossible, or two parts contradict each other.
    """
    try:
        settings: dict[str, Any] = {
            "architecture": _made(Architecture, manifest.architecture, "architecture"),
            "preprocessing": _made(Preprocessing, manifest.preprocessing, "preprocessing"),
            "training": _made(TrainingSettings, manifest.training, "training"),
            "labels": [label.label for label in manifest.labels],
            "leave_out": (),
        }
        calibration = None
        if manifest.calibration is not None:
            calibration = LabelConditional.from_dict(manifest.calibration)
            settings["leave_out"] = calibration.leave_out
        log = [Epoch(**{k: float("nan") if v is None else v for k, v in e.items()}) for e in manifest.log]  # type: ignore[arg-type]
        check_agreement(manifest, settings["architecture"], settings["preprocessing"], calibration)
    except (TypeError, ValueError) as error:
        raise SpecialistError(f"{place}: {MANIFEST} doesn't fit together ({error}); copy the folder again") from error
    return Described(settings, calibration, log)


def check_agreement(
    manifest: Manifest, architecture: Architecture, preprocessing: Preprocessing, calibration: LabelConditional | None
) -> None:
    """Refuse what would give wrong sets without a word: labels, scores and calibration that are not of one another.

    Raises
    ------
    InputError
        With what differs.
    """
    labels = [label.label for label in manifest.labels]
    # Findings name classes by their text, so that 1 and "1" would be one.
    if twice := [label for label, n in Counter(map(str, labels)).items() if n > 1]:
        raise InputError(f"labels names {', '.join(twice)} more than once")
    if len(labels) != architecture.classes:
        raise InputError(f"labels names {len(labels)} classes, and the architecture has {architecture.classes}")
    if strange := [str(label) for label in manifest.scored if label not in labels]:
        raise InputError(f"scored names {', '.join(strange)}; the labels are {', '.join(map(str, labels))}")
    if calibration is not None and list(calibration.labels) != labels:
        raise InputError(
            f"the calibration is of {', '.join(map(str, calibration.labels))} in this order, "
            f"and the labels are {', '.join(map(str, labels))}"
        )
    longest = preprocessing.fs * preprocessing.longest
    if architecture.stem_stride > longest:
        raise InputError(
            f"an instance is {architecture.stem_stride} samples long, more than the longest window's {longest:g}"
        )


def untrained(architecture: Architecture, seed: int) -> ConMIL:
    """Build a network with weights drawn from a seed; torch's global generator stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ConMIL(architecture)


def network_of(architecture: Architecture, weights: "dict[str, Tensor]") -> ConMIL:
    """Build a network from its weights, ready to judge. No random number is drawn.

    Raises
    ------
    SpecialistError
        The weights are not those of this architecture, or no numbers.
    """
    # Asked for more modules than there are weights, or for kernels longer than memory, torch would build for ages.
    least = architecture.blocks * architecture.modules * len(architecture.kernels)
    try:
        if least > len(weights):
            raise ValueError(f"it has at least {least} convolutions")
        with torch.device("meta"):
            network = ConMIL(architecture)
    except (RuntimeError, TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise SpecialistError(
            f"the {len(weights)} weights don't fit the architecture in {MANIFEST}: {reason}; copy both files of the "
            "same specialist again"
        ) from error
    fits(weights, network)
    return network.eval()


def _made(kind: type[Made], given: Mapping[str, Any], name: str) -> Made:
    """Make a settings dataclass, every value held against its field's type."""
    if unknown := set(given) - {field.name for field in fields(kind)}:  # type: ignore[arg-type]
        raise InputError(f"{name} has an unknown entry {', '.join(sorted(unknown))}")
    try:
        return TypeAdapter(kind).validate_python(given)
    except ValidationError as error:
        raise InputError(f"{name}: {first_fault(error)}") from error
