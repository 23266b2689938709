"""The records of a ledger as bytes: steps, null steps, exponents and seals. docs/ledger.md defines them."""

import hashlib
from bisect import bisect_left
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from auricle.zeroth.ledger_header import LedgerDamagedError

RESERVED = 0x8000
"""The int16 -32768, which is no multiplier: it starts whatever is not a step."""
NULL, EXPONENTS, SEAL = (int.from_bytes(code, "little") for code in (b"NU", b"EX", b"SE"))
MARK = b"\x00\x80"
NULL_STEP = MARK + b"NU"
SEAL_FRAME = MARK + b"SE" + MARK + MARK
"""Start of a seal. Any one bit of it changed leaves a reserved word where none may stand: a seal can't fade away."""
LINK_BYTES = 32
SEAL_BYTES = len(SEAL_FRAME) + LINK_BYTES
BLOCK = 256
"""Steps after which a seal is due."""
LARGEST_WORD = 32767
LARGEST_EXPONENT = 9
"""32767 * 2**9 is just below 2**24, and no weight can move further."""

Multipliers = NDArray[np.int64]


def exponents_record(exponents: tuple[int, ...]) -> bytes:
    """Bytes of the exponents that hold from here on, padded to an even length."""
    return MARK + b"EX" + bytes(exponents) + bytes(len(exponents) % 2)


def step_record(multipliers: Multipliers, exponents: tuple[int, ...]) -> bytes:
    """Bytes of one step: c / 2**e for each query and group, (queries, groups), as int16."""
    words: NDArray[np.int64] = multipliers >> np.array(exponents)
    return words.astype("<i2").tobytes()


@dataclass(frozen=True)
class Run:
    """Steps side by side under the same exponents, or one null step (`exponents` None)."""

    first: int
    count: int
    at: int
    exponents: tuple[int, ...] | None


@dataclass(frozen=True)
class Seal:
    """Where a seal starts, and how many steps lie before it."""

    at: int
    steps: int


@dataclass
class Records:
    """What the bytes of a ledger hold from `start` on; positions are bytes from the beginning of the file.

    Parameters
    ----------
    start
        Where the first record begins.
    queries, groups
        Multipliers of a step.
    """

    start: int
    queries: int
    groups: int
    runs: list[Run] = field(default_factory=list)
    seals: list[Seal] = field(default_factory=list)
    steps: int = 0
    end: int = 0
    exponents: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self.end = self.start
        self.exponents = (0,) * self.groups

    @property
    def step_bytes(self) -> int:
        """Length of a step."""
        return 2 * self.queries * self.groups

    @property
    def sealed_steps(self) -> int:
        """Steps before the last seal."""
        return self.seals[-1].steps if self.seals else 0

    @property
    def sealed_end(self) -> int:
        """Where the last seal ends; without one, where the records begin."""
        return self.seals[-1].at + SEAL_BYTES if self.seals else self.start

    def end_of(self, steps: int) -> int:
        """Position behind the first `steps` steps."""
        if steps == 0:
            return self.start
        run = self.runs[bisect_left(self.runs, steps, key=lambda run: run.first) - 1]
        return run.at + (len(NULL_STEP) if run.exponents is None else (steps - run.first) * self.step_bytes)

    def multipliers(self, data: bytes) -> tuple[Multipliers, NDArray[np.bool_]]:
        """Multipliers c of all steps, (steps, queries, groups), and which steps are null, (steps,)."""
        out = np.zeros((self.steps, self.queries, self.groups), np.int64)
        null = np.zeros(self.steps, np.bool_)
        for run in self.runs:
            steps = slice(run.first, run.first + run.count)
            if run.exponents is None:
                null[steps] = True
                continue
            words = np.frombuffer(data, "<i2", run.count * self.queries * self.groups, run.at)
            out[steps] = words.reshape(run.count, self.queries, self.groups)
            if any(run.exponents):
                out[steps] <<= np.array(run.exponents)
        return out, null

    def damaged(self, end: int, what: str) -> LedgerDamagedError:
        """Error for the block that follows the last good seal, up to `end`."""
        return LedgerDamagedError(
            f"{what}: the damage lies in bytes {self.sealed_end} to {end - 1}, after step {self.sealed_steps}; "
            f"the first {self.sealed_end} bytes are an intact ledger of {self.sealed_steps} steps: "
            "copy them to keep those, or take a backup"
        )

    def check_chain(self, data: bytes) -> bytes:
        """Compare every seal with the bytes it stands for, and give the last link.

        The first link is the hash that ends the header, right before the records.

        Raises
        ------
        LedgerDamagedError
            A seal that does not fit; the text names the block.
        """
        good = Records(self.start, self.queries, self.groups)
        link = data[self.start - LINK_BYTES : self.start]
        for seal in self.seals:
            frame = seal.at + len(SEAL_FRAME)
            link = hashlib.sha256(link + data[good.sealed_end : frame]).digest()
            if link != data[frame : frame + len(link)]:
                raise good.damaged(seal.at + SEAL_BYTES, f"the seal after step {seal.steps} does not fit what it seals")
            good.seals = [seal]
        return link


