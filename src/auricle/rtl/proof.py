"""What simulation can't show, proved by Yosys: netlists are the RTL, and no register ever reaches zero."""

import re
import time
from dataclasses import dataclass
from pathlib import Path

from auricle.errors import InputError
from auricle.rtl.engine import Engine
from auricle.rtl.tools import Tool, ToolError, run
from auricle.rtl.update import TOP, UpdateLane, update_modules
from auricle.rtl.verilog import modules
from auricle.zeroth import LfsrBank

_EQUAL = """
read_verilog {sources}
hierarchy -top {top}
proc
flatten
opt_clean
design -stash gold
read_verilog {sources}
hierarchy -top {top}
setattr -set fsm_encoding "none" */w:state
synth_xilinx -flatten -family xc7 -noiopad -nodsp -top {top}
techmap -autoproc -map +/xilinx/cells_sim.v
proc
flatten
opt_clean
design -stash gate
design -copy-from gold -as gold {top}
design -copy-from gate -as gate {top}
equiv_make gold gate equiv
hierarchy -top equiv
clean -purge
equiv_simple
equiv_induct
equiv_status -assert
"""
# Recoded states would have no counterpart in the RTL, nor would registers that a DSP block takes in, so multipliers are
# made of LUTs. All else is the usual flow for Xilinx 7.

_NEVER_ZERO = """
read_verilog -formal -DFORMAL {sources}
hierarchy -top auricle_lfsr_bank
proc
flatten
opt_clean
chformal -lower
select -assert-count {count} t:$assert
sat -tempinduct -prove-asserts -set-assumes -verify
"""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was to be shown, and whether it was.

    Parameters
    ----------
    what
        The claim.
    proved
        Whether it holds.
    said
        What Yosys counted, or why it failed.
    seconds
        Time.
    """

    what: str
    proved: bool
    said: str
    seconds: float


def netlist_is_rtl(folder: Path, engine: Engine, tool: Tool) -> Proof:
    """Prove that the netlist for Xilinx 7 holds the same next state and outputs as the RTL, for every state and input.

    Parameters
    ----------
    folder
        Of the generated files.
    engine
        A bank: the block memory of a pool has no counterpart in gates.
    tool
        Yosys.
    """
    _bank(engine)
    return _equal(f"netlist of {engine.name} at {engine.lanes} lanes = RTL", folder, list(modules(engine)), tool)


def update_netlist_is_rtl(folder: Path, engine: Engine, lane: UpdateLane, tool: Tool) -> Proof:
    """Prove the same of an update lane whose multipliers are made of LUTs.

    Equal multipliers are hard to prove, and harder with each bit of a number: ten seconds of a core where numbers have
    3 bits, fifteen where they have 4; with 6 bits and 16-bit weights three minutes of a busy machine weren't enough.

    Parameters
    ----------
    folder
        Of the generated files.
    engine
        What sends the numbers; it says how wide they are.
    lane
        The lane that was generated with it.
    tool
        Yosys.
    """
    number_bits = engine.spec.bits + (1 << engine.shift_bits)
    what = (
        f"netlist of {TOP} at {engine.lanes} lanes, {number_bits}-bit numbers and {lane.weight_bits}-bit weights = RTL"
    )
    return _equal(what, folder, list(update_modules(engine, lane)), tool)


def _equal(what: str, folder: Path, sources: list[str], tool: Tool) -> Proof:
    script = _EQUAL.format(sources=" ".join(sources), top=sources[-1].removesuffix(".v"))
    return _prove(what, folder, script, tool, r"Of those cells (\d+) are proven and 0 are unproven", "{} points")


def never_zero(folder: Path, engine: Engine, tool: Tool) -> Proof:
    """Prove by induction over time that from reset on no input leads a register, or its snapshot, to zero."""
    spec = _bank(engine)
    sources = [name for name in modules(engine) if name.startswith("auricle_lfsr_")]
    script = _NEVER_ZERO.format(sources=" ".join(sources), count=spec.generators)
    return _prove(
        f"no register of {engine.name} at {engine.lanes} lanes reaches zero", folder, script, tool,
        r"(Induction step proven: SUCCESS)", f"{spec.generators} registers and their snapshots",
    )  # fmt: skip


def _bank(engine: Engine) -> LfsrBank:
    if not isinstance(engine.spec, LfsrBank):
        raise InputError(f"an engine of kind {engine.spec.kind!r} was given; only those of kind 'lfsr' are proved")
    return engine.spec


def _prove(what: str, folder: Path, script: str, tool: Tool, pattern: str, words: str) -> Proof:
    start = time.perf_counter()
    try:
        said = run(list(tool.command), folder, text=script.strip() + "\n")
    except ToolError as error:
        return Proof(what=what, proved=False, said=str(error), seconds=time.perf_counter() - start)
    found = re.search(pattern, said)
    text = words.format(found[1]) if found else "Yosys ended without a proof"
    return Proof(what=what, proved=found is not None, said=text, seconds=time.perf_counter() - start)
