"""One connection to an OpenAI-compatible server: tries, waits, limits, and failures in plain words."""

import asyncio
import json
import math
import re
import time
from collections.abc import Callable, Coroutine, Mapping
from email.utils import parsedate_to_datetime
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeVar

import numpy as np

from auricle.consult.bounded import HEADERS, bounding
from auricle.consult.completion import streamed, whole
from auricle.consult.endpoint import KEY, Endpoint, key_for
from auricle.consult.failures import (
    BusyError,
    KeyRefusedError,
    PicturesRefusedError,
    ReplyError,
    RequestRefusedError,
    ServerError,
    ServerFaultError,
    TimedOutError,
    UnknownModelError,
    UnreachableError,
)
from auricle.consult.parameters import refused_parameters
from auricle.consult.reply import Reply
from auricle.errors import InputError, MissingExtraError
from auricle.signals.visible import visible

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

T = TypeVar("T")

_PATH: Final = "/chat/completions"
_FIRST_WAIT: Final = 0.5
_TIMEOUT_TRIES: Final = 2
"""A server that is too slow is not helped by being asked many times."""
_ABOUT_PICTURES = re.compile(r"image|picture|vision|multimodal|mmproj", re.IGNORECASE)


class _Try(NamedTuple):
    """A failed try: what to say if it was the last, whether another may help, and how long the server wants to rest."""

    error: ServerError
    again: bool = False
    wait: float | None = None


