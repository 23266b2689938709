"""Which findings a person should see first."""

from collections.abc import Mapping
from typing import Final

from auricle.conformal import State
from auricle.finding.finding import Finding

_FIRST: Final[Mapping[State, int]] = {"unfamiliar": 0, "uncertain": 2, "uncalibrated": 3, "confident": 4}
"""1 is a set that misses the label with the highest score."""


def urgency(finding: Finding) -> tuple[float, ...]:
    """Give what sorts findings by how much they need eyes, the most first.

    Unfamiliar windows come first, the one whose best p-value is lowest before all; then sets that miss the label with
    the highest score; then uncertain windows, those with the larger set first, and among these the one whose second
    label fits best.
    """
    known = [p for p in finding.p_values.values() if p is not None]
    best, second, *_ = [*sorted(known, reverse=True), 0.0, 0.0]
    rank = 1 if finding.top_outside else _FIRST[finding.state]
    return (rank, best) if finding.state == "unfamiliar" else (rank, -len(finding.set), -second)
