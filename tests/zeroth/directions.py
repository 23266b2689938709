"""Perturbations of all kinds, and the integers of one direction."""

import numpy as np

from auricle.zeroth import lfsr
from auricle.zeroth.bank import LfsrBank
from auricle.zeroth.fresh import Gaussian, Signs, Uniform
from auricle.zeroth.pool import Pool
from auricle.zeroth.row_pool import RowPool

FRESH = [Uniform(), Uniform(bits=1), Uniform(bits=12, seed=3), Signs(), Gaussian()]

REUSED = [
    Pool(size=61, bits=6),
    Pool(size=16, bits=3),
    RowPool(rows=13, words=5, lanes=12, bits=6),
    LfsrBank(generators=5, bits=3, widths=(4, 5), lanes=8),
    LfsrBank(generators=5, bits=3, widths=(7,), lanes=8, spacing="quadratic"),
]


def direction(spec, number, dimension):
    return spec.integers(number, np.arange(dimension), dimension)


def register_by_register(spec, cycles):
    """The bank by clocking its registers: words (cycles, lanes)."""
    state = list(spec.states)
    out = []
    for cycle in range(cycles):
        word = [s & ((1 << spec.bits) - 1) for s in state]
        out.append([word[(lane + cycle * spec.row) % spec.generators] for lane in range(spec.row)])
        for g, width in enumerate(spec.widths_of):
            for _ in range(lfsr.leap(width, spec.bits)):
                state[g] = lfsr.clock(state[g], width)
    return 2 * np.array(out) + 1 - 2**spec.bits
