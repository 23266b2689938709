"""One writer of a patient's folder: a lock that ends with its process."""

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from auricle.adaptation.patient.failures import PatientBusyError, PatientError, writing

if sys.platform != "win32":
    import fcntl

LOCK = "lock"
_WIDTH = 400
"""Characters of a lock file, more than any host's name takes: so the next holder's covers the last one's."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a patient's folder for this writer alone.

    Parameters
    ----------
    folder
        The patient's.

    Raises
    ------
    PatientBusyError
        Another process, or another object of this one, holds it; the text names it.
    PatientError
        The folder can't be written, or its disk knows no locks.
    """
    if sys.platform == "win32":
        raise PatientError(f"{folder}: a patient's folder can be written on Linux and macOS only")
    path = folder / LOCK
    with writing(folder):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PatientBusyError(
                f"{folder} is being written by {_holder(path)}; wait until that is done, or end it. The lock is let go "
                "when its process ends, so there is nothing to remove"
            ) from None
        except OSError as error:
            raise PatientError(f"{path} can't be locked ({error.strerror}); keep patients on a local disk") from error
        # Only for the text of another one's error: a full disk must not stop a writer here.
        with suppress(OSError):
            holder = json.dumps({"host": socket.gethostname(), "pid": os.getpid()})
            os.pwrite(handle, holder.ljust(_WIDTH).encode(), 0)
        yield
    finally:
        os.close(handle)


def _holder(path: Path) -> str:
    try:
        found = json.loads(path.read_bytes())
        return f"process {int(found['pid'])} on {str(found['host'])[:60]!a}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
