"""Options that several commands have, with one meaning everywhere."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from auricle.errors import InputError


def _between(_: Any, alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError("It must lie between 0 and 1; 0.1 means that at most a tenth may be missed.")


Alpha = Annotated[
    float, Parameter(help="Largest share of a class's windows that may miss it in their set.", validator=_between)
]
Json = Annotated[bool, Parameter(negative="", help="Print JSON on stdout, and nothing else there.")]
Flag = Annotated[bool, Parameter(negative="")]
SpecialistPlace = Annotated[str, Parameter(help="A shipped specialist, such as af, or the folder of one.")]
LabelledData = Annotated[
    Path,
    Parameter(
        help="Labelled recordings: a packed NPZ archive, a challenge folder with REFERENCE.csv, or a Sleep-EDF folder."
    ),
]
ArchiveKind = Annotated[str | None, Parameter(help="Kind of archive, if it isn't recognised.")]


def check_target(path: Path | None, *suffixes: str) -> None:
    """Refuse a file that can't be written before hours of judging, not after."""
    if path is None:
        return
    if suffixes and path.suffix.lower() not in suffixes:
        raise InputError(f"{path} can't be written: its name must end in {' or '.join(suffixes)}")
    if not path.parent.is_dir():
        raise InputError(f"{path} can't be written: there is no folder {path.parent}; make it first")
