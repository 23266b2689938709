"""What a server can do, found out by three tiny questions before anything about a person is sent."""

import base64
import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from auricle.consult.endpoint import Endpoint
from auricle.consult.failures import (
    PicturesRefusedError,
    ReplyError,
    RequestRefusedError,
    ServerFaultError,
    UnreachableError,
)
from auricle.consult.reply import Reply
from auricle.consult.session import Session, in_own_loop
from auricle.errors import InputError
from auricle.signals.visible import visible

_TEXT: Final = "Say hello."
_FIELD: Final = "colour_code"
_VALUE: Final = "k7"
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
    model
        The one that was asked.
    models
        All that the server lists; empty if it lists none.
    said
        All of it in one sentence for a person.
    """

    pictures: bool
    schemas: bool
    model: str
    models: tuple[str, ...]
    said: str


def preflight(endpoint: Endpoint) -> Abilities:
    """Find out whether a server takes pictures and schemas. Nothing of any recording is sent.

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
    picture than without, the picture counts as not taken. A schema counts as kept if a question that has nothing to do
    with it is answered by it.
    """
    return in_own_loop(lambda: _abilities(endpoint), "preflight")


async def _abilities(endpoint: Endpoint) -> Abilities:
    async with Session(replace(endpoint, stream=False)) as session:
        listed = await session.models()
        names = tuple(str(one["id"]) for one in listed or () if isinstance(one.get("id"), str))
        model = endpoint.model or _only(names, endpoint)
        plain = await session.post(_body(model, _TEXT))
        schemas, about_schemas = await _schemas(session, model)
        pictures, about_pictures = await _pictures(session, model, plain)
    who = endpoint.name if model in endpoint.name else f"{visible(model)} at {endpoint.name}"
    said = f"{who} {about_pictures} and {about_schemas}."
    if names and model not in names:
        said += f" The server does not list this model; it lists {visible(', '.join(names))}."
    return Abilities(pictures=pictures, schemas=schemas, model=model, models=names, said=said)


def _only(names: tuple[str, ...], endpoint: Endpoint) -> str:
    if len(names) == 1:
        return names[0]
    has = f"has {visible(', '.join(names))}" if names else "does not say which it has"
    raise InputError(f"no model was named, and {endpoint.url} {has}; name one with --model")


async def _schemas(session: Session, model: str) -> tuple[bool, str]:
    schema = {
        "type": "object",
        "properties": {_FIELD: {"type": "string", "enum": [_VALUE]}},
        "required": [_FIELD],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "probe", "strict": True, "schema": schema}}
    try:
        reply = await session.post({**_body(model, _TEXT, most=64), "response_format": wanted})
    except (RequestRefusedError, ServerFaultError, ReplyError):
        return False, "refuses a JSON schema, so it is described in words"
    if not _follows(reply.text):
        return False, "ignores a JSON schema, so it is described in words"
    return True, "keeps to a JSON schema"


def _follows(text: str) -> bool:
    try:
        return bool(json.loads(text) == {_FIELD: _VALUE})
    except (ValueError, RecursionError):
        return False


async def _pictures(session: Session, model: str, plain: Reply) -> tuple[bool, str]:
    url = "data:image/png;base64," + base64.b64encode(_png()).decode()
    picture = {"type": "image_url", "image_url": {"url": url}}
    content: list[dict[str, Any]] = [{"type": "text", "text": _TEXT}, picture]
    try:
        reply = await session.post(_body(model, content))
    except (PicturesRefusedError, RequestRefusedError, ReplyError):
        return False, "takes no pictures, so text stands in for them,"
    # A server that can't read pictures may break at one in any way.
    except (ServerFaultError, UnreachableError):
        return False, "fails at a picture, so text stands in for it,"
    if plain.tokens_in and reply.tokens_in and reply.tokens_in <= plain.tokens_in:
        return False, "drops pictures without a word, so text stands in for them,"
    return True, "takes pictures"


def _body(model: str, content: str | list[dict[str, Any]], *, most: int = 8) -> Mapping[str, Any]:
    return {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "temperature": 0,
        "seed": 0,
        "max_tokens": most,
    }


def _png() -> bytes:
    """Write a grey square as PNG (RFC 2083)."""
    rows = (b"\0" + bytes([128]) * 3 * _SIDE) * _SIDE
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
