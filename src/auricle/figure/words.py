"""What a figure says in words, on one line, with the letters that its font has."""

from collections.abc import Mapping
from functools import cache

from matplotlib.font_manager import FontProperties, findfont, get_font

from auricle.finding import Finding, WindowSpan


def title_of(finding: Finding, names: Mapping[str, str] | None = None) -> str:
    """Say the state in a sentence that needs no statistics.

    Parameters
    ----------
    finding
        Any.
    names
        A name in words per label.
    """
    words = [named(label, names or {}) for label in finding.set]
    many = f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)
    only_uncovered = set(finding.set) <= set(finding.uncovered)
    text = {
        "confident": f"Confident: only {many} can't be ruled out",
        "uncertain": f"Uncertain: {many} can't be ruled out",
        "unfamiliar": "Unfamiliar: every label that can be judged is ruled out",
        "uncalibrated": "Uncalibrated: no label has enough calibration samples, so nothing is promised",
    }[finding.state]
    if finding.state == "unfamiliar" and finding.set and only_uncovered:
        text += f"; {many} stands in every set"
    elif finding.top_outside:
        text += f", but {finding.top} has the highest score"
    return f"{text} (alpha {finding.alpha:g})"


def named(label: str, names: Mapping[str, str]) -> str:
    """Give a label with its name in words behind it, if there is one."""
    return f"{label} ({names[label]})" if names.get(label, label) != label else label


def clock(seconds: float) -> str:
    """Write a time as a person would.

    >>> clock(12.5), clock(90), clock(86399)
    ('12.5 s', '1:30', '23:59:59')
    """
    if round(seconds, 1) < 60:
        return f"{seconds:g} s" if seconds == round(seconds, 1) else f"{seconds:.1f} s"
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def when(window: WindowSpan) -> str:
    """Say which part of a recording was judged.

    >>> when(WindowSpan(start=30, stop=90)), when(WindowSpan(start=60, stop=65, beat=62.513))
    ('30 s to 1:30', 'beat at 1:02.51')
    """
    if window.beat is None:
        return f"{clock(window.start)} to {clock(window.stop)}"
    minutes, rest = divmod(round(window.beat, 2), 60)
    return f"beat at {minutes:.0f}:{rest:05.2f}" if minutes else f"beat at {rest:.2f} s"


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap())


def printable(text: str, most: int = 90) -> str:
    r"""Keep what the font can show, on one line: a recording's name may hold anything.

    >>> printable("A\n00001 " + chr(0x5FC3), 20), printable("abcdefghijkl", 9)
    ('A 00001 ?', 'abcd…ijkl')
    """
    line = "".join(c if ord(c) in _glyphs() and c.isprintable() else "?" for c in " ".join(text.split()))
    half = (most - 1) // 2
    return line if len(line) <= most else f"{line[:half]}\N{HORIZONTAL ELLIPSIS}{line[-half:]}"
