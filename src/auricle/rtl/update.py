"""The weight-update lane: fixed-point weights stream through and leave as w - c u, bit for bit what NumPy says."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.errors import InputError
from auricle.rtl.engine import Engine, check_lanes, lane_bits
from auricle.rtl.port import Port, port_lines
from auricle.rtl.text import fill
from auricle.zeroth.perturbation import check_bits

TOP = "auricle_update"
"""Name of the Verilog module."""
COEFFICIENT_BITS = 18
"""What the narrow port of a DSP48 takes."""
WEIGHT_BITS = (8, 16, 24, 32)
MOST_FRACTION = COEFFICIENT_BITS - 3
"""So that 2, which a walk from one perturbation to the other needs, is a coefficient."""


class Updated(NamedTuple):
    """What leaves the lane."""

    weights: NDArray[np.int64]
    saturated: bool
    """Whether a change or a weight was out of range and cut off."""


@dataclass(frozen=True, kw_only=True)
class UpdateLane:
    """Golden model of the lane: w becomes w - c u in fixed point, one rounding and two saturations.

    Weights are whole numbers of a unit that their user chooses, say 2^-14; u is what an engine sends, in the same unit.
    A coefficient is a whole number C of `COEFFICIENT_BITS` bits and stands for c = C / 2^fraction_bits.

    Parameters
    ----------
    weight_bits
        Bits of a weight, two's complement: 8, 16, 24 or 32.
    fraction_bits
        Bits of a coefficient behind the point, 0 to 15. With none, c is whole and nothing is ever rounded: 32-bit
        weights then take the steps of a ledger.

    Notes
    -----
    The change is C u / 2^fraction_bits, to the nearest whole number, halves away from zero, cut off at
    +-(2^(weight_bits - 1) - 1). Rounding and cut are symmetric, so -C undoes what C has done. The difference of weight
    and change is cut off at -2^(weight_bits - 1) and 2^(weight_bits - 1) - 1.

    A two-point step reads the stored weights three times: with C = -one it sends w + u to the first forward pass, with
    C = one w - u to the second, and with the coefficient that follows from the two losses it sends the new weights,
    which alone are written back. So whatever a perturbation cuts off, the weights are not touched by it. A step that
    writes back each time walks with -one, 2 one and -one, and is back to the bit unless something was cut off.

    Examples
    --------
    >>> lane = UpdateLane(weight_bits=16, fraction_bits=8)
    >>> lane.one, lane.coefficient(-0.3)
    (256, -77)
    >>> lane.apply([100, -32768, 32000], [5, 5, -255], lane.coefficient(-0.3))
    Updated(weights=array([   102, -32766,  31923]), saturated=False)
    >>> lane.apply([100, -32768, 32000], [5, 5, -255], 4 * lane.one)
    Updated(weights=array([    80, -32768,  32767]), saturated=True)
    """

    weight_bits: int = 16
    fraction_bits: int = 8

    def __post_init__(self) -> None:
        if type(self.weight_bits) is not int or self.weight_bits not in WEIGHT_BITS:
            raise InputError(f"weight_bits={self.weight_bits!r} was given; allowed are 8, 16, 24 and 32")
        if type(self.fraction_bits) is not int or not 0 <= self.fraction_bits <= MOST_FRACTION:
            raise InputError(f"fraction_bits={self.fraction_bits!r} was given; allowed are 0 to {MOST_FRACTION}")

    @property
    def one(self) -> int:
        """The coefficient 1: with it the lane subtracts u, and with -one it adds u."""
        return 1 << self.fraction_bits

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and greatest weight."""
        return -1 << (self.weight_bits - 1), (1 << (self.weight_bits - 1)) - 1

    def coefficient(self, value: float) -> int:
        """Give the nearest coefficient; halves are rounded to even.

        Raises
        ------
        InputError
            It is out of range, or no number.
        """
        most = ((1 << (COEFFICIENT_BITS - 1)) - 1) / self.one
        if not -most <= value <= most:
            raise InputError(
                f"a coefficient of {value!r} was given; allowed are -{most:g} to {most:g}, larger ones with fewer "
                f"fraction bits than {self.fraction_bits}"
            )
        return round(value * self.one)

    def change(self, numbers: ArrayLike, coefficient: int) -> Updated:
        """Give what is subtracted from the weights: the rounded product, cut off.

        Parameters
        ----------
        numbers
            What an engine sends, whole numbers of any shape.
        coefficient
            C, of `COEFFICIENT_BITS` bits.

        Raises
        ------
        InputError
            A coefficient that is no whole number of so many bits.
        """
        most = 1 << (COEFFICIENT_BITS - 1)
        if isinstance(coefficient, bool) or not isinstance(coefficient, int | np.integer):
            raise InputError(f"coefficient={coefficient!r} was given; a whole number is needed, as coefficient() gives")
        if not -most <= coefficient < most:
            raise InputError(f"coefficient={coefficient} was given; allowed are {-most} to {most - 1}")
        product = np.asarray(numbers, np.int64) * int(coefficient)
        rounded = np.sign(product) * ((np.abs(product) + self.one // 2) // self.one)
        cut = np.clip(rounded, -self.limits[1], self.limits[1])
        return Updated(cut, bool((cut != rounded).any()))

    def apply(self, weights: ArrayLike, numbers: ArrayLike, coefficient: int) -> Updated:
        """Send weights through the lane.

        Parameters
        ----------
        weights, numbers
            Whole numbers of one shape, as the lane and an engine hold them.
        coefficient
            C, of `COEFFICIENT_BITS` bits.

        Raises
        ------
        InputError
            Weights out of range, shapes that differ, or no such coefficient.
        """
        held, change = np.asarray(weights, np.int64), self.change(numbers, coefficient)
        if held.shape != change.weights.shape:
            raise InputError(f"weights of shape {held.shape} and numbers of shape {change.weights.shape} were given")
        low, high = self.limits
        if held.size and not low <= held.min() <= held.max() <= high:
            raise InputError(
                f"weights from {held.min()} to {held.max()} were given; {self.weight_bits} bits hold {low} to {high}"
            )
        difference = held - change.weights
        cut = np.clip(difference, low, high)
        return Updated(cut, change.saturated or bool((cut != difference).any()))


def update_files(
    *, lanes: int, bits: int, weight_bits: int, words: int | None = None, shift_bits: int = 2, fraction_bits: int = 8
) -> dict[str, str]:
    """Verilog of a lane by file name, the top module `TOP` last; each module in a file of its name.

    Parameters
    ----------
    lanes
        Weights in a beat.
    bits, shift_bits
        Of the engine that sends the numbers: bits of a word, and of its shift.
    weight_bits, fraction_bits
        See `UpdateLane`.
    words
        Numbers that differ in a beat, as lane l takes number l mod words: the multipliers. None for one in each lane,
        which any generator can feed; `Engine.words` for an engine.

    Raises
    ------
    InputError
        A size that can't be.
    """
    lane = UpdateLane(weight_bits=weight_bits, fraction_bits=fraction_bits)
    check_bits(bits)
    check_lanes(lanes)
    if words is not None and not 1 <= words <= lanes:
        raise InputError(f"words={words} was given; allowed are 1 to {lanes}, as many as there are lanes")
    return {
        "auricle_tail.v": fill("tail.v"),
        f"{TOP}.v": fill(
            "update.v",
            ports=port_lines(update_ports(lane, lane_bits(bits, shift_bits))),
            lanes=lanes,
            words=lanes if words is None else words,
            lane_bits=lane_bits(bits, shift_bits),
            number_bits=bits + (1 << shift_bits),
            weight_bits=lane.weight_bits,
            coefficient_bits=COEFFICIENT_BITS,
            fraction_bits=lane.fraction_bits,
        ),
    }


def update_modules(engine: Engine, lane: UpdateLane) -> dict[str, str]:
    """Verilog of the lane that goes with an engine."""
    return update_files(
        lanes=engine.lanes, bits=engine.spec.bits, weight_bits=lane.weight_bits, words=engine.words,
        shift_bits=engine.shift_bits, fraction_bits=lane.fraction_bits,
    )  # fmt: skip


def update_ports(lane: UpdateLane, number_bits: int) -> list[Port]:
    """Ports of the module, for its comment and the README; a number of the engine takes `number_bits` on the bus."""
    point = f"{COEFFICIENT_BITS - lane.fraction_bits}.{lane.fraction_bits}"
    return [
        Port("clk", "in", "1", "clock, rising edge"),
        Port("rst", "in", "1", "synchronous reset: what is on its way is dropped"),
        Port("coefficient_valid, _ready", "in, out", "1", "taken when both are high: one before each direction"),
        Port("coefficient", "in", str(COEFFICIENT_BITS), f"two's complement, {point}: {lane.one} stands for 1"),
        Port("s_axis_u_tvalid, _tready", "in, out", "1", "the engine's stream: its ports m_axis_*"),
        Port("s_axis_u_tdata", "in", f"LANES x {number_bits}", "numbers, already shifted"),
        Port("s_axis_u_tuser", "in", "16", "lanes that count"),
        Port("s_axis_u_tlast", "in", "1", "last beat of the direction"),
        Port("s_axis_w_tvalid, _tready", "in, out", "1", "the weights' stream; a beat is taken with one of numbers"),
        Port("s_axis_w_tdata", "in", f"LANES x {lane.weight_bits}", "two's complement, lane 0 lowest"),
        Port("s_axis_w_tlast", "in", "1", "last beat of the weights"),
        Port("m_axis_tvalid, _tready", "out, in", "1", "a beat is taken when both are high; it waits unchanged"),
        Port("m_axis_tdata", "out", f"LANES x {lane.weight_bits}", "w - c u; lanes that don't count as they came"),
        Port("m_axis_tuser", "out", "16", "lanes that count"),
        Port("m_axis_tlast", "out", "1", "last beat of the direction"),
        Port("saturated", "out", "1", "something was cut off in the beats of this direction taken so far"),
        Port("misaligned", "out", "1", "stays high after a beat in which only one of the two streams ended"),
    ]  # fmt: skip
