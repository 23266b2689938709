"""What came back for one request."""

from pydantic import BaseModel, ConfigDict, Field


class Reply(BaseModel):
    """The text that a model answered, and what it took.

    Examples
    --------
    >>> Reply(text="hello", finish="stop", tokens_in=12, tokens_out=1).tokens
    13
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    text: str
    finish: str
    """Why it stopped, as the server says; "refusal" where it says that the model refused."""
    model: str = ""
    """As the server names it."""
    tokens_in: int = Field(default=0, ge=0)
    """0 if the server does not say."""
    tokens_out: int = Field(default=0, ge=0)
    """0 if the server does not say."""
    seconds: float = Field(default=0.0, ge=0)
    """Of the try that was answered, the server's own queue included."""
    tries: int = Field(default=1, ge=1)
    replayed: bool = False
    """Whether it came out of the cache; the other fields then tell of the time when it was asked."""

    @property
    def tokens(self) -> int:
        """In and out."""
        return self.tokens_in + self.tokens_out
