"""The engines and their update lanes held against the golden models: many lanes, many sessions, and three proofs."""

import tempfile
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from auricle.rtl.engine import Engine, bank, row_pool
from auricle.rtl.folder import generate
from auricle.rtl.proof import Proof, netlist_is_rtl, never_zero, update_netlist_is_rtl
from auricle.rtl.simulation import lint, lint_update, simulate
from auricle.rtl.tools import Simulator, Tool, simulator, verilator, yosys
from auricle.rtl.update import TOP, UpdateLane
from auricle.zeroth import LfsrBank

LANES = (1, 7, 31, 64, 1024)
PROOFS = 3
NARROW = UpdateLane(weight_bits=8, fraction_bits=1)
"""Lane that is proved, with the narrowest numbers there are: multipliers are hard to prove."""
Progress = Callable[[int, int, str], None]


def engines() -> list[Engine]:
    """Engines that are verified: both kinds at each number of lanes, other bits and shifts, and the software default.

    Examples
    --------
    >>> len(engines()), engines()[-1].spec
    (14, LfsrBank(generators=31, bits=8, widths=(11, 13, 14), lanes=None, seed=0, repeats='pad'))
    """
    made = [Engine(spec=spec) for lanes in LANES for spec in (bank(lanes=lanes), row_pool(lanes=lanes))]
    made += [Engine(spec=bank(lanes=64, bits=14, seed=3), shift_bits=3), Engine(spec=bank(lanes=31, bits=1))]
    made += [Engine(spec=row_pool(lanes=64, bits=12, seed=5), shift_bits=1), Engine(spec=LfsrBank())]
    return made


def updates() -> list[tuple[Engine, UpdateLane]]:
    """Engines that are verified once more together with an update lane: all widths of a weight, few and many lanes.

    Examples
    --------
    >>> [(engine.lanes, lane.weight_bits) for engine, lane in updates()]
    [(1, 32), (7, 8), (31, 16), (64, 24), (64, 16), (1024, 16)]
    """
    return [
        (Engine(spec=bank(lanes=1)), UpdateLane(weight_bits=32, fraction_bits=0)),
        (Engine(spec=row_pool(lanes=7)), UpdateLane(weight_bits=8, fraction_bits=3)),
        (Engine(spec=bank(lanes=31)), UpdateLane(fraction_bits=15)),
        (Engine(spec=row_pool(lanes=64, bits=12), shift_bits=3), UpdateLane(weight_bits=24, fraction_bits=1)),
        (Engine(spec=bank(lanes=64)), UpdateLane()),
        (Engine(spec=bank(lanes=1024)), UpdateLane()),
    ]


