"""One window's finding with the opinion on it: what is printed, kept and read again."""

from datetime import datetime
from typing import Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from auricle.consult.heard import Heard
from auricle.consult.opinion import Opinion
from auricle.finding import INTENDED_USE, Finding
from auricle.signals.visible import visible_json

SCHEMA: Final = "auricle.consultation/1"


class Consultation(BaseModel):
    """A finding, the opinion on it, and whose it is. The finding stands whatever the opinion says."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    schema_: Literal["auricle.consultation/1"] = Field(default=SCHEMA, alias="schema")
    finding: Finding
    """Without its evidence."""
    opinion: Opinion
    server: str
    """Who was asked."""
    model: str
    """As the server names it."""
    created: AwareDatetime
    request: str
    """SHA-256 of the request."""
    asked: int = Field(ge=1)
    """How often the question was put."""
    tokens_in: int = Field(ge=0)
    tokens_out: int = Field(ge=0)
    seconds: float = Field(ge=0)
    replayed: bool
    """Whether nothing was sent, because the answer was known from before."""
    answer: str = ""
    """What came back, word for word."""
    intended_use: str = INTENDED_USE

    @classmethod
    def of(cls, finding: Finding, heard: Heard, *, server: str, created: datetime) -> Self:
        """Put a finding and what was heard about it together."""
        return cls(
            finding=finding.model_copy(update={"evidence": None}), opinion=heard.opinion, server=server,
            model=heard.model, created=created, request=heard.request, asked=heard.asked, tokens_in=heard.tokens_in,
            tokens_out=heard.tokens_out, seconds=heard.seconds, replayed=heard.replayed, answer=heard.text,
        )  # fmt: skip

    def to_json(self) -> str:
        """Give one line of JSON."""
        return visible_json(self.model_dump_json(by_alias=True, exclude={"finding": {"evidence"}}))

    def __str__(self) -> str:
        cited = ", ".join(f"{a:g} to {b:g} s" for a, b in self.opinion.cited)
        where = f" (cites {cited} of the window)" if cited else ""
        return f"{self.finding}\n  opinion: {self.opinion.said}{where}"
