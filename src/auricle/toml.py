"""TOML files that a person writes: how they are read, and what was probably meant by a wrong word."""

import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from auricle.errors import FormatError


def read_toml(path: Path, what: str, *, hint: str) -> dict[str, Any]:
    """Read a file of tables.

    Parameters
    ----------
    path
        The file.
    what
        What it is, for messages: "recipe".
    hint
        What to give instead of a file that isn't there.

    Raises
    ------
    FormatError
        The file can't be read or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FormatError(f"the {what} {path} can't be read: {error.strerror}; {hint}") from error
    except RecursionError as error:
        raise FormatError(
            f"the {what} {path} is not TOML that can be read: its brackets are nested too deeply; three levels "
            "are enough"
        ) from error
    except ValueError as error:  # of TOML, of UTF-8, or of a number with thousands of digits
        raise FormatError(f"the {what} {path} is not TOML: {error}") from error


def nearest(given: str, known: Iterable[str]) -> str:
    """End a sentence about an unknown word by the one that was probably meant, or by all that are known.

    Examples
    --------
    >>> nearest("poll", ["pool", "signs"]), nearest("x", ["pool", "signs"])
    ("; did you mean 'pool'?", '; known are pool, signs')
    """
    words = list(known)
    near = get_close_matches(given, words, 1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(words)}"
