"""All that the report measures: syntheses, energies and clocks, two tools at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from auricle.errors import MissingExtraError
from auricle.rtl.baselines import baselines
from auricle.rtl.engine import Engine, bank, row_pool
from auricle.rtl.report.design import BITS, Design, of_baseline, of_engine, of_update
from auricle.rtl.report.energy import Energy, energy
from auricle.rtl.report.fmax import SEEDS, fmax, nextpnr
from auricle.rtl.report.netlist import NotModelledError
from auricle.rtl.report.synthesis import TARGETS, Counts, Target, synthesise
from auricle.rtl.tools import Tool, yosys

LANES = (16, 64, 256, 1024)
SYNTHESISED = (16, 64)
"""Lanes at which generators without reuse are synthesised; from these two they are extrapolated."""
SHARED = (64, 128)
"""The same of update lanes that share multipliers, which have as many as an engine has words from 31 lanes on."""
CLOCKED = 16
TIMED = {"uniform", "clt_4", "tree"}
"""Generators without reuse that are placed and routed, beside the engines, at 16 lanes."""
QUICK = {"uniform, a register per lane", "uniform, a register per lane, clocked once", "CLT-4, clocked once"}
"""Those that the quick report has: the cheapest."""
WORKERS = 2
Progress = Callable[[int, int, str], None]
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Task:
    """A design on a target.

    Parameters
    ----------
    design, target
        What, and where.
    line
        Lanes of the two sizes that it is extrapolated from, or none.
    seeds
        Of place and route, or none.
    """

    design: Design
    target: Target
    line: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()


def tasks(*, quick: bool) -> list[Task]:
    """Give what is to be measured, the longest first, so that workers end together.

    Examples
    --------
    >>> len(tasks(quick=True)), len(tasks(quick=False))
    (10, 72)
    """
    if quick:
        made = _engines("xc7", SYNTHESISED, (False,), SEEDS[:1])
        made += [task for task in _baselines("xc7", ()) if task.design.title in QUICK]
    else:
        made = []
        for target in TARGETS:
            seeds = SEEDS if target == "xc7" else ()
            made += _engines(target, LANES, (False, True), seeds) + _baselines(target, seeds) + _updates(target)
    return sorted(made, key=lambda task: (-task.design.lanes if task.line else 0, -len(task.seeds)))


def _engines(target: Target, sizes: Sequence[int], shifts: Sequence[bool], seeds: tuple[int, ...]) -> list[Task]:
    out = []
    for lanes in sizes:
        for spec in (bank(lanes=lanes, bits=BITS), row_pool(lanes=lanes, bits=BITS)):
            for fixed in shifts:
                clocked = seeds if lanes == CLOCKED and not fixed else ()
                out.append(Task(design=of_engine(Engine(spec=spec), fixed=fixed), target=target, seeds=clocked))
    return out


def _baselines(target: Target, seeds: tuple[int, ...]) -> list[Task]:
    return [
        Task(
            design=of_baseline(baseline), target=target, line=SYNTHESISED,
            seeds=seeds if lanes == CLOCKED and baseline.name in TIMED else (),
        )
        for lanes in SYNTHESISED
        for baseline in baselines(lanes=lanes)
    ]  # fmt: skip


def _updates(target: Target) -> list[Task]:
    words, out = Engine(spec=bank(lanes=SHARED[0])).words, []
    for own, shared in zip(SYNTHESISED, SHARED, strict=True):
        out.append(Task(design=of_update(lanes=own, words=None), target=target, line=SYNTHESISED))
        out.append(Task(design=of_update(lanes=shared, words=words), target=target, line=SHARED))
    return out


def measure(todo: Sequence[Task], *, progress: Progress | None = None) -> dict[str, Any]:
    """Do tasks.

    Parameters
    ----------
    todo
        Which.
    progress
        Called with what is done, of how much, and a word for it.

    Returns
    -------
    dict
        `tools` (name and version), `rows` (one for each task without lane registers, and one with where numbers are
        sent), `fmax`, and `missing`: what was left out for want of a tool.

    Raises
    ------
    MissingExtraError
        Yosys is missing. Without nextpnr there are no clocks, and `missing` says so.
    """
    mapper, placer, missing = yosys(), None, []
    try:
        placer = nextpnr()
    except MissingExtraError as error:
        missing.append(f"no clock was measured: {error}")
    steps = [1 + len(task.seeds) * (placer is not None) for task in todo]
    rows: dict[int, list[Row]] = {}
    clocks: dict[int, Row] = {}
    done = 0
    with ThreadPoolExecutor(WORKERS) as pool:
        waiting = {pool.submit(_one, task, mapper, placer): i for i, task in enumerate(todo)}
        try:
            for future in as_completed(waiting):
                i = waiting[future]
                rows[i], clock = future.result()
                if clock is not None:
                    clocks[i] = clock
                done += steps[i]
                if progress is not None:
                    progress(done, sum(steps), "synthesising")
        except BaseException:
            # What hasn't begun is not begun.
            pool.shutdown(cancel_futures=True)
            raise
    return {
        "tools": {tool.name: tool.version for tool in (mapper, placer) if tool is not None},
        "rows": [row for i in sorted(rows) for row in rows[i]],
        "fmax": [clocks[i] for i in sorted(clocks)],
        "missing": missing,
    }


def _one(task: Task, mapper: Tool, placer: Tool | None) -> tuple[list[Row], Row | None]:
    design = task.design
    counts, module = synthesise(design, task.target, mapper)
    spent = None
    if task.target == "xc7" and design.golden is not None:
        try:
            spent = energy(design, module)
        except NotModelledError:
            spent = None
    clock = None
    if placer is not None and task.seeds:
        found = fmax(design, module["ports"], mapper, placer, seeds=task.seeds)
        clock = {"family": design.family, "name": design.title, "lanes": design.lanes, "chip": "iCE40 HX8K"}
        clock |= found._asdict() if found else {"median": None}
    return [_row(task, counts, spent, held) for held in (False, True) if design.sent or not held], clock


def _row(task: Task, counts: Counts, spent: Energy | None, held: bool) -> Row:
    """One line of the table; lane registers are added, as they need nothing else."""
    design = task.design
    row: Row = {
        "family": design.family, "name": design.title, "target": task.target, "lanes": design.lanes,
        "bits": design.bits, **counts._asdict(), "energy": None, "energy_zero_delay": None, "energy_with_clock": None,
        "energy_memory": None, "lane_registers": held, "extrapolated": False, "line": list(task.line),
    }  # fmt: skip
    row["ff"] += held * design.lanes * design.sent
    if spent is not None:
        added = held * spent.registers
        row["energy"] = spent.glitches + added
        row["energy_zero_delay"] = spent.settled + added
        row["energy_with_clock"] = spent.glitches + added + spent.clock + held * spent.register_clocks
        row["energy_memory"] = spent.memory
    return row
