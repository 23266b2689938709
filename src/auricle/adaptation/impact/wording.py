"""The sentences about an attempt that its page and its text in the terminal share."""

from typing import Final

from auricle.adaptation.impact.impact import Impact, Place
from auricle.adaptation.plan import CheckKind
from auricle.counted import counted

MARKS: Final = {
    False: ("failed", "\N{MULTIPLICATION SIGN} failed"),
    None: ("untested", "\N{WHITE CIRCLE} not tested"),
    True: ("passed", "\N{CHECK MARK} passed"),
}
"""Class and words for each verdict, in the order of the page; told apart without colour, too."""
PLACES: Final[dict[Place, str]] = {"reference": "Reference set", "patient": "Patient's test stretch"}


LIMITS: Final[dict[CheckKind, str]] = {
    "macro_f1": "the lower end must lie above",
    "sensitivity": "the lower end must lie above",
    "class_kept": "at most",
    "personal": "the change itself must be at least",
    "coverage": "at least",
    "labels": "at least",
    "steps": "at most",
    "distance": "at most",
    "harm": "the change itself must be at least",
}
"""How each kind of check holds its number against its limit."""


def gain(impact: Impact) -> list[str]:
    """Say what the attempt brought on windows that it had not seen, for who reads nothing else."""
    said = []
    places: dict[Place, str] = {"patient": "the patient's test stretch", "reference": "the reference set"}
    for place, where in places.items():
        old, new = impact.before.get(place), impact.after.get(place)
        if old is None or new is None or old.right is None or new.right is None:
            continue
        was, now = round(old.right * new.n), round(new.right * new.n)
        said.append(f"Of {counted(new.n, 'window')} of {where}, {was} were judged right before, {now} after.")
    harm = impact.plan.assessment.harm_class
    tested = impact.data.stretches.get("test")
    if said and tested is not None and not tested.counts.get(harm):
        said.append(f"The test stretch holds no window of {harm}: what becomes of {harm} in this patient is not known.")
    if impact.decision.accepted:
        said.append("Accepted means no worse than the plan allows. It doesn't ask for a gain.")
    return said


def changed(impact: Impact) -> str:
    """Say in a sentence what became of the weights."""
    m, d = impact.modification, impact.plan.description
    which = "all weights" if d.parameters == "all" else "norms, class tokens and the head"
    moved = (
        ""
        if m.distance is None
        else f", {m.distance:.3g} of their length from the base's (at most {d.most_distance:g})"
    )
    earlier = f", after {m.steps_before} of earlier versions" if m.steps_before else ""
    return f"{m.weights:,} weights ({which}) moved in {m.steps} steps of at most {d.most_steps}{earlier}{moved}."


def stretches(impact: Impact) -> list[str]:
    """Say which labelled windows were used for what, a sentence for each stretch."""
    lines = []
    for name, one in impact.data.stretches.items():
        counts = ", ".join(f"{n} {label}" for label, n in one.counts.items() if n) or "no labelled window"
        lines.append(f"{name.capitalize()}, {one.start:.0f} to {one.stop:.0f} s: {counts}.")
    if (reference := impact.data.reference) is not None:
        lines.append(f"Reference: {reference.n} windows of {reference.subjects} other subjects, locked.")
    return lines


def cost(impact: Impact) -> str:
    """Say in a sentence what the attempt cost."""
    c = impact.cost
    over = "" if c.memory_over_inference is None else f", {c.memory_over_inference:.2f} times that of judging"
    memory = "" if c.peak_memory_mb is None else f"; peak memory {c.peak_memory_mb:.0f} MB{over}"
    return f"{c.forwards:,} forward passes in {c.seconds:.1f} s{memory}; ledger {c.ledger_bytes:,} bytes."


def promise(impact: Impact) -> list[str]:
    """Say whose calibration is used, what it promises, and when a person has to look again."""
    told = f"Told of it: {', '.join(impact.plan.assessment.told)}."
    if not impact.decision.accepted:
        return ["Nothing new: the attempt was refused, and the version in use before stays with its own promise.", told]
    days = f"A person must look at this version within {impact.plan.assessment.review_after_days:g} days."
    if impact.calibration is None:
        return ["The sets are not calibrated: they promise nothing.", days, told]
    return [f"Calibration: {impact.calibration.kind}. {impact.calibration.promise}", days, told]