class _Scan:
    """One walk over the records. Steps are skipped by counting; only reserved words are looked at one by one."""

    def __init__(self, data: bytes, records: Records) -> None:
        self.records = records
        self.words = np.frombuffer(data, "<u2", (len(data) - records.start) // 2, records.start)
        self.reserved: list[int] = np.flatnonzero(self.words == RESERVED).tolist()
        self.exponents = records.exponents

    def position(self, word: int) -> int:
        return self.records.start + 2 * word

    def damaged(self, word: int, what: str) -> LedgerDamagedError:
        return self.records.damaged(self.position(word), what)

    def walk(self) -> None:
        at = nearest = 0
        while True:
            nearest = bisect_left(self.reserved, at, nearest)
            mark = self.reserved[nearest] if nearest < len(self.reserved) else len(self.words)
            self.take_steps(at, mark)
            taken = self.take_escape(mark)
            if not taken:
                return
            at = mark + taken

    def take_steps(self, at: int, mark: int) -> None:
        width = self.records.step_bytes // 2
        count, rest = divmod(mark - at, width)
        if rest and mark < len(self.words):
            raise self.damaged(mark + 1, f"the word -32768 stands within a step at byte {self.position(mark)}")
        if count:
            self.add(Run(self.records.steps, count, self.position(at), self.exponents), at + count * width)

    def add(self, run: Run, end: int) -> None:
        due = (self.records.sealed_steps // BLOCK + 1) * BLOCK
        if run.first + run.count > due:
            raise self.damaged(end, f"the seal that is due after step {due} is missing")
        self.records.runs.append(run)
        self.records.steps += run.count
        self.keep(end)

    def keep(self, end: int) -> None:
        self.records.end = self.position(end)
        self.records.exponents = self.exponents

    def take_escape(self, mark: int) -> int:
        """Take the escape at `mark` and give its words; 0 at the end, or where it is unfinished."""
        if mark + 1 >= len(self.words):
            return 0
        code = int(self.words[mark + 1])
        if code == NULL:
            self.add(Run(self.records.steps, 1, self.position(mark), None), mark + 2)
            return 2
        if code == EXPONENTS:
            return self.take_exponents(mark)
        if code == SEAL:
            return self.take_seal(mark)
        raise self.damaged(mark + 2, f"the unknown code {code:#06x} stands at byte {self.position(mark + 1)}")

    def take_exponents(self, mark: int) -> int:
        groups = self.records.groups
        size = 2 + (groups + 1) // 2
        given = self.words[mark + 2 : mark + size].tobytes()
        if any(exponent > LARGEST_EXPONENT for exponent in given) or any(given[groups:]):
            what = f"an exponent above {LARGEST_EXPONENT} stands after byte {self.position(mark)}"
            raise self.damaged(mark + size, what)
        if mark + size > len(self.words):
            return 0
        self.exponents = tuple(given[:groups])
        return size

    def take_seal(self, mark: int) -> int:
        size = SEAL_BYTES // 2
        if any(self.words[mark + 2 : mark + 4] != RESERVED):
            raise self.damaged(mark + 4, f"the seal at byte {self.position(mark)} begins wrongly")
        if mark + size > len(self.words):
            return 0
        self.records.seals.append(Seal(self.position(mark), self.records.steps))
        self.keep(mark + size)
        return size


def scan(data: bytes, *, start: int, queries: int, groups: int) -> Records:
    """Find all whole records; what a kill left unfinished at the end is not counted.

    Parameters
    ----------
    data
        The whole file, header included.
    start
        Where the first record begins.
    queries, groups
        Multipliers of a step.

    Raises
    ------
    LedgerDamagedError
        Bytes that no writer leaves behind, even when it is killed. Otherwise seals are not compared here: see
        `check_chain`.

    Examples
    --------
    >>> data = np.array([[3, -1], [0, 2]], "<i2").tobytes() + NULL_STEP + b"unfinished"[:3]
    >>> records = scan(data, start=0, queries=1, groups=2)
    >>> records.steps, records.end
    (3, 12)
    """
    records = Records(start, queries, groups)
    try:
        _Scan(data, records).walk()
    except LedgerDamagedError:
        # What comes before is called intact in the error's text, so it has to be.
        records.check_chain(data)
        raise
    return records
