"""The last look before anything is sent: text that may name a person, a file or a day is refused.

A briefing is made of an `Excerpt`, which holds no text of a file. This guard doesn't rely on that: it knows what the
recording says of itself, and holds every request against it.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from auricle.consult.leads import lead_name
from auricle.errors import AuricleError, InputError
from auricle.finding import Finding
from auricle.signals import Recording

_MONTH = r"(?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-zä]*\.?"
_FORMS: Final = {
    "a date": rf"\b\d{{4}}[-/.]\d\d?[-/.]\d\d?\b|\b\d\d?[-/.]\d\d?[-/.]\d{{2,4}}\b"
    rf"|\b\d\d?\.?\s+{_MONTH}\s+\d{{4}}\b|\b{_MONTH}\s+(?:\d\d?,?\s+)?\d{{4}}\b",
    "a time of day": r"(?<![\d.:])\d\d?:\d\d(?::\d\d)?(?![\d:])",
    "an e-mail address": r"[^\s@\"']+@[^\s@\"']+\.[a-z]{2,}",
    "a web address": r"\b(?:https?|ftp|file)://|\bwww\.",
    "a path": r"(?<![\w.])[a-z]:[\\/]\w|\\\\\w|(?<![\w/])(?:~|\.{1,2})?/(?:[\w.+-]+/)+[\w.+-]*|(?<!\w)~/\w",
    "a file's name": r"[\w-]\.(?:edf|bdf|hea|dat|atr|mat|csv|tsv|npz|txt|json|xml|dcm|pdf)\b",
    "a long number": r"(?<![\d.])\d{5,}",
}
_PATTERNS: Final = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _FORMS.items()}
_SHORTEST: Final = 4
"""Characters; shorter texts are in any sentence by chance."""


class IdentifyingError(InputError):
    """Text that may say who was recorded, from which file or when; it is not sent."""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """What must not be sent about one recording.

    Attributes
    ----------
    marked
        Texts of the recording, each with what it is. They are never shown, not even in errors.
    allowed
        Labels and their names: a label may be a code of many digits.

    Examples
    --------
    >>> guard = Guard(marked={"jane doe": "the subject"})
    >>> guard.check("Heart rate 71 per minute.")
    >>> guard.check("Heart rate of Jane  Doe: 71 per minute.")
    Traceback (most recent call last):
    auricle.consult.guard.IdentifyingError: a briefing holds the subject of the recording, which may say who was ...
    """

    marked: dict[str, str] = field(default_factory=dict, repr=False)
    allowed: frozenset[str] = field(default=frozenset(), repr=False)

    def check(self, text: str) -> None:
        """Refuse a text.

        Raises
        ------
        IdentifyingError
            It holds something that may identify; the error says of which kind, and never what.
        """
        flat = _flat(text)
        for mark, kind in self.marked.items():
            if mark in flat and re.search(rf"(?<!\w){re.escape(mark)}(?!\w)", flat):
                raise IdentifyingError(
                    f"a briefing holds {kind} of the recording, which may say who was recorded; nothing is sent. If a "
                    "label or its definition holds it, change that in the specialist; otherwise rename the recording, "
                    "or report this as a fault of auricle"
                )
        for kind, pattern in _PATTERNS.items():
            for found in pattern.finditer(text):
                if not any(found.group() in one for one in self.allowed):
                    raise IdentifyingError(
                        f"a briefing holds {kind}, which may say who was recorded, or when; nothing is sent. Labels "
                        "and definitions are the only text that comes from outside: look for it in the specialist's "
                        "specialist.json"
                    )


def guard_of(finding: Finding, recording: Recording, *, allowed: Iterable[str], public: str) -> Guard:
    """Collect what a recording says of itself.

    Parameters
    ----------
    finding, recording
        What a briefing is about, before anything is left out.
    allowed
        Labels and their names.
    public
        Text that is the same for all recordings: labels, definitions, auricle's own sentences. A mark that occurs in
        it tells nothing about this one: an annotation that reads "atrial fibrillation", a file called "signal".
    """
    known = _flat(public)
    marked: dict[str, str] = {}
    for text, kind in _said(finding, recording):
        mark = _flat(text)
        if _tells(mark) and not re.search(rf"(?<!\w){re.escape(mark)}(?!\w)", known):
            marked.setdefault(mark, kind)
    return Guard(marked=marked, allowed=frozenset(allowed))


def _said(finding: Finding, recording: Recording) -> Iterator[tuple[str, str]]:
    """Every text of a recording with what it is; names also word by word."""
    named = [(recording.id, "the name"), (recording.subject or "", "the subject")]
    if recording.source is not None:
        named += [(part, "the folder") for part in recording.source.parts[:-1]] + [(recording.source.name, "the file")]
    named.append((finding.specialist.name, "the specialist's name, or that"))
    for text, kind in named:
        yield text, kind
        yield from ((word, kind) for word in re.findall(r"[^\W\d_]+", text))
    for one in (recording, *recording.others):
        yield from ((name, "a channel's name") for name in one.channels if lead_name(name) is None)
        yield from ((note, "a note") for note in one.notes)
    yield from ((note, "a note") for note in finding.notes)
    yield from ((note.text, "a note on the signal") for note in finding.quality)
    try:
        yield from ((text, "an annotation") for text in {one.text for one in recording.annotations})
    except AuricleError:
        # Annotations that can't be read can't have been read into a briefing either.
        return


def _tells(mark: str) -> bool:
    letters = sum(c.isalpha() for c in mark)
    foreign = any(c.isalpha() and not c.isascii() for c in mark)
    return len(mark) >= (2 if foreign else _SHORTEST) and letters >= 2


def _flat(text: str) -> str:
    """Make texts comparable: one case, one width, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
