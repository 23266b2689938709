"""The ledger: a training run as a file of small integers that is only ever appended to.

Base weights and ledger give the trained weights bit for bit (`auricle.zeroth.replay`). docs/ledger.md defines the file.
"""

import hashlib
import os
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.zeroth.exponents import exact_exponent, rounding_exponent
from auricle.zeroth.file_header import header_bytes, read_header
from auricle.zeroth.ledger_header import (
    LedgerDamagedError,
    LedgerError,
    LedgerGroup,
    LedgerHeader,
    LedgerTensor,
)
from auricle.zeroth.one_writer import lock, sync_folder, write_at
from auricle.zeroth.records import (
    BLOCK,
    LINK_BYTES,
    NULL_STEP,
    SEAL_FRAME,
    Multipliers,
    Records,
    exponents_record,
    scan,
    step_record,
)

__all__ = [
    "Ledger", "LedgerDamagedError", "LedgerError", "LedgerGroup", "LedgerHeader", "LedgerTensor", "LedgerVerification",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LedgerVerification:
    """What `Ledger.verify` found in an undamaged file.

    Parameters
    ----------
    steps
        Whole steps in the file, null steps included.
    unsealed
        Steps at the end that no seal protects yet.
    seals
        Seals, all of them right.
    unfinished_bytes
        Bytes at the end that a kill left behind, or that a writer is just about to complete.
    link
        Last link of the hash chain, in hex: whoever keeps it elsewhere will notice a ledger that was exchanged.
    """

    steps: int
    unsealed: int
    seals: int
    unfinished_bytes: int
    link: str


class Ledger:
    """The integer multipliers of a training run in a file, step by step. Get one from `create`, `open` or `append_to`.

    A step with q queries moves weight i of group g by the sum over its queries j of

        - c[j, g] * u(q * step + j, i) * 2**-grid[g]

    with the integers u of the header's perturbation. A null step moves nothing and uses up its directions. Each
    multiplier takes two bytes, as M * 2**e: M is stored with the step, e (0 to 9, one a group) only when it changes.

    Every 256 steps and on closing, a seal (SHA-256 of the last seal and all bytes since) protects what was written.
    Steps are handed to the operating system at once, so that they survive a kill of the process.

    Examples
    --------
    >>> import tempfile
    >>> from auricle.zeroth.pool import Pool
    >>> header = LedgerHeader(
    ...     base_sha256=64 * "0",
    ...     perturbation=Pool(size=7, bits=3),
    ...     tensors=(LedgerTensor(name="weight", shape=(10,)),),
    ...     groups=(LedgerGroup(grid=20, amplitude=16),),
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "run.ledger"
    ...     with Ledger.create(path, header) as ledger:
    ...         ledger.append([[3]])
    ...         ledger.append_null()
    ...         ledger.append([[-40000]])
    ...     with Ledger.open(path) as ledger:
    ...         ledger.multipliers()[0][:, 0, 0], ledger.unsealed
    (array([     3,      0, -40000]), 0)
    """

    def __init__(self, path: Path, file: FileIO, *, writable: bool, fsync: bool = False) -> None:
        self.path = path
        self._file = file
        self._writable = writable
        self._fsync = fsync
        self._load()

    def _load(self) -> None:
        """Read the file from its beginning, and refuse it where it is damaged."""
        data = self._read()
        self.header, start = read_header(data, self.path)
        self._first_link = data[start - LINK_BYTES : start]
        try:
            self._records = scan(data, start=start, queries=self.header.queries, groups=len(self.header.groups))
            self._link = self._records.check_chain(data)
        except LedgerDamagedError as error:
            raise LedgerDamagedError(f"{self.path}: {error}") from None
        self._unfinished = len(data) - self._records.end
        self._since = hashlib.sha256(self._link + data[self._records.sealed_end : self._records.end])
        self._end = self._records.end
        self._steps = self._records.steps
        self._sealed_steps = self._records.sealed_steps
        self._sealed_end = self._records.sealed_end
        self._exponents = self._records.exponents
        self._check_sizes(data)

    def _check_sizes(self, data: bytes) -> None:
        multipliers, _ = self._records.multipliers(data)
        largest = int(np.abs(multipliers).max(initial=0))
        if largest > self.header.largest_multiplier:
            raise LedgerError(f"{self.path}: a multiplier of {largest} stands in it; {self._allowed()}")

    def _allowed(self) -> str:
        return (
            f"allowed are magnitudes up to {self.header.largest_multiplier}, so that the product with integers up to "
            f"{self.header.perturbation.largest} is exact in float32"
        )

    @classmethod
    def create(cls, path: str | Path, header: LedgerHeader, *, fsync: bool = False) -> "Ledger":
        """Begin a ledger.

        Parameters
        ----------
        path
            A file that does not exist yet.
        header
            What the steps will mean.
        fsync
            Wait for the disk at every seal, so that sealed steps also survive a loss of power.

        Raises
        ------
        LedgerError
            A file that exists, or that can't be written.
        """
        path = Path(path)
        data = header_bytes(header)
        try:
            file = FileIO(path, "xb+")
        except FileExistsError:
            raise LedgerError(f"{path} exists already; Ledger.append_to continues it, or give another name") from None
        except OSError as error:
            raise LedgerError(f"{path} can't be made: {error.strerror}") from error
        try:
            lock(file, path)
            write_at(file, data, 0)
            os.fsync(file.fileno())
        except (OSError, LedgerError) as error:
            file.close()
            path.unlink()
            raise LedgerError(f"{path} can't be written: {error}; nothing was left there") from error
        return cls(path, file, writable=True, fsync=fsync)

    @classmethod
    def open(cls, path: str | Path) -> "Ledger":
        """Read a ledger as it is now; another process may go on writing it.

        Raises
        ------
        LedgerError
            A file that can't be read or is no ledger.
        LedgerDamagedError
            A ledger with changed bytes.
        """
        return cls._opened(Path(path), "rb")

    @classmethod
    def append_to(cls, path: str | Path, *, fsync: bool = False) -> "Ledger":
        """Go on with a ledger; a step that a kill left unfinished is dropped.

        Raises
        ------
        LedgerError
            As `open`, and when another writer has the file.
        """
        return cls._opened(Path(path), "rb+", fsync=fsync)

    @classmethod
    def _opened(cls, path: Path, mode: str, *, fsync: bool = False) -> "Ledger":
        writable = "+" in mode
        while True:
            try:
                file = FileIO(path, mode)
            except OSError as error:
                raise LedgerError(f"{path} can't be opened: {error.strerror}; Ledger.create makes one") from error
            try:
                if writable:
                    lock(file, path)
                    if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                        # Its writer rolled it back meanwhile: the name now stands for another file.
                        file.close()
                        continue
                ledger = cls(path, file, writable=writable, fsync=fsync)
                if writable:
                    ledger._drop_unfinished()
            except BaseException:
                file.close()
                raise
            return ledger

    def _drop_unfinished(self) -> None:
        if self._unfinished:
            try:
                os.ftruncate(self._file.fileno(), self._end)
            except OSError as error:
                raise LedgerError(f"{self.path}: its unfinished step can't be dropped: {error.strerror}") from error
            self._unfinished = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Ledger({str(self.path)!r}, steps={self.steps}, unsealed={self.unsealed})"

    @property
    def steps(self) -> int:
        """Whole steps in the file, null steps included."""
        return self._steps

    @property
    def unsealed(self) -> int:
        """Steps that no seal protects yet."""
        return self._steps - self._sealed_steps

    @property
    def exponents(self) -> tuple[int, ...]:
        """Exponent e of each group that holds now."""
        return self._exponents

    def exponents_for(self, multipliers: ArrayLike) -> tuple[int, ...]:
        """Exponents to which multipliers of this size should be rounded before they are appended.

        Those that hold now, as long as a group's largest multiplier fits into them with at least 7 bits; otherwise
        the smallest that do not overflow, even if rounding goes up.

        Parameters
        ----------
        multipliers
            Before rounding, (queries, groups), any real numbers.

        Returns
        -------
        e of each group: `round(c / 2**e) * 2**e` can be appended, whichever way it is rounded.
        """
        c = np.asarray(multipliers, np.float64)
        self._check_shape(c)
        largest = np.abs(c).max(axis=0)
        if not (largest <= self.header.largest_multiplier).all():
            raise LedgerError(f"a multiplier of {float(largest.max())} was given; {self._allowed()}")
        return tuple(rounding_exponent(float(most), now) for most, now in zip(largest, self._exponents, strict=True))

    def append(self, multipliers: ArrayLike) -> None:
        """Record a step.

        Parameters
        ----------
        multipliers
            Integers c, (queries, groups). Each group's must be multiples of a power of two up to 2**9 at which they
            fit into 16 bits; `exponents_for` names one before rounding.

        Raises
        ------
        LedgerError
            Anything else; a ledger that is read only or closed; a full disk. The step is then not in the file.
        """
        c = np.asarray(multipliers)
        self._check_shape(c)
        if c.dtype.kind not in "iu":
            raise LedgerError(f"multipliers of type {c.dtype} were given; whole numbers of an integer type are needed")
        if int(c.max()) > self.header.largest_multiplier or int(c.min()) < -self.header.largest_multiplier:
            raise LedgerError(f"a multiplier of {int(max(c.max(), -c.min(), key=abs))} was given; {self._allowed()}")
        c = c.astype(np.int64)
        exponents = tuple(exact_exponent(c[:, g], now, g) for g, now in enumerate(self._exponents))
        record = b"" if exponents == self._exponents else exponents_record(exponents)
        self._append(record + step_record(c, exponents), exponents)

    def append_null(self) -> None:
        """Record a step that moved nothing, because a loss was not finite; its directions are used up."""
        self._append(NULL_STEP, self._exponents)

    def _check_shape(self, c: NDArray[np.generic]) -> None:
        needed = (self.header.queries, len(self.header.groups))
        if c.shape != needed:
            raise LedgerError(f"multipliers of shape {c.shape} were given; (queries, groups) = {needed} is needed")

    def _append(self, record: bytes, exponents: tuple[int, ...]) -> None:
        self._need_writable()
        if self._steps % BLOCK == 0 and self.unsealed:
            # A kill fell between a block's last step and its seal.
            self._seal()
        if (self._steps + 1) % BLOCK == 0:
            self._put(record, seal=True, steps=1)
        else:
            self._put(record, seal=False, steps=1)
        self._exponents = exponents

    def _seal(self) -> None:
        if self._end > self._sealed_end:
            self._put(b"", seal=True, steps=0)

    def _put(self, record: bytes, *, seal: bool, steps: int) -> None:
        """Write a record, and its seal where one is due, in one go: on failure neither is there."""
        since = self._since.copy()
        since.update(record)
        if seal:
            since.update(SEAL_FRAME)
            record += SEAL_FRAME + since.digest()
        try:
            write_at(self._file, record, self._end)
            if seal and self._fsync:
                os.fsync(self._file.fileno())
        except OSError as error:
            self._take_back()
            raise LedgerError(
                f"{self.path} can't be written: {error.strerror}; it still holds its {self._steps} steps and no more: "
                "make room, or roll the weights back to them"
            ) from error
        self._end += len(record)
        self._steps += steps
        if seal:
            self._link = since.digest()
            since = hashlib.sha256(self._link)
            self._sealed_steps, self._sealed_end = self._steps, self._end
        self._since = since

    def _take_back(self) -> None:
        try:
            os.ftruncate(self._file.fileno(), self._end)
        except OSError:
            # A shorter record could otherwise be followed by the rest of this one.
            self._writable = False

    def _need_writable(self) -> None:
        if self._file.closed:
            raise LedgerError(f"{self.path} is closed; Ledger.append_to continues it")
        if not self._writable:
            raise LedgerError(f"{self.path} is open for reading only; close it, and Ledger.append_to continues it")

    def _read(self) -> bytes:
        if self._file.closed:
            raise LedgerError(f"{self.path} is closed; Ledger.open reads it")
        self._file.seek(0)
        try:
            return self._file.readall()
        except OSError as error:
            raise LedgerError(f"{self.path} can't be read: {error.strerror}") from error

    def _now(self) -> tuple[bytes, Records]:
        """Bytes and records as of the last append of this object."""
        data = self._read()[: self._end]
        return data, scan(data, start=self._records.start, queries=self.header.queries, groups=len(self.header.groups))

    def multipliers(self, start: int = 0, stop: int | None = None) -> tuple[Multipliers, NDArray[np.bool_]]:
        """Multipliers of the steps from `start` up to `stop` (None: all).

        Returns
        -------
        Integers c, int64 (steps, queries, groups), zero for null steps; and which steps are null, (steps,).
        """
        stop = self._steps if stop is None else stop
        if not 0 <= start <= stop <= self._steps:
            raise LedgerError(f"steps {start} to {stop} were asked for; {self.path} holds 0 to {self._steps}")
        data, records = self._now()
        multipliers, null = records.multipliers(data)
        return multipliers[start:stop], null[start:stop]

    def digest(self, step: int | None = None) -> str:
        """Name the version after the first `step` steps (None: all): SHA-256, in hex.

        It covers the header and each step's multipliers, not how they are stored or where seals lie: the first link of
        the chain, and then for each step one byte (1 for a null step, else 0) and its multipliers c as int64,
        little-endian, queries in order and groups within them.
        """
        multipliers, null = self.multipliers(0, step)
        shape = multipliers.shape[1:]
        packed = np.empty(len(null), np.dtype([("null", "u1"), ("c", "<i8", shape)]))
        packed["null"], packed["c"] = null, multipliers
        return hashlib.sha256(self._first_link + packed.tobytes()).hexdigest()

    def verify(self) -> LedgerVerification:
        """Read the whole file again and compare every seal.

        Raises
        ------
        LedgerDamagedError
            A changed bit in the sealed part; the text names the block's bytes and how many steps before it are intact.
        """
        with Ledger.open(self.path) as fresh:
            return LedgerVerification(
                steps=fresh.steps,
                unsealed=fresh.unsealed,
                seals=len(fresh._records.seals),
                unfinished_bytes=fresh._unfinished,
                link=fresh._link.hex(),
            )

    def truncate(self, step: int) -> None:
        """Go back to the first `step` steps and seal them: the ledger's half of a rollback.

        The new file is complete on the disk before it takes the place of the old one.
        """
        self._need_writable()
        if not 0 <= step <= self._steps:
            raise LedgerError(f"step {step} was asked for; {self.path} holds 0 to {self._steps}")
        data, records = self._now()
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        try:
            file = FileIO(beside, "xb+")
        except OSError as error:
            raise LedgerError(f"{beside} can't be made: {error.strerror}; the ledger is as it was") from error
        try:
            lock(file, beside)
            write_at(file, data[: records.end_of(step)], 0)
            shorter = Ledger(beside, file, writable=True)
            shorter._seal()
            os.fsync(file.fileno())
            beside.replace(self.path)
        except (OSError, LedgerError) as error:
            file.close()
            beside.unlink(missing_ok=True)
            raise LedgerError(f"{self.path} can't be shortened: {error}; it is as it was") from error
        self._file.close()
        self._file = file
        sync_folder(self.path.parent)
        self._load()

    def close(self) -> None:
        """Seal what is not sealed yet and let go of the file. A second call does nothing."""
        if self._file.closed:
            return
        try:
            if self._writable:
                self._seal()
        finally:
            self._file.close()
