"""A JSON Lines file that a stopped run takes up again: nothing is lost, nothing stands in it twice."""

import json
import os
from collections.abc import Iterable
from io import BufferedRandom
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from auricle.errors import InputError

try:
    import fcntl
except ImportError:  # Windows: two runs into one file are not noticed there
    fcntl = None  # type: ignore[assignment]


class ResumableLines:
    """Lines written recording by recording, with a journal of what is complete beside them.

    The journal, `PATH.progress`, holds the run's settings and, per finished recording, its key and the length that the
    file had then. A run that was stopped anywhere is taken up by cutting both files back to the last recording that is
    whole in both. When all is done the journal goes. A run that is closed before its first recording leaves no file.

    Parameters
    ----------
    path
        The file.
    run
        What must agree for a run to be taken up: specialist, alpha, ... It must be JSON-able.

    Attributes
    ----------
    done
        Keys of the recordings that are complete.

    Raises
    ------
    InputError
        The file exists without a journal, the journal is of another run, another run is writing it just now, or it is
        no file that can be written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "out.jsonl"
    >>> with ResumableLines(path, {"alpha": 0.1}) as lines:
    ...     lines.add("a", ['{"n": 1}', '{"n": 2}'])
    >>> with ResumableLines(path, {"alpha": 0.1}) as lines:
    ...     sorted(lines.done)
    ...     lines.finish()
    ['a']
    >>> path.read_text().split(), [p.name for p in path.parent.iterdir()]
    (['{"n":', '1}', '{"n":', '2}'], ['out.jsonl'])
    """

    def __init__(self, path: Path, run: dict[str, Any]) -> None:
        if path.is_dir():
            raise InputError(f"{path} is a folder; name a file in it, such as {path / 'findings.jsonl'}")
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is a pipe or a device; name a file, or leave out --out and take what is printed")
        self.path = path
        self._journal_path = path.with_name(path.name + ".progress")
        self.done: set[str] = set()
        if path.exists() and path.stat().st_size and not self._journal_path.exists():
            raise InputError(f"{path} exists and belongs to no stopped run; name another file, or remove it")
        header = json.dumps(run, sort_keys=True).encode() + b"\n"
        self._journal = _locked(self._journal_path)
        try:
            journal = self._journal.read()
            # A journal that was cut within its first line belongs to a run that had finished nothing.
            if journal[: len(header)] != header[: len(journal)]:
                raise InputError(
                    f"{path} belongs to a run with other settings; name another file, "
                    f"or remove it and {self._journal_path} to start anew"
                )
            self._new = not path.exists()
            self._file = _opened(path)
        except InputError:
            self._journal.close()
            if not journal:
                self._journal_path.unlink(missing_ok=True)
            raise
        end, kept = 0, 0
        try:
            if len(journal) >= len(header):
                end, kept = self._entries(journal, len(header), os.fstat(self._file.fileno()).st_size)
            self._journal.truncate(kept)
            self._journal.seek(kept)
            if not kept:
                self._journal.write(header)
                self._journal.flush()
            self._file.truncate(end)
            self._file.seek(end)
        except OSError:
            self.close()
            raise

    def _entries(self, journal: bytes, start: int, size: int) -> tuple[int, int]:
        """Take up whole entries as far as the file bears them out; give where the file and the journal go on."""
        end, kept = 0, start
        for entry in journal[start:].split(b"\n")[:-1]:  # what follows the last newline was cut short
            try:
                record = json.loads(entry)
                key, reached = str(record["key"]), int(record["end"])
            except (ValueError, KeyError, TypeError):
                break
            if not end <= reached <= size:
                break
            self.done.add(key)
            end, kept = reached, kept + len(entry) + 1
        return end, kept

    def add(self, key: str, lines: Iterable[str]) -> None:
        """Write all lines of one recording, then note that it is complete."""
        self._file.write("".join(line + "\n" for line in lines).encode())
        self._file.flush()
        # The note must not reach the disk before what it speaks of.
        os.fsync(self._file.fileno())
        self._journal.write(json.dumps({"key": key, "end": self._file.tell()}).encode() + b"\n")
        self._journal.flush()
        self.done.add(key)

    def finish(self) -> None:
        """Note that the run is complete."""
        self._new = False
        self.close()
        self._journal_path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close both files; the run can be taken up again. What was made and stayed empty is removed."""
        try:
            self._file.close()
        finally:
            self._journal.close()
            if self._new and not self.done:
                self.path.unlink(missing_ok=True)
                self._journal_path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _opened(path: Path) -> BufferedRandom:
    """Open for reading and writing what is there, or an empty file."""
    try:
        return open(path, "r+b", opener=lambda name, flags: os.open(name, flags | os.O_CREAT, 0o666))
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror or error}; name another file") from error


def _locked(path: Path) -> BufferedRandom:
    """Open a journal that no other run has open."""
    file = _opened(path)
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between opening and locking, the other run may have finished and removed it.
        busy = not path.exists() or not os.path.samestat(os.fstat(file.fileno()), path.stat())
    except BlockingIOError:
        busy = True
    except OSError:  # a file system without locks
        busy = False
    if busy:
        file.close()
        raise InputError(
            f"another run is writing {path.with_suffix('')} just now; wait until it is done, or name another file"
        )
    return file
