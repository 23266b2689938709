"""One attempt, whole: learn on the patient's labelled windows, test by the plan, recalibrate, accept or refuse."""

import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.adaptation.checks import check_labels
from auricle.adaptation.impact import (
    Base,
    CalibrationUsed,
    Cost,
    DataUsed,
    Impact,
    Modification,
    Reference,
    StretchUsed,
)
from auricle.adaptation.judging import STRETCHES, Judgement, LabelledStretch, Parts, divide, judge, with_network
from auricle.adaptation.learning import Examples, Learned, Lesson, learn, movable
from auricle.adaptation.patient import Patient
from auricle.adaptation.patient.adapted import weights_sha256
from auricle.adaptation.patient.attempt import Attempt
from auricle.adaptation.patient.version import Version
from auricle.adaptation.personal import PROMISES, PersonalCalibration
from auricle.adaptation.plan import Plan
from auricle.conformal import smallest_n
from auricle.errors import FormatError, NotCalibratedError
from auricle.signals import condition
from auricle.specialist import Specialist


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where labelled windows come from, for the record.

    Attributes
    ----------
    recording
        Its id.
    labels
        The file or person they came from.
    start, stop
        Ends of the labelled stretch in s; the plan's minutes from `start` unless `stop` is given.
    simulated
        Whether nobody was recorded.
    notes
        What was assumed, mended or left out, one sentence each.
    """

    recording: str = "array"
    labels: str = ""
    start: float = 0.0
    stop: float | None = None
    simulated: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """What `adapt` came to.

    Attributes
    ----------
    specialist
        The adapted one with its personal calibration if it was accepted, else the one before.
    impact
        The record.
    version
        The patient's new version, if there is a patient and it was accepted.
    repeated
        Whether the active version was made of the same windows, labels and plan before: then nothing was done, and
        specialist, impact and version are that one's.
    """

    specialist: Specialist
    impact: Impact
    version: Version | None = None
    repeated: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the plan lets it be used."""
        return self.impact.decision.accepted


