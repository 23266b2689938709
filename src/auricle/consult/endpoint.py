"""Which server is asked, how patiently, and with whose key."""

import math
import os
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from auricle.errors import InputError

KEY: Final = "AURICLE_LLM_KEY"
OPENAI_KEY: Final = "OPENAI_API_KEY"
_SCHEMES: Final = ("http", "https")
MOST_AT_ONCE: Final = 256
"""More requests at once than any one program is let have."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An OpenAI-compatible server and a model on it. It holds no key: see `key_for`.

    Attributes
    ----------
    url
        Base URL, to which "/chat/completions" is added; for most servers it ends in "/v1".
    model
        As the server names it; may be empty for `preflight`, which then takes the only one there is.
    timeout
        Longest time for one whole answer, in s.
    most_tries
        How often a request is sent at most, when the server is busy or the connection breaks.
    most_at_once
        Requests under way at the same time.
    longest_wait
        Longest time between two tries, in s; a server that asks for more is given up.
    stream
        Whether answers are taken word by word. They are the same; a server that falls silent is noticed no sooner.
    name
        What a replay cache calls who answers; the URL if empty. A server whose port changes needs a name.

    Raises
    ------
    InputError
        A URL that is none or holds a secret, or a number out of range.

    Examples
    --------
    >>> Endpoint(url="http://localhost:11434/v1/", model="qwen3-vl").url
    'http://localhost:11434/v1'
    """

    url: str
    model: str = ""
    timeout: float = 120.0
    most_tries: int = 4
    most_at_once: int = 4
    longest_wait: float = 60.0
    stream: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        parts = _parts(self.url)
        if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            raise InputError(
                "the endpoint's URL holds a user, a password or something after ? or #, where secrets stand; give "
                f"http(s)://HOST[:PORT]/v1 alone, and a key in the environment variable {KEY}"
            )
        if not (0 < self.timeout < math.inf and 0 <= self.longest_wait < math.inf):
            raise InputError(
                f"timeout={self.timeout:g} and longest_wait={self.longest_wait:g} were given; both must be finite, in "
                "s, the one above 0 and the other not below it"
            )
        if self.most_tries < 1 or not 1 <= self.most_at_once <= MOST_AT_ONCE:
            raise InputError(
                f"most_tries={self.most_tries} and most_at_once={self.most_at_once} were given; both must be at least "
                f"1, and most_at_once at most {MOST_AT_ONCE}"
            )
        object.__setattr__(self, "url", self.url.rstrip("/"))
        object.__setattr__(self, "name", self.name or self.url)

    @property
    def host(self) -> str:
        """Who is asked, without port and path."""
        return _parts(self.url).hostname or ""

    @property
    def is_this_machine(self) -> bool:
        """Whether what is sent stays on this machine."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def key_for(endpoint: Endpoint) -> str | None:
    """Take the key from the environment.

    AURICLE_LLM_KEY goes to whichever server the user names. OPENAI_API_KEY, which many have set for other programs,
    goes to openai.com alone, over https. A server on this machine mostly needs none.

    Raises
    ------
    InputError
        What the variable holds can't be sent as a key; it is not repeated.
    """
    openai = endpoint.url.startswith("https://") and f".{endpoint.host}".endswith(".openai.com")
    for name in (KEY, OPENAI_KEY) if openai else (KEY,):
        if key := os.environ.get(name, "").strip():
            # A client would say the whole header in its error.
            if not all("!" <= c <= "~" for c in key):
                raise InputError(
                    f"the environment variable {name} holds a blank, a line end or a letter that no key has; copy the "
                    "key anew, alone and in one line"
                )
            return key
    return None


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in _SCHEMES or not parts.hostname or not url.isprintable() or " " in url:
        # The text itself is not repeated: it may hold a password.
        raise InputError("the endpoint is no URL; give one such as http://localhost:11434/v1 or https://HOST/v1")
    return parts
