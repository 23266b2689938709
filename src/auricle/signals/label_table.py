"""Tables of labels as people save them: CSV with commas, semicolons or tabs, and what is wrong with a line."""

import csv
from pathlib import Path

from auricle.errors import FormatError, InputError

Row = tuple[int, list[str]]
"""Number of a line, from 1, and its cells without spaces around them."""


def read_rows(path: Path) -> list[Row]:
    """Read the lines of a table that are not empty.

    Raises
    ------
    FormatError
        It is no text in UTF-8, or no CSV.
    InputError
        It can't be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"the labels {path} can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise FormatError(f"the labels {path} are no text in UTF-8; save them as CSV") from error
    first = text.lstrip().partition("\n")[0]
    delimiter = next((sign for sign in ",;\t" if sign in first), ",")
    try:
        return [
            (number, [cell.strip() for cell in row])
            for number, row in enumerate(csv.reader(text.splitlines(), delimiter=delimiter), 1)
            if any(cell.strip() for cell in row)
        ]
    except csv.Error as error:
        raise FormatError(f"the labels {path} are no CSV: {error}") from error


def named(where: str, columns: tuple[str, ...], row: list[str]) -> dict[str, str]:
    """Give the cells of a line by the names of their columns.

    Raises
    ------
    FormatError
        There are more or fewer cells than columns.
    """
    if len(row) != len(columns):
        hint = "; a decimal comma? Write numbers with a point" if len(row) > len(columns) else ""
        raise FormatError(
            f"{where}: {len(columns)} cells are needed ({', '.join(columns)}), and there are {len(row)}{hint}"
        )
    return dict(zip(columns, row, strict=True))
