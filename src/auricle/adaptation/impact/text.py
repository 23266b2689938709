"""An impact record as a person reads it in a terminal."""

from collections.abc import Callable, Mapping

from auricle.adaptation.checks.measured import Measured
from auricle.adaptation.impact.impact import Impact
from auricle.adaptation.impact.wording import MARKS, PLACES, changed, cost, gain, promise
from auricle.signals.visible import visible

MOST_REASONS = 5


def impact_text(impact: Impact) -> str:
    """Give the decision with its reasons, before and after, checks, changes and cost: about fifteen lines.

    Ids, labels and notes are from files: what a terminal would obey is shown as an escape.
    """
    verdict = "accepted" if impact.decision.accepted else "refused"
    simulated = " (simulated)" if impact.data.simulated else ""
    lines = [f"Adaptation {impact.attempt} of {impact.base.name} to {impact.data.recording}{simulated}: {verdict}"]
    lines += [f"  {reason}" for reason in impact.decision.reasons[:MOST_REASONS]]
    if (more := len(impact.decision.reasons) - MOST_REASONS) > 0:
        lines.append(f"  {more} more reasons stand in the record.")
    lines += [f"  {one}" for one in gain(impact)]
    for place, name in PLACES.items():
        if place in impact.before and place in impact.after:
            old, new = impact.before[place], impact.after[place]
            lines.append(f"{name} ({new.n} windows), before -> after:")
            lines += [f"  {row}" for row in _rows(old, new)]
    verdicts = ", ".join(f"{sum(c.passed is key for c in impact.checks)} {word.split(maxsplit=1)[1]}"
                         for key, (_, word) in MARKS.items())  # fmt: skip
    lines += [f"Checks: {verdicts}", changed(impact), f"Cost: {cost(impact)}", *promise(impact)]
    lines += [f"Note: {note}" for note in impact.notes]
    return "\n".join(visible(line, 2000) for line in lines)


def _rows(old: Measured, new: Measured) -> list[str]:
    rows = [f"macro F1 {_arrow(old.macro_f1, new.macro_f1)}, judged right {_arrow(old.right, new.right)}"]
    rows.append(f"sensitivity: {_by_label(old.sensitivity, new.sensitivity)}")
    rows += [
        f"coverage at alpha {alpha}: {_by_label(old.coverage.get(alpha, {}), coverage)}; labels in a set "
        f"{_arrow(old.mean_size.get(alpha), new.mean_size.get(alpha), 2)}"
        for alpha, coverage in new.coverage.items()
    ]
    return rows


def _by_label(old: Mapping[str, float | None], new: Mapping[str, float | None]) -> str:
    both = ((label, old.get(label), value) for label, value in new.items())
    return ", ".join(f"{label} {_arrow(a, b)}" for label, a, b in both if not (a is None and b is None)) or "none"


def _arrow(old: float | None, new: float | None, digits: int = 3) -> str:
    one: Callable[[float | None], str] = lambda value: "-" if value is None else f"{value:.{digits}f}"  # noqa: E731
    return f"{one(old)} -> {one(new)}"
