"""The numbers of docs/perturbations.md are those of the code."""

import json
from pathlib import Path

import numpy as np

from auricle.zeroth.bank import LfsrBank
from auricle.zeroth.fresh import Gaussian, Signs, Uniform
from auricle.zeroth.hashing import key, words
from auricle.zeroth.lfsr import leap
from auricle.zeroth.pool import Pool
from auricle.zeroth.row_pool import RowPool
from auricle.zeroth.spacing import quadratic
from directions import direction, register_by_register

PAGE = Path(__file__).parents[2] / "docs" / "perturbations.md"

VECTORS = [
    (Pool(), 1_000_000, (0, 1, 2, 100_000), (0, 1, 2, 3, 8190, 8191, 999_999)),
    (Pool(size=1000, bits=12, seed=5), 250, (0, 1, 999, 1000), (0, 1, 2, 3, 249)),
    (RowPool(), 1_000_000, (0, 1, 2, 100_000), (0, 1, 62, 63, 1023, 1024, 999_999)),
    (RowPool(rows=2029, words=7, lanes=7, bits=12, seed=5), 100, (0, 1, 2029, 2**40), (0, 1, 6, 7, 99)),
    (LfsrBank(), 1_000_000, (0, 1, 2, 100_000), (0, 1, 2, 30, 31, 999_999)),
    (
        LfsrBank(generators=31, bits=8, widths=(8,), lanes=1024),
        100_000,
        (0, 1, 2, 100_000),
        (0, 1, 2, 31, 1024, 99_999),
    ),
    (
        LfsrBank(widths=(11,), lanes=1024, spacing="quadratic"),
        1_000_000,
        (0, 1, 2, 100_000),
        (0, 1, 2, 31, 1024, 999_999),
    ),
    (LfsrBank(generators=6, bits=12, widths=(12, 20, 17), seed=2), 60, (0, 1, 2, 3), (0, 1, 2, 3, 4, 5, 59)),
    (Signs(), 1_000_000, (0, 1, 2, 100_000), (0, 1, 2, 3, 63, 64, 999_999)),
    (Uniform(), 1_000_000, (0, 1, 2, 100_000), (0, 1, 2, 3, 7, 8, 999_999)),
    (Uniform(bits=12, seed=-1), 1_000_000, (0, 1), (0, 1, 2, 3, 4, 5, 999_999)),
    (Gaussian(), 1_000_000, (0, 1, 2, 100_000), (0, 1, 2, 3, 4, 999_999)),
]


def test_vectors():
    """The tables of the page, made from the code."""
    blocks = []
    for spec, dimension, directions, index in VECTORS:
        lines = [
            f"`{json.dumps(spec.to_dict(), sort_keys=True)}`, d = {dimension}, directions {spec.directions(dimension)}"
        ]
        lines += ["", "| direction \\ index | " + " | ".join(map(str, index)) + " |", "|---:|" + "---:|" * len(index)]
        for t in directions:
            values = spec.integers(t, np.array(index), dimension).tolist()
            lines.append(f"| {t} | " + " | ".join(map(str, values)) + " |")
        blocks.append("\n".join(lines))
    shown = PAGE.read_text(encoding="utf-8").split("<!-- vectors -->\n")[1].strip()
    assert shown == "\n\n".join(blocks)


def test_the_worked_examples():
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    spec = Pool(size=7, bits=3)
    for word in words(key(0), np.arange(7)).tolist():
        assert f"{word:016x}" in page
    assert f"`{' '.join(map(str, spec.numbers.tolist()))}`" in page
    for t in range(3):
        assert f"| {t} | {spec.offset(t, 10)} | `{' '.join(map(str, direction(spec, t, 10).tolist()))}` |" in page
    rows = RowPool(rows=5, words=2, lanes=3, bits=3)
    assert ", ".join(f"`{' '.join(map(str, row))}`" for row in rows.numbers.tolist()) in page
    for t in range(4):
        shown = " ".join(map(str, direction(rows, t, 8).tolist()))
        assert f"| {t} | {rows.start(t)} | {rows.stride(t)} | `{shown}` |" in page
    bank = LfsrBank(generators=3, bits=3, widths=(4, 5))
    for cycle, row in enumerate(register_by_register(bank, 4)):
        assert f"| {cycle} | `{' '.join(map(str, row.tolist()))}` |" in page
    assert f"states at cycle 0 are {', '.join(map(str, bank.states))}" in page
    spaced = LfsrBank(generators=5, bits=3, widths=(7,), lanes=6, spacing="quadratic")
    assert f"are {', '.join(map(str, quadratic(5, 127)))} clocks ahead" in page
    assert f"the key's remainder {key(0, 7) % 127} leaps, of {leap(7, 3)} clocks each" in page
    assert f"the states at cycle 0 are {', '.join(map(str, spaced.states))}." in page
