"""The few operations that change a disk, so that a test can stand in for it and cut the power anywhere."""

import errno
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from auricle.adaptation.patient.failures import PatientDamagedError

if sys.platform == "darwin":
    import fcntl

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_UNSUPPORTED = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}
STAGING = ".new"
"""Suffix or name of what is being written and stands for nothing until it is renamed."""


class Storage(Protocol):
    """What a patient's folder asks of a disk. Every operation raises OSError where it fails."""

    def mkdir(self, path: Path) -> None:
        """Make a folder in one that exists."""

    def write(self, path: Path, data: bytes) -> None:
        """Make a file that must not exist, with these bytes."""

    def append(self, path: Path, data: bytes) -> None:
        """Add bytes at the end of a file."""

    def truncate(self, path: Path, size: int) -> None:
        """Cut a file to its first bytes."""

    def fsync(self, path: Path) -> None:
        """Wait until a file's bytes would outlast a power cut."""

    def fsync_folder(self, path: Path) -> None:
        """Wait until a folder's list of names would outlast a power cut."""

    def rename(self, old: Path, new: Path) -> None:
        """Give a file or folder another name; a file or an empty folder of that name is replaced."""

    def remove(self, path: Path) -> None:
        """Remove a file or an empty folder."""


class Disk:
    """The real one. Symbolic links are not followed."""

    def mkdir(self, path: Path) -> None:
        """Make a folder in one that exists."""
        path.mkdir()

    def write(self, path: Path, data: bytes) -> None:
        """Make a file that must not exist, with these bytes."""
        _put(path, data, os.O_CREAT | os.O_EXCL)

    def append(self, path: Path, data: bytes) -> None:
        """Add bytes at the end of a file."""
        _put(path, data, os.O_APPEND)

    def truncate(self, path: Path, size: int) -> None:
        """Cut a file to its first bytes."""
        handle = os.open(path, os.O_WRONLY | _NOFOLLOW)
        try:
            os.ftruncate(handle, size)
        finally:
            os.close(handle)

    def fsync(self, path: Path) -> None:
        """Wait until a file's bytes would outlast a power cut."""
        handle = os.open(path, os.O_RDWR | _NOFOLLOW)
        try:
            if sys.platform == "darwin":
                # There, fsync leaves bytes in the drive's own cache.
                fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
            else:
                os.fsync(handle)
        finally:
            os.close(handle)

    def fsync_folder(self, path: Path) -> None:
        """Wait until a folder's list of names would outlast a power cut."""
        handle = os.open(path, os.O_RDONLY | _NOFOLLOW)
        try:
            os.fsync(handle)
        except OSError as error:
            # Some file systems have no such operation; those that fail at it must be heard.
            if error.errno not in _UNSUPPORTED:
                raise
        finally:
            os.close(handle)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file or folder another name; a file or an empty folder of that name is replaced."""
        old.replace(new)

    def remove(self, path: Path) -> None:
        """Remove a file or an empty folder."""
        if is_folder(path):
            path.rmdir()
        else:
            path.unlink()


def _put(path: Path, data: bytes, how: int) -> None:
    handle = os.open(path, os.O_WRONLY | _NOFOLLOW | how, 0o666)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
    finally:
        os.close(handle)


def is_folder(path: Path) -> bool:
    """Tell whether a folder is there, and no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def names_in(folder: Path) -> list[str]:
    """Names in a folder, sorted; none if it isn't there."""
    return sorted(path.name for path in folder.iterdir()) if is_folder(folder) else []


def read_file(path: Path) -> bytes | None:
    """Read an ordinary file; None if there is none.

    Raises
    ------
    PatientDamagedError
        A link, a folder, a pipe or a device, or a file that can't be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | _NOFOLLOW | _NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        why = "it is a symbolic link" if path.is_symlink() else error.strerror
        raise PatientDamagedError(f"{path} can't be read ({why}); put the file itself there") from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise PatientDamagedError(
                f"{path} is no ordinary file (a folder, a pipe or a device); take the file from a backup"
            )
        with open(handle, "rb", closefd=False) as file:
            return file.read()
    except OSError as error:
        raise PatientDamagedError(f"{path} can't be read ({error.strerror}); take it from a backup") from error
    finally:
        os.close(handle)


def publish(storage: Storage, folder: Path, name: str, contents: Mapping[str, bytes]) -> None:
    """Make a folder of files under its name once all of it is on the disk."""
    new = folder / STAGING
    remove_tree(storage, new)
    storage.mkdir(new)
    for file, data in contents.items():
        storage.write(new / file, data)
        storage.fsync(new / file)
    storage.fsync_folder(new)
    storage.rename(new, folder / name)
    storage.fsync_folder(folder)


def remove_tree(storage: Storage, path: Path) -> None:
    """Remove a file or a folder with all that is in it, if it is there. Links are removed, not followed."""
    if is_folder(path):
        for name in names_in(path):
            remove_tree(storage, path / name)
        storage.remove(path)
    elif path.is_symlink() or path.exists():
        storage.remove(path)