def verify(
    *, quick: bool = False, numbers: int | None = None, with_simulator: Simulator | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Simulate all engines against the golden model, lint them, and prove what simulation can't show.

    Parameters
    ----------
    quick
        A few thousand numbers of each engine instead of 80,000, and proofs of a small bank.
    numbers
        Numbers of each engine instead.
    with_simulator
        "iverilog" or "verilator"; None for what is there.
    progress
        Called with what is done, of how much, and a word for it.

    Returns
    -------
    dict
        JSON-able: `ok`, `numbers`, `tools` (name and version), `engines` (each with `name`, `spec`, `lanes`, `bits`,
        `passed`, `said`, `beats`, `numbers`, `stalls`, `seconds`, `lint`: "" if clean), `updates` (the same of weights
        that went through a lane, with `weight_bits` and `fraction_bits`), `proofs` (`what`, `proved`, `said`,
        `seconds`).

    Raises
    ------
    MissingExtraError
        No simulator, or Yosys or Verilator is missing.
    """
    tool, linter, prover = simulator(with_simulator), verilator(), yosys()
    each = numbers if numbers is not None else 4000 if quick else 80_000
    todo = [(engine, None) for engine in engines()] + updates()
    rows, proofs = [], []

    def tell(done: int) -> None:
        if progress is not None:
            progress(done, len(todo) + PROOFS, "verifying")

    for i, (engine, lane) in enumerate(todo):
        tell(i)
        rows.append(_one(engine, lane, each, i, tool, linter))
    small = Engine(spec=bank(lanes=4, bits=4, generators=3) if quick else bank(lanes=32))
    narrow = Engine(spec=bank(lanes=3, bits=1, generators=2), shift_bits=1)
    with tempfile.TemporaryDirectory() as place:
        folder, other = Path(place) / "engine", Path(place) / "narrow"
        generate(small, folder, numbers=1)
        generate(narrow, other, update=NARROW, numbers=1)
        claims: tuple[Callable[[], Proof], ...] = (
            partial(never_zero, folder, small, prover),
            partial(netlist_is_rtl, folder, small, prover),
            partial(update_netlist_is_rtl, other, narrow, NARROW, prover),
        )
        for i, prove in enumerate(claims):
            tell(len(todo) + i)
            proofs.append(asdict(prove()))
    tell(len(todo) + PROOFS)
    return {
        "ok": all(row["passed"] and not row["lint"] for row in rows) and all(proof["proved"] for proof in proofs),
        "numbers": sum(row["numbers"] for row in rows),
        "tools": {one.name: one.version for one in (tool, linter, prover)},
        "engines": [row for row in rows if row["name"] != TOP],
        "updates": [row for row in rows if row["name"] == TOP],
        "proofs": proofs,
    }


def _one(engine: Engine, lane: UpdateLane | None, numbers: int, seed: int, tool: Tool, linter: Tool) -> dict[str, Any]:
    about = {"name": engine.name, "spec": engine.spec.to_dict(), "lanes": engine.lanes, "bits": engine.spec.bits}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "engine"
        generate(engine, folder, update=lane, numbers=numbers, seed=seed)
        if lane is None:
            complaint, bench = lint(folder, engine, linter), engine.name
        else:
            complaint, bench = lint_update(folder, linter), f"{engine.name}_update"
            about |= {"name": TOP, **asdict(lane)}
        found = simulate(folder, bench, tool)
    return {**about, **asdict(found), "lint": complaint}


def _of(spec: dict[str, Any]) -> str:
    """Say in few words what a spec is made of."""
    if spec["kind"] == "lfsr":
        return f"{spec['generators']} registers of {', '.join(map(str, spec['widths']))} bits"
    return f"{spec['rows']} rows of {spec['words']} words"


def table(result: dict[str, Any]) -> str:
    """Lay the result of `verify` out for a person, as Markdown."""
    tools = ", ".join(f"{name} {version}" for name, version in result["tools"].items())
    lines = [
        "| engine | of | lanes | bits | numbers | beats | stalls | s | lint | |",
        "|---|---|---:|---:|---:|---:|---:|---:|---|---|",
    ]
    lines += [_line(row, row["bits"]) for row in result["engines"]]
    lines += ["", "| update lane | numbers from | lanes | weight bits | weights | beats | stalls | s | lint | |"]
    lines += ["|---|---|---:|---:|---:|---:|---:|---:|---|---|"]
    lines += [_line(row, row["weight_bits"]) for row in result["updates"]]
    lines += ["", "| proof | | |", "|---|---|---|"]
    for proof in result["proofs"]:
        lines.append(f"| {proof['what']} | {'proved' if proof['proved'] else 'FAILED'} | {proof['said']} |")
    verdict = "all equal to the golden models" if result["ok"] else "NOT all in order"
    lines += ["", f"{result['numbers']:,} numbers and weights compared, {verdict}. Tools: {tools}."]
    return "\n".join(lines)


def _line(row: dict[str, Any], bits: int) -> str:
    verdict = "equal" if row["passed"] else row["said"]
    figures = " | ".join(f"{value:,}" for value in (row["lanes"], bits, row["numbers"], row["beats"], row["stalls"]))
    lint = row["lint"] or "clean"
    return f"| {row['name']} | {_of(row['spec'])} | {figures} | {row['seconds']:.1f} | {lint} | {verdict} |"
