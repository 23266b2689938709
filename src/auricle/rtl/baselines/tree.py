"""A binary tree of comparators with constants: a bit of a number is a coin whose weight the bits before it choose."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from auricle.rtl.baselines.baseline import Baseline, Law, field
from auricle.rtl.baselines.register import Register

LEVELS = 7
DEVIATION = 32.0
COIN_BITS = 8


@lru_cache(maxsize=1)
def thresholds() -> tuple[tuple[int, ...], ...]:
    """Weights of the coins, in 256ths: of level j for each of its 2**j prefixes.

    Examples
    --------
    >>> thresholds()[:3]
    ((12,), (73, 15), (112, 83, 58, 39))
    """
    edges = norm.cdf(np.arange((1 << LEVELS) + 1) / DEVIATION)
    out = []
    for level in range(LEVELS):
        size = 1 << (LEVELS - level)
        low = np.arange(1 << level) * size
        share = (edges[low + size] - edges[low + size // 2]) / (edges[low + size] - edges[low])
        out.append(tuple(int(weight) for weight in np.rint(share * (1 << COIN_BITS))))
    return tuple(out)


@dataclass(frozen=True, kw_only=True)
class Tree(Baseline):
    """A sign and seven weighted coins per lane: from the root of a tree of 127 nodes to one of 128 leaves.

    A coin compares eight fresh bits with the constant of its node. The mirrored half of the tree is spared by the sign.

    Parameters
    ----------
    lanes, seed
        See `Baseline`.

    Notes
    -----
    Source: Crols, Paim, Zhao, Verhelst: TreeGRNG, binary tree Gaussian random number generator for efficient
    probabilistic AI hardware. DATE 2024, doi 10.23919/DATE58400.2024.10546516. Taken from there: hard-wired thresholds
    of 8 bits and the symmetry. Deviations: thresholds are not grouped; all coins of a number are thrown in one cycle,
    so levels follow each other without registers between; the random bits come from a shift register of 58 bits that
    leaps 58, whose taps 58 and 39 relate no sign to a first coin, as neighbouring taps would.

    Examples
    --------
    >>> Tree(lanes=3).numbers(2)
    array([[ 31, -17,  43],
           [  6,   4, -45]])
    """

    @property
    def name(self) -> str:
        """See `Baseline`."""
        return "tree"

    @property
    def title(self) -> str:
        """See `Baseline`."""
        return "tree of comparators"

    @property
    def what(self) -> str:
        """See `Baseline`."""
        return "A number is a sign and seven coins, whose weights the coins before them choose."

    @property
    def law(self) -> Law:
        """See `Baseline`."""
        return Law(kind="normal", deviation=DEVIATION, kurtosis=0.0)

    @property
    def registers(self) -> tuple[Register, ...]:
        """See `Baseline`."""
        return (Register(width=58, leap=58),)

    def from_states(self, states: NDArray[np.uint8]) -> NDArray[np.int64]:
        """See `Baseline`."""
        magnitude = np.zeros(states.shape[:-1], np.int64)
        for level, weights in enumerate(thresholds()):
            coin = field(states, 1 + COIN_BITS * level, COIN_BITS) < np.array(weights)[magnitude]
            magnitude = 2 * magnitude + coin
        return np.where(states[..., 0], ~magnitude, magnitude)[..., None]

    def body(self) -> str:
        """See `Baseline`."""
        lines = []
        for level, weights in enumerate(thresholds()):
            prefix = "{" + ", ".join(f"coin_{i}" for i in range(level)) + "}"
            weight = f"{COIN_BITS}'d{weights[0]}"
            if level:
                value = sum(w << (COIN_BITS * i) for i, w in enumerate(weights))
                size = COIN_BITS * len(weights)
                lines.append(f"    localparam [{size - 1}:0] WEIGHTS_{level} = {size}'h{value:x};")
                weight = f"WEIGHTS_{level}[{prefix}*{COIN_BITS} +: {COIN_BITS}]"
                if level < 3:
                    weight = f"WEIGHTS_{level}[{{3'd0, {prefix}}}*{COIN_BITS} +: {COIN_BITS}]"
            first = 1 + COIN_BITS * level
            lines.append(f"    wire coin_{level} = state[{first + COIN_BITS - 1}:{first}] < {weight};")
        coins = ", ".join(f"coin_{i}" for i in range(LEVELS))
        return "\n".join([*lines, f"    assign number = {{8{{state[0]}}}} ^ {{1'b0, {coins}}};"])
