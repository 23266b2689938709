"""Fields of a finding: what a window is taken for, what speaks for it, and what is wrong with its signal."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.conformal import PredictionSets
from auricle.errors import InputError
from auricle.finding import Evidence, QualityNote, WindowSpan, segments_of
from auricle.signals import Recording, Window
from auricle.signals.visible import visible
from auricle.training import Floats


def origin(recording: Recording, channels: int) -> dict[str, Any]:
    """Say what is judged, whether a body made it, and what reading it took.

    Parameters
    ----------
    recording
        The channels that are judged, no others.
    channels
        How many the specialist judges.

    Raises
    ------
    InputError
        The recording has more or fewer.
    """
    if len(recording.channels) != channels:
        raise InputError(
            f"{len(recording.channels)} channels of recording {visible(recording.id)} were chosen, and the specialist "
            f"judges {channels}; it has to be told which: --lead for one, leads= in Python for several"
        )
    return {"channels": recording.channels, "simulated": recording.simulated, "notes": recording.notes}


def place(window: Window, index: int) -> dict[str, Any]:
    """Say which window it is, and what is wrong with its signal."""
    return {
        "recording": window.recording,
        "window": WindowSpan(index=index, start=window.start, stop=window.stop, beat=window.beat),
        "quality": tuple(
            QualityNote(kind=f.kind, start=window.start + f.start, stop=window.start + f.stop, text=f.text)
            for f in window.quality.flags
        ),
    }


def verdict(
    classes: Sequence[Any], counts: Mapping[Any, int], scores: Floats, p_values: NDArray[np.float64],
    sets: PredictionSets, row: int,
) -> dict[str, Any]:  # fmt: skip
    """Say what a window is taken for.

    Parameters
    ----------
    classes
        (K,) labels, as they were trained.
    counts
        Calibration samples of each label; a label without any has no p-value.
    scores, p_values
        (K,) of the window.
    sets
        Sets of a batch of windows.
    row
        The window's place in the batch.
    """
    labels = tuple(map(str, classes))
    left_out = tuple(map(str, sets.left_out))
    return {
        "alpha": sets.alpha,
        "labels": labels,
        "set": tuple(map(str, sets.labels_of(row))),
        "state": str(sets.state[row]),
        "top": labels[int(scores.argmax())],
        "scores": dict(zip(labels, scores.tolist(), strict=True)),
        "p_values": {
            name: float(p) if counts[label] and name not in left_out else None
            for name, label, p in zip(labels, classes, p_values, strict=True)
        },
        "uncovered": tuple(map(str, sets.uncovered)),
        "left_out": left_out,
    }


def shown(
    classes: Sequence[Any], evidence: Floats, scores: Floats, member: NDArray[np.bool_], window: Window, step: float
) -> dict[str, Any]:
    """Say what speaks for the labels of the set, or for the top label of an empty one.

    Parameters
    ----------
    classes
        (K,) labels, as they were trained.
    evidence
        (K, instances) of `step` s each.
    scores
        (K,) of the window.
    member
        (K,) whether each label is in the set.
    window
        The window.
    step
        Length of an instance of evidence, in s.
    """
    first = window.start - window.before
    # Only pieces within the recording can be pointed at; all of them are kept, as they add up to the score.
    inside = slice(ceil(window.before / step - 1e-9), ceil((window.stop - first) / step - 1e-9))
    columns = np.flatnonzero(member).tolist() or [int(scores.argmax())]
    labels = tuple(str(classes[column]) for column in columns)
    return {
        "segments": {
            label: segments_of(values[inside], first + inside.start * step, step, stop=window.stop)
            for label, values in zip(labels, evidence[columns], strict=True)
        },
        "evidence_step": step,
        "evidence": Evidence(labels=labels, values=evidence[columns], step=step, start=first),
    }
