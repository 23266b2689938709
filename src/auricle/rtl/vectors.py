"""Test vectors: commands to an engine, and the beats that the golden model says must follow."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auricle.rtl.engine import Engine, Seed
from auricle.zeroth import LfsrBank, RowPool, lfsr

RUN, SNAPSHOT, RESTORE, NOTHING, SEED, RESET, ABORT, FAULT = range(8)
"""Operations of the test bench; the first four are the engine's commands."""
FAR = 1 << 40
"""Directions are drawn up to here when the engine is sent far along."""


class Vectors(NamedTuple):
    """What a test bench reads: lines for $readmemh, and how many numbers are compared."""

    commands: list[str]
    beats: list[str]
    numbers: int
    cycles: int
    """Cycles that the engine needs at most if nobody holds it back."""


@dataclass
class Script:
    """Commands and the beats that they bring, written down together.

    Parameters
    ----------
    engine
        With the spec that a reset leads to.
    rng
        Of everything that is chosen.
    """

    engine: Engine
    rng: np.random.Generator
    commands: list[str] = field(default_factory=list)
    beats: list[str] = field(default_factory=list)
    numbers: int = 0
    cycles: int = 0

    def command(
        self, op: int, *, rows: int = 0, tail: int = 0, pad: int = 0, shift: int = 0, index: int = 0, data: int = 0
    ) -> None:
        """Add one operation, held back as chance has it."""
        value = op
        fields = ((int(self.rng.integers(3)), 8), (rows, 32), (tail, 16), (pad, 8), (shift, 8), (index, 16))
        for part, bits in (*fields, (data, self.engine.seed_bits)):
            value = value << bits | part
        digits = -(-(96 + self.engine.seed_bits) // 4)
        self.commands.append(f"{value:0{digits}x}")
        self.cycles += 10

    def seed(self, seeds: list[Seed]) -> None:
        """Write to the seed port."""
        for seed in seeds:
            self.command(SEED, index=seed.place, data=seed.data)

    def send(
        self, rows: NDArray[np.int64], dimension: int, *, shift: int, abort: bool = False, pad: int | None = None
    ) -> None:
        """Run a direction, in part if it is to be aborted, and expect its rows."""
        schedule = self.engine.schedule(dimension)
        if pad is not None:
            schedule = schedule._replace(pad=pad)
        sent = int(self.rng.integers(schedule.rows)) if abort else schedule.rows
        op = ABORT if abort else RUN
        self.command(op, rows=schedule.rows, tail=schedule.tail, pad=schedule.pad, shift=shift, index=sent)
        bits, lanes = self.engine.lane_bits, self.engine.lanes
        digits = -(-(lanes * bits + 17) // 4)
        kind = np.dtype(f"<i{1 if bits == 8 else 2 if bits == 16 else 4}")
        for i in range(sent):
            last = i == schedule.rows - 1
            count = schedule.tail if last else lanes
            data = rows[i].astype(kind).view(np.uint8).reshape(lanes, -1)[:, : bits // 8].tobytes()
            value = (int(last) << 16 | count) << (lanes * bits) | int.from_bytes(data, "little")
            self.beats.append(f"{value:0{digits}x}")
            self.numbers += count
        self.cycles += sent + schedule.pad


def vectors(engine: Engine, *, numbers: int, seed: int = 0) -> Vectors:
    """Make a script of sessions until it compares as many numbers: reset, reseeding, jumps, bad seeds, aborts.

    In a session directions of one dimension are sent, some of them several times from a snapshot as a training step
    sends them, with other shifts.

    Parameters
    ----------
    engine
        What is tested.
    numbers
        Numbers to compare, at least.
    seed
        Of the script.

    Examples
    --------
    >>> from auricle.rtl import bank
    >>> made = vectors(Engine(spec=bank(lanes=7)), numbers=500)
    >>> made.numbers >= 500, made == vectors(Engine(spec=bank(lanes=7)), numbers=500)
    (True, True)
    """
    script = Script(engine, np.random.default_rng(seed))
    spec = engine.spec
    # Sessions of a tenth each, so that all kinds occur, and small ones where few numbers are asked for.
    most = max(1, numbers // 10 // engine.lanes)
    turn = 0
    while script.numbers < numbers or turn < 5:
        spec = _session(script, spec, turn % 5, most)
        turn += 1
    return Vectors(script.commands, script.beats, script.numbers, script.cycles)


def _session(script: Script, spec: LfsrBank | RowPool, kind: int, most: int) -> LfsrBank | RowPool:
    """Add one session, and give the spec whose numbers the engine holds after it."""
    engine, rng = script.engine, script.rng
    dimension = draw_dimension(rng, engine.lanes, most)
    shifts = 1 << engine.shift_bits
    if kind == 0:
        script.command(RESET)
        script.command(FAULT, data=0)
        # The rows of a pool are not reset, the registers of a bank are.
        spec = engine.spec if isinstance(spec, LfsrBank) else spec
        _directions(script, spec, 0, dimension)
    elif kind == 1:
        spec = replace(spec, seed=int(rng.integers(1 << 62)))
        script.seed(replace(engine, spec=spec).seeds(0, dimension))
        _directions(script, spec, 0, dimension)
    elif kind == 2:
        direction = int(rng.integers(FAR)) if isinstance(spec, LfsrBank) else _before_row_0(spec, rng)
        script.seed(replace(engine, spec=spec).seeds(direction, dimension, numbers=False))
        _directions(script, spec, direction, dimension)
    elif kind == 3:
        script.seed(list(_bad_seeds(engine, rng)))
        script.command(FAULT, data=1)
        shift, count = int(rng.integers(shifts)), engine.schedule(dimension).rows
        # A pool takes no padding; a bank is given more than any dimension of so few rows needs.
        pad = int(rng.integers(1, 256)) if isinstance(spec, LfsrBank) else 0
        for part in _after_bad_seeds(engine, spec, dimension, count + pad):
            script.send(part << shift, dimension, shift=shift, pad=pad)
    else:
        script.command(RESET)
        spec = engine.spec if isinstance(spec, LfsrBank) else spec
        rows = replace(engine, spec=spec).beats(0, dimension)
        script.send(rows, dimension, shift=0, abort=True)
        script.command(RESTORE)
        script.command(RUN, rows=0, tail=1)
        script.send(rows, dimension, shift=0)
        script.command(RESET)
    return spec


def _before_row_0(spec: RowPool, rng: np.random.Generator) -> int:
    """Draw a direction whose next one starts at row 0, where the counter's carry leaves nothing over."""
    period = spec.rows - 1  # of the stride; row 0 is that of direction t + 1 = e + k period if e - k + 2^e = 0 mod rows
    exponent = int(rng.integers(period))
    rounds = (exponent + pow(2, exponent, spec.rows)) % spec.rows
    return exponent + period * (rounds + spec.rows * int(rng.integers(FAR // spec.rows**2))) - 1


def draw_dimension(rng: np.random.Generator, lanes: int, most: int) -> int:
    """Draw a dimension: less than a row, whole rows, or rows and a tail."""
    rows = int(rng.integers(1, most + 1))
    tail = int(rng.integers(1, lanes + 1))
    return [tail, rows * lanes, (rows - 1) * lanes + tail][rng.integers(3)]


def _directions(script: Script, spec: LfsrBank | RowPool, first: int, dimension: int) -> None:
    """Send four directions: once, or thrice from a snapshot, as +eps, -2 eps and update read them."""
    engine = replace(script.engine, spec=spec)
    for direction in range(first, first + 4):
        replays = int(script.rng.choice([0, 2]))
        rows = engine.beats(direction, dimension)
        if replays:
            script.command(SNAPSHOT)
        for replay in range(replays + 1):
            if replay:
                script.command(NOTHING)
                script.command(RESTORE)
            shift = int(script.rng.integers(1 << engine.shift_bits))
            script.send(rows << shift, dimension, shift=shift)


def _bad_seeds(engine: Engine, rng: np.random.Generator) -> Iterator[Seed]:
    """Seeds that no engine may keep: states of zero; counters out of range; indices that don't exist."""
    spec = engine.spec
    if isinstance(spec, LfsrBank):
        for place in range(1 << engine.seed_index_bits):
            yield Seed(place, 0)
        return
    beyond = 1 << engine.address_bits
    start = int(rng.integers(spec.rows, beyond))
    stride = int(rng.choice([0, *range(spec.rows, beyond)]))
    yield Seed(spec.rows, stride << engine.address_bits | start)
    for index in range(spec.rows + 1, beyond):
        yield Seed(index, (1 << engine.seed_bits) - 1)


def _after_bad_seeds(
    engine: Engine, spec: LfsrBank | RowPool, dimension: int, length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two directions that follow `_bad_seeds`: from registers that all stand at 1, or from counters that are 1.

    The bank is followed register by register, as no spec begins so; its second direction begins `length` cycles later.
    """
    if isinstance(spec, RowPool):
        held = replace(engine, spec=spec)
        return held.beats(0, dimension), held.beats(1, dimension)
    state, rows = [1] * spec.generators, []
    count = engine.schedule(dimension).rows
    for _ in range(length + count):
        words = [2 * (s & ((1 << spec.bits) - 1)) + 1 - (1 << spec.bits) for s in state]
        rows.append([words[lane % spec.generators] for lane in range(spec.row)])
        for place, width in enumerate(spec.widths_of):
            for _ in range(lfsr.leap(width, spec.bits)):
                state[place] = lfsr.clock(state[place], width)
        state = state[spec.rotation :] + state[: spec.rotation]
    return np.array(rows[:count], np.int64), np.array(rows[length:], np.int64)
