"""One patient, one arm, one seed: adapt on the first minutes, score the rest."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.adaptation.adapting import lesson
from auricle.adaptation.judging import Judgement, judge, with_network
from auricle.adaptation.learning import Learned
from auricle.adaptation.plan import Plan
from auricle.bench.adaptation.arms import BASE, Arm
from auricle.bench.adaptation.patients import Case
from auricle.conformal import LabelConditional
from auricle.conformal.online import AdaptiveConformal
from auricle.ec57 import count
from auricle.specialist import Specialist

ALPHA = 0.1
"""Level at which coverage is reported."""


def trial(specialist: Specialist, patient: Case, arm: Arm, plan: Plan, seed: int) -> dict[str, Any]:
    """Run one arm on one patient.

    Returns
    -------
    dict
        JSON-able: `before` and `after` on the rest, each as `scored` gives it; `after` is what the patient is left
        with: the base as it was where the plan refuses. `unguarded`, the same without the plan. `refused` with
        `reasons`; the cost.
    """
    parts = patient.parts(plan)
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger"
        if arm.name == BASE:
            learned = Learned.nothing(specialist.network_)
        else:
            described = arm.described(plan.description, seed)
            task = lesson(specialist, parts, plan.model_copy(update={"description": described}))
            learned = arm.learn(specialist.network_, task, plan.description, ledger=ledger)
        size = ledger.stat().st_size if ledger.exists() else 0
    found = judge(specialist, learned, parts, plan)
    before = scored(specialist, specialist.calibration_, patient, "population")
    own = with_network(specialist, learned.network)
    unguarded = scored(own, found.personal.calibration, patient, "personal", dict(found.personal.source))
    refused = not found.decision.accepted and arm.name != BASE
    after = before if refused else unguarded
    return {
        "before": before, "after": after, "unguarded": unguarded, "refused": refused,
        "reasons": list(found.decision.reasons) if refused else [], "steps": learned.steps,
        "forwards": learned.forwards, "seconds": learned.seconds, "distance": learned.distance,
        "change": learned.change, "ledger_bytes": size, "own": _own(found),
    }  # fmt: skip


def _own(found: Judgement) -> dict[str, int]:
    """How many personal calibration labels each class had."""
    return {str(label): n for label, n in found.personal.counts.items()}


def scored(
    specialist: Specialist, calibration: LabelConditional, patient: Case, kind: str,
    source: Mapping[Any, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Score the rest of a patient's record.

    Returns
    -------
    dict
        `table`, the counts of EC57; by class of the specialist `n`, `covered` by the sets and `online`, covered by sets
        that follow every label, one after the other; `calibrated`, the samples behind the sets; `sizes`, labels in all
        sets of a known class.
    """
    scores = specialist.scores(patient.rest)
    labels = [str(label) for label in specialist.classes_.tolist()]
    top = [labels[i] for i in scores.argmax(1)]
    sets = calibration.predict_set(scores, ALPHA)
    known = np.isin(patient.truth, labels)
    online = _online(calibration, scores, patient.truth, labels)
    return {
        "table": count(patient.truth.tolist(), top).tolist(),
        "n": {label: int((patient.truth == label).sum()) for label in labels},
        "covered": {label: int(sets.member[patient.truth == label, k].sum()) for k, label in enumerate(labels)},
        "online": {label: int(online[patient.truth == label].sum()) for label in labels},
        "calibrated": {str(label): n for label, n in calibration.counts.items()},
        "source": {str(label): str((source or {}).get(label, kind)) for label in calibration.labels},
        "sizes": int(sets.member[known].sum()),
    }


def _online(
    calibration: LabelConditional, scores: NDArray[np.float32], truth: NDArray[np.str_], labels: list[str]
) -> NDArray[np.bool_]:
    """(n,) whether each beat's set held its label, the sets having learned of all beats before."""
    adaptive = AdaptiveConformal(calibration, alpha=ALPHA)
    kept = np.zeros(len(truth), np.bool_)
    for i, label in enumerate(truth.tolist()):
        if label in labels:
            sets = adaptive.show(i, scores[i : i + 1])
            kept[i] = label in map(str, sets.labels_of(0))
            adaptive.update(i, label)
    return kept
