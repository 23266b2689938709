"""Templates: files of this package in which {{name}} stands for a text."""

import re
import textwrap
from importlib import resources

_PLACE = re.compile(r"\{\{(\w+)\}\}")
_CODE = re.compile(r"`[^`]*`")


def fill(template: str, **texts: object) -> str:
    """Give a template with every place filled, and no text left over.

    Parameters
    ----------
    template
        Name of a file in the folder `templates`.
    texts
        What stands in each place.
    """
    raw = resources.files("auricle.rtl").joinpath("templates", template).read_text(encoding="utf-8")
    places = set(_PLACE.findall(raw))
    assert places == set(texts), f"{template}: places {places ^ set(texts)} and texts don't match"
    return _PLACE.sub(lambda found: str(texts[found[1]]), raw)


def wrapped(text: str, *, item: str = "") -> str:
    """Break a paragraph of Markdown into lines of at most 120 characters, but nothing within backticks.

    Parameters
    ----------
    text
        One line.
    item
        Mark of the item that it is in a list, such as "1. ".

    Examples
    --------
    >>> print(wrapped("Words " * 18 + "and `some code`.", item="1. "))
    1. Words Words Words Words Words Words Words Words Words Words Words Words Words Words Words Words Words Words and
       `some code`.
    """
    whole = _CODE.sub(lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), text)
    lines = textwrap.fill(
        whole, 120, initial_indent=item, subsequent_indent=" " * len(item), break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
    return lines.replace("\N{NO-BREAK SPACE}", " ")
