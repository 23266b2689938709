"""Test vectors of an engine with its update lane: commands, coefficients, weights, and the weights that must follow."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auricle.rtl.engine import Engine
from auricle.rtl.update import COEFFICIENT_BITS, UpdateLane
from auricle.rtl.vectors import RESTORE, RUN, SNAPSHOT, draw_dimension

END = 4
"""Operation of the test bench: wait for so many beats, look whether the streams were misaligned, and reset."""
KINDS = 6
"""Of episodes."""
DIRECTIONS = 3
"""In an episode."""

Rows = NDArray[np.int64]


class UpdateVectors(NamedTuple):
    """What the test bench reads: lines for $readmemh, and how many weights are compared."""

    commands: list[str]
    coefficients: list[str]
    weights: list[str]
    updated: list[str]
    numbers: int
    cycles: int
    """Cycles that all of it needs at most if nobody holds it back."""


@dataclass
class _Script:
    """Streams that are written down together, in episodes that each begin with a reset."""

    engine: Engine
    lane: UpdateLane
    rng: np.random.Generator
    made: UpdateVectors = field(default_factory=lambda: UpdateVectors([], [], [], [], 0, 0))
    episode: int = 0

    def command(
        self, op: int, *, rows: int = 0, tail: int = 0, pad: int = 0, shift: int = 0, misaligned: bool = False
    ) -> None:
        """Add an operation, and how the four streams are held back from it on."""
        value = op
        fields = ((int(self.rng.integers(256)), 8), (rows, 32), (tail, 16), (pad, 8), (shift, 8), (int(misaligned), 8))
        for part, bits in fields:
            value = value << bits | part
        self.made.commands.append(f"{value:022x}")
        self.made = self.made._replace(cycles=self.made.cycles + 60)

    def send(
        self, direction: int, dimension: int, shift: int, coefficient: int, weights: Rows, *, beats: int | None = None,
        wrong: bool = False,
    ) -> Rows:  # fmt: skip
        """Run a direction, or its first beats, over weights; `wrong` marks the end of the weights at the wrong beat."""
        schedule = self.engine.schedule(dimension)
        numbers = self.engine.beats(direction, dimension, shift=shift)
        self.command(RUN, rows=schedule.rows, tail=schedule.tail, pad=schedule.pad, shift=shift)
        self.made.coefficients.append(f"{self.episode << 24 | coefficient % (1 << COEFFICIENT_BITS):010x}")
        sent = schedule.rows if beats is None else beats
        out, saturated = weights.copy(), False
        for i in range(sent):
            last = i == schedule.rows - 1
            found = self.lane.apply(weights[i], numbers[i], coefficient)
            out[i], saturated = found.weights, saturated or found.saturated
            count = schedule.tail if last else self.engine.lanes
            self.made.weights.append(self._line(self.episode << 8 | int(last != (wrong and i == 0)), weights[i]))
            self.made.updated.append(self._line(int(saturated) << 17 | int(last) << 16 | count, out[i]))
            self.made = self.made._replace(numbers=self.made.numbers + count)
        self.made = self.made._replace(cycles=self.made.cycles + sent + schedule.pad)
        return out

    def end(self, *, misaligned: bool = False) -> None:
        """End the episode once all its beats are there."""
        self.command(END, rows=len(self.made.updated), misaligned=misaligned)
        self.episode += 1

    def _line(self, head: int, weights: Rows) -> str:
        size = self.lane.weight_bits // 8
        data = weights.astype("<i8").view(np.uint8).reshape(len(weights), 8)[:, :size].tobytes()
        return f"{head:06x}{int.from_bytes(data, 'little'):0{2 * len(data)}x}"


def update_vectors(engine: Engine, lane: UpdateLane, *, numbers: int, seed: int = 0) -> UpdateVectors:
    """Make episodes until as many weights are compared: steps, walks, any coefficient, resets, unlike streams, tails.

    Parameters
    ----------
    engine, lane
        What is tested together.
    numbers
        Weights to compare, at least.
    seed
        Of all that is chosen.

    Examples
    --------
    >>> from auricle.rtl import bank
    >>> made = update_vectors(Engine(spec=bank(lanes=7)), UpdateLane(), numbers=500)
    >>> made.numbers >= 500, len(made.weights) == len(made.updated)
    (True, True)
    """
    script = _Script(engine, lane, np.random.default_rng(seed))
    # Each episode sends a direction up to nine times; small ones where few weights are asked for.
    most = max(1, numbers // 30 // engine.lanes)
    while script.made.numbers < numbers or script.episode < KINDS:
        _episode(script, script.episode % KINDS, most)
    return script.made


def _episode(script: _Script, kind: int, most: int) -> None:
    engine, rng, one = script.engine, script.rng, script.lane.one
    dimension = draw_dimension(rng, engine.lanes, most)
    # Fewer weights than words, so that some words reach no lane that counts.
    few = kind == 5 and engine.words > 1
    if few:
        dimension = int(rng.integers(1, engine.words))
    shift = int(rng.integers(1 << engine.shift_bits))
    weights = _weights(script, engine.schedule(dimension).rows, room=64 if few else None)
    if kind == 3:
        # What is on its way at a reset is dropped: numbers go on coming until the stages are full.
        beats = int(rng.integers(len(weights)))
        script.send(0, dimension, shift, _coefficient(script, shift), weights, beats=beats)
        script.end()
        return
    for direction in range(DIRECTIONS):
        script.command(SNAPSHOT)
        coefficients = [_idle(script, direction, dimension, shift) if few else _coefficient(script, shift)]
        if kind == 0:
            coefficients = [-one, one, *coefficients]
        elif kind == 1:
            coefficients = [-one, 2 * one, -one, *coefficients]
        for turn, coefficient in enumerate(coefficients):
            if turn:
                script.command(RESTORE)
            out = script.send(direction, dimension, shift, coefficient, weights, wrong=kind == 4 and not direction)
            # A walk writes back each time, a step only at its end.
            if kind or turn == 2:
                weights = out
    script.end(misaligned=kind == 4)


def _weights(script: _Script, rows: int, *, room: int | None = None) -> Rows:
    """Draw weights, also for lanes that hold none: of all sizes, or small enough that little is cut off."""
    low, high = script.lane.limits
    room = int(script.rng.choice([1, 4, 64])) if room is None else room
    return script.rng.integers(low // room, high // room + 1, (rows, script.engine.lanes))


def _idle(script: _Script, direction: int, dimension: int, shift: int) -> int:
    """Coefficient that cuts off changes by words without a weight and by no others, so that nothing may be told.

    Any other one where the numbers or the bits of a coefficient leave none.
    """
    engine, one, most = script.engine, script.lane.one, 1 << (COEFFICIENT_BITS - 1)
    sizes = np.abs(engine.spec.integers(direction, np.arange(engine.words), dimension).astype(int)) << shift
    counted, idle = int(sizes[:dimension].max()), int(sizes[dimension:].max())
    limit = script.lane.limits[1]
    coefficient = (limit + 1) * one // idle + 1
    fits = coefficient < most and coefficient * counted <= limit * one
    return int(script.rng.choice([-1, 1])) * coefficient if fits else _coefficient(script, shift)


def _coefficient(script: _Script, shift: int) -> int:
    """Draw a coefficient: the simple ones, both ends, those at which changes begin to be cut off, and of all sizes."""
    rng, one, most = script.rng, script.lane.one, 1 << (COEFFICIENT_BITS - 1)
    kind = rng.integers(3)
    if kind == 0:
        return int(rng.choice([0, 1, -1, one, -one, most - 1, -most]))
    if kind == 1:
        edge = script.lane.limits[1] * one // (script.engine.spec.largest << shift)
        return int(np.clip(rng.choice([-1, 1]) * edge * rng.uniform(0.5, 2), -most, most - 1))
    size = 1 << int(rng.integers(1, COEFFICIENT_BITS))
    return int(rng.integers(-size, size))
