"""What an attempt came to: a network before and after, on the reference and on the patient's own windows."""

import copy
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.adaptation.checks import (
    FEWEST_SUBJECTS,
    Check,
    Decision,
    check_classes_kept,
    check_coverage,
    check_distance,
    check_harm,
    check_labels,
    check_macro_f1,
    check_personal,
    check_sensitivity,
    check_steps,
    decide,
    untested_personal,
)
from auricle.adaptation.checks.comparison import compare
from auricle.adaptation.checks.measured import Measured
from auricle.adaptation.impact import Place
from auricle.adaptation.learning import Learned
from auricle.adaptation.personal import PersonalCalibration, Scored, calibrate
from auricle.adaptation.plan import Plan
from auricle.adaptation.plan.protocol import StretchName
from auricle.errors import InputError
from auricle.network import ConMIL
from auricle.specialist import Specialist
from auricle.training import Floats

STRETCHES: tuple[StretchName, ...] = ("adaptation", "calibration", "test")
FROM_BASE = (
    "The tests on the reference set compare with the base, so that losses of several adaptations can't add up; the "
    "table compares with the version that was adapted."
)


@dataclass(frozen=True, kw_only=True)
class LabelledStretch:
    """Labelled windows of one patient, in order of time.

    Attributes
    ----------
    samples
        float32 (n, channels, time), in physical units.
    labels
        (n,) among the specialist's classes.
    starts
        (n,) where each window begins, in s.
    """

    samples: Floats
    labels: NDArray[Any]
    starts: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def of(cls, windows: ArrayLike, labels: ArrayLike, starts: ArrayLike, specialist: Specialist) -> "LabelledStretch":
        """Check labelled windows and put them in order of time.

        Raises
        ------
        InputError
            Shapes that don't fit, a label that the specialist doesn't know, or times that are no numbers.
        """
        samples, truth = np.asarray(windows, np.float32), np.asarray(labels)
        begins = np.asarray(starts, np.float64)
        if samples.ndim == 2:
            samples = samples[:, None]
        if samples.ndim != 3 or truth.shape != (len(samples),) or begins.shape != truth.shape:
            raise InputError(
                f"windows of shape {samples.shape}, labels of shape {truth.shape} and starts of shape {begins.shape}; "
                "(n, channels, time), (n,) and (n,) are needed"
            )
        known = specialist.classes_.tolist()
        if strange := sorted({str(label) for label in truth.tolist() if label not in known}):
            raise InputError(
                f"labels of unknown classes were given: {', '.join(strange[:5])}; the specialist knows "
                f"{', '.join(map(str, known))}"
            )
        if not np.isfinite(begins).all():
            raise InputError("a start is no number; give the time of each window in s")
        order = np.argsort(begins, kind="stable")
        return cls(samples=samples[order], labels=truth[order], starts=begins[order])

    def select(self, chosen: NDArray[np.bool_]) -> "LabelledStretch":
        """Keep the windows of a mask."""
        return LabelledStretch(samples=self.samples[chosen], labels=self.labels[chosen], starts=self.starts[chosen])

    def counts(self, classes: NDArray[Any]) -> dict[str, int]:
        """Labels of each class."""
        found = Counter(self.labels.tolist())
        return {str(label): found[label] for label in classes.tolist()}


Parts = Mapping[StretchName, LabelledStretch]


def divide(windows: LabelledStretch, plan: Plan, fs: float, *, start: float, stop: float | None = None) -> Parts:
    """Cut labelled windows into the plan's disjoint stretches; a window belongs where it lies whole.

    Parameters
    ----------
    windows
        Of one recording.
    plan
        Its protocol says where the stretches are.
    fs
        Rate of the windows in Hz.
    start, stop
        Ends of the labelled stretch in s; the planned minutes unless `stop` is given.
    """
    length = windows.samples.shape[-1] / fs
    out: dict[StretchName, LabelledStretch] = {}
    for name, (first, last) in plan.protocol.stretches(start, stop).items():
        # Windows around the first and last beats reach beyond the recording's own ends.
        early = first - length if first == start else first
        late = last + length if stop is not None and last == stop else last
        out[name] = windows.select((windows.starts >= early) & (windows.starts + length <= late) & (last > first))
    return out


