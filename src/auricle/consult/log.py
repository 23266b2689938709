"""A file of lines that several runs may add to at once."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from auricle.errors import InputError

try:
    import fcntl
except ImportError:  # Windows: there the system's own append has to do
    fcntl = None  # type: ignore[assignment]


def add_line(path: Path, line: str) -> None:
    r"""Add a line and wait until it is on the disk.

    Lines of runs that write at the same time don't mix, and one that a full disk cut short doesn't run into this one.

    Parameters
    ----------
    path
        An ordinary file, made if it is not there, for its owner alone: it tells what recordings are called.
    line
        Without a line end.

    Raises
    ------
    InputError
        The file can't be written, or is a link, a pipe or a device.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "said.jsonl"
    >>> add_line(path, "{}"), path.read_bytes()
    (None, b'{}\n')
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise InputError(f"{path} is a link, a pipe, a device or a folder; remove it, or name another folder")
    try:
        with open(path, "a+b", buffering=0, opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            if fcntl is not None:
                # Or the half of a line that another run is just writing would look like one that was cut short.
                with suppress(OSError):  # a file system without locks
                    fcntl.flock(file, fcntl.LOCK_EX)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            torn = size > 0 and file.read(1) != b"\n"
            data = b"\n" * torn + line.encode() + b"\n"
            # In one call: the system puts it whole at the end, wherever that is by now.
            if (file.write(data) or 0) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
    except OSError as error:
        raise InputError(
            f"{path} can't be written ({error.strerror or error}); what was asked and answered before is kept. Make "
            "room, or name another folder, and run again"
        ) from error
