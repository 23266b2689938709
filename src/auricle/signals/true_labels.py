"""True labels of windows, from a table."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from auricle.errors import FormatError, InputError
from auricle.signals.label_table import named, read_rows
from auricle.signals.visible import visible

COLUMNS = ("recording", "index", "start", "label")
_SHAPES = "index,label or start,label for one recording; recording,label; recording,index,label; recording,start,label"
_TOLERANCE = 0.01


@dataclass(frozen=True, kw_only=True)
class TrueLabel:
    """One line of a table of labels.

    Attributes
    ----------
    label
        The class.
    recording
        Whose windows; None for the only recording.
    index, start
        Which window: its number in the recording from 0, or where it starts in s. Neither: all of the recording.
    where
        File and line, for messages.
    """

    label: str
    recording: str | None = None
    index: int | None = None
    start: float | None = None
    where: str = ""

    @property
    def positioned(self) -> bool:
        """Whether it is about one window, not about all of a recording."""
        return self.index is not None or self.start is not None


class TrueLabels:
    """Labels, looked up by window, that remember which of them met one.

    Parameters
    ----------
    labels
        As `read_labels` gives them.

    Examples
    --------
    >>> labels = TrueLabels([TrueLabel(label="A", recording="x", index=1), TrueLabel(label="N", recording="y")])
    >>> labels.of("x", 1, 30.0), labels.of("x", 0, 0.0), labels.of("y", 7, 210.0), labels.unmet
    ('A', None, 'N', ())
    """

    def __init__(self, labels: Sequence[TrueLabel]) -> None:
        self._all = tuple(labels)
        self._found: dict[tuple[str | None, str, int], TrueLabel] = {}
        self._by_recording: dict[str | None, list[TrueLabel]] = {}
        for one in self._all:
            self._found[one.recording, *_key(one.index, one.start)] = one
            self._by_recording.setdefault(one.recording, []).append(one)
        self._met: set[TrueLabel] = set()

    @property
    def unmet(self) -> tuple[TrueLabel, ...]:
        """Labels that no window was looked up for."""
        return tuple(one for one in self._all if one not in self._met)

    def of(self, recording: str, index: int, start: float) -> str | None:
        """Give the label of a window, or None."""
        place = round(start / _TOLERANCE)
        keys = [_key(index, None), *(("start", place + near) for near in (0, -1, 1)), _key(None, None)]
        for name in (recording, None):
            for key in keys:
                if one := self._found.get((name, *key)):
                    self._met.add(one)
                    return one.label
        return None

    def positioned(self, recording: str) -> bool:
        """Whether single windows of a recording have labels."""
        return any(one.positioned for one in self._about(recording))

    def check_recordings(self, recordings: Collection[str]) -> None:
        """Refuse labels of recordings that are not among those given.

        Raises
        ------
        InputError
            A recording is unknown, or none is named although there are several.
        """
        for one in self._all:
            if one.recording is None and len(recordings) > 1:
                raise InputError(
                    f"{one.where}: there are {len(recordings)} recordings, and the labels name none; add a column "
                    "recording"
                )
            if one.recording is not None and one.recording not in recordings:
                known = [visible(name) for name in list(recordings)[:3]]
                more = f" and {len(recordings) - 3} more" if len(recordings) > 3 else ""
                raise InputError(
                    f"{one.where}: the label is for recording {visible(one.recording)!r}; watched are "
                    f"{', '.join(known)}{more}"
                )

    def check_windows(self, recording: str, starts: Sequence[float], duration: float) -> None:
        """Refuse labels of one recording that are for no window of it.

        Parameters
        ----------
        recording
            Its id.
        starts
            Where each of its windows starts, in s.
        duration
            In s.

        Raises
        ------
        InputError
            A number or a start is none of a window.
        """
        name = visible(recording)
        for one in self._about(recording):
            if one.index is not None and one.index >= len(starts):
                raise InputError(
                    f"{one.where}: window {one.index} lies outside recording {name}, whose windows are 0 to "
                    f"{len(starts) - 1}"
                )
            if one.start is None:
                continue
            if not 0 <= one.start < duration:
                raise InputError(f"{one.where}: {one.start:g} s lies outside recording {name} of {duration:g} s")
            nearest = min(starts, key=lambda start: abs(start - one.start))  # type: ignore[operator]
            if abs(one.start - nearest) > _TOLERANCE:
                raise InputError(
                    f"{one.where}: no window of recording {name} starts at {one.start:g} s; the nearest starts at "
                    f"{nearest:g} s"
                )

    def _about(self, recording: str) -> list[TrueLabel]:
        return self._by_recording.get(recording, []) + self._by_recording.get(None, [])

    def __len__(self) -> int:
        return len(self._all)


def read_labels(path: Path, allowed: Collection[str]) -> TrueLabels:
    """Read a CSV file of labels; commas, semicolons or tabs separate the columns.

    The first line names the columns, in any order: `label`, and `recording`, `index` (number of the window in its
    recording, from 0), or `start` (in s). A file without such a line has a recording and its label in each, as
    REFERENCE.csv of the PhysioNet challenges.

    Parameters
    ----------
    path
        The file.
    allowed
        The specialist's labels.

    Raises
    ------
    FormatError
        It is no such table.
    InputError
        It can't be read, a label is unknown, or a window has two.
    """
    rows = read_rows(path)
    if not rows:
        raise FormatError(f"the labels {path} are empty; allowed are the columns {_SHAPES}")
    columns = tuple(cell.lower() for cell in rows[0][1])
    if "label" in columns:
        rows = rows[1:]
        if strange := [name for name in columns if name not in COLUMNS]:
            raise FormatError(
                f"the labels {path} have a column {visible(strange[0])!r}; allowed are the columns {_SHAPES}"
            )
        if len({*columns}) < len(columns) or {"index", "start"} <= {*columns} or columns == ("label",):
            raise FormatError(
                f"the labels {path} have the columns {', '.join(columns)}; allowed are the columns {_SHAPES}"
            )
    elif len(columns) == 2:
        columns = ("recording", "label")
    else:
        raise FormatError(f"the labels {path} have no column `label`; allowed are the columns {_SHAPES}")
    found = [_label(f"{path.name}, line {number}", columns, row, allowed) for number, row in rows]
    if not found:
        raise FormatError(f"the labels {path} hold no label below their first line")
    _once(found)
    return TrueLabels(found)


def _label(where: str, columns: tuple[str, ...], row: list[str], allowed: Collection[str]) -> TrueLabel:
    cells = named(where, columns, row)
    if cells["label"] not in allowed:
        raise InputError(f"{where}: {visible(cells['label'])!r} is no label; allowed are {', '.join(allowed)}")
    index, start = None, None
    try:
        if "index" in cells:
            index = int(cells["index"])
        if "start" in cells:
            start = float(cells["start"])
    except ValueError:
        name = "index" if "index" in cells else "start"
        raise FormatError(
            f"{where}: {name} is {visible(cells[name])!r}; a number is needed, of the window from 0 or in s"
        ) from None
    if index is not None and index < 0:
        raise InputError(f"{where}: index is {index}; windows are counted from 0")
    if start is not None and not 0 <= start < float("inf"):
        raise InputError(f"{where}: start is {start:g} s; it counts from the start of the recording, from 0")
    return TrueLabel(label=cells["label"], recording=cells.get("recording"), index=index, start=start, where=where)


def _once(found: Sequence[TrueLabel]) -> None:
    seen: dict[tuple[str | None, int | None, float | None], TrueLabel] = {}
    for one in found:
        before = seen.setdefault((one.recording, one.index, one.start), one)
        if before is not one:
            raise InputError(f"{one.where}: this window has its label already, from {before.where}; leave one of them")


def _key(index: int | None, start: float | None) -> tuple[str, int]:
    """Name the windows that a label is about, starts by hundredths of a second."""
    if index is not None:
        return "index", index
    return ("all", 0) if start is None else ("start", round(start / _TOLERANCE))
