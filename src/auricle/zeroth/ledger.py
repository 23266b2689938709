"""The ledger: a training run as a file of small integers that is only ever appended to.

Base weights and ledger give the trained weights bit for bit (`auricle.zeroth.replay`). docs/ledger.md defines the file.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.zeroth.exponents import exact_exponent
from auricle.zeroth.file_header import header_bytes, read_header
from auricle.zeroth.ledger_header import (
    LedgerDamagedError,
    LedgerError,
    LedgerGroup,
    LedgerHeader,
    LedgerTensor,
)
from auricle.zeroth.records import (
    BLOCK,
    LINK_BYTES,
    NULL_STEP,
    Multipliers,
    Records,
    exponents_record,
    scan,
    step_record,
)
from auricle.zeroth.sealed_file import SealedFile

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

    def __init__(self, file: SealedFile, data: bytes) -> None:
        self._file = file
        self.header, start = read_header(data, file.path)
        self._first_link = data[start - LINK_BYTES : start]
        self._load(data, start)

    def _load(self, data: bytes, start: int) -> None:
        """Understand all records, and refuse them where they are damaged."""
        try:
            records = scan(data, start=start, queries=self.header.queries, groups=len(self.header.groups))
            link = records.check_chain(data)
        except LedgerDamagedError as error:
            raise LedgerDamagedError(f"{self.path}: {error}") from None
        largest = int(np.abs(records.multipliers(data)[0]).max(initial=0))
        if largest > self.header.largest_multiplier:
            raise LedgerError(f"{self.path}: a multiplier of {largest} stands in it; {self._allowed()}")
        self._start = start
        self._unfinished = len(data) - records.end
        self._seals = len(records.seals)
        self._steps, self._sealed_steps, self._exponents = records.steps, records.sealed_steps, records.exponents
        self._file.resume(end=records.end, sealed_end=records.sealed_end, link=link)

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
        begin = header_bytes(header)
        return cls(SealedFile.create(Path(path), begin, fsync=fsync), begin)

    @classmethod
    def open(cls, path: str | Path) -> "Ledger":
        """Read a ledger as it is now, and let go of the file: another process may go on writing it.

        Raises
        ------
        LedgerError
            A file that can't be read or is no ledger.
        LedgerDamagedError
            A ledger with changed bytes.
        """
        file = SealedFile.read(Path(path))
        return cls(file, file.content())

    @classmethod
    def append_to(cls, path: str | Path, *, fsync: bool = False) -> "Ledger":
        """Go on with a ledger; a step that a kill left unfinished is dropped.

        Raises
        ------
        LedgerError
            As `open`, and when another writer has the file.
        """
        file = SealedFile.append_to(Path(path), fsync=fsync)
        try:
            return cls(file, file.content())
        except BaseException:
            file.abandon()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Ledger({str(self.path)!r}, steps={self.steps}, unsealed={self.unsealed})"

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self._file.path

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

    def append(self, multipliers: ArrayLike) -> None:
        """Record a step.

        Parameters
        ----------
        multipliers
            Integers c, (queries, groups). Each group's must be multiples of a power of two up to 2**9 at which they
            fit into 16 bits.

        Raises
        ------
        LedgerError
            Anything else; a ledger that is read only or closed; a full disk. The step is then not in the file.
        """
        c = np.asarray(multipliers)
        self._check_shape(c)
        if c.dtype.kind not in "iu":
            raise LedgerError(f"multipliers of type {c.dtype} were given; whole numbers of an integer type are needed")
        worst = max(int(c.max()), int(c.min()), key=abs)
        if abs(worst) > self.header.largest_multiplier:
            raise LedgerError(f"a multiplier of {worst} was given; {self._allowed()}")
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
        if self._steps % BLOCK == 0 and self.unsealed:
            # A kill fell between a block's last step and its seal.
            self._put(b"", seal=True, steps=0)
        self._put(record, seal=(self._steps + 1) % BLOCK == 0, steps=1)
        self._exponents = exponents

    def _put(self, record: bytes, *, seal: bool, steps: int) -> None:
        self._file.put(record, seal=seal)
        self._steps += steps
        if seal:
            self._sealed_steps = self._steps

    def _records(self) -> tuple[bytes, Records]:
        """Bytes and records as of this object's last append."""
        data = self._file.content()
        return data, scan(data, start=self._start, queries=self.header.queries, groups=len(self.header.groups))

    def multipliers(self, start: int = 0, stop: int | None = None) -> tuple[Multipliers, NDArray[np.bool_]]:
        """Multipliers of the steps from `start` up to `stop` (None: all).

        Returns
        -------
        Integers c, int64 (steps, queries, groups), zero for null steps; and which steps are null, (steps,).
        """
        stop = self._steps if stop is None else stop
        if not 0 <= start <= stop <= self._steps:
            raise LedgerError(f"steps {start} to {stop} were asked for; {self.path} holds 0 to {self._steps}")
        data, records = self._records()
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
        fresh = Ledger.open(self.path)
        return LedgerVerification(
            steps=fresh.steps,
            unsealed=fresh.unsealed,
            seals=fresh._seals,
            unfinished_bytes=fresh._unfinished,
            link=fresh._file.link.hex(),
        )

    def truncate(self, step: int) -> None:
        """Go back to the first `step` steps and seal them: the ledger's half of a rollback.

        The new file is complete on the disk before it takes the place of the old one.
        """
        self._file.writer()
        if not 0 <= step <= self._steps:
            raise LedgerError(f"step {step} was asked for; {self.path} holds 0 to {self._steps}")
        data, records = self._records()
        end = records.end_of(step)
        self._file.shorten(end)
        self._load(data[:end], self._start)
        if self.unsealed:
            self._put(b"", seal=True, steps=0)

    def close(self) -> None:
        """Seal what is not sealed yet and let go of the file. A second call does nothing."""
        self._file.close()
        self._sealed_steps = self._steps
