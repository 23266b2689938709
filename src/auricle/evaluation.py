"""An honest evaluation of a specialist on labelled windows: how often right, how well covered, how faithful."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.conformal import CoverageReport, coverage_report
from auricle.errors import InputError, NotCalibratedError
from auricle.signals.labelled import LabelledWindows
from auricle.specialist import Specialist

Floats = NDArray[np.float32]
ALPHAS = (0.2, 0.1, 0.05)
FRACTIONS = (0.02, 0.05, 0.1, 0.2, 0.3)
Progress = Callable[[int, int, str], None]


def evaluate(
    specialist: Specialist, windows: LabelledWindows, *, alphas: Sequence[float] = ALPHAS, faithful: int = 60,
    seed: int = 0, progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Evaluate on labelled windows that the specialist has not been made from.

    Parameters
    ----------
    specialist
        Calibrated.
    windows
        At the specialist's rate.
    alphas
        Levels of the sets.
    faithful
        At most this many windows go into the test of the evidence, drawn with `seed`; 0 leaves it out.
    progress
        Called with windows done, windows in all, and what is being done.

    Returns
    -------
    dict
        JSON-able: `n`, `recordings`, `unjudged` (recordings of the data set that gave no window, with label and reason;
        no number below counts them), `macro_f1` (over the specialist's scored classes that occur), `f1`, `accuracy`,
        `confusion`, `levels` by alpha, `faithfulness`. In a level, `coverage` gives for each class the share of its
        windows whose set holds it (`value`), their number (`n`), and the interval (`low`, `high`) in which that share
        lies with a probability of 99 %, over all classes together, if the promise holds; `exact_low` and `exact_high`
        are the Clopper-Pearson interval, which stands in for the other where a class is uncovered or left out, so that
        nothing is promised (`status`). `confident_precision` and `top1_on_uncertain` are 0 where no window has that
        state.
    """
    if not hasattr(specialist, "calibration_"):
        raise NotCalibratedError("the specialist is not calibrated, and its sets are to be judged; calibrate it first")
    if faithful < 0:
        raise InputError(f"{faithful} windows for the test of the evidence; give 0 to leave it out, or more")
    if not len(windows):
        raise InputError("there is no window to evaluate on; give at least one labelled recording")
    if windows.fs != specialist.windowing.fs:
        raise InputError(
            f"the windows have {windows.fs:g} Hz and the specialist needs {specialist.windowing.fs:g} Hz; "
            "cut them with its preprocessing"
        )
    labels = specialist.classes_.tolist()
    if strange := sorted(set(windows.labels.tolist()) - set(map(str, labels))):
        raise InputError(
            f"the data hold labels that the specialist doesn't know: {', '.join(strange)}; "
            f"it knows {', '.join(map(str, labels))}"
        )
    y = np.array([str(label) for label in windows.labels])
    scores = _scores(specialist, windows, progress)
    top = np.array(list(map(str, labels)))[scores.argmax(1)]
    f1 = {str(label): _f1(top == str(label), y == str(label)) for label in labels}
    scored = [str(s) for s in specialist.manifest().scored] or list(f1)
    present = [label for label in scored if (y == label).any()]
    typed = np.array([labels[list(map(str, labels)).index(v)] for v in y.tolist()])
    levels = {}
    for alpha in alphas:
        sets = specialist.calibration_.predict_set(scores, alpha)
        report = coverage_report(sets, typed, specialist.calibration_.counts, subjects=windows.subjects)
        uncertain = sets.state == "uncertain"
        levels[f"{alpha:g}"] = _level(report) | {
            "top1_on_uncertain": float((top == y)[uncertain].mean()) if uncertain.any() else 0.0,
            "counts": {state: int((sets.state == state).sum()) for state in report.share},
        }
    result: dict[str, Any] = {
        "specialist": {"name": specialist.manifest().name, "hash": specialist.hash_},
        "simulated": windows.simulated,
        "n": len(windows),
        "recordings": len(set(windows.recordings.tolist())),
        "unjudged": [asdict(one) for one in windows.unjudged],
        "macro_f1": float(np.mean([f1[label] for label in present])) if present else 0.0,
        "macro_f1_over": present,
        "f1": f1,
        "accuracy": float((top == y).mean()),
        "confusion": {a: {b: int(((y == a) & (top == b)).sum()) for b in f1} for a in f1},
        "levels": levels,
    }
    if faithful:
        result["faithfulness"] = faithfulness(specialist, windows, most=faithful, seed=seed, progress=progress)
    return result


