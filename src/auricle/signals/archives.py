"""Labelled data sets as they are published, each recognised by what lies there."""

from collections.abc import Callable, Collection
from pathlib import Path

from auricle.errors import InputError
from auricle.signals.beat_records import LABELS as BEATS
from auricle.signals.beat_records import holds_beats, read_beats
from auricle.signals.cinc2017 import LABELS, REFERENCE, cinc2017_recordings, read_cinc2017
from auricle.signals.labelled import LabelledWindows
from auricle.signals.sleep_edf import holds_nights, read_sleep_edf
from auricle.signals.split import PARTS, Part, Split
from auricle.signals.visible import visible
from auricle.signals.windows import Preprocessing

__all__ = [
    "KINDS",
    "PARTS",
    "LabelledWindows",
    "Part",
    "Split",
    "cinc2017_recordings",
    "open_archive",
    "read_beats",
    "read_cinc2017",
    "read_sleep_edf",
]

KINDS = ("beats", "cinc2017", "sleep-edf")

_LOOKED_FOR = (
    f"a packed archive (.npz), a folder of challenge records with {REFERENCE}, "
    "a folder of Sleep-EDF nights (*-PSG.edf with *-Hypnogram.edf), or one of WFDB records with beats (.hea with .atr)"
)


def open_archive(
    path: Path,
    preprocessing: Preprocessing,
    *,
    kind: str | None = None,
    labels: Collection[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LabelledWindows:
    """Read a labelled data set, whichever of the known ones it is.

    Parameters
    ----------
    path
        A packed archive of the shape of cinc2017.npz; a folder of challenge records with REFERENCE.csv; a folder
        with the nights of Sleep-EDF, as PhysioNet ships them; or a folder of WFDB records with annotated beats.
    preprocessing
        How a recording becomes windows.
    kind
        "cinc2017" (packed or a folder), "sleep-edf" or "beats", where the data must be of that kind; None finds out.
    labels
        The labels that may occur; None stands for those of the data set.
    progress
        Called with recordings done and recordings in all.

    Raises
    ------
    InputError
        When there is nothing of a known kind, a file's counterpart is missing, or a label is not allowed; the text
        names the file.
    FormatError
        When a file is damaged.
    """
    if kind is not None and kind not in KINDS:
        raise InputError(f"kind {kind!r} was given; allowed are {', '.join(KINDS)}, or none to find out")
    path = Path(path)
    found = _recognised(path)
    if kind not in {None, found}:
        raise InputError(f"{path} holds a data set of the kind {found}, and {kind} was asked for")
    if found == "cinc2017":
        return read_cinc2017(path, preprocessing, labels=LABELS if labels is None else labels, progress=progress)
    if found == "beats":
        return read_beats(path, preprocessing, labels=BEATS if labels is None else labels, progress=progress)
    windows = read_sleep_edf(path, preprocessing, progress=progress)
    if labels is not None and (strange := sorted(set(windows.labels.tolist()) - set(labels))):
        raise InputError(f"{path} holds the stages {', '.join(strange)}; allowed are {', '.join(labels)}")
    return windows


def _recognised(path: Path) -> str:
    if path.is_file() and path.suffix.lower() == ".npz":
        return "cinc2017"
    if not path.exists():
        raise InputError(f"there is nothing at {path}; looked for was {_LOOKED_FOR}")
    if not path.is_dir():
        raise InputError(f"{path} is one file, and no data set by its name; looked for was {_LOOKED_FOR}")
    if (path / REFERENCE).is_file():
        return "cinc2017"
    if holds_nights(path):
        return "sleep-edf"
    if holds_beats(path):
        return "beats"
    names = sorted(entry.name + "/" * entry.is_dir() for entry in path.iterdir())
    there = (
        ", ".join(visible(name, 60) for name in names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        or "nothing"
    )
    raise InputError(f"{path} is no labelled data set; looked for was {_LOOKED_FOR}; it holds {there}")
