"""What all baselines share: units side by side, each with registers and seeds of its own, and a law they claim."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auricle.errors import InputError
from auricle.rtl.baselines.register import Register
from auricle.rtl.text import fill

MOST_SHUFFLED = 16
"""Bits of a register whose states are drawn without repetition; longer ones hardly ever repeat one."""


@dataclass(frozen=True, kw_only=True)
class Law:
    """What the numbers of a generator are said to follow.

    Parameters
    ----------
    kind
        "normal" or "uniform".
    deviation
        Standard deviation, in steps between two numbers.
    kurtosis
        Excess kurtosis: 0 for a normal law.
    """

    kind: Literal["normal", "uniform"]
    deviation: float
    kurtosis: float


@dataclass(frozen=True, kw_only=True)
class Baseline(ABC):
    """A generator per lane, without reuse; in hardware and as its golden model.

    It has a clock, a synchronous reset to its seeds, `next`, and the numbers of all lanes. It has no stream, no
    snapshot, no seed port and no run-time shift, which the engines have: so it is smaller than what could replace an
    engine. A number y in two's complement stands for y + 1/2, as an engine's odd integers 2y + 1 do.

    Parameters
    ----------
    lanes
        Numbers in a cycle.
    seed
        Of the states after reset.
    """

    lanes: int
    seed: int = 0

    def __post_init__(self) -> None:
        if type(self.lanes) is not int or self.lanes < 1 or self.lanes % self.numbers_of_unit:
            raise InputError(
                f"lanes={self.lanes!r} was given; {self.title} has {self.numbers_of_unit} lane(s) a unit: name a "
                "multiple of it"
            )

    @property
    @abstractmethod
    def name(self) -> str:
        """Short name, of letters, digits and underscores."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What a person calls it."""

    @property
    @abstractmethod
    def what(self) -> str:
        """One sentence about a unit, for its Verilog."""

    @property
    @abstractmethod
    def law(self) -> Law:
        """What its numbers follow."""

    @property
    @abstractmethod
    def registers(self) -> tuple[Register, ...]:
        """Shift registers of a unit."""

    @property
    def family(self) -> Literal["uniform", "gaussian"]:
        """Family in the report."""
        return "uniform" if self.law.kind == "uniform" else "gaussian"

    @property
    def top(self) -> str:
        """Name of the Verilog top module."""
        return f"auricle_{self.name}"

    @property
    def bits(self) -> int:
        """Bits of a number."""
        return 8

    @property
    def numbers_of_unit(self) -> int:
        """Lanes that a unit serves."""
        return 1

    @property
    def latency(self) -> int:
        """Cycles with `next` from reset to the first number."""
        return 0

    @property
    def options(self) -> tuple[str, ...]:
        """Options of `synth_xilinx` that make it what it is called."""
        return ()

    @abstractmethod
    def from_states(self, states: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Numbers of units in given states.

        Parameters
        ----------
        states
            (..., bits) bits of the registers of a unit, one register behind the other.

        Returns
        -------
        ndarray
            (..., numbers of a unit).
        """

    @abstractmethod
    def body(self) -> str:
        """Verilog that makes `number` from `state`, indented by four."""

    def tables(self) -> dict[str, str]:
        """Files that the Verilog reads."""
        return {}

    def seeds(self) -> NDArray[np.uint8]:
        """Give states after reset, (units, bits): none is zero, and none comes twice while there are others."""
        rng = np.random.default_rng(self.seed)
        units, parts = self.lanes // self.numbers_of_unit, []
        for register in self.registers:
            if register.width <= MOST_SHUFFLED:
                period = (1 << register.width) - 1
                states = 1 + rng.permutation(period)[np.arange(units) % period]
                bits = (states[:, None] >> np.arange(register.width) & 1).astype(np.uint8)
            else:
                bits = rng.integers(0, 2, (units, register.width), dtype=np.uint8)
                bits[~bits.any(axis=1), 0] = 1
            parts.append(bits)
        return np.concatenate(parts, axis=1)

    def numbers(self, cycles: int) -> NDArray[np.int64]:
        """Give the numbers of the first cycles, (cycles, lanes): the golden model."""
        seeds, parts, start = self.seeds(), [], 0
        for register in self.registers:
            parts.append(register.states(seeds[:, start : start + register.width], cycles))
            start += register.width
        made = self.from_states(np.concatenate(parts, axis=2))  # (units, cycles, numbers of a unit)
        return np.moveaxis(made, 0, 1).reshape(cycles, self.lanes)

    def files(self) -> dict[str, str]:
        """Verilog and tables by file name."""
        bits = sum(register.width for register in self.registers)
        out = {f"{register.name}.v": register.verilog() for register in self.registers}
        wires = [f"    wire [{bits - 1}:0] state;"]
        start = 0
        for i, register in enumerate(self.registers):
            part = f"[{start + register.width - 1}:{start}]"
            joined = f".clk(clk), .rst(rst), .next(next), .state(state{part})"
            wires.append(f"    {register.name} #(.SEED(SEED{part})) r{i} ({joined});")
            start += register.width
        wide = self.bits * self.numbers_of_unit
        out[f"{self.top}_unit.v"] = fill(
            "baseline_unit.v", name=self.top, what=self.what, seed_msb=bits - 1, seed_bits=bits, out_msb=wide - 1,
            registers="\n".join(wires), body=self.body(),
        )  # fmt: skip
        seeds = self.seeds()
        value = int("".join(map(str, seeds.ravel()[::-1])), 2)
        out[f"{self.top}.v"] = fill(
            "baseline_top.v", name=self.top, what=self.title, lanes=self.lanes, units=len(seeds), seed_bits=bits,
            seeds_bits=seeds.size, seeds_msb=seeds.size - 1, seeds=f"{value:x}", out_bits=wide,
            row_msb=self.bits * self.lanes - 1,
        )  # fmt: skip
        return out | self.tables()


def field(states: NDArray[np.uint8], first: int, bits: int) -> NDArray[np.int64]:
    """Bits of states as a number, the first bit lowest.

    Examples
    --------
    >>> int(field(np.array([0, 1, 1, 0], np.uint8), 1, 3))
    3
    """
    return states[..., first : first + bits].astype(np.int64) @ (1 << np.arange(bits, dtype=np.int64))


def signed(words: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    """Words as two's complement.

    Examples
    --------
    >>> signed(np.array([127, 128, 255]), 8)
    array([ 127, -128,   -1])
    """
    half = 1 << (bits - 1)
    return (words ^ half) - half
