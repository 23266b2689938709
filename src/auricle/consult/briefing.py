"""What a large language model or a person is told about one finding: text and pictures, in the order they are read."""

from dataclasses import dataclass, field

Stretch = tuple[float, float]
"""Start and stop in s from the start of the window."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture of the window.

    Attributes
    ----------
    name
        "plain", or "evidence-<number of the label>", counted from 0 in the order of the finding's labels.
    png
        The file.
    width, height
        In pixels.
    caption
        The text before it.
    """

    name: str
    png: bytes = field(repr=False)
    width: int
    height: int
    caption: str


@dataclass(frozen=True, kw_only=True)
class Briefing:
    """Text and pictures about one window, without anything that names a person or a recording.

    Made by `brief`.

    Attributes
    ----------
    parts
        In the order they are sent; before each picture stands its caption.
    offered
        Labels that may be answered.
    set
        The prediction set as told; empty if none was told, or if an empty one was: see `set_told`.
    segments
        Per label the highlighted stretches that were told.
    window
        Length in s.
    instructions
        The system message.
    set_told
        Whether a prediction set was told.
    facts
        Whether the text holds scores or measurements, so that something is left without the pictures.
    marked
        Texts of the recording that must not be sent. They are never part of a request: requests are held against them.
    """

    parts: tuple[str | Picture, ...]
    offered: tuple[str, ...]
    set: tuple[str, ...]
    segments: dict[str, tuple[Stretch, ...]]
    window: float
    instructions: str
    set_told: bool = True
    facts: bool = True
    marked: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def text(self) -> str:
        """All text parts, with an empty line between them."""
        return "\n\n".join(part for part in self.parts if isinstance(part, str))

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures in order."""
        return tuple(part for part in self.parts if isinstance(part, Picture))
