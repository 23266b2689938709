"""An engine on disk: a folder that is written whole or not at all."""

import os
import re
import shutil
import tempfile
from pathlib import Path

from auricle.errors import InputError
from auricle.rtl.engine import Engine
from auricle.rtl.files import NUMBERS, files
from auricle.rtl.update import UpdateLane

_OURS = re.compile(r"auricle_\w+\.(v|h|hex|core|vvp)|README\.md")
"""With what the commands of its README leave there."""


def generate(
    engine: Engine, folder: Path, *, update: UpdateLane | None = None, numbers: int = NUMBERS, seed: int = 0
) -> list[Path]:
    """Write an engine; an older one in the same place is replaced when the new one is complete.

    Parameters
    ----------
    engine
        What to write.
    folder
        Where: a new folder, an empty one, or one that holds an engine and nothing else.
    update
        A lane for weights that goes with it.
    numbers, seed
        Of the test benches' vectors, see `files`.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InputError
        The folder holds something else.
    OSError
        It can't be written; what was there is unchanged.

    Examples
    --------
    >>> import tempfile
    >>> from auricle.rtl import row_pool
    >>> with tempfile.TemporaryDirectory() as place:
    ...     len(generate(Engine(spec=row_pool(lanes=2)), Path(place) / "engine"))
    12
    """
    folder = folder.absolute()
    check_place(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    texts = files(engine, update=update, numbers=numbers, seed=seed)
    staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    old = staged.with_name(staged.name + "-old")
    try:
        for name, text in texts.items():
            with (staged / name).open("w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        staged.chmod(0o755)
        if folder.exists():
            folder.rename(old)
        try:
            staged.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    finally:
        shutil.rmtree(staged, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return [folder / name for name in texts]


def check_place(folder: Path) -> None:
    """Refuse a place where something would be lost."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name one, or one that isn't there yet")
    names = sorted(path.name for path in folder.iterdir())
    foreign = [name for name in names if not _OURS.fullmatch(name)]
    if foreign or (names and not any(name.endswith(".core") for name in names)):
        raise InputError(
            f"{folder} holds {(foreign or names)[0]}, which is no part of a generated engine; name a new folder, "
            "nothing was written"
        )
