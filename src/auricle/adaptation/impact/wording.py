"""The sentences about an attempt that its page and its text in the terminal share."""

from typing import Final

from auricle.adaptation.impact.impact import Impact, Place

MARKS: Final = {
    False: ("failed", "\N{MULTIPLICATION SIGN} failed"),
    None: ("untested", "\N{WHITE CIRCLE} not tested"),
    True: ("passed", "\N{CHECK MARK} passed"),
}
"""Class and words for each verdict, in the order of the page; told apart without colour, too."""
PLACES: Final[dict[Place, str]] = {"reference": "Reference set", "patient": "Patient's test stretch"}


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
