"""What can be wrong with the labelled minutes of a patient; what follows them stays as it is."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from auricle.adaptation.judging import LabelledStretch
from auricle.bench.adaptation.patients import Case
from auricle.training import Floats

HONEST = "honest"
WRONG_LABELS = 0.2
"""Share of the labels that are replaced by another class."""
NOISE = 1.0
"""Power of the added noise over that of the signal, window by window."""
WANDER = 0.3
"""Share of the noise's power that is slow."""


def spoiled(case: Case, kind: str, seed: int) -> Case:
    """Give a patient whose labelled minutes are spoiled in one of the ways of `KINDS`."""
    return replace(case, labelled=KINDS[kind](case, np.random.default_rng([seed, 1])))


def _honest(case: Case, _: np.random.Generator) -> LabelledStretch:
    return case.labelled


def _wrong_labels(case: Case, rng: np.random.Generator) -> LabelledStretch:
    """Replace a fifth of the labels, drawn anew, by another of the classes N, S and V."""
    own = case.labelled
    labels = own.labels.copy()
    for i in np.flatnonzero(rng.random(len(own)) < WRONG_LABELS):
        labels[i] = rng.choice([label for label in ("N", "S", "V") if label != labels[i]])
    return replace(own, labels=labels)


def _noisy(case: Case, rng: np.random.Generator) -> LabelledStretch:
    """Add noise as strong as the signal: white, as of muscles, and a slow wander."""
    samples = case.labelled.samples.copy()
    signals = _signals(case, samples)
    rows, channels, length = signals.shape
    power = signals.var(-1, keepdims=True) * NOISE
    t = np.arange(length) / case.fs
    phase = rng.uniform(0, 2 * np.pi, (rows, channels, 1))
    slow = np.sqrt(2) * np.sin(2 * np.pi * rng.uniform(0.1, 0.5, (rows, channels, 1)) * t + phase)
    white = rng.standard_normal(signals.shape)
    signals += np.sqrt(power * WANDER) * slow + np.sqrt(power * (1 - WANDER)) * white
    return replace(case.labelled, samples=samples)


def _one_class(case: Case, _: np.random.Generator) -> LabelledStretch:
    """Keep the most frequent class alone."""
    own = case.labelled
    names, counts = np.unique(own.labels, return_counts=True)
    return own.select(own.labels == names[counts.argmax()])


def _reversed(case: Case, _: np.random.Generator) -> LabelledStretch:
    """Turn the signal upside down, as swapped electrodes of a lead do."""
    samples = case.labelled.samples.copy()
    signals = _signals(case, samples)
    signals *= -1
    return replace(case.labelled, samples=samples)


def _signals(case: Case, samples: Floats) -> Floats:
    """(n, channels, time) without the channels of marks, a view."""
    return samples[:, : samples.shape[1] - case.marks]


KINDS: dict[str, Callable[[Case, np.random.Generator], LabelledStretch]] = {
    HONEST: _honest, "wrong_labels": _wrong_labels, "noise": _noisy, "one_class": _one_class,
    "lead_reversed": _reversed,
}  # fmt: skip
WORDS = {
    HONEST: "honest labels, as they are", "wrong_labels": "20 % of the labels wrong",
    "noise": "noise as strong as the signal", "one_class": "labels of one class only",
    "lead_reversed": "the lead upside down",
}  # fmt: skip
"""What a table calls them."""
