"""A briefing, and what must hold of every opinion that is read from any text about it."""

from auricle.consult.briefing import Briefing
from auricle.consult.opinion import Opinion, read_opinion

TOLD = Briefing(
    parts=("...",), offered=("N", "A", "O", "~"), set=("N", "A"), segments={"A": ((1.0, 2.0), (5.0, 6.0)), "N": ()},
    window=10.0, instructions="...",
)  # fmt: skip
STATES = {"agrees", "disagrees", "unchecked", "no opinion"}


def check(opinion: Opinion, told: Briefing = TOLD) -> None:
    """Hold an opinion against what every opinion promises."""
    assert opinion.state in STATES
    assert opinion.label is None or opinion.label in told.offered
    if opinion.state == "agrees" and opinion.label is not None:
        assert opinion.label in told.set
    if opinion.state == "disagrees":
        assert opinion.label not in told.set
    if opinion.state == "no opinion":
        assert opinion.label is None
        assert opinion.why is not None
        assert opinion.reason
    assert opinion.said.isprintable()
    assert Opinion.model_validate_json(opinion.model_dump_json()) == opinion


def why(text: str, finish: str = "stop", told: Briefing = TOLD) -> str | None:
    """Read a text, check what must always hold, and give its `why`."""
    found = read_opinion(text, finish, told)
    check(found, told)
    return found.why if found.state == "no opinion" else found.state
