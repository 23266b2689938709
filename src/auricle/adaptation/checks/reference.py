"""Tests on the locked reference set: macro F1, sensitivity, and that no class is lost."""

from typing import Final

import numpy as np

from auricle.adaptation.checks.comparison import Comparison
from auricle.adaptation.checks.macro import macro_f1, macro_f1_interval
from auricle.adaptation.checks.paired import paired_interval
from auricle.adaptation.checks.verdict import Check, change_text
from auricle.adaptation.plan import Plan
from auricle.counted import counted

FEWEST_SUBJECTS: Final = 8
"""With fewer people the intervals over people bound nothing, or next to nothing."""


def check_macro_f1(pair: Comparison, plan: Plan) -> Check:
    """Test on the reference set that macro F1 is not inferior: its change lies above minus the margin, at the level."""
    limit, level = -plan.assessment.macro_f1_margin, plan.assessment.level
    before, after = pair.confusions
    name = "macro F1 on the reference set"
    if not np.isfinite(macro_f1(before.sum(0), pair.scored)):
        return Check(
            kind="macro_f1", name=name, passed=None, text="The reference set holds no window of a scored class."
        )
    old, new = (float(macro_f1(each.sum(0), pair.scored)) for each in (before, after))
    found = {"value": new - old, "limit": limit}
    if pair.groups is not None and len(before) < FEWEST_SUBJECTS:
        text = (
            f"Macro F1 on the reference set went from {old:.3f} to {new:.3f}; that can't be tested, as its windows "
            f"come from {counted(len(before), 'subject')} and {FEWEST_SUBJECTS} are needed."
        )
        return Check(kind="macro_f1", name=name, passed=None, text=text, **found)
    low, high = macro_f1_interval(before, after, pair.scored, level=level)
    return Check(
        kind="macro_f1",
        name=name,
        passed=low > limit,
        low=low,
        high=high,
        text=f"Macro F1 on the reference set went from {old:.3f} to {new:.3f}: "
        f"{change_text(new - old, low, high, level)}; the lower end must lie above {limit:.3f}.",
        **found,
    )


def check_sensitivity(pair: Comparison, plan: Plan) -> tuple[Check, ...]:
    """Test the same for the sensitivity of each class, by its own margin.

    All must pass, so each may be tested at the full level (an intersection-union test, R. L. Berger 1982). A class is
    not tested where its windows or people are so few that the lower end would miss the limit if nothing had changed.
    """
    return tuple(_sensitivity(pair, k, plan) for k in range(len(pair.labels)))


def _sensitivity(pair: Comparison, k: int, plan: Plan) -> Check:
    label = pair.labels[k]
    limit, level = -plan.assessment.margin_of(label), plan.assessment.level
    name = f"sensitivity of {label}"
    mine = pair.y == k
    n = int(mine.sum())
    if not n:
        text = f"The reference set holds no window of {label}."
        return Check(kind="sensitivity", name=name, passed=None, text=text)
    groups = None if pair.groups is None else pair.groups[mine]
    before, after = pair.before[mine] == k, pair.after[mine] == k
    old, new = float(before.mean()), float(after.mean())
    went = f"The sensitivity of {label} on the reference set went from {old:.3f} to {new:.3f}"
    if paired_interval(before, before, groups, level=level)[0] <= limit:
        of = "" if groups is None else f" of {counted(len(np.unique(groups)), 'subject')}"
        few = f"{counted(n, 'window')}{of} {'is' if n == 1 else 'are'} too few or too unequal"
        text = (
            f"{went}; that can't be tested, as {few}: even without any change the lower end of the interval would not "
            f"lie above {limit:.3f}."
        )
        return Check(kind="sensitivity", name=name, passed=None, value=new - old, limit=limit, text=text)
    low, high = paired_interval(before, after, groups, level=level)
    return Check(
        kind="sensitivity",
        name=name,
        passed=low > limit,
        value=new - old,
        limit=limit,
        low=low,
        high=high,
        text=f"{went}: {change_text(new - old, low, high, level)}; the lower end must lie above {limit:.3f}.",
    )


def check_classes_kept(pair: Comparison, plan: Plan) -> Check:
    """Test on the reference set that no class which was recognised is lost; `value` is how many are."""
    had, lost = plan.assessment.class_had, plan.assessment.class_lost
    name = "no class lost"
    counted, gone = [], []
    for k, label in enumerate(pair.labels):
        mine = pair.y == k
        if mine.any() and float((pair.before[mine] == k).mean()) >= had:
            counted.append(label)
            if float((pair.after[mine] == k).mean()) <= lost:
                gone.append(label)
    rule = f"a class counts if at least {had:g} of its reference windows were recognised before"
    if not counted:
        return Check(kind="class_kept", name=name, passed=None, text=f"No class counts ({rule}).")
    what = (
        f"{', '.join(gone)} lost: at most {lost:g} of its windows are recognised now" if gone else "no class was lost"
    )
    text = f"Of {', '.join(counted)}, {what} ({rule})."
    return Check(kind="class_kept", name=name, passed=not gone, value=float(len(gone)), limit=0.0, text=text)