class Session:
    """An open connection. Use it as an async context manager.

    Parameters
    ----------
    endpoint
        Whom to ask. The key comes from the environment when the session is made and is kept nowhere else.

    Raises
    ------
    MissingExtraError
        The openai package is not installed.

    Notes
    -----
    The client's own repetition is switched off: it repeats neither a stream that breaks nor tells how often it tried,
    and it would repeat a text-only server's refusal of a picture, which comes as status 500. Redirections are not
    followed, as nobody agreed to the place they lead to. Its types are not used either: it fills them with whatever
    came, unchecked.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._key = key_for(endpoint)
        self._client = _client(endpoint, self._key)
        # The client wants a key even where a server needs none, and would send it.
        self._options: Any = {} if self._key else {"headers": {"Authorization": _openai().Omit()}}
        self._slots = asyncio.Semaphore(endpoint.most_at_once)
        self._rng = np.random.default_rng()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def post(self, body: Mapping[str, Any]) -> Reply:
        """Send the body of a chat completion, exactly as it is; with `stream`, its two fields are added.

        Raises
        ------
        ServerError
            No usable reply after all tries; see `auricle.consult.failures`.
        """
        async with self._slots:
            tries = 0
            while True:
                tries += 1
                began = time.monotonic()
                try:
                    async with asyncio.timeout(self.endpoint.timeout):
                        reply = await self._once(body)
                    return reply.model_copy(update={"seconds": time.monotonic() - began, "tries": tries})
                except _faults() as error:
                    failed = self._failed(error, body)
                wait = self._wait(failed, tries)
                if wait is None:
                    # The client's error holds the request, and with it the key.
                    raise failed.error from None
                await asyncio.sleep(wait)

    async def models(self) -> list[dict[str, Any]] | None:
        """List what the server says of its models; None if it doesn't say."""
        try:
            async with asyncio.timeout(self.endpoint.timeout):
                found = await self._client.get("/models", cast_to=object, options=self._options)
        except _faults() as error:
            failed = self._failed(error, {})
            if isinstance(failed.error, UnreachableError | KeyRefusedError | TimedOutError):
                raise failed.error from None
            return None
        listed = found.get("data") if isinstance(found, dict) else None
        return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else None

    async def _once(self, body: Mapping[str, Any]) -> Reply:
        if not self.endpoint.stream:
            found = await self._client.post(_PATH, cast_to=object, body=dict(body), options=self._options)
            return self._unkeyed(whole(found))
        stream = await self._client.post(
            _PATH,
            cast_to=object,
            body={**body, "stream": True, "stream_options": {"include_usage": True}},
            options=self._options,
            stream=True,
            stream_cls=_openai().AsyncStream[object],
        )
        async with stream:
            return self._unkeyed(await streamed(stream))

    def _unkeyed(self, reply: Reply) -> Reply:
        """Take the key out of an answer that repeats it: answers are kept and shown."""
        if not self._key:
            return reply
        own = {name: getattr(reply, name).replace(self._key, "***") for name in ("text", "finish", "model")}
        return reply.model_copy(update=own)

    def _wait(self, failed: _Try, tries: int) -> float | None:
        """Give the time until the next try in s, or None if there is none."""
        most = self.endpoint.most_tries
        if isinstance(failed.error, TimedOutError):
            most = min(most, _TIMEOUT_TRIES)
        if not failed.again or tries >= most:
            return None
        if failed.wait is not None:
            # Never sooner than told; a little later, so that many who were told the same do not come at once.
            return failed.wait + min(1.0, 0.1 * failed.wait) * float(self._rng.uniform())
        return min(self.endpoint.longest_wait, _FIRST_WAIT * 2.0 ** (tries - 1)) * float(self._rng.uniform(0.5, 1.0))

    def _failed(self, error: Exception, body: Mapping[str, Any]) -> _Try:
        """Say in plain words what went wrong."""
        openai, at = _openai(), self.endpoint.url
        cause = error.__cause__ or error
        if isinstance(cause, ServerError):
            text = f"{at}: {self._clean(str(cause))}"
            return _Try(type(cause)(text), again=isinstance(cause, ServerFaultError))
        if isinstance(error, openai.APIStatusError):
            return self._status(error, body)
        if isinstance(cause, _httpx().ConnectError | _httpx().ConnectTimeout | _httpx().ProxyError):
            text = f"{at} can't be reached ({self._clean(str(cause)) or 'no answer'}); check that it runs there"
            return _Try(UnreachableError(text), again=True)
        if isinstance(error, TimeoutError | openai.APITimeoutError):
            text = (
                f"{at} gave no whole answer within {self.endpoint.timeout:g} s; allow more time, or ask fewer at once"
            )
            return _Try(TimedOutError(text), again=True)
        said = self._clean(str(cause)) or type(cause).__name__
        # An error that is told within a stream is of the general class itself.
        if (
            isinstance(error, OSError | openai.APIConnectionError | _httpx().HTTPError)
            or type(error) is openai.APIError
        ):
            text = f"{at} failed, or broke the connection ({said}); look at what it logs"
            return _Try(ServerFaultError(text), again=True)
        return _Try(ReplyError(f"{at} did not answer with a chat completion ({said}); is it OpenAI-compatible?"))

    def _status(self, error: "APIStatusError", body: Mapping[str, Any]) -> _Try:
        at, code, text = self.endpoint.url, error.status_code, _words(error.body)
        # A page of HTML, of a gateway mostly, speaks of images for reasons of its own.
        page = text.lstrip().startswith("<")
        said = "a web page" if page else self._clean(text)
        if code in {401, 403}:
            held = "the key was refused" if self._key else f"it wants a key; set the environment variable {KEY}"
            return _Try(KeyRefusedError(f"{at} answered {code}: {held}"))
        if has_picture(body) and code not in {408, 429} and not page and _ABOUT_PICTURES.search(text):
            return _Try(PicturesRefusedError(f"{at} takes no pictures ({code}: {said}); send text only"))
        if code in {404, 405, 501}:
            model = visible(self.endpoint.model)
            lacks = f"has no model {model!r}, or no chat completions" if code == 404 else "takes no questions"
            return _Try(
                UnknownModelError(
                    f"{at} {lacks} ({code}: {said}); check --model, and that the URL is a language model's server's "
                    "and ends as its manual says, often in /v1"
                )
            )
        if 300 <= code < 400:
            return _Try(UnknownModelError(f"{at} sends on to another address ({code}); give that one, if you trust it"))
        busy = code in {408, 409, 425, 429, 503}
        if busy or code >= 500:
            wait = retry_after(error.response.headers, time.time())
            tired = wait is not None and wait > self.endpoint.longest_wait
            asked = f", and asks to come again in {wait:.0f} s" if tired else ""
            kind = BusyError if busy else ServerFaultError
            sentence = f"{at} {'is too busy' if busy else 'failed'} ({code}: {said}){asked}; run again later"
            return _Try(kind(sentence), again=not tired, wait=wait)
        named = refused_parameters(error.body, text, body)
        return _Try(RequestRefusedError(f"{at} refuses the request ({code}: {said})", parameters=named))

    def _clean(self, text: str) -> str:
        """Make what a server said safe to show; some repeat the key."""
        return visible(text.replace(self._key, "***") if self._key else text)


