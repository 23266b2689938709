"""Tests of the attempt itself: labels enough, steps and distance within what the plan allows."""

from collections.abc import Mapping

import numpy as np

from auricle.adaptation.checks.verdict import Check
from auricle.adaptation.plan import Plan
from auricle.adaptation.plan.protocol import StretchName
from auricle.counted import counted


def check_labels(counts: Mapping[StretchName, Mapping[str, int]], plan: Plan) -> Check:
    """Test that enough classes have enough labels in the stretches that the plan uses them for."""
    least, wanted = plan.protocol.labels_per_class, plan.protocol.taught_classes
    stretches: tuple[StretchName, ...] = ("adaptation",)
    if plan.protocol.calibration == "personal":
        stretches = ("adaptation", "calibration")
    known = list(dict.fromkeys(label for stretch in stretches for label in counts.get(stretch, {})))
    taught = [k for k in known if all(counts.get(stretch, {}).get(k, 0) >= least for stretch in stretches)]
    where = " and the ".join(stretches)
    listed = "; ".join(
        f"{stretch}: " + (", ".join(f"{n} {label}" for label, n in counts.get(stretch, {}).items()) or "none")
        for stretch in stretches
    )
    has = "has" if len(taught) == 1 else "have"
    which = f"{', '.join(taught)} {has}" if taught else "No class has"
    found = f"{which} {counted(least, 'label')} or more in the {where} stretch"
    return Check(
        kind="labels",
        name="labels",
        passed=len(taught) >= wanted,
        value=float(len(taught)),
        limit=float(wanted),
        text=f"{found}, and {counted(wanted, 'class')} {'is' if wanted == 1 else 'are'} needed ({listed}).",
    )


def check_steps(steps: int, plan: Plan) -> Check:
    """Test that no more steps were taken than planned."""
    most = plan.description.most_steps
    text = f"{counted(steps, 'step')} taken; the plan allows {most}."
    return Check(kind="steps", name="steps", passed=steps <= most, value=float(steps), limit=float(most), text=text)


def check_distance(relative: float, largest: float, plan: Plan) -> tuple[Check, ...]:
    """Test that the weights stayed near the base's.

    Parameters
    ----------
    relative
        Length of the difference of all weights from the base's, over the length of the base's weights (L2).
    largest
        Largest change of one weight.
    plan
        Both limits.
    """
    found = (
        ("distance of the weights", "The weights lie {:.4g} of their length from the base's", relative,
         plan.description.most_distance),
        ("largest change of a weight", "No weight changed by more than {:.4g}", largest, plan.description.most_change),
    )  # fmt: skip
    return tuple(
        Check(
            kind="distance",
            name=name,
            passed=bool(value <= limit),
            # A network that ran away has no length that JSON could hold.
            value=float(value) if np.isfinite(value) else None,
            limit=limit,
            text=f"{text.format(value)}; the plan allows {limit:g}.",
        )
        for name, text, value, limit in found
    )
