"""Text out of a file or a file's name, as a person may safely see it."""

from unicodedata import category

_SPACES = "Zs"


def visible(text: str, most: int = 200) -> str:
    r"""Put a text on one line that a terminal shows and does not obey.

    Whatever is not printable (control characters, line ends, marks that turn the direction of writing) is written as an
    escape, and of a long text the middle is left out.

    >>> visible("II\x1b[31m\n"), visible("ab" * 50, 9)
    ('II\\x1b[31m\\n', 'abab…abab')
    """
    half = (most - 1) // 2
    short = text if len(text) <= most else f"{text[:half]}\N{HORIZONTAL ELLIPSIS}{text[-half:]}"
    return "".join(c if _shown(c) else c.encode("unicode_escape").decode("ascii") for c in short)


def visible_json(text: str) -> str:
    r"""Escape what JSON allows within a text and a terminal or a reader of lines trips over: U+009B, U+2028 and such.

    >>> print(visible_json('{"id": "a' + chr(0x2028) + 'b"}'))
    {"id": "a\u2028b"}
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(c: str) -> str:
    units = c.encode("utf-16-be").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


def _shown(c: str) -> bool:
    return c.isprintable() or category(c) == _SPACES
