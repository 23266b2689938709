"""Asking a server: one request, or many at once in order, with answers kept as they come."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from auricle.consult.cache import ReplayCache
from auricle.consult.endpoint import Endpoint, key_for
from auricle.consult.failures import ServerError
from auricle.consult.reply import Reply
from auricle.consult.session import Session, in_own_loop
from auricle.errors import InputError

__all__ = ["Asked", "Endpoint", "OnReply", "Reply", "Server", "ServerError", "key_for"]

OnReply = Callable[[int, Reply | ServerError], None]
"""Called with the number of a request, from 0, and what came of it, as soon as it came."""


class Asked(Protocol):
    """What can be asked: a `Request`, or anything with its body and hash."""

    @property
    def body(self) -> Mapping[str, Any]:
        """JSON body of POST /chat/completions."""

    @property
    def hash(self) -> str:
        """SHA-256 of the body, in hex."""


class Server:
    """An endpoint, and the answers it gave before.

    Parameters
    ----------
    endpoint
        Whom to ask.
    cache
        Folder of a replay cache; what is found there is not asked. None keeps nothing.

    Examples
    --------
    In a program, all at once::

        server = Server(Endpoint(url="http://localhost:11434/v1", model="qwen3-vl"), cache=Path("replies"))
        replies = server.ask_all(requests, on_reply=lambda i, reply: print(i, reply))

    Where an event loop runs already, such as in a notebook::

        async with server:
            reply = await server.ask(request)
    """

    def __init__(self, endpoint: Endpoint, *, cache: Path | None = None) -> None:
        self.endpoint = endpoint
        self.cache = None if cache is None else ReplayCache(cache, server=endpoint.name)
        self._session: Session | None = None

    async def __aenter__(self) -> Self:
        self._session = Session(self.endpoint)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.__aexit__(kind, error, trace)

    async def ask(self, request: Asked) -> Reply:
        """Ask one request, or replay its answer; at most `most_at_once` are under way.

        Raises
        ------
        ServerError
            No usable reply after all tries; see `auricle.consult.failures`.
        InputError
            The connection is not open, or the cache can't be written.
        """
        known = self.cache.find(request.hash) if self.cache else None
        if known is not None:
            return known
        if self._session is None:
            raise InputError("the connection is not open; write `async with server:` around `await server.ask(...)`")
        reply = await self._session.post(request.body)
        if self.cache:
            self.cache.keep(request.hash, reply)
        return reply

    def ask_all(self, requests: Iterable[Asked], *, on_reply: OnReply | None = None) -> list[Reply | ServerError]:
        """Ask all, several at once, and give the replies in the order of the requests.

        Requests are taken one by one as they can be sent, in a thread beside, so an iterator may make them while others
        are under way. A request that fails
        alone gives its error in place of a reply. What would fail all the others too, Ctrl-C, and an error of
        `on_reply` end the run; the replies that came before were given to `on_reply` and lie in the cache.

        Parameters
        ----------
        requests
            In any number.
        on_reply
            Called for each as it comes, in whatever order that is.

        Raises
        ------
        ServerError
            The server can't be used at all: `UnreachableError`, `KeyRefusedError`, `UnknownModelError`,
            `PicturesRefusedError`.
        InputError
            Called within an event loop.
        """
        return in_own_loop(lambda: self._ask_all(requests, on_reply), "ask_all")

    async def _ask_all(self, requests: Iterable[Asked], on_reply: OnReply | None) -> list[Reply | ServerError]:
        waiting = enumerate(requests)
        taking = asyncio.Lock()
        found: dict[int, Reply | ServerError] = {}

        async def work() -> None:
            while True:
                # One at a time, as an iterator has it; in a thread, as a briefing takes a second or two to write, in
                # which answers would wait.
                async with taking:
                    taken = await asyncio.to_thread(next, waiting, None)
                if taken is None:
                    return
                i, request = taken
                try:
                    found[i] = await self.ask(request)
                except ServerError as error:
                    if error.ends_run:
                        raise
                    found[i] = error
                if on_reply:
                    on_reply(i, found[i])

        async with self:
            workers = [asyncio.create_task(work()) for _ in range(self.endpoint.most_at_once)]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
        return [found[i] for i in sorted(found)]
