"""Scripted servers that lack something: pictures, or the role of a system message."""

from dataclasses import replace
from typing import Any

from doubles import Asks, Behaviour, Says, failing, pieces


def text_only(behave: Behaviour) -> Behaviour:
    """Fail at pictures as llama.cpp does without a projector."""
    message = "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
    return lambda asks: failing(500, message) if asks.pictures else behave(asks)


def blind(behave: Behaviour) -> Behaviour:
    """Drop pictures without a word."""
    return lambda asks: _counted(behave(asks), asks, [{"role": "user", "content": asks.text}])


def without_system(behave: Behaviour, status: int = 400) -> Behaviour:
    """Fail at a system message in the words of a chat template that knows none."""
    said = "Conversation roles must alternate user/assistant" if status == 400 else "System role not supported"

    def ask(asks: Asks) -> Says:
        roles = [message["role"] for message in asks.body["messages"]]
        return failing(status, said) if "system" in roles else behave(asks)

    return ask


def deaf_to_system(behave: Behaviour) -> Behaviour:
    """Drop a system message without a word, as some templates do."""

    def ask(asks: Asks) -> Says:
        heard = [message for message in asks.body["messages"] if message["role"] != "system"]
        return _counted(behave(asks), asks, heard)

    return ask


def _counted(says: Says, asks: Asks, heard: list[dict[str, Any]]) -> Says:
    """Give the same answer with the tokens of what was heard."""
    return replace(says, raw=b"".join(pieces(Asks({**asks.body, "messages": heard}, asks.number), says)[0]))
