"""What a server can do, found out by a few tiny questions before anything about a person is sent."""

import base64
import json
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from auricle.consult.endpoint import Endpoint
from auricle.consult.failures import (
    PicturesRefusedError,
    ReplyError,
    RequestRefusedError,
    ServerFaultError,
    UnreachableError,
)
from auricle.consult.parameters import Parameters
from auricle.consult.reply import Reply
from auricle.consult.session import Session, in_own_loop
from auricle.errors import InputError
from auricle.signals.visible import visible

_TEXT: Final = "Say hello."
_SYSTEM: Final = "You are asked by a program that finds out what you take. Answer in one short word."
_FIELD: Final = "colour_code"
_VALUE: Final = "k7"
_GREETING: Final = "greeting"
_SHORT: Final = 3
"""Characters of a greeting where lengths are bounded: too few for any that a model would choose."""
_THOUGHT: Final = "<think>"
_NAME: Final = re.compile(r"\w[\w.:/@+ -]{0,199}")
"""What a model may be called by a server that lists it; such a name is shown and stands in reports."""
_SIDE: Final = 64
"""Of the test picture, in pixels: some models refuse less than 28."""


@dataclass(frozen=True, kw_only=True)
class Abilities:
    """What a server and its model can do.

    Attributes
    ----------
    pictures
        Whether a picture is taken and reaches the model.
    schemas
        Whether answers are held to a JSON schema.
    system
        Whether a system message is taken and reaches the model. The chat templates of some models know none.
    lengths
        Whether such a schema may bound the length of a text: then a model that repeats itself comes to its end.
    parameters
        What a request may say beside the messages: temperature, seed and the limit's name.
    model
        The one that was asked.
    models
        All that the server lists; empty if it lists none.
    said
        All of it in one sentence for a person.
    """

    pictures: bool
    schemas: bool
    system: bool = True
    lengths: bool = False
    parameters: Parameters = field(default_factory=Parameters)
    model: str
    models: tuple[str, ...]
    said: str


def preflight(endpoint: Endpoint) -> Abilities:
    """Find out whether a server takes pictures, schemas, a system message and the usual parameters.

    Nothing of any recording is sent.

    Parameters
    ----------
    endpoint
        Whom to ask. If it names no model and the server has one only, that one is meant.

    Raises
    ------
    ServerError
        The server can't be used at all.
    InputError
        No model is named and the server has several, or does not say.

    Notes
    -----
    A server may take a picture and drop it without a word. If it counts tokens and the question costs no more with a
    picture than without, the picture counts as not taken; so does a system message. A schema counts as kept if a
    question that has nothing to do with it is answered by it, and its lengths as kept if no greeting goes beyond them.
    Where lengths are refused, the question is put again without.

    A parameter is left out, or called by its newer name, only where the server's refusal names it; see `Parameters`.
    A model whose few tokens end before it has said a word counts as one that thinks first.
    """
    return in_own_loop(lambda: _abilities(endpoint), "preflight")


async def _abilities(endpoint: Endpoint) -> Abilities:
    async with Session(replace(endpoint, stream=False)) as session:
        listed = await session.models()
        called = [one.get("id") for one in listed or ()]
        names = tuple(name for name in called if isinstance(name, str) and _NAME.fullmatch(name))
        model = endpoint.model or _only(names, endpoint)
        plain, parameters = await _greeted(session, model)
        system = await _system(session, model, parameters, plain)
        schemas, lengths, about_schemas = await _schemas(session, model, parameters)
        pictures, about_pictures = await _pictures(session, model, parameters, plain)
    who = endpoint.name if model in endpoint.name else f"{visible(model)} at {endpoint.name}"
    said = f"{who} {about_pictures} and {about_schemas}."
    if not system:
        said += " It takes no system message, so what would stand there begins the question."
    if parameters.said:
        said += f" {parameters.said}"
    if names and model not in names:
        said += f" The server does not list this model; it lists {visible(', '.join(names))}."
    return Abilities(
        pictures=pictures, schemas=schemas, system=system, lengths=lengths, parameters=parameters, model=model,
        models=names, said=said,
    )  # fmt: skip


