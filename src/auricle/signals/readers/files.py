"""Opening files with errors that a person can act on."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from auricle.errors import AuricleError, FormatError, InputError


def read_bytes(path: Path, offset: int, count: int) -> bytes:
    """Read exactly `count` bytes at `offset`.

    The file is opened anew each time and never mapped: a mapped file that shrinks ends the process, and thousands of
    open recordings would run out of file handles.
    """
    with reading(path), path.open("rb") as file:
        file.seek(offset)
        data = file.read(count)
    if len(data) < count:
        raise FormatError(
            f"{path} ends at byte {offset + len(data)} and {offset + count} were expected: "
            "it has been cut off, or is being written"
        )
    return data


def size_of(path: Path) -> int:
    """Size of a file in bytes; a pipe or a device, whose end may never come, is refused."""
    with reading(path):
        found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{path} is no ordinary file (a folder, a pipe or a device); copy what it gives into a file")
    return found.st_size


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn the system's errors into an InputError that names the file."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"there is no file {path}; it is missing, or it was moved away while it was read") from error
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise InputError(f"{path} can't be read: {reason}") from error


@contextmanager
def parsing(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a parser trips over into a FormatError that names the file and the format."""
    try:
        yield
    except AuricleError:
        raise
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror or error}") from error
    # A damaged file may break any assumption of a parser, and a foreign one documents none of its errors.
    except Exception as error:
        raise FormatError(
            f"{path} is damaged or is no {kind} file ({type(error).__name__}: {_first_line(error)}); fetch it again"
        ) from error


def _first_line(error: Exception) -> str:
    # What a library adds below its first line is advice to programmers, such as to allow pickles.
    line = (str(error).splitlines() or [""])[0]
    return line if len(line) <= 160 else f"{line[:160]}..."


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` that takes its name when the block succeeds, and vanishes when it fails."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield draft
        draft.replace(path)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise InputError(f"{path} can't be written: {reason}; nothing was left behind") from error
    finally:
        draft.unlink(missing_ok=True)
