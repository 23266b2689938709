"""What can go wrong between auricle and the server of a language model."""

from typing import ClassVar

from auricle.errors import AuricleError


class ServerError(AuricleError):
    """A server of a language model that does not answer as it should.

    Attributes
    ----------
    ends_run
        Whether every further request would meet the same.
    why
        "timeout" or "server", as `Opinion.why` calls it.
    """

    exit_code = 6
    ends_run: ClassVar[bool] = False
    why: ClassVar[str] = "server"


class UnreachableError(ServerError):
    """Nobody answers at the address."""

    ends_run = True


class KeyRefusedError(ServerError):
    """The server wants a key, or another one."""

    ends_run = True


class UnknownModelError(ServerError):
    """The server has no such model, or nothing of the kind is at this address."""

    ends_run = True


class PicturesRefusedError(ServerError):
    """The server, or its model, takes no pictures."""

    ends_run = True


class RequestRefusedError(ServerError):
    """The server refuses this one request.

    Attributes
    ----------
    parameters
        Those that the refusal names, such as "seed".
    """

    def __init__(self, text: str, *, parameters: frozenset[str] = frozenset()) -> None:
        super().__init__(text)
        self.parameters = parameters


class BusyError(ServerError):
    """The server has too much to do, after all tries."""


class ServerFaultError(ServerError):
    """The server failed or broke the connection, after all tries."""


class TimedOutError(ServerError):
    """No whole answer came in time."""

    why = "timeout"


class ReplyError(ServerError):
    """What came back is no chat completion."""