def _only(names: tuple[str, ...], endpoint: Endpoint) -> str:
    if len(names) == 1:
        return names[0]
    has = f"has {visible(', '.join(names))}" if names else "does not say which it has"
    raise InputError(f"no model was named, and {endpoint.url} {has}; name one with --model")


async def _greeted(session: Session, model: str) -> tuple[Reply, Parameters]:
    """Say hello with fewer parameters, until none that is sent is refused."""
    parameters = Parameters()
    while True:
        try:
            reply = await session.post(_body(model, _TEXT, parameters))
        except RequestRefusedError as refusal:
            fewer = parameters.without(refusal.parameters)
            if fewer is None:
                raise
            parameters = fewer
            continue
        silent = not reply.text.strip() or reply.text.lstrip().startswith(_THOUGHT)
        return reply, replace(parameters, thinks=parameters.thinks or (silent and reply.finish == "length"))


async def _system(session: Session, model: str, parameters: Parameters, plain: Reply) -> bool:
    try:
        reply = await session.post(_body(model, _TEXT, parameters, system=_SYSTEM))
    # A template that raises at the role is answered with 400 by some servers, with 500 by others.
    except (RequestRefusedError, ServerFaultError, ReplyError):
        return False
    return not (plain.tokens_in and reply.tokens_in and reply.tokens_in <= plain.tokens_in)


async def _schemas(session: Session, model: str, parameters: Parameters) -> tuple[bool, bool, str]:
    for bound in ({"maxLength": _SHORT}, {}):
        body = {**_body(model, _TEXT, parameters, most=64), "response_format": _probe(bound)}
        try:
            reply = await session.post(body)
        except (RequestRefusedError, ServerFaultError, ReplyError):
            continue
        greeting = _greeting(reply.text)
        if greeting is None:
            return False, False, "ignores a JSON schema, so it is described in words"
        return True, bool(bound) and len(greeting) <= _SHORT, "keeps to a JSON schema"
    return False, False, "refuses a JSON schema, so it is described in words"


def _probe(bound: Mapping[str, int]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {_FIELD: {"type": "string", "enum": [_VALUE]}, _GREETING: {"type": "string", **bound}},
        "required": [_FIELD, _GREETING],
        "additionalProperties": False,
    }
    return {"type": "json_schema", "json_schema": {"name": "probe", "strict": True, "schema": schema}}


def _greeting(text: str) -> str | None:
    """Read the greeting from an answer by the schema; None if it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    kept = isinstance(found, dict) and found.keys() == {_FIELD, _GREETING} and found[_FIELD] == _VALUE
    return str(found[_GREETING]) if kept and isinstance(found[_GREETING], str) else None


async def _pictures(session: Session, model: str, parameters: Parameters, plain: Reply) -> tuple[bool, str]:
    url = "data:image/png;base64," + base64.b64encode(_png()).decode()
    # With the same fields as a briefing's pictures.
    picture = {"type": "image_url", "image_url": {"url": url, "detail": "high"}}
    content: list[dict[str, Any]] = [{"type": "text", "text": _TEXT}, picture]
    try:
        reply = await session.post(_body(model, content, parameters))
    except (PicturesRefusedError, RequestRefusedError, ReplyError):
        return False, "takes no pictures, so text stands in for them,"
    # A server that can't read pictures may break at one in any way.
    except (ServerFaultError, UnreachableError):
        return False, "fails at a picture, so text stands in for it,"
    if plain.tokens_in and reply.tokens_in and reply.tokens_in <= plain.tokens_in:
        return False, "drops pictures without a word, so text stands in for them,"
    return True, "takes pictures"


def _body(
    model: str, content: str | list[dict[str, Any]], parameters: Parameters, *, most: int = 8, system: str = ""
) -> Mapping[str, Any]:
    first = [{"role": "system", "content": system}] if system else []
    messages = [*first, {"role": "user", "content": content}]
    return {"model": model, "messages": messages, **parameters.body(most_tokens=most, seed=0)}


def _png() -> bytes:
    """Write a grey square as PNG (RFC 2083)."""
    rows = (b"\0" + bytes([128]) * 3 * _SIDE) * _SIDE
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
