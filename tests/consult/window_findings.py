"""Findings made by hand, for tests of what is told about them."""

from typing import Any

import numpy as np

from auricle.finding import Evidence, Finding, SpecialistName, WindowSpan, segments_of
from auricle.folder import Label
from auricle.signals import Recording

STEP = 0.25
RHYTHMS = ("N", "A", "O")
DEFINITIONS = {
    "N": Label(label="N", name="normal sinus rhythm", definition="regular, a P wave before each QRS complex"),
    "A": Label(label="A", name="atrial fibrillation", definition="irregularly irregular, no P waves"),
    "O": Label(label="O", name="other rhythm"),
}


def finding_on(
    recording: Recording, *, inside: tuple[str, ...] = ("N", "A"), labels: tuple[str, ...] = RHYTHMS,
    start: float = 0.0, stop: float | None = None, at: dict[str, float] | None = None, **changes: Any,
) -> Finding:  # fmt: skip
    """Find `inside` in a stretch; each label has its evidence in one second, `at` s into the window."""
    stop = recording.duration if stop is None else stop
    values = np.zeros((len(labels), round((stop - start) / STEP)))
    for row, label in enumerate(labels):
        first = round((at or {}).get(label, 1.0 + row) / STEP)
        values[row, first : first + 4] = 0.4
        values[row, first + 5 : first + 6] = -0.3
    shown = inside or (labels[0],)
    rows = [labels.index(label) for label in shown]
    scores = {label: (1.25 if label in inside else -1.5) - 0.125 * i for i, label in enumerate(labels)}
    made = {
        "specialist": SpecialistName(name="hearts", version="3", hash="0123456789abcdef"),
        "recording": recording.id,
        "channels": recording.channels,
        "window": WindowSpan(start=start, stop=stop),
        "alpha": 0.1,
        "labels": labels,
        "set": inside,
        "state": {0: "unfamiliar", 1: "confident"}.get(len(inside), "uncertain"),
        "top": max(scores, key=lambda label: scores[label]),
        "scores": scores,
        "p_values": {label: 0.625 - 0.0625 * i if label in inside else 0.0125 for i, label in enumerate(labels)},
        "segments": {
            label: segments_of(values[row], start, STEP, stop=stop) for label, row in zip(shown, rows, strict=True)
        },
        "evidence_step": STEP,
        "simulated": recording.simulated,
        "evidence": Evidence(labels=shown, values=values[rows], step=STEP, start=start),
    }
    return Finding(**{**made, **changes})
