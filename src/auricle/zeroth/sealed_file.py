"""A file that one writer appends to, and whose bytes a chain of seals protects."""

import contextlib
import errno
import hashlib
import os
import sys
from io import FileIO
from pathlib import Path

from auricle.zeroth.ledger_header import LedgerError
from auricle.zeroth.records import SEAL_FRAME

if sys.platform != "win32":
    import fcntl


class SealedFile:
    """Bytes on a disk: locked, appended to in whole records, sealed. What they mean is not its business.

    Parameters
    ----------
    path
        Where it lies.
    file
        Open and locked, for a writer; None for a reader.
    data
        All its bytes.
    fsync
        Wait for the disk at every seal.
    """

    def __init__(self, path: Path, file: FileIO | None, data: bytes, *, fsync: bool = False) -> None:
        self.path = path
        self._file = file
        self._data = data
        self._fsync = fsync
        self._stuck = False
        self.end = self.sealed_end = len(data)
        self.link = b""
        self._since = hashlib.sha256()

    @classmethod
    def create(cls, path: Path, begin: bytes, *, fsync: bool) -> "SealedFile":
        """Make a file that must not exist, with its first bytes; on failure there is none."""
        try:
            file = FileIO(path, "xb+")
        except FileExistsError:
            raise LedgerError(f"{path} exists already; Ledger.append_to continues it, or give another name") from None
        except OSError as error:
            raise LedgerError(f"{path} can't be made: {error.strerror}") from error
        try:
            lock(file, path)
            write_at(file, begin, 0)
            os.fsync(file.fileno())
        except (OSError, LedgerError) as error:
            file.close()
            path.unlink()
            raise LedgerError(f"{path} can't be written: {error}; nothing was left there") from error
        return cls(path, file, begin, fsync=fsync)

    @classmethod
    def read(cls, path: Path) -> "SealedFile":
        """Take a copy of the bytes as they are now."""
        check_plain(path)
        try:
            return cls(path, None, path.read_bytes())
        except OSError as error:
            raise LedgerError(f"{path} can't be opened: {error.strerror}; Ledger.create makes one") from error

    @classmethod
    def append_to(cls, path: Path, *, fsync: bool) -> "SealedFile":
        """Lock a file that exists, and read it."""
        check_plain(path)
        while True:
            try:
                file = FileIO(path, "rb+")
            except OSError as error:
                raise LedgerError(f"{path} can't be opened: {error.strerror}; Ledger.create makes one") from error
            try:
                lock(file, path)
                # Its writer may have rolled it back meanwhile: the name then stands for another file.
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    return cls(path, file, file.readall(), fsync=fsync)
            except BaseException:
                file.close()
                raise
            file.close()

    def resume(self, *, end: int, sealed_end: int, link: bytes) -> None:
        """Go on behind byte `end`, with the last link of the chain; a writer drops what lies beyond.

        Parameters
        ----------
        end
            Where the last whole record ends.
        sealed_end
            Where the last seal ends, or the header.
        link
            That seal's hash, or the header's.
        """
        unfinished = self.end > end
        self._since = hashlib.sha256(link + self._data[sealed_end:end])
        self.end, self.sealed_end, self.link = end, sealed_end, link
        if self._file is None:
            self._data = self._data[:end]
            return
        self._data = b""
        if unfinished:
            try:
                os.ftruncate(self._file.fileno(), end)
            except OSError as error:
                raise LedgerError(f"{self.path}: its unfinished end can't be dropped: {error.strerror}") from error

    def abandon(self) -> None:
        """Let go of the file as it is."""
        if self._file is not None:
            self._file.close()

    def content(self) -> bytes:
        """Everything up to the last whole record."""
        if self._file is None:
            return self._data
        self._need_open(self._file)
        if self._data:
            return self._data
        try:
            return os.pread(self._file.fileno(), self.end, 0)
        except OSError as error:
            raise LedgerError(f"{self.path} can't be read: {error.strerror}") from error

    def put(self, record: bytes, *, seal: bool) -> None:
        """Append a record, and a seal behind it where one is due, in one go: on failure neither is there."""
        file = self.writer()
        since = self._since.copy()
        since.update(record)
        if seal:
            since.update(SEAL_FRAME)
            record += SEAL_FRAME + since.digest()
        try:
            write_at(file, record, self.end)
            if seal and self._fsync:
                os.fsync(file.fileno())
        except OSError as error:
            self._take_back(file)
            raise LedgerError(
                f"{self.path} can't be written: {error.strerror}; it holds what it held before: make room, or roll "
                "the weights back to its last step"
            ) from error
        self.end += len(record)
        if seal:
            self.link, self.sealed_end = since.digest(), self.end
            since = hashlib.sha256(self.link)
        self._since = since

    def _take_back(self, file: FileIO) -> None:
        try:
            os.ftruncate(file.fileno(), self.end)
        except OSError:
            # A shorter record could otherwise be followed by the rest of this one.
            self._stuck = True

    def shorten(self, end: int) -> None:
        """Put a file with the first `end` bytes, which a seal will follow, in place of this one."""
        old = self.writer()
        data = self.content()[:end]
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        try:
            file = FileIO(beside, "xb+")
        except OSError as error:
            raise LedgerError(f"{beside} can't be made: {error.strerror}; {self.path} is as it was") from error
        try:
            lock(file, beside)
            write_at(file, data, 0)
            os.fsync(file.fileno())
            beside.replace(self.path)
        except (OSError, LedgerError) as error:
            file.close()
            beside.unlink(missing_ok=True)
            raise LedgerError(f"{self.path} can't be shortened: {error}; it is as it was") from error
        old.close()
        sync_folder(self.path.parent)
        self._file, self._data, self.end = file, data, end

    def writer(self) -> FileIO:
        """Give the file, if this is a writer that can go on."""
        if self._file is None:
            raise LedgerError(f"{self.path} is open for reading only; Ledger.append_to continues it")
        self._need_open(self._file)
        if self._stuck:
            raise LedgerError(f"{self.path} could not be written; close it, and Ledger.append_to continues it")
        return self._file

    def _need_open(self, file: FileIO) -> None:
        if file.closed:
            raise LedgerError(f"{self.path} is closed; Ledger.append_to continues it, Ledger.open reads it")

    def close(self) -> None:
        """Seal what is not sealed yet and let go of the file. A second call does nothing."""
        if self._file is None or self._file.closed:
            return
        try:
            if self.end > self.sealed_end and not self._stuck:
                self.put(b"", seal=True)
        finally:
            self._file.close()


def check_plain(path: Path) -> None:
    """Refuse a device or a pipe, which may never come to an end."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise LedgerError(f"{path} is no plain file, so that it can't hold a ledger; give another name")


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
