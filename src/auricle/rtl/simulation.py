"""One engine's test bench in a simulator, and its Verilog under a linter."""

import re
import time
from dataclasses import dataclass
from pathlib import Path

from auricle.rtl.engine import Engine
from auricle.rtl.tools import Tool, run
from auricle.rtl.update import TOP
from auricle.rtl.verilog import modules

_VERDICT = re.compile(r"^(PASS|FAIL) (.*)$", re.MULTILINE)
_COUNTS = re.compile(r"(\w+)=(\d+)")


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """What a test bench said.

    Parameters
    ----------
    passed
        Whether every beat was what the golden model says.
    said
        The line with the verdict, or the end of the output where there was none.
    beats, numbers, stalls
        Beats and numbers that were compared, and cycles in which a beat waited; 0 where it failed.
    seconds
        Time for building and running.
    """

    passed: bool
    said: str
    beats: int = 0
    numbers: int = 0
    stalls: int = 0
    seconds: float = 0.0


def simulate(folder: Path, name: str, tool: Tool) -> Simulation:
    """Build and run the test bench of a generated engine; the simulator's files are left in the folder.

    Parameters
    ----------
    folder
        Of the generated files.
    name
        Of the engine.
    tool
        The simulator.
    """
    start = time.perf_counter()
    sources = sorted(path.name for path in folder.glob("*.v"))
    top = f"{name}_tb"
    if tool.name == "iverilog":
        run([*tool.command, "-g2005", "-s", top, "-o", "simulation.vvp", *sources], folder)
        said = run([str(Path(tool.command[0]).with_name("vvp")), "-n", "simulation.vvp"], folder)
    else:
        # The package's own flags lack the coroutines that --timing needs.
        flags = ["-CFLAGS", "-std=c++20 -fcoroutines -O0"]
        build = ["--binary", "--timing", "-j", "2", "-Wno-fatal", "--Mdir", "simulation", "--top-module", top]
        run([*tool.command, *build, *flags, *sources], folder)
        said = run([str(folder / "simulation" / f"V{top}")], folder)
    verdict = _VERDICT.search(said)
    seconds = time.perf_counter() - start
    if verdict is None or verdict[1] == "FAIL":
        line = verdict[0] if verdict else (said.strip().splitlines() or ["it said nothing"])[-1]
        return Simulation(passed=False, said=line, seconds=seconds)
    counts = {key: int(value) for key, value in _COUNTS.findall(verdict[2])}
    return Simulation(
        passed=True, said=verdict[0], beats=counts["beats"], numbers=counts["numbers"], stalls=counts["stalls"],
        seconds=seconds,
    )  # fmt: skip


def lint(folder: Path, engine: Engine, tool: Tool) -> str:
    """Give Verilator's first complaint about an engine's Verilog under -Wall, or nothing."""
    return _lint(folder, engine.name, list(modules(engine)), tool)


def lint_update(folder: Path, tool: Tool) -> str:
    """Do the same for the update lane of a generated folder."""
    return _lint(folder, TOP, ["auricle_tail.v", f"{TOP}.v"], tool)


def _lint(folder: Path, top: str, sources: list[str], tool: Tool) -> str:
    said = run([*tool.command, "--lint-only", "-Wall", "-Wno-fatal", "--top-module", top, *sources], folder)
    return next((line for line in said.splitlines() if line.startswith("%")), "")
