"""A specialist on disk: three files, their checksums and, at will, windows and a graph; written whole or not at all.

torch is imported where weights are read or written, not before: `auricle --version` and `auricle doctor` check a
specialist without it.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError

from auricle.errors import SpecialistError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails
    from torch import Tensor, nn

MANIFEST, WEIGHTS, CARD, SUMS = "specialist.json", "weights.safetensors", "card.md", "SHA256SUMS"
GRAPH, WINDOWS = "network.onnx", "windows.safetensors"
FORMAT: Final = "auricle.specialist/1"


class Label(BaseModel):
    """A class of a specialist, as its data set writes it and as a person reads it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str | int | float | bool
    name: str = ""
    definition: str = ""


class Manifest(BaseModel):
    """Everything about a specialist but its weights: the content of `specialist.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal["auricle.specialist/1"] = FORMAT
    name: str
    version: str = "0"
    summary: str = ""
    labels: tuple[Label, ...]
    scored: tuple[str | int | float | bool, ...] = ()
    """The classes over which macro F1 is taken; all of them if empty."""
    preprocessing: dict[str, Any]
    architecture: dict[str, Any]
    training: dict[str, Any]
    log: tuple[dict[str, float | None], ...] = ()
    """What each epoch of training came to."""
    calibration: dict[str, Any] | None = None
    parts: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Digests of the subjects of each part of the data; a digest names nobody but shows when a part is used twice."""
    intended_use: str = ""
    not_for: tuple[str, ...] = ()
    provenance: dict[str, Any] = Field(default_factory=dict)


Digest = Annotated[str, "first 12 hexadecimal digits of a SHA-256"]


def digest(subject: str) -> Digest:
    """Give the short digest under which a subject is remembered."""
    return hashlib.sha256(subject.encode()).hexdigest()[:12]


def shipped() -> dict[str, Path]:
    """Folders of the specialists that come with auricle, by name."""
    root = Path(str(resources.files("auricle") / "specialists"))
    return {p.name: p for p in sorted(root.iterdir()) if (p / MANIFEST).is_file()} if root.is_dir() else {}


def locate(name: str | Path) -> Path:
    """Find a specialist by the name of a shipped one or the path of a folder."""
    known = shipped()
    if str(name) in known:
        return known[str(name)]
    folder = Path(name)
    if (folder / MANIFEST).is_file():
        return folder
    what = f"the folder {folder} holds no {MANIFEST}" if folder.is_dir() else f"there is no folder {str(name)!r}"
    raise SpecialistError(f"{what}; give the folder of a specialist or a shipped name: {', '.join(known) or 'none'}")


def _sums(contents: dict[str, bytes]) -> bytes:
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in contents.items()).encode()


def check_free(folder: Path) -> None:
    """Refuse a place where `write` would have to replace something that is no specialist."""
    if folder.exists() and not (folder.is_dir() and (not any(folder.iterdir()) or (folder / MANIFEST).exists())):
        raise SpecialistError(f"{folder} exists and is no specialist; name a new folder, nothing was written")


