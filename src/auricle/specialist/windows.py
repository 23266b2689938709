"""Labelled windows that ship with a specialist, so that an adaptation can rehearse and be tested far from its data.

`reference` is locked: it tests what an adaptation did and trains nothing. `rehearsal` is shown between a patient's own
windows, so that what the patient doesn't have is not forgotten. Both are kept in half precision, which is far finer
than the noise of any electrode.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from auricle.errors import SpecialistError
from auricle.folder import WINDOWS, digest
from auricle.signals.labelled import LabelledWindows
from auricle.training import Floats

Use = Literal["reference", "rehearsal"]
USES: tuple[Use, ...] = ("reference", "rehearsal")


@dataclass(frozen=True, kw_only=True)
class KeptWindows:
    """Windows for one use, all of one length.

    Attributes
    ----------
    samples
        float32 (n, channels, time), in physical units, with the precision of float16.
    labels
        (n,) as the specialist's classes are.
    groups
        (n,) numbers that tell persons apart, and nothing more of them.
    """

    samples: Floats
    labels: NDArray[Any]
    groups: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def of(cls, windows: LabelledWindows, classes: Sequence[Any]) -> "KeptWindows":
        """Keep labelled windows; persons become numbers in the order of their digests."""
        known = {str(label): label for label in classes}
        persons = [digest(subject) for subject in windows.subjects.tolist()]
        return cls(
            samples=windows.samples.astype(np.float16).astype(np.float32),
            labels=np.array([known[label] for label in windows.labels.tolist()]),
            groups=np.unique(np.array(persons, np.str_), return_inverse=True)[1].astype(np.int64),
        )


def packed(windows: Mapping[Use, KeptWindows], classes: Sequence[Any]) -> bytes:
    """Put windows into one safetensors file; a label is its place among the classes."""
    tensors: dict[str, NDArray[Any]] = {}
    place = {label: i for i, label in enumerate(classes)}
    for use, kept in windows.items():
        tensors[f"{use}.samples"] = np.ascontiguousarray(kept.samples, np.float16)
        tensors[f"{use}.labels"] = np.array([place[label] for label in kept.labels.tolist()], np.int16)
        tensors[f"{use}.groups"] = np.asarray(kept.groups, np.int32)
    return bytes(save(tensors, metadata={"format": "np"}))


def unpacked(data: bytes, classes: Sequence[Any], place: object) -> dict[Use, KeptWindows]:
    """Take `packed` windows apart.

    Raises
    ------
    SpecialistError
        They are no such file, or don't fit the classes.
    """
    try:
        tensors = load(data)
        found: dict[Use, KeptWindows] = {}
        for use in USES:
            if f"{use}.samples" not in tensors:
                continue
            samples, labels, groups = (tensors[f"{use}.{part}"] for part in ("samples", "labels", "groups"))
            if samples.ndim != 3 or labels.shape != (len(samples),) or groups.shape != labels.shape:
                raise ValueError(f"the arrays of {use} have the shapes {samples.shape}, {labels.shape}, {groups.shape}")
            if len(labels) and not (labels.min() >= 0 and labels.max() < len(classes)):
                raise ValueError(f"a label of {use} is none of the {len(classes)} classes")
            if not np.isfinite(samples).all():
                raise ValueError(f"a sample of {use} is NaN or infinite")
            found[use] = KeptWindows(
                samples=samples.astype(np.float32),
                labels=np.array(list(classes))[labels],
                groups=groups.astype(np.int64),
            )
    except (SafetensorError, KeyError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise SpecialistError(f"{place}: {WINDOWS} can't be used: {reason}; copy the folder again") from error
    return found
