"""The first bytes of a ledger: magic, header, and the hash that is the first link of the chain."""

import hashlib
import struct
from pathlib import Path

from auricle.zeroth.ledger_header import LedgerDamagedError, LedgerError, LedgerHeader
from auricle.zeroth.records import LINK_BYTES

MAGIC = b"AURLEDG1"
LONGEST = 1 << 26


def header_bytes(header: LedgerHeader) -> bytes:
    """Everything before the first record."""
    text = header.to_json()
    if len(text) > LONGEST:
        raise LedgerError(f"a header of {len(text)} bytes was given; allowed are {LONGEST}: shorten it")
    data = MAGIC + struct.pack("<I", len(text)) + text
    return data + hashlib.sha256(data).digest()


def read_header(data: bytes, path: Path) -> tuple[LedgerHeader, int]:
    """Header at the beginning of a file's bytes, and where its records begin."""
    if data[: len(MAGIC)] != MAGIC[: len(data)]:
        raise LedgerError(f"{path} is no ledger: it begins with {data[: len(MAGIC)]!r} instead of {MAGIC!r}")
    fixed = len(MAGIC) + 4
    if len(data) >= fixed:
        (length,) = struct.unpack("<I", data[len(MAGIC) : fixed])
        start = fixed + length + LINK_BYTES
    if len(data) < fixed or len(data) < start:
        raise LedgerError(f"{path} ends within its header, so it holds no step; delete it and create it anew")
    if hashlib.sha256(data[: fixed + length]).digest() != data[fixed + length : start]:
        raise LedgerDamagedError(f"{path}: the header does not fit its hash, so its steps mean nothing; take a backup")
    try:
        return LedgerHeader.from_json(data[fixed : fixed + length]), start
    except LedgerError as error:
        raise LedgerError(f"{path}: {error}") from error
