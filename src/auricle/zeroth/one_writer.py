"""A file that has one writer at a time, and bytes that arrive in it whole."""

import contextlib
import errno
import os
import sys
from io import FileIO
from pathlib import Path

from auricle.zeroth.ledger_header import LedgerError

if sys.platform != "win32":
    import fcntl


def write_at(file: FileIO, data: bytes, at: int) -> None:
    """Write all of it; the system may take it in pieces."""
    view = memoryview(data)
    while view:
        done = os.pwrite(file.fileno(), view, at)
        view, at = view[done:], at + done


def lock(file: FileIO, path: Path) -> None:
    """Take the file for this writer, until it is closed or its process ends."""
    if sys.platform == "win32":
        raise LedgerError(f"{path}: ledgers can be written on Linux and macOS only; on Windows open one for reading")
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.EWOULDBLOCK, errno.EACCES}:
            raise LedgerError(
                f"{path} is being written by another process or object; close that one, or open it for reading"
            ) from None
        raise LedgerError(f"{path} can't be locked: {error.strerror}; write it on a local disk") from error


def sync_folder(folder: Path) -> None:
    """Make a replaced name last; some file systems can't, and then nothing is lost but the guarantee."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
