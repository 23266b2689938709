"""Canonical JSON: the one way in which a value is written, so that equal values have equal bytes and equal hashes."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from auricle.adaptation.patient.failures import PatientDamagedError, PatientError


def to_bytes(value: Mapping[str, Any], *, what: str = "the value") -> bytes:
    r"""Write a JSON object on one line: keys sorted, no spaces, ASCII, a newline at the end.

    Parameters
    ----------
    value
        The object.
    what
        Its name, for the error.

    Raises
    ------
    PatientError
        It holds something that JSON has no word for: NaN, an array, a date.

    Examples
    --------
    >>> to_bytes({"b": 1, "a": 0.1})
    b'{"a":0.1,"b":1}\n'
    """
    try:
        line = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise PatientError(f"{what} can't be written as JSON: {error}") from error
    return line.encode() + b"\n"


def from_bytes(data: bytes, path: Path | str) -> dict[str, Any]:
    """Read what `to_bytes` wrote, and nothing else.

    Raises
    ------
    PatientDamagedError
        No JSON object, or one that is written in another way.
    """
    try:
        value = json.loads(data.decode("ascii"))
        canonical = isinstance(value, dict) and to_bytes(value) == data
    except (ValueError, RecursionError, PatientError) as error:
        raise PatientDamagedError(f"{path} is no canonical JSON ({error}); take the file from a backup") from None
    if not canonical:
        raise PatientDamagedError(
            f"{path} is not written as auricle writes it (an object, keys sorted, no spaces, a newline at the end): it "
            "was changed by hand; take the file from a backup"
        )
    return dict(value)


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return sha256(data).hexdigest()