def adapt(
    specialist: Specialist, windows: ArrayLike, labels: ArrayLike, plan: Plan | None = None, *,
    starts: ArrayLike | None = None, source: Source | None = None, patient: Patient | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> Adaptation:  # fmt: skip
    """Adapt a specialist to one patient by forward passes alone, under a change-control plan.

    Parameters
    ----------
    specialist
        Calibrated. With a `patient`, its base: learning goes on from the patient's active version.
    windows
        (n, channels, time) in physical units at the specialist's rate, as `auricle.signals.cut` gives them.
    labels
        (n,) among the specialist's classes.
    plan
        What may change and what must hold; None for the plan that comes with auricle.
    starts
        (n,) where each window begins in the recording, in s. None takes them as spread evenly over the labelled stretch
        in their order.
    source
        Where they come from.
    patient
        Whose folder keeps the ledger, the version and the record. An attempt that was stopped goes on there if it is
        asked for again with the same windows and plan; where the active version was made of them already, nothing is
        done (a plan with another seed learns on). None keeps nothing.
    on_step
        Called with steps done and planned.

    Raises
    ------
    InputError
        Windows, labels or plan don't fit the specialist.
    NotCalibratedError
        The specialist is not calibrated.
    PatientError
        The patient's folder is of another base, in use or damaged.

    Examples
    --------
    >>> from auricle.signals.simulate import sinus
    >>> specialist = Specialist.load("af")
    >>> x = np.stack([sinus(30, 100, seed=i).samples() for i in range(4)])
    >>> plan = Plan.from_dict({"assessment": {"harm_class": "A"}, "description": {"most_steps": 2}})
    >>> adapt(specialist, x, ["N"] * 4, plan).accepted  # too few labels, and no reference set ships with `af`
    False
    """
    plan, source = plan or Plan.default(), source or Source()
    if not hasattr(specialist, "calibration_"):
        raise NotCalibratedError("the specialist is not calibrated; call calibrate(X, y) before it adapts")
    plan.check_labels([str(label) for label in specialist.classes_.tolist()])
    end = source.start + 60 * plan.protocol.minutes if source.stop is None else source.stop
    if starts is None:
        starts = _spread(len(np.asarray(labels)), source.start, end, np.asarray(windows).shape[-1], specialist)
    given = LabelledStretch.of(windows, labels, starts, specialist)
    parts = divide(given, plan, specialist.windowing.fs, start=source.start, stop=source.stop)
    source = replace(source, notes=(*source.notes, *_unused(given, parts, specialist)))
    if patient is None:
        return _attempt(specialist, specialist, parts, plan, source, None, None, on_step)
    patient.check_base(specialist)
    if (made := _repeated(specialist, parts, plan, patient)) is not None:
        return made
    with patient.attempt() as attempt:
        before = patient.specialist(specialist, attempt.parent)
        return _attempt(specialist, before, parts, plan, source, patient, attempt, on_step)


def _unused(given: LabelledStretch, parts: Parts, specialist: Specialist) -> tuple[str, ...]:
    """Say which labels no stretch takes."""
    taken = [parts[name].counts(specialist.classes_) for name in STRETCHES]
    left = {label: n - sum(one[label] for one in taken) for label, n in given.counts(specialist.classes_).items()}
    if not any(left.values()):
        return ()
    listed = ", ".join(f"{n} {label}" for label, n in left.items() if n)
    where = "reach out of the labelled part or into a gap between two stretches"
    return (f"Labels whose windows {where} were not used: {listed}.",)


def _spread(n: int, start: float, stop: float, samples: int, specialist: Specialist) -> NDArray[np.float64]:
    return np.linspace(start, max(start, stop - samples / specialist.windowing.fs), n)


def _repeated(base: Specialist, parts: Parts, plan: Plan, patient: Patient) -> Adaptation | None:
    """Give the active version again, if it was made of the same windows, labels and plan."""
    version = patient.active
    try:
        impact = Impact.from_dict(version.impact() or {})
    except FormatError:
        return None  # version 0, or one that another program made
    found = {"plan": impact.plan_sha256, "labels": impact.data.labels_sha256, "windows": impact.data.windows_sha256}
    if found != _task(parts, plan):
        return None
    return Adaptation(specialist=patient.specialist(base, version), impact=impact, version=version, repeated=True)


def _attempt(
    base: Specialist, before: Specialist, parts: Parts, plan: Plan, source: Source, patient: Patient | None,
    attempt: Attempt | None, on_step: Callable[[int, int], None] | None,
) -> Adaptation:  # fmt: skip
    began = time.perf_counter()
    first = 0 if attempt is None else attempt.parent.steps
    ledger = None
    if attempt is not None:
        attempt.keep_if_same(_task(parts, plan))
        ledger = attempt.ledger()
    if check_labels({name: parts[name].counts(base.classes_) for name in STRETCHES}, plan).passed:
        resting = _peak(before, parts)
        learned = learn(
            base.network_, lesson(before, parts, plan), plan.description, ledger=ledger, start=first, on_step=on_step
        )
        memory = _resident()
    else:
        learned = Learned.nothing(before.network_)
        resting = memory = None
    found = judge(before, learned, parts, plan, base=base if first else None)
    accepted = found.decision.accepted
    kept = ledger.read_bytes() if ledger is not None and ledger.exists() else b""
    adapted = weights_sha256(learned.network) if accepted else None
    impact = Impact(
        attempt=0 if attempt is None else attempt.number,
        created=datetime.now(UTC),
        subject=None if patient is None else patient.subject,
        base=Base(
            name=base.manifest().name, version=base.manifest().version, hash=base.hash_ or _digest(b"unsaved"),
            weights_sha256=weights_sha256(base.network_),
        ),
        parent=None if attempt is None else attempt.parent.id,
        plan=plan,
        plan_sha256=plan.sha256,
        modification=Modification(
            weights=sum(w.numel() for w in movable(base.network_, plan.description.parameters).values()),
            steps=learned.steps, steps_before=first, distance=_finite(learned.distance),
            largest_change=_finite(learned.change),
            weights_sha256=adapted,
        ),
        data=_data(base, parts, plan, source),
        before=found.before,
        after=found.after,
        checks=found.checks,
        decision=found.decision,
        calibration=_used(found.personal, plan),
        cost=Cost(
            forwards=learned.forwards, seconds=time.perf_counter() - began, peak_memory_mb=memory,
            memory_over_inference=None if memory is None or not resting else memory / resting, ledger_bytes=len(kept),
        ),
        notes=(
            *source.notes, *_other_leads(before, base), *found.notes, *([learned.stopped] if learned.stopped else [])
        ),
    )  # fmt: skip
    if attempt is None:
        return Adaptation(specialist=_adapted(before, learned, found) if accepted else before, impact=impact)
    if not accepted:
        attempt.refuse(impact.to_dict())
        return Adaptation(specialist=before, impact=impact)
    version = attempt.accept(kept, found.personal.calibration.to_dict(), impact.to_dict(), weights_sha256=adapted)
    assert patient is not None
    return Adaptation(specialist=patient.specialist(base, version), impact=impact, version=version)


def lesson(specialist: Specialist, parts: Parts, plan: Plan) -> Lesson:
    """Put together what an attempt is trained on: the adaptation stretch, and what ships to be rehearsed."""
    own = parts["adaptation"]
    kept = specialist.windows_.get("rehearsal")
    return Lesson(
        personal=examples(specialist, own.samples, own.labels),
        rehearsal=examples(specialist, kept.samples, kept.labels) if kept else None,
        batch=plan.description.batch,
        seed=plan.description.seed,
    )


def examples(specialist: Specialist, samples: NDArray[np.float32], labels: NDArray[Any]) -> Examples:
    """Condition windows (n, channels, time) as the specialist does, and give their labels as places."""
    place = {label: i for i, label in enumerate(specialist.classes_.tolist())}
    return Examples(
        [condition(row, specialist.windowing) for row in samples],
        np.array([place[label] for label in labels.tolist()], np.int64),
    )


def _adapted(before: Specialist, learned: Learned, found: Judgement) -> Specialist:
    made = with_network(before, learned.network)
    made.calibration_ = found.personal.calibration
    return made


def _task(parts: Parts, plan: Plan) -> dict[str, str]:
    """Say by hashes what is to be learned."""
    return {"plan": plan.sha256, "labels": _digest(_label_bytes(parts)), "windows": _window_digest(parts)}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _label_bytes(parts: Parts) -> bytes:
    rows = [[name, list(map(str, parts[name].labels.tolist())), parts[name].starts.tolist()] for name in STRETCHES]
    return json.dumps(rows).encode()


def _window_digest(parts: Parts) -> str:
    running = hashlib.sha256()
    for name in STRETCHES:
        running.update(np.ascontiguousarray(parts[name].samples, "<f4").tobytes())
    return running.hexdigest()


def _data(base: Specialist, parts: Parts, plan: Plan, source: Source) -> DataUsed:
    spans = plan.protocol.stretches(source.start, source.stop)
    kept = base.windows_.get("reference")
    reference = None
    if kept:
        texts = list(map(str, kept.labels.tolist()))
        reference = Reference(
            sha256=_digest(np.ascontiguousarray(kept.samples, "<f2").tobytes() + json.dumps(texts).encode()),
            n=len(kept), subjects=len(np.unique(kept.groups)),
            counts={str(label): texts.count(str(label)) for label in base.classes_.tolist()},
        )  # fmt: skip
    return DataUsed(
        recording=source.recording, simulated=source.simulated, labels=source.labels,
        labels_sha256=_digest(_label_bytes(parts)),
        leads=base.windowing.leads,
        windows_sha256=_window_digest(parts),
        stretches={
            name: StretchUsed(start=spans[name][0], stop=spans[name][1], counts=parts[name].counts(base.classes_))
            for name in STRETCHES
        },
        reference=reference,
    )  # fmt: skip


def _used(personal: PersonalCalibration, plan: Plan) -> CalibrationUsed:
    made = personal.calibration
    sources = {personal.source[label] for label in made.labels if label not in made.leave_out} - {"none"}
    by_alpha: dict[str, dict[str, str]] = {}
    for alpha in plan.protocol.alphas:
        by_alpha[f"{alpha:g}"] = {
            str(label): "left out" if label in made.leave_out
            else "uncovered" if made.counts[label] < smallest_n(alpha) else str(personal.source[label])
            for label in made.labels
        }  # fmt: skip
    kind: Any = next(iter(sources)) if len(sources) == 1 else "mixed" if sources else "population"
    kept = [label for label in made.labels if label not in made.leave_out]
    said = [
        f"{', '.join(str(label) for label in kept if personal.source[label] == one)}: {PROMISES[one]}"
        for one in PROMISES if one in {personal.source[label] for label in kept}
    ]  # fmt: skip
    return CalibrationUsed(
        kind=kind, source=by_alpha, counts={str(label): n for label, n in personal.counts.items()},
        promise="; ".join([*said, *(f"{label}: left out of the sets, nothing is promised" for label in made.leave_out)])
        + ".",
    )  # fmt: skip


def _other_leads(before: Specialist, base: Specialist) -> tuple[str, ...]:
    judged, given = (
        ", ".join(names[0] for names in one.windowing.leads) or "(the first)" for one in (before, base)
    )  # fmt: skip
    if judged == given:
        return ()
    return (f"The version that was adapted judges lead {judged}; these windows are of lead {given}.",)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _peak(specialist: Specialist, parts: Parts) -> float | None:
    """Peak memory of this process once it has judged some windows, in MB."""
    specialist.scores(parts["adaptation"].samples[:64])
    return _resident()


def _resident() -> float | None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


__all__: Sequence[str] = ("Adaptation", "Source", "adapt", "examples", "lesson")
