"""What a test of a plan came to, and the decision that follows from all of them."""

from collections.abc import Sequence

from auricle.adaptation.plan import CheckKind, Plan
from auricle.adaptation.plan.table import Table


class Check(Table):
    """One test of the plan.

    Examples
    --------
    >>> from auricle.adaptation.checks import check_steps
    >>> check_steps(900, Plan.from_dict({"description": {"most_steps": 400}})).text
    '900 steps taken; the plan allows 400.'
    """

    kind: CheckKind
    name: str
    """In words."""
    passed: bool | None
    """None: it could not be tested, and the text says why."""
    value: float | None = None
    limit: float | None = None
    """What `value`, or the end of the interval that the text names, was held against."""
    low: float | None = None
    high: float | None = None
    """Interval around `value`, where there is one."""
    text: str
    """What was found and what was allowed, in one sentence."""


class Decision(Table):
    """Whether a version may be used, and why."""

    accepted: bool
    reasons: tuple[str, ...]


def decide(checks: Sequence[Check], plan: Plan) -> Decision:
    """Accept when no check failed and every kind that must be tested was.

    Examples
    --------
    >>> from auricle.adaptation.checks import check_steps
    >>> plan = Plan.from_dict({"description": {"most_steps": 400}})
    >>> decide([check_steps(900, plan)], plan).reasons[0]
    '900 steps taken; the plan allows 400.'
    """
    reasons = [check.text for check in checks if check.passed is False]
    for kind in plan.assessment.must_be_tested:
        of_kind = [check for check in checks if check.kind == kind]
        if all(check.passed is None for check in of_kind):
            why = " ".join(dict.fromkeys(check.text for check in of_kind)) or "No such check was made."
            reasons.append(f"The plan asks for the test {kind!r}, which could not be made. {why}")
    if reasons:
        return Decision(accepted=False, reasons=tuple(reasons))
    passed = sum(check.passed is True for check in checks)
    open_ = len(checks) - passed
    rest = f"; {open_} could not be tested, which the plan allows" if open_ else ""
    return Decision(accepted=True, reasons=(f"All {passed} checks that could be made passed{rest}.",))


def at_least(value: float, limit: float) -> bool:
    """Compare with a limit as a person would."""
    # A fall from 0.9 to 0.85 is 0.05 to a person and a little more to a computer.
    return value >= limit - 1e-9


def change_text(value: float, low: float, high: float, level: float) -> str:
    """Say a change with its interval."""
    return f"a change of {value:+.3f} ({100 * level:g} % interval {low:+.3f} to {high:+.3f})"
