"""Responses of at most so many bytes, and never compressed: a few kilobytes could unpack to all of the memory."""

from collections.abc import AsyncIterator, Awaitable, Callable
from importlib import import_module
from typing import Any, Final

from auricle.consult.failures import ReplyError

MOST_BYTES: Final = 8_000_000
"""Of one response; an answer has a few thousand, a stream of one some hundred times as many."""
HEADERS: Final = {"Accept-Encoding": "identity"}


def bounding(most: int = MOST_BYTES) -> Callable[[Any], Awaitable[None]]:
    """Give a hook for the responses of an HTTP client, to be used with `HEADERS`.

    A response that is compressed all the same, or longer than `most` bytes, ends in a `ReplyError`.
    """
    stream_of = import_module("httpx2").AsyncByteStream

    class Bounded(stream_of):  # type: ignore[misc, valid-type]
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = most
            async for chunk in self._stream:
                left -= len(chunk)
                if left < 0:
                    raise ReplyError(f"the server sends more than {most / 1e6:g} MB, which no answer has")
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    async def bound(response: Any) -> None:
        coding = response.headers.get("content-encoding", "identity").strip().lower()
        if coding not in {"", "identity"}:
            raise ReplyError("the server compresses what it was asked to send as it is; switch that off there")
        response.stream = Bounded(response.stream)

    return bound
