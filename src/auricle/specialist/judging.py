"""Windows judged one after the other: scores in batches, then sets, then evidence window by window."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from auricle.conformal import LabelConditional
from auricle.signals import Preprocessing, Window, condition
from auricle.specialist.engine import BATCH, Engine
from auricle.specialist.verdict import place, shown, verdict


def judged(
    windows: Iterator[Window], engine: Engine, calibration: LabelConditional, *, classes: Sequence[Any], alpha: float,
    windowing: Preprocessing, piece: int | None,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Give the fields of a finding for each window, in order; no more than a batch of windows is held.

    Parameters
    ----------
    windows
        As they are cut, in physical units.
    engine, calibration
        Of the specialist.
    classes
        (K,) labels, as they were trained.
    alpha
        Level of the sets.
    windowing
        How the specialist conditions a window.
    piece
        Samples of an instance of evidence; None looks for no evidence.
    """
    index = 0
    while batch := list(islice(windows, BATCH)):
        rows = [condition(window.samples, windowing) for window in batch]
        (scores,) = engine.scores(rows)
        sets, p_values = calibration.predict_set(scores, alpha), calibration.p_values(scores)
        for i, window in enumerate(batch):
            found = verdict(classes, calibration.counts, scores[i], p_values[i], sets, i)
            if piece is not None:
                evidence = engine.evidence(rows[i], piece)
                found |= shown(classes, evidence, scores[i], sets.member[i], window, piece / windowing.fs)
            yield {**place(window, index), **found}
            index += 1
