"""A number with its word."""


def counted(n: int, what: str) -> str:
    """Give a number with its word, in the singular or the plural.

    Examples
    --------
    >>> counted(1, "class"), counted(2, "class"), counted(1200, "window")
    ('1 class', '2 classes', '1200 windows')
    """
    return f"{n} {what}{('es' if what.endswith('s') else 's') * (n != 1)}"