def write(
    folder: Path, manifest: Manifest, weights: "dict[str, Tensor]", card: str, *, windows: bytes | None = None,
    graph: bytes | None = None,
) -> str:  # fmt: skip
    """Write a specialist; an older one at the same place is replaced only when the new one is complete.

    Parameters
    ----------
    folder
        Where.
    manifest, weights, card
        What makes the specialist.
    windows
        Labelled windows that adaptation rehearses and is tested on: see `auricle.specialist.windows`.
    graph
        The same network for ONNX Runtime.

    Returns
    -------
    str
        The specialist's hash, see `read`.
    """
    from safetensors.torch import save

    tensors = {name: value.detach().cpu().contiguous() for name, value in weights.items()}
    contents = {
        MANIFEST: (manifest.model_dump_json(indent=1) + "\n").encode(),
        WEIGHTS: save(tensors, metadata={"format": "pt"}),
        CARD: card.encode(),
    }
    if windows is not None:
        contents[WINDOWS] = windows
    hash_ = hashlib.sha256(_sums(contents)).hexdigest()
    if graph is not None:
        contents[GRAPH] = graph
    contents[SUMS] = _sums(contents)
    folder = folder.absolute()
    check_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, data in contents.items():
            with (temporary / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        temporary.chmod(0o755)
        _take_place(temporary, folder)
    except OSError as error:
        reason = error.strerror or error
        raise SpecialistError(f"{folder} can't be written ({reason}); what was there is unchanged") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return hash_


def _take_place(new: Path, folder: Path) -> None:
    """Put a complete folder where another may be; if that fails, the other is put back."""
    old = new.with_name(new.name + "-old")
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


class Seal(NamedTuple):
    """What tells a specialist from every other: its manifest, and a hash over all that it is."""

    manifest: Manifest
    hash: str


class Content(NamedTuple):
    """What a specialist's folder holds."""

    manifest: Manifest
    weights: "dict[str, Tensor]"
    card: str
    hash: str
    windows: bytes | None
    graph: bytes | None


def check(name: str | Path) -> Seal:
    """Check every byte of a specialist, and read its manifest alone.

    Raises
    ------
    SpecialistError
        A file is missing, a byte has changed, or the manifest can't be read.
    """
    folder = locate(name)
    return _seal(folder, _checked(folder))


def read(name: str | Path) -> Content:
    """Read a specialist and check every byte of it.

    Returns
    -------
    Content
        With the hash: SHA-256 of the checksums of manifest, weights, card and windows.

    Raises
    ------
    SpecialistError
        A file is missing, a byte has changed, or the content doesn't fit together.
    """
    from safetensors.torch import load

    folder = locate(name)
    contents = _checked(folder)
    seal = _seal(folder, contents)
    try:
        weights = load(contents[WEIGHTS])
        text = contents[CARD].decode()
    except UnicodeDecodeError as error:
        raise _strange(folder, CARD, f"it is no UTF-8 text ({error.reason} at byte {error.start})") from error
    except (SafetensorError, ValueError) as error:
        raise _strange(folder, WEIGHTS, str(error).partition("\n")[0]) from error
    return Content(seal.manifest, weights, text, seal.hash, contents.get(WINDOWS), contents.get(GRAPH))


def _checked(folder: Path) -> dict[str, bytes]:
    """Give the files by name, each equal to its checksum."""
    names = (MANIFEST, WEIGHTS, CARD, SUMS, *(name for name in (WINDOWS, GRAPH) if (folder / name).exists()))
    contents = {name: _bytes(folder / name) for name in names}
    sums = contents.pop(SUMS)
    if sums != _sums(contents):
        lines = sums.decode(errors="replace").splitlines()
        expected = dict(line.split("  ", 1)[::-1] for line in lines if "  " in line)
        changed = [n for n, data in contents.items() if expected.get(n) != hashlib.sha256(data).hexdigest()] or [SUMS]
        raise SpecialistError(
            f"{folder}: {', '.join(changed)} changed after the specialist was saved; a changed specialist keeps no "
            "promise, so it is not loaded. Copy the folder again, or calibrate and save anew"
        )
    return contents


def _bytes(path: Path) -> bytes:
    try:
        # A pipe is never read: its first byte may never come.
        if not stat.S_ISREG(path.stat().st_mode):
            raise SpecialistError(
                f"{path} is no ordinary file (a folder, a pipe or a device); the specialist is incomplete, "
                "copy its folder again"
            )
        return path.read_bytes()
    except OSError as error:
        raise SpecialistError(
            f"{path} can't be read ({error.strerror}); the specialist is incomplete, copy its folder again"
        ) from error


def _seal(folder: Path, contents: dict[str, bytes]) -> Seal:
    core = {file: contents[file] for file in (MANIFEST, WEIGHTS, CARD, WINDOWS) if file in contents}
    try:
        manifest = Manifest.model_validate_json(contents[MANIFEST])
    except ValidationError as error:
        raise _strange(folder, MANIFEST, first_fault(error)) from error
    return Seal(manifest, hashlib.sha256(_sums(core)).hexdigest())


def _strange(folder: Path, file: str, why: str) -> SpecialistError:
    return SpecialistError(
        f"{folder}: not a specialist of format {FORMAT}: {file}: {why}. Copy the folder again, or save the specialist "
        "anew with this version of auricle"
    )


def first_fault(error: ValidationError) -> str:
    """Say in one line what pydantic refuses first: where it stands, why it is refused, and what was given.

    >>> try:
    ...     Label.model_validate({"label": "N", "name": 3})
    ... except ValidationError as error:
    ...     print(first_fault(error))
    name: Input should be a valid string; given was 3
    """
    return told_fault(error.errors(include_url=False)[0])


def told_fault(fault: "ErrorDetails") -> str:
    """Say in one line what one of pydantic's errors is about."""
    where = "".join(f"{place}: " for place in [".".join(map(str, fault["loc"]))] if place)
    why = fault["msg"].removeprefix("Value error, ")
    # Of a text that is no JSON at all, the whole would be shown.
    shown = isinstance(fault["input"], str | int | float) and fault["type"] != "json_invalid"
    return f"{where}{why}" + (f"; given was {fault['input']!r}" if shown else "")


def fits(weights: "dict[str, Tensor]", network: "nn.Module") -> None:
    """Give a network its weights, or say which of them don't fit.

    Parameters
    ----------
    weights
        By name, as `read` gives them.
    network
        It may be on torch's meta device, where weights have shapes and no numbers; it is on the CPU afterwards.

    Raises
    ------
    SpecialistError
        A weight is missing, unknown, of another shape or type, or no finite number.
    """
    import torch

    wanted = network.state_dict()
    wrong = [f"{name} is missing" for name in wanted if name not in weights]
    wrong += [f"{name} is unknown" for name in weights if name not in wanted]
    wrong += [
        f"{name} is {_kind(weights[name])}, and {_kind(value)} is needed"
        for name, value in wanted.items()
        if name in weights and (weights[name].shape, weights[name].dtype) != (value.shape, value.dtype)
    ]
    if wrong:
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise SpecialistError(
            f"the weights don't fit the architecture in {MANIFEST}: {wrong[0]}{more}; copy both files of the same "
            "specialist again"
        )
    if broken := [name for name, value in weights.items() if not torch.isfinite(value).all()]:
        raise SpecialistError(
            f"{WEIGHTS} holds numbers that are NaN or infinite ({', '.join(broken[:3])}), so that no window could be "
            "scored; the training went wrong, train anew"
        )
    # safetensors gives views of the bytes that were read; a network that may be trained on needs weights of its own.
    network.load_state_dict({name: value.clone() for name, value in weights.items()}, assign=True)


def _kind(tensor: "Tensor") -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