def _scores(specialist: Specialist, windows: LabelledWindows, progress: Progress | None) -> Floats:
    parts, step = [], 256
    order = np.argsort(windows.lengths, kind="stable")
    for first in range(0, len(windows), step):
        chosen = order[first : first + step]
        length = int(windows.lengths[chosen].max())
        parts.append(specialist.scores(windows.samples[chosen, :, :length], lengths=windows.lengths[chosen]))
        if progress:
            progress(min(first + step, len(windows)), len(windows), "judging")
    out: Floats = np.empty_like(np.concatenate(parts))
    out[order] = np.concatenate(parts)
    return out


def _f1(predicted: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    total = int(predicted.sum() + true.sum())
    return float(2 * (predicted & true).sum() / total) if total else 0.0


def _level(report: CoverageReport) -> dict[str, Any]:
    coverage = {}
    for one in report.classes:
        if one.value is None:
            continue  # no window of this class
        by_chance = one.expected_low is not None and one.expected_high is not None
        coverage[str(one.label)] = {
            "value": one.value,
            "low": one.expected_low if by_chance else one.low,
            "high": one.expected_high if by_chance else one.high,
            "n": one.n,
            "exact_low": one.low,
            "exact_high": one.high,
            "status": one.status,
            "inside": one.inside,
            "calibration_n": one.calibration_n,
        }
    return {
        "coverage": coverage,
        "mean_size": report.mean_size,
        "share": dict(report.share),
        "confident_precision": report.confident_precision if report.confident_precision is not None else 0.0,
    }


# ---- faithfulness of the evidence ----------------------------------------------------------------------------------


def top_spans(evidence: NDArray[np.floating], step: int, samples: int, fraction: float) -> list[tuple[int, int]]:
    """Spans of samples under the instances of the largest evidence, together `fraction` of the window.

    Parameters
    ----------
    evidence
        (instances,).
    step
        Samples per instance; instance t stands for the samples from t * step on.
    samples
        Length of the window.

    Returns
    -------
    list of (first, last + 1)
        In order, disjoint, not touching.

    Examples
    --------
    >>> top_spans(np.array([0.1, 0.9, 0.8, 0.0, 0.7]), 10, 45, 0.6)
    [(10, 30), (40, 45)]
    """
    wanted = max(1, round(fraction * samples / step))
    chosen = np.zeros(len(evidence), bool)
    chosen[np.argsort(-evidence, kind="stable")[:wanted]] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8)))
    return [(int(a) * step, min(samples, int(b) * step)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def random_spans(lengths: Sequence[int], samples: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Spans of the given lengths at random places, disjoint and not touching, in order; every arrangement is as likely.

    >>> random_spans([2, 3], 6, np.random.default_rng(0))
    [(0, 2), (3, 6)]

    Raises
    ------
    InputError
        The spans and a sample between each two don't fit.
    """
    order = rng.permutation(np.asarray(lengths, np.int64))
    free = samples - int(order.sum())
    if free < len(order) - 1:
        raise InputError(f"{len(order)} spans of {order.sum()} samples in all don't fit apart into {samples} samples")
    # Without the spans, their places are different ones among the gaps before, between and after the free samples.
    places = np.sort(rng.choice(free + 1, len(order), replace=False))
    starts = places + np.cumsum(order) - order
    return [(int(a), int(a + n)) for a, n in zip(starts, order, strict=True)]


def replace_spans(samples: Floats, spans: Sequence[tuple[int, int]]) -> Floats:
    """Replace spans of (channels, time) by straight lines between their neighbours, level ones at the edges.

    The spans are disjoint and don't touch.

    >>> replace_spans(np.array([[0.0, 9.0, 9.0, 3.0, 9.0]], np.float32), [(1, 3), (4, 5)])
    array([[0., 1., 2., 3., 3.]], dtype=float32)
    """
    out = samples.copy()
    last = samples.shape[-1] - 1
    for a, b in spans:
        left, right = max(a - 1, 0), min(b, last)
        for row in out:
            start = row[left] if a > 0 else row[right]
            stop = row[right] if b <= last else start
            row[a:b] = np.linspace(start, stop, b - a + 2, dtype=np.float32)[1:-1]
    return out


def faithfulness(
    specialist: Specialist, windows: LabelledWindows, *, most: int = 300, fractions: Sequence[float] = FRACTIONS,
    draws: int = 3, seed: int = 0, explain: Callable[[Floats], Floats] | None = None, progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Test whether the evidence points at what the score rests on.

    In each window the samples under the largest evidence for the top label are replaced by straight lines, and beside
    it random stretches of the same lengths. Faithful evidence costs the label more score than chance does.

    Parameters
    ----------
    most
        Windows drawn at most.
    fractions
        Shares of a window that are replaced.
    draws
        Random arrangements per window.
    explain
        Another attribution to test: (channels, time) -> (K, instances), on the specialist's evidence step. None takes
        the specialist's own evidence.

    Returns
    -------
    dict
        `top`, `random`: mean loss of the label's score (a logit) with a tenth replaced; `difference` with the 95 %
        bootstrap interval `low`, `high`; `curve` with both losses at each fraction; `area` under both curves.
    """
    rng = np.random.default_rng(seed)
    step = round(specialist.evidence_step * specialist.windowing.fs)
    chosen = np.sort(rng.choice(len(windows), min(most, len(windows)), replace=False))
    losses = np.zeros((len(chosen), len(fractions), 2))
    for row, index in enumerate(chosen):
        samples = windows.samples[index, :, : windows.lengths[index]]
        scores = specialist.scores(samples[None])[0]
        label = int(scores.argmax())
        evidence = (explain(samples) if explain else specialist.explain(samples[None])[0])[label]
        variants = []
        for fraction in fractions:
            spans = top_spans(evidence, step, samples.shape[-1], fraction)
            variants.append(replace_spans(samples, spans))
            for _ in range(draws):
                at_random = random_spans([b - a for a, b in spans], samples.shape[-1], rng)
                variants.append(replace_spans(samples, at_random))
        after = specialist.scores(np.stack(variants))[:, label].reshape(len(fractions), draws + 1)
        losses[row] = np.stack([scores[label] - after[:, 0], scores[label] - after[:, 1:].mean(1)], axis=1)
        if progress:
            progress(row + 1, len(chosen), "testing the evidence")
    mean = losses.mean(0)
    tenth = int(np.argmin(np.abs(np.asarray(fractions) - 0.1)))
    difference = losses[:, tenth, 0] - losses[:, tenth, 1]
    resampled = rng.integers(0, len(chosen), (2000, len(chosen)))
    low, high = np.quantile(difference[resampled].mean(1), (0.025, 0.975))
    grid = np.concatenate([[0.0], fractions])
    areas = [float(np.trapezoid(np.concatenate([[0.0], mean[:, k]]), grid)) for k in (0, 1)]
    return {
        "top": float(mean[tenth, 0]),
        "random": float(mean[tenth, 1]),
        "difference": float(difference.mean()),
        "low": float(low),
        "high": float(high),
        "windows": len(chosen),
        "curve": {"fraction": list(fractions), "top": mean[:, 0].tolist(), "random": mean[:, 1].tolist()},
        "area": {"top": areas[0], "random": areas[1]},
    }
