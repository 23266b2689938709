"""Which parameters of a chat completion a server takes beside the messages, learnt from what it refuses."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Self

THINKING: Final = 4_000
"""Tokens that are added where unseen thinking counts as part of the answer."""
_NAMES: Final = ("max_tokens", "max_completion_tokens", "temperature", "seed")


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What a request says beside the messages. Whatever a server takes is sent: temperature 0, and a seed.

    Attributes
    ----------
    limit
        The name under which the longest answer is asked for. Newer models of OpenAI refuse "max_tokens".
    temperature, seed
        Whether they may be given. Some models take their own temperature alone, some servers know no seed.
    thinks
        Whether the model thinks unseen before it answers and the limit counts that too; see `THINKING`.

    Examples
    --------
    >>> Parameters().body(most_tokens=700, seed=1)
    {'max_tokens': 700, 'temperature': 0, 'seed': 1}
    >>> newer = Parameters().without({"max_tokens"}).without({"temperature"})
    >>> newer.body(most_tokens=700, seed=1)
    {'max_completion_tokens': 4700, 'seed': 1}
    >>> newer.without({"temperature"}) is None
    True
    """

    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: bool = True
    seed: bool = True
    thinks: bool = False

    def body(self, *, most_tokens: int, seed: int) -> dict[str, Any]:
        """Give the fields of a request's body."""
        fields: dict[str, Any] = {self.limit: most_tokens + (THINKING if self.thinks else 0)}
        if self.temperature:
            fields["temperature"] = 0
        if self.seed:
            fields["seed"] = seed
        return fields

    def without(self, refused: frozenset[str] | set[str]) -> Self | None:
        """Give what is left when some names are refused; None if that changes nothing, so that asking again is vain."""
        changed = replace(
            self, temperature=self.temperature and "temperature" not in refused,
            seed=self.seed and "seed" not in refused,
        )  # fmt: skip
        if self.limit == "max_tokens" and self.limit in refused:
            # The models that want the other name are those that think.
            changed = replace(changed, limit="max_completion_tokens", thinks=True)
        return None if changed == self else changed

    @property
    def said(self) -> str:
        """What a person should know of it; empty where all is as it should be."""
        missing = [
            words
            for words, there in (("temperature 0", self.temperature), ("a seed", self.seed))
            if not there
        ]  # fmt: skip
        out = []
        if missing:
            out.append(f"It refuses {' and '.join(missing)}, so the same question may be answered differently.")
        if self.thinks:
            out.append(f"It may think unseen before it answers; up to {THINKING} tokens more are asked for.")
        return " ".join(out)


def refused_parameters(error: object, text: str, sent: Mapping[str, Any]) -> frozenset[str]:
    """Find the parameters that a refusal names.

    Parameters
    ----------
    error
        What the server said, as JSON has it. OpenAI names the one at fault under "param".
    text
        The same as text. Other servers name it in a sentence alone.
    sent
        The body that was refused; a name that was not sent is not at fault.

    Examples
    --------
    >>> text = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'."
    >>> sorted(refused_parameters({"message": text}, text, {"max_tokens": 8, "seed": 0}))
    ['max_tokens']
    >>> sorted(refused_parameters({"param": "seed"}, "temperature, seed", {"temperature": 0, "seed": 0}))
    ['seed']
    """
    named = error.get("param") if isinstance(error, Mapping) else None
    if isinstance(named, str) and named in _NAMES:
        return frozenset({named} & sent.keys())
    found = (name for name in _NAMES if name in sent and re.search(rf"(?<![\w-]){name}(?![\w-])", text))
    return frozenset(found)
