"""What was heard about one briefing."""

from dataclasses import dataclass

from auricle.consult.opinion import Opinion


@dataclass(frozen=True, kw_only=True)
class Heard:
    """An opinion, and what it took to get it.

    Attributes
    ----------
    opinion
        Of the last time it was asked.
    request
        SHA-256 of the last request.
    text
        What came back, word for word; empty if nothing did.
    model
        As the server names it.
    asked
        How often the question was put: twice where the first answer could not be used.
    tokens_in, tokens_out
        Of all answers; 0 where the server does not say.
    seconds
        Of all answers, as measured when they were given.
    replayed
        Whether nothing was sent, because all was known from before.
    """

    opinion: Opinion
    request: str
    text: str = ""
    model: str = ""
    asked: int = 1
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    replayed: bool = False