def _words(body: object) -> str:
    """Give what an error says: its message, where it has one, or else all of it."""
    message = body.get("message") if isinstance(body, Mapping) else body
    return message if isinstance(message, str) else json.dumps(body)


def in_own_loop(work: Callable[[], Coroutine[Any, Any, T]], what: str) -> T:
    """Run a coroutine from plain code; Ctrl-C cancels it.

    Raises
    ------
    InputError
        An event loop runs already, as in a notebook.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    raise InputError(
        f"{what} runs an event loop of its own, and one runs already, as in a notebook; there, write `async with "
        f"server: await server.ask(request)`, or call {what} in a thread: `await asyncio.to_thread({what}, ...)`"
    )


def has_picture(body: Mapping[str, Any]) -> bool:
    """Tell whether a request holds a picture."""
    contents = [message.get("content") for message in body.get("messages", ())]
    return any(part.get("type") == "image_url" for parts in contents if isinstance(parts, list) for part in parts)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Read how long a server wants to rest, in s, from `Retry-After` (RFC 9110, 10.2.3) or `retry-after-ms`.

    Parameters
    ----------
    headers
        Of the response; names in lower case, or a mapping that doesn't mind.
    now
        Seconds since 1970.

    Examples
    --------
    >>> retry_after({"retry-after": "3"}, 0.0), retry_after({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, 50.0)
    (3.0, 10.0)
    >>> retry_after({"retry-after": "soon"}, 0.0)
    """
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        text = headers.get(name)
        if text is None:
            continue
        try:
            seconds = float(text) * unit
        except ValueError:
            try:
                seconds = parsedate_to_datetime(text).timestamp() - now
            except (ValueError, OverflowError):
                continue
        if not math.isnan(seconds):
            return max(0.0, seconds)
    return None


def _client(endpoint: Endpoint, key: str | None) -> "AsyncOpenAI":
    openai, httpx = _openai(), _httpx()
    http = httpx.AsyncClient(
        timeout=endpoint.timeout,
        limits=httpx.Limits(max_connections=2 * endpoint.most_at_once),
        follow_redirects=False,
        headers=HEADERS,
        event_hooks={"response": [bounding()]},
        # A proxy is no way to this machine.
        trust_env=not endpoint.is_this_machine,
    )
    client: AsyncOpenAI = openai.AsyncOpenAI(
        base_url=endpoint.url, api_key=key or "none", max_retries=0, http_client=http, timeout=endpoint.timeout
    )
    if not f".{endpoint.host}".endswith(".openai.com"):
        # From OPENAI_ORG_ID and OPENAI_PROJECT_ID, which are nobody else's business.
        client.organization = client.project = None
    return client


def _faults() -> tuple[type[Exception], ...]:
    """Whatever the client and its parts raise about what came back, JSON that is nested too deeply included."""
    return ServerError, OSError, ValueError, RecursionError, _openai().OpenAIError, _httpx().HTTPError


def _openai() -> Any:
    try:
        return import_module("openai")
    except ImportError as error:
        raise MissingExtraError(
            "asking a language model needs the openai package; install it: pip install 'auricle[consult]'"
        ) from error


def _httpx() -> Any:
    _openai()
    return import_module("httpx2")