def with_network(specialist: Specialist, network: ConMIL) -> Specialist:
    """Give a specialist another network; what was calibrated for the first is not promised for it."""
    made = copy.copy(specialist)
    for stale in ("_graph", "_engine"):
        made.__dict__.pop(stale, None)
    made.network_, made.hash_, made.backend = network, "", "torch"
    return made


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What was found about an attempt.

    Attributes
    ----------
    checks, decision
        By the plan.
    personal
        The calibration for the network after.
    before, after
        What both states came to, by place: "reference" and "patient".
    notes
        What a reader of the checks must know.
    """

    checks: tuple[Check, ...]
    decision: Decision
    personal: PersonalCalibration
    before: dict[Place, Measured]
    after: dict[Place, Measured]
    notes: tuple[str, ...] = ()


def judge(
    specialist: Specialist, learned: Learned, parts: Parts, plan: Plan, *, base: Specialist | None = None
) -> Judgement:
    """Recalibrate what was learned, and test it as the plan says.

    Parameters
    ----------
    specialist
        The one that was adapted, with its calibration.
    learned
        The network after, and how it came about.
    parts
        The patient's windows.
    plan
        What must hold.
    base
        What the reference's tests compare with, where that is not the one that was adapted: else the margins of several
        attempts would add up.
    """
    later = with_network(specialist, learned.network)
    classes, alphas = specialist.classes_.tolist(), plan.protocol.alphas
    names = tuple(map(str, classes))
    scored = [str(label) for label in specialist.manifest().scored]
    before: dict[Place, Measured] = {}
    after: dict[Place, Measured] = {}
    counts = {name: parts[name].counts(specialist.classes_) for name in STRETCHES}
    checks = [check_labels(counts, plan), check_steps(learned.steps, plan)]
    checks += check_distance(learned.distance, learned.change, plan)
    kept = specialist.windows_.get("reference")
    notes: tuple[str, ...] = ()
    population = Scored(scores=np.zeros((0, len(classes))), labels=specialist.classes_[:0])
    if kept:
        new = later.scores(kept.samples)
        population = Scored(scores=new, labels=kept.labels)
        people = len(np.unique(kept.groups))
        if people < FEWEST_SUBJECTS:
            whose = "one person" if people == 1 else f"{people} persons"
            said = (
                f"The reference's windows are of {whose}, too few to speak for others: its tests take each window by "
            )
            notes += (said + f"itself, and hold for {'this person' if people == 1 else 'these persons'}.",)
        pair = against = compare(
            names, _texts(kept.labels), specialist.scores(kept.samples), new,
            subjects=kept.groups if people >= FEWEST_SUBJECTS else None, scored=scored,
        )  # fmt: skip
        if base is not None:
            against = replace(pair, before=base.scores(kept.samples).argmax(1))
            notes += (FROM_BASE,)
        checks += [
            check_macro_f1(against, plan), *check_sensitivity(against, plan), check_classes_kept(against, plan)
        ]  # fmt: skip
        before["reference"], after["reference"] = Measured.before(pair), Measured.after(pair)
    own, test = parts["calibration"], parts["test"]
    personal = calibrate(
        classes, population, Scored(scores=_scores(later, own), labels=own.labels), mode=plan.protocol.calibration,
        alphas=alphas, least=plan.protocol.labels_per_class, leave_out=specialist.calibration_.leave_out,
        otherwise=specialist.calibration_,
    )  # fmt: skip
    if not len(test):
        checks += untested_personal(0, plan)
    else:
        old, new, y = _scores(specialist, test), _scores(later, test), _texts(test.labels)
        pair = compare(names, y, old, new, scored=scored)
        sets = [personal.calibration.predict_set(new, alpha) for alpha in alphas]
        # A calibration of both has no count that the exact law could take.
        behind = {str(label): n for label, n in personal.calibration.counts.items()}
        law = None if "combined" in personal.source.values() else behind
        checks += [*check_personal(pair, plan), check_harm(pair, plan), *check_coverage(sets, y, law, plan)]
        formerly = [specialist.calibration_.predict_set(old, alpha) for alpha in alphas]
        before["patient"], after["patient"] = Measured.before(pair, formerly), Measured.after(pair, sets)
    decision = decide(checks, plan)
    if decision.accepted and not learned.steps:
        decision = Decision(
            accepted=False, reasons=(f"No step was taken, so there is nothing to use. {learned.stopped}",)
        )
    return Judgement(
        checks=tuple(checks), decision=decision, personal=personal, before=before, after=after, notes=notes
    )  # fmt: skip


def _scores(specialist: Specialist, windows: LabelledStretch) -> Floats:
    if not len(windows):
        return np.zeros((0, len(specialist.classes_)), np.float32)
    return specialist.scores(windows.samples)


def _texts(labels: NDArray[Any]) -> list[str]:
    return list(map(str, labels.tolist()))
