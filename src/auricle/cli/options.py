"""Options that several commands have, with one meaning everywhere."""

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from auricle.errors import InputError


def _between(_: Any, alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError("It must lie between 0 and 1; 0.1 means that at most a tenth may be missed.")


Alpha = Annotated[
    float, Parameter(help="Largest share of each class's windows whose set may lack that class.", validator=_between)
]
Flag = Annotated[bool, Parameter(negative="", show_default=False)]
Json = Annotated[Flag, Parameter(help="Print JSON on stdout, and nothing else there.")]
JsonLines = Annotated[Flag, Parameter(help="Print JSON on stdout, an object a line, and nothing else there.")]
Several = Parameter(negative="", consume_multiple=True, show_default=False)
"""A list that may be empty, its values one after the other."""
SpecialistPlace = Annotated[
    str, Parameter(help="A shipped specialist, such as af; the folder of one; or a patient's, for the version in use.")
]
SavedSpecialist = Annotated[str, Parameter(help="A shipped specialist, such as af, or the folder of one.")]
Recordings = Annotated[list[str], Parameter(negative="", help="Recordings, folders of them, or NPZ archives.")]
Rate = Annotated[float | None, Parameter(help="Sampling rate in Hz, for files that don't say it.")]
Unit = Annotated[
    str | None,
    Parameter(help="Unit of the samples (V, mV, uV or nV), for files that don't say it or say it wrongly."),
]
LabelledData = Annotated[
    Path,
    Parameter(
        help="Labelled recordings: a packed NPZ archive, a challenge folder with REFERENCE.csv, a Sleep-EDF folder, or "
        "one of WFDB records with annotated beats."
    ),
]
ArchiveKind = Annotated[
    str | None,
    Parameter(help="beats, cinc2017 or sleep-edf: refuse data of any other kind; any of them will do if not given."),
]
Part = Annotated[
    Literal["train", "validation", "calibration", "test", "all"],
    Parameter(help="Take the recordings that were this part when the specialist was made, or all."),
]
EndpointUrl = Annotated[
    str | None,
    Parameter(
        help="Base URL of an OpenAI-compatible server; if not given, that of the table [consult] in the configuration, "
        "~/.config/auricle/config.toml. A key comes from the environment variable AURICLE_LLM_KEY."
    ),
]
ModelName = Annotated[
    str | None,
    Parameter(help="Name of the model at the server; if not given, the configuration's, or the only one it has."),
]


def _named(_: Any, lead: str | None) -> None:
    if lead is not None and not lead.strip():
        raise ValueError("It is empty (an unset variable?); give a channel's name or its number, or leave it out.")


Lead = Annotated[str | None, Parameter(help="Channel to judge, by name or by number from 0.", validator=_named)]


def at_least(least: int) -> Parameter:
    """Refuse a whole number below `least`."""

    def check(_: Any, given: int | None) -> None:
        if given is not None and given < least:
            raise ValueError(f"It must be {least} or more.")

    return Parameter(validator=check)


def check_folder(path: Path | None) -> None:
    """Refuse a file where a folder for results is to be.

    Raises
    ------
    InputError
        It is one.
    """
    if path is not None and path.exists() and not path.is_dir():
        raise InputError(f"{path} is no folder; name one, or one that isn't there yet")


def check_target(path: Path | None, *suffixes: str) -> None:
    """Refuse a file that can't be written before hours of judging, not after.

    Raises
    ------
    InputError
        The name has none of the suffixes, or is that of a folder or a device, or its folder is missing.
    """
    if path is None:
        return
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it")
    if path.exists() and not path.is_file():
        raise InputError(f"{path} can't be written: it is a pipe or a device; name a file")
    if suffixes and path.suffix.lower() not in suffixes:
        raise InputError(f"{path} can't be written: its name must end in {' or '.join(suffixes)}")
    if not path.parent.is_dir():
        raise InputError(f"{path} can't be written: there is no folder {path.parent}; make it first")
