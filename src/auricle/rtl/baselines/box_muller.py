"""Two normal numbers from two uniform ones, by a radius and an angle."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from auricle.rtl.baselines.baseline import Baseline, Law, field
from auricle.rtl.baselines.register import Register

DEVIATION = 32.0
RADIUS_BITS = 16
"""Bits of the uniform number that the radius comes from: 4.85 standard deviations at most."""
MANTISSA = 5
PHASE_BITS = 8


@lru_cache(maxsize=1)
def radii() -> NDArray[np.int64]:
    """Table of sqrt(-2 ln u) in 64ths: (512,), by zeros before the first one of u (4 bits) and five bits behind it.

    Each entry is the root mean square over its segment, which keeps the variance.

    Examples
    --------
    >>> radii()[[0, 31, 32, 511]]
    array([ 75,   8, 106, 303])
    """
    u = np.arange(1 << RADIUS_BITS)
    squares = -2 * np.log((u + 0.5) / (1 << RADIUS_BITS))
    places = segments(u)
    count = np.bincount(places, minlength=1 << (4 + MANTISSA))
    total = np.bincount(places, squares, minlength=1 << (4 + MANTISSA))
    out: NDArray[np.int64] = np.rint(64 * np.sqrt(total / np.maximum(count, 1))).astype(np.int64)
    # Segments of few bits have no inner ones; they hold what is before them, so that the table is smooth.
    for i in range(1, len(out)):
        if not count[i]:
            out[i] = out[i - 1]
    return out


@lru_cache(maxsize=1)
def cosines() -> NDArray[np.int64]:
    """Table of the cosine over a quarter turn, in 256ths: (256,).

    Examples
    --------
    >>> cosines()[[0, 128, 255]]
    array([255, 180,   1])
    """
    angle = (np.arange(1 << PHASE_BITS) + 0.5) / (1 << PHASE_BITS) * np.pi / 2
    out: NDArray[np.int64] = np.minimum(np.rint(256 * np.cos(angle)), 255).astype(np.int64)
    return out


def segments(u: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of numbers of 16 bits in the table of radii: zero as if its last bit were one.

    Examples
    --------
    >>> segments(np.array([0, 1, 2, 3, 0x8000, 0xFFFF]))
    array([480, 480, 448, 464,   0,  31])
    """
    u = np.maximum(u, 1)
    zeros = RADIUS_BITS - 1 - np.floor(np.log2(u)).astype(np.int64)
    mantissa = ((u << zeros) >> (RADIUS_BITS - 1 - MANTISSA)) & ((1 << MANTISSA) - 1)
    return (zeros << MANTISSA) | mantissa


@dataclass(frozen=True, kw_only=True)
class BoxMuller(Baseline):
    """A radius and an angle for each pair of lanes: r cos a and r sin a.

    Parameters
    ----------
    lanes, seed
        See `Baseline`; an even number of lanes.
    dsp
        True: products in DSP blocks and tables in block memory. False: all of it in LUTs.

    Notes
    -----
    Sources: Box, Muller: A note on the generation of random normal deviates. Annals of Mathematical Statistics 29,
    1958. Lee, Villasenor, Luk, Leong: A hardware Gaussian noise generator using the Box-Muller method and its error
    analysis. IEEE Transactions on Computers 55(6), 2006. Taken from there: leading zeros choose the segment of the
    logarithm, one unit serves two numbers, both trigonometric functions come from one quarter of a turn. Deviations:
    numbers of 8 bits rather than 16, so uniform numbers of 16 and 10 bits rather than 48 and 16, one table for
    logarithm and root without interpolation, signs as two bits of the angle; numbers beyond four standard deviations
    (6 in 100,000) become the largest.

    Examples
    --------
    >>> BoxMuller(lanes=4).numbers(2)
    array([[ 52,  -8,   4,  35],
           [-38,  22, -16, -41]])
    """

    dsp: bool = False

    @property
    def name(self) -> str:
        """See `Baseline`."""
        return "box_muller_dsp" if self.dsp else "box_muller"

    @property
    def title(self) -> str:
        """See `Baseline`."""
        return "Box-Muller, DSP and block memory" if self.dsp else "Box-Muller, LUTs only"

    @property
    def what(self) -> str:
        """See `Baseline`."""
        return "Two numbers are a radius times the cosine and the sine of an angle, with signs of their own."

    @property
    def law(self) -> Law:
        """See `Baseline`."""
        return Law(kind="normal", deviation=DEVIATION, kurtosis=0.0)

    @property
    def registers(self) -> tuple[Register, ...]:
        """See `Baseline`."""
        return (Register(width=28, leap=26),)

    @property
    def numbers_of_unit(self) -> int:
        """See `Baseline`."""
        return 2

    @property
    def latency(self) -> int:
        """See `Baseline`."""
        return 1

    @property
    def options(self) -> tuple[str, ...]:
        """See `Baseline`."""
        return () if self.dsp else ("-nodsp", "-nobram")

    def from_states(self, states: NDArray[np.uint8]) -> NDArray[np.int64]:
        """See `Baseline`."""
        radius = radii()[segments(field(states, 0, RADIUS_BITS))]
        phase = field(states, RADIUS_BITS, PHASE_BITS)
        out = []
        for place, sign in ((phase, states[..., 24]), (~phase & 255, states[..., 25])):
            magnitude = np.minimum(radius * cosines()[place] >> 9, 127)
            out.append(np.where(sign, ~magnitude, magnitude))
        return np.stack(out, axis=-1)

    def body(self) -> str:
        """See `Baseline`."""
        style = '(* ram_style = "block" *) ' if self.dsp else ""
        return f"""\
    {style}reg [8:0] radii [0:511];
    {style}reg [7:0] cosines [0:255];
    initial $readmemh("box_muller_radii.hex", radii);
    initial $readmemh("box_muller_cosines.hex", cosines);

    // Zeros before the first one, by halves; what is shifted out of them is the mantissa.
    wire [15:0] u = {{state[15:1], state[0] | (state[15:1] == 15'd0)}};
    wire        z3 = u[15:8] == 8'd0;
    wire [15:0] s3 = z3 ? {{u[7:0], 8'd0}} : u;
    wire        z2 = s3[15:12] == 4'd0;
    wire [15:0] s2 = z2 ? {{s3[11:0], 4'd0}} : s3;
    wire        z1 = s2[15:14] == 2'd0;
    wire [15:0] s1 = z1 ? {{s2[13:0], 2'd0}} : s2;
    wire        z0 = ~s1[15];
    wire [4:0]  mantissa = z0 ? s1[13:9] : s1[14:10];

    reg [8:0] radius;
    reg [7:0] cosine, sine;
    reg [1:0] signs;
    always @(posedge clk) begin
        if (next) begin
            radius <= radii[{{z3, z2, z1, z0, mantissa}}];
            cosine <= cosines[state[23:16]];
            sine <= cosines[~state[23:16]];
            signs <= state[25:24];
        end
    end

    wire [16:0] x = radius * cosine;
    wire [16:0] y = radius * sine;
    assign number[7:0] = {{8{{signs[0]}}}} ^ {{1'b0, x[15:9] | {{7{{x[16]}}}}}};
    assign number[15:8] = {{8{{signs[1]}}}} ^ {{1'b0, y[15:9] | {{7{{y[16]}}}}}};"""

    def tables(self) -> dict[str, str]:
        """See `Baseline`."""
        return {
            "box_muller_radii.hex": "".join(f"{value:03x}\n" for value in radii()),
            "box_muller_cosines.hex": "".join(f"{value:02x}\n" for value in cosines()),
        }
