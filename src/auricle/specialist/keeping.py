"""Between a specialist and its manifest: what is written down of it, and how it is made again from that."""

import platform
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

import auricle
from auricle.conformal import LabelConditional
from auricle.errors import SpecialistError
from auricle.folder import MANIFEST, Label, Manifest
from auricle.network import Architecture
from auricle.signals import Preprocessing
from auricle.training import Epoch, TrainingSettings

if TYPE_CHECKING:
    from auricle.specialist.estimator import Specialist


def manifest_of(specialist: "Specialist", about: Mapping[str, Any]) -> Manifest:
    """Write down everything about a fitted specialist but its weights.

    Parameters
    ----------
    specialist
        What it was loaded with stays, such as its name and definitions.
    about
        Fields to set anew.
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
    return Manifest.model_validate({**base, **known, **about, **own})


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
        A part of it is missing, unknown or impossible.
    """
    try:
        preprocessing = manifest.preprocessing | {"leads": tuple(map(tuple, manifest.preprocessing["leads"]))}
        architecture = manifest.architecture | {"kernels": tuple(manifest.architecture["kernels"])}
        settings = {
            "architecture": Architecture(**architecture),
            "preprocessing": Preprocessing(**preprocessing),
            "training": TrainingSettings(**manifest.training),
            "labels": [label.label for label in manifest.labels],
            "leave_out": manifest.calibration["leave_out"] if manifest.calibration else (),
        }
        calibration = LabelConditional.from_dict(manifest.calibration) if manifest.calibration else None
        log = [Epoch(**{k: float("nan") if v is None else v for k, v in e.items()}) for e in manifest.log]  # type: ignore[arg-type]
    except (TypeError, KeyError, ValueError) as error:
        raise SpecialistError(f"{place}: {MANIFEST} doesn't fit together ({error})") from error
    return Described(settings, calibration, log)
