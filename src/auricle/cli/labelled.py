"""Labelled recordings as commands take them: opened with a bar, and cut down to one part of a specialist's data."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from auricle.cli.terminal import Update, counting, note
from auricle.errors import InputError

if TYPE_CHECKING:
    from auricle.signals.archives import LabelledWindows
    from auricle.specialist import Specialist


def labelled_windows(
    judge: "Specialist", data: Path, part: str, *, update: Update, kind: str | None = None, judged: bool = True
) -> "LabelledWindows":
    """Read labelled windows and keep those of one part of the data that a specialist was made from.

    Parameters
    ----------
    judge
        The specialist; its preprocessing cuts the windows.
    data
        What `open_archive` reads.
    part
        A part, or "all".
    update
        Where progress is reported.
    kind
        Kind of archive, if it isn't recognised.
    judged
        Whether the specialist is to be judged on the windows: then a warning says which of "all" it has seen.

    Raises
    ------
    InputError
        None of the windows belongs to the part, or the data can't be read.
    """
    import numpy as np

    from auricle.signals.archives import open_archive

    windows = open_archive(data, judge.windowing, kind=kind, progress=counting(update, "reading"))
    where = np.array([judge.part_of(subject) or "" for subject in windows.subjects.tolist()])
    if part != "all":
        if not (where == part).any():
            raise InputError(
                f"none of the {len(windows)} windows belongs to the {part} part that the specialist was made with; "
                "--part all takes every window"
            )
        return windows.select(where == part)
    seen = Counter(w for w in where.tolist() if w and w != "test")
    if seen and judged:
        numbers = ", ".join(f"{n} of the {name} part" for name, n in seen.most_common())
        note(
            f"warning: {sum(seen.values())} of {len(windows)} windows helped to make this specialist ({numbers}): "
            "results on them say too much"
        )
    return windows
