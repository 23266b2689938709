"""The text of a chat completion, taken out of whatever JSON a server sends."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from auricle.consult.failures import ReplyError, ServerFaultError
from auricle.consult.reply import Reply
from auricle.signals.visible import visible

LONGEST: Final = 1_000_000
"""Characters of an answer that are kept; more is no answer."""
_MOST_TOKENS: Final = 10**9
_NO_CHOICES = "what came back holds no choices; is the server OpenAI-compatible?"
_NO_STREAM = "the stream ended without an answer; is the server OpenAI-compatible? Try without streaming"


def whole(found: object) -> Reply:
    """Read a completion that came in one piece.

    Parameters
    ----------
    found
        JSON of any kind; servers leave out what they like, and some send an error with status 200.

    Raises
    ------
    ReplyError
        It is no chat completion.
    ServerFaultError
        It is an error.

    Examples
    --------
    >>> whole({"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}]}).text
    'hello'
    """
    choice = _first(found)
    message = _get(choice, "message")
    if not isinstance(message, Mapping):
        raise _error(found) or ReplyError(_NO_CHOICES)
    refusal = _text(_get(message, "refusal"))
    return _reply(
        text=refusal or _text(_get(message, "content")),
        finish="refusal" if refusal else _text(_get(choice, "finish_reason")),
        model=_text(_get(found, "model")),
        usage=_get(found, "usage"),
    )


async def streamed(chunks: AsyncIterator[object]) -> Reply:
    """Put the pieces of a stream together; each is JSON of any kind.

    Raises
    ------
    ReplyError
        It held no chat completion.
    ServerFaultError
        A piece is an error.
    ConnectionError
        It ended before the answer did.
    """
    pieces: list[str] = []
    finish, model, refused, length, any_choice = "", "", False, 0, False
    usage: object = None
    async for chunk in chunks:
        if fault := _error(chunk):
            raise fault
        model, usage = _text(_get(chunk, "model")) or model, _get(chunk, "usage") or usage
        choice = _first(chunk)
        if choice is not None:
            any_choice = True
            delta = _get(choice, "delta")
            refusal = _text(_get(delta, "refusal"))
            pieces.append(refusal or _text(_get(delta, "content")))
            refused = refused or bool(refusal)
            length += len(pieces[-1])
            finish = _text(_get(choice, "finish_reason")) or finish
        if length > LONGEST:
            break
    if not any_choice:
        raise ReplyError(_NO_STREAM)
    if not finish and length <= LONGEST:
        raise ConnectionError("the stream ended in the middle")
    return _reply(text="".join(pieces), finish="refusal" if refused else finish, model=model, usage=usage)


def _get(value: object, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _first(found: object) -> object:
    choices = _get(found, "choices")
    return choices[0] if isinstance(choices, list) and choices else None


def _text(value: object) -> str:
    """Give a text, or an empty one for anything else; some send an answer as a list of texts."""
    if isinstance(value, list):
        return "".join(_text(_get(part, "text")) for part in value if _get(part, "type") == "text")
    return value if isinstance(value, str) else ""


def _error(found: object) -> ServerFaultError | None:
    error = _get(found, "error")
    if not error:
        return None
    said = _text(_get(error, "message")) or _text(error) or "without a word"
    return ServerFaultError(f"it answered with an error ({visible(said)}); look at what it logs")


def _reply(*, text: str, finish: str, model: str, usage: object) -> Reply:
    return Reply(
        # Half a surrogate pair can't be written to a file.
        text=text[: LONGEST + 1].encode("utf-8", "replace").decode(),
        finish=visible(finish),
        model=visible(model),
        tokens_in=_count(usage, "prompt_tokens"),
        tokens_out=_count(usage, "completion_tokens"),
    )


def _count(usage: object, name: str) -> int:
    value = _get(usage, name)
    return value if type(value) is int and 0 <= value <= _MOST_TOKENS else 0
