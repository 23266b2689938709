"""Templates: files of this package in which {{name}} stands for a text."""

import re
from importlib import resources

_PLACE = re.compile(r"\{\{(\w+)\}\}")


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
