"""Answers kept on disk, so that the same question to the same server is asked once."""

import hashlib
import json
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from auricle.consult.reply import Reply
from auricle.errors import InputError

SCHEMA: Final = "auricle.reply/1"
LARGEST: Final = 8_000_000
"""Bytes of an entry; several times what the longest answer takes."""
_HASH = re.compile(r"[0-9a-f]{64}")


class ReplayCache:
    """A folder of `<hash of the request>.json`, each written whole or not at all.

    An entry that can't be read, was changed, or is of another request or another server counts as absent: its request
    is asked again and the entry replaced. Entries hold no request and no key.

    Parameters
    ----------
    folder
        Made when the first answer is kept.
    server
        Who answers. The same request to another server has another answer.

    Examples
    --------
    >>> cache = ReplayCache(Path(tempfile.mkdtemp()), server="http://localhost:8000/v1")
    >>> cache.keep(64 * "a", Reply(text="hello", finish="stop"))
    >>> cache.find(64 * "a").text, cache.find(64 * "b")
    ('hello', None)
    """

    def __init__(self, folder: Path, *, server: str) -> None:
        self.folder = folder
        self.server = server

    def path(self, request: str) -> Path:
        """Give where the answer to a request of this hash lies."""
        if not _HASH.fullmatch(request):
            raise InputError(f"{request[:80]!r} is no hash of a request; it must be 64 digits 0-9, a-f")
        return self.folder / f"{request}.json"

    def find(self, request: str) -> Reply | None:
        """Give the answer to a request of this hash, or None."""
        try:
            entry = json.loads(_read(self.path(request)))
            reply = Reply.model_validate(entry["reply"])
            # Half a surrogate pair is text to JSON, and can't be written anywhere.
            whole = entry == self._entry(request, reply) and bool(reply.model_dump_json())
        except (OSError, ValueError, TypeError, KeyError, RecursionError, ValidationError):
            return None
        return reply.model_copy(update={"replayed": True}) if whole else None

    def keep(self, request: str, reply: Reply) -> None:
        """Write an answer; what was there before holds until the new one is complete.

        Raises
        ------
        InputError
            The disk refuses.
        """
        path = self.path(request)
        data = json.dumps(self._entry(request, reply.model_copy(update={"replayed": False})), indent=1) + "\n"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(path, data.encode())
        except OSError as error:
            raise InputError(
                f"{self.folder} can't be written ({error.strerror or error}); answers that were kept before hold. Make "
                "room on the disk, or name another folder, and run again"
            ) from error

    def _entry(self, request: str, reply: Reply) -> dict[str, object]:
        content = {"schema": SCHEMA, "request": request, "server": self.server, "reply": reply.model_dump(mode="json")}
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return {**content, "sha256": hashlib.sha256(canonical.encode()).hexdigest()}


def _read(path: Path) -> bytes:
    # Another may have put a pipe or a device here, whose end never comes.
    found = path.stat()
    if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
        raise ValueError("no entry is like that")
    return path.read_bytes()


def _write(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.stem[:16]}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
