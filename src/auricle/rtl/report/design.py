"""What the report measures: a Verilog design, and how to see that its netlist sends the numbers of its golden model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auricle.rtl.baselines import Baseline
from auricle.rtl.engine import Engine
from auricle.rtl.text import fill
from auricle.rtl.update import TOP, update_files
from auricle.rtl.verilog import modules
from auricle.zeroth import LfsrBank

Family = Literal["pool", "lfsr", "uniform", "gaussian", "update"]
Golden = Callable[[int], NDArray[np.int64]]
BITS = 8


@dataclass(frozen=True, kw_only=True)
class Design:
    """A design to be measured.

    Parameters
    ----------
    family, title
        What kind it is, and what a person calls it.
    lanes, bits
        Numbers in a cycle, and bits of a word, or of a weight where it updates weights.
    top, files
        Name of the top module; texts by file name.
    options
        More options of `synth_xilinx`.
    sent
        Bits that each lane is sent, side by side on the port `row`; 0 for a design without that port.
    inputs
        Values of the inputs while numbers stream; empty where energy is not modelled.
    latency
        Cycles from reset to the first numbers.
    golden
        Gives the numbers of so many cycles, (cycles, lanes).
    """

    family: Family
    title: str
    lanes: int
    bits: int
    top: str
    files: Mapping[str, str] = field(repr=False)
    options: tuple[str, ...] = ()
    sent: int = 0
    inputs: Mapping[str, int] = field(default_factory=dict)
    latency: int = 0
    golden: Golden | None = None

    @property
    def sources(self) -> list[str]:
        """Verilog files."""
        return [name for name in self.files if name.endswith(".v")]


def of_engine(engine: Engine, *, fixed: bool = False) -> Design:
    """Describe an engine with KEEP = 0.

    Parameters
    ----------
    engine
        With words of any width.
    fixed
        Whether its shift is fixed at 0; its numbers are then as wide as its words, as a last bit that is always one
        needs no wire.
    """
    spec, name = engine.spec, "auricle_measured"
    bank = isinstance(spec, LfsrBank)
    first = 1 if fixed else 0
    sent = spec.bits if fixed else spec.bits + (1 << engine.shift_bits)
    files = dict(modules(engine))
    if not bank:
        digits = -(-spec.words * spec.bits // 4)  # type: ignore[union-attr]
        files[f"{engine.name}.hex"] = "".join(f"{row:0{digits}x}\n" for row in engine.memory())
    files[f"{name}.v"] = fill(
        "measured.v", name=engine.name, lanes=engine.lanes, shift_msb=engine.shift_bits - 1,
        index_msb=engine.seed_index_bits - 1, seed_msb=engine.seed_bits - 1, row_msb=engine.lanes * sent - 1,
        data_msb=engine.lanes * engine.lane_bits - 1, pad_port="        .cfg_pad(cfg_pad),\n" if bank else "",
        shift=f"{engine.shift_bits}'d0" if fixed else "cfg_shift", number_bits=sent, lane_bits=engine.lane_bits,
        first=first,
    )  # fmt: skip
    what = f"bank of {spec.generators} registers" if isinstance(spec, LfsrBank) else "pool in block memory"
    return Design(
        family="lfsr" if bank else "pool", title=what + (", shift fixed" if fixed else ""), lanes=engine.lanes,
        bits=spec.bits, top=name, files=files, sent=sent, latency=1,
        inputs={"cmd_valid": 1, "cmd": 0, "cfg_rows": (1 << 32) - 1, "cfg_tail": engine.lanes, "ready": 1},
        golden=partial(_beats, engine, first),
    )  # fmt: skip


def _beats(engine: Engine, first: int, cycles: int) -> NDArray[np.int64]:
    return engine.beats(0, cycles * engine.lanes) >> first


def of_baseline(baseline: Baseline) -> Design:
    """Describe a generator without reuse."""
    return Design(
        family=baseline.family, title=baseline.title, lanes=baseline.lanes, bits=baseline.bits, top=baseline.top,
        files=baseline.files(), options=baseline.options, sent=baseline.bits, inputs={"next": 1},
        latency=baseline.latency, golden=baseline.numbers,
    )  # fmt: skip


def of_update(*, lanes: int, words: int | None, weight_bits: int = 16) -> Design:
    """Describe a lane that updates weights: a multiplier for each of `words` numbers, or None for one in each lane."""
    how = "a multiplier per lane" if words is None else f"{words} multipliers for all lanes"
    return Design(
        family="update", title=f"update of {weight_bits}-bit weights, {how}", lanes=lanes, bits=weight_bits, top=TOP,
        files=update_files(lanes=lanes, bits=BITS, weight_bits=weight_bits, words=words),
    )  # fmt: skip
