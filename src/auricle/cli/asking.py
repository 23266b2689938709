"""What `consult` and `trial` have in common: which server is asked, and what is said about it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from auricle.cli.terminal import note
from auricle.errors import InputError

if TYPE_CHECKING:
    from auricle.consult.consulting import Consultant
    from auricle.consult.endpoint import Endpoint

REPLIES = "replies"


def whom(endpoint: str | None, model: str | None, *, local: bool) -> "Asked":
    """Find out who is to be asked, before anything is judged; what isn't given comes from the configuration.

    Raises
    ------
    InputError
        Nobody is named, two are, or what is named is no server.
    """
    from auricle.consult.configuration import configuration_path, consult_settings
    from auricle.consult.endpoint import Endpoint

    if local and endpoint:
        raise InputError("--local and --endpoint were given; the one starts a server here, the other names one: choose")
    settings = consult_settings()
    if local:
        return Asked(None, settings.most_tokens)
    if not (endpoint or settings.endpoint):
        raise InputError(
            "nobody was named to ask; give --endpoint URL and --model NAME, or --local, or a table [consult] in "
            f"{configuration_path()}; --dry-run --out DIR writes what would be sent, and sends nothing"
        )
    place = Endpoint(
        url=endpoint or settings.endpoint, model=model or ("" if endpoint else settings.model),
        timeout=settings.timeout, most_at_once=settings.most_at_once,
    )  # fmt: skip
    return Asked(place, settings.most_tokens)


class Asked(NamedTuple):
    """Who is to be asked."""

    endpoint: "Endpoint | None"
    """None is the local model."""
    most_tokens: int


@contextmanager
def consultant(asked: Asked, *, keep: Path, sent: bool = False) -> Iterator["Consultant"]:
    """Find out what a server can do, and say it; a local one runs until the end.

    Parameters
    ----------
    asked
        See `whom`.
    keep
        Folder for the answers.
    sent
        Whether to keep the requests there too.
    """
    from auricle.consult.consulting import Consultant
    from auricle.consult.local import local_server
    from auricle.consult.preflight import preflight
    from auricle.consult.server import Server

    with local_server() if asked.endpoint is None else nullcontext(asked.endpoint) as place:
        abilities = preflight(place)
        note(abilities.said)
        if not place.is_this_machine:
            note(f"windows are sent to {place.host}: pictures, numbers and labels, no names, ids or dates")
        yield Consultant(
            server=Server(place, cache=keep / REPLIES), abilities=abilities, most_tokens=asked.most_tokens,
            sent=keep if sent else None,
        )  # fmt: skip


def kept_folder() -> Path:
    """Give the user's folder for what was asked and answered."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "auricle" / "consult"
