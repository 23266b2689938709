"""Base + ledger = trained weights, bit for bit: NumPy against the plainest float32 loop and against C."""

import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.zeroth.bank import LfsrBank
from auricle.zeroth.fresh import Gaussian, Signs, Uniform
from auricle.zeroth.ledger import Ledger, LedgerError, LedgerGroup, LedgerHeader, LedgerTensor
from auricle.zeroth.pool import Pool
from auricle.zeroth.reconstruction import base_sha256, from_grid_units, grid_units, pool_change, replay
from auricle.zeroth.row_pool import RowPool

SHAPES = ((3, 5), (), (0, 4), (7,), (2, 3, 4))
GROUPS = (0, 1, 0, 1, 0)
GRIDS = (22, 17)

SPECS = {
    "pool": Pool(size=31, bits=4),
    "pool larger than the model": Pool(size=127, bits=12, seed=-3),
    "pool of a bad size": Pool(size=10, bits=5, repeats="allow"),
    "default pool": Pool(),
    "pool in rows": RowPool(rows=13, words=5, lanes=12, bits=6, seed=-7),
    "pool in rows that the model does not fill": RowPool(),
    "bank": LfsrBank(generators=5, bits=4, widths=(5, 7)),
    "bank with a rotation": LfsrBank(generators=5, bits=3, widths=(9, 4, 11), lanes=7, seed=2**64 - 1),
    "bank that repeats": LfsrBank(generators=2, bits=6, widths=(6,), lanes=4, repeats="allow"),
    "bank at quadratic spacing": LfsrBank(generators=7, bits=3, widths=(11, 7), lanes=6, seed=-4, spacing="quadratic"),
    "bank of hardware": LfsrBank(widths=(11,), lanes=13, spacing="quadratic"),
    "default bank": LfsrBank(),
    "signs": Signs(seed=5),
    "uniform": Uniform(bits=7, seed=-1),
    "uniform of 12 bits": Uniform(bits=12),
    "gaussian": Gaussian(seed=8),
}


def weights(seed=0, shapes=SHAPES):
    rng = np.random.default_rng(seed)
    return [(0.2 * rng.standard_normal(shape)).astype(np.float32) for shape in shapes]


def header_for(spec, *, queries=1, base=None, grids=GRIDS, groups=GROUPS, note=""):
    base = weights() if base is None else base
    return LedgerHeader(
        base_sha256=base_sha256([(w, grids[g]) for w, g in zip(base, groups, strict=True)]),
        perturbation=spec,
        tensors=tuple(
            LedgerTensor(name=f'w{i}", "shape":[9]', shape=np.shape(w), group=g)
            for i, (w, g) in enumerate(zip(base, groups, strict=True))
        ),
        groups=tuple(LedgerGroup(grid=grid, amplitude=1) for grid in grids),
        queries=queries,
        note=note,
    )


def run(spec, folder, *, steps=40, queries=2, seed=1):
    """A ledger of random steps, with null steps, zeros and some multipliers that need exponents."""
    rng = np.random.default_rng(seed)
    ledger = Ledger.create(folder / "run.ledger", header_for(spec, queries=queries, note='"grid":7,"bits":3'))
    most = min(300, 2**19 // spec.largest)
    largest = min(2**20 // spec.largest, 60_000) >> 4 << 4
    for step in range(steps):
        if step % 11 == 3:
            ledger.append_null()
        elif step % 11 == 6 and largest > 32767:
            ledger.append([[largest, 3]] + [[-largest, 0]] * (queries - 1))
        else:
            ledger.append(rng.integers(-most, most, (queries, 2)) * rng.integers(0, 2, (queries, 2)))
    ledger.close()
    return Ledger.open(folder / "run.ledger")


def plainly(base, ledger, step=None):
    """Every step and query as one product and one sum in float32, along golden integers."""
    header = ledger.header
    grids = [header.groups[t.group].grid for t in header.tensors]
    out = [np.round(np.float64(w) * 2.0**g) / 2.0**g for w, g in zip(base, grids, strict=True)]
    out = [w.astype(np.float32) for w in out]
    starts = np.cumsum([0, *(t.size for t in header.tensors)])
    multipliers, null = ledger.multipliers(0, step)
    for s in np.flatnonzero(~null):
        for j in range(header.queries):
            for i, tensor in enumerate(header.tensors):
                index = np.arange(starts[i], starts[i + 1]).reshape(tensor.shape)
                u = header.perturbation.integers(int(s) * header.queries + j, index, header.dimension)
                scaled = np.float32(multipliers[s, j, tensor.group]) * np.float32(2.0 ** -grids[i])
                out[i] = np.float32(out[i] - np.float32(scaled * u.astype(np.float32)))
    return out


def same_bits(one, other):
    return len(one) == len(other) and all(
        a.dtype == b.dtype == np.float32 and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("name", SPECS)
def test_replay_is_the_plain_loop_to_the_bit(tmp_path, name):
    ledger = run(SPECS[name], tmp_path)
    for step in (None, 0, 1, 17):
        assert same_bits(replay(weights(), ledger, step=step), plainly(weights(), ledger, step))


@settings(max_examples=25, deadline=None)
@given(
    size=st.integers(2, 60),
    bits=st.integers(1, 12),
    repeats=st.sampled_from(["pad", "allow"]),
    seed=st.integers(0, 2**63),
    steps=st.integers(0, 30),
    queries=st.integers(1, 3),
)
def test_any_pool_collapses_into_one_vector(tmp_path_factory, size, bits, repeats, seed, steps, queries):
    spec = Pool(size=size, bits=bits, seed=seed, repeats=repeats)
    ledger = run(spec, tmp_path_factory.mktemp("pool"), steps=steps, queries=queries, seed=seed)
    assert same_bits(replay(weights(), ledger), plainly(weights(), ledger))


def test_a_pool_run_is_its_change_added_once(tmp_path):
    ledger = run(SPECS["pool"], tmp_path)
    start = 0
    for tensor, before, after in zip(ledger.header.tensors, weights(), replay(weights(), ledger), strict=True):
        grid = GRIDS[tensor.group]
        change = pool_change(ledger, tensor.group)
        assert change.shape == (31,)
        moved = grid_units(after, grid).reshape(-1) - grid_units(before, grid).reshape(-1)
        assert np.array_equal(moved, change[(start + np.arange(tensor.size)) % 31])
        start += tensor.size


def test_few_and_many_offsets_give_the_same_change(tmp_path):
    """There are two ways to add up; both against the definition."""
    spec, counts = Pool(size=61, bits=6), []
    for steps in (3, 40):
        folder = tmp_path / str(steps)
        folder.mkdir()
        ledger = run(spec, folder, steps=steps)
        wanted = np.zeros(61, np.int64)
        multipliers, _ = ledger.multipliers()
        for direction, c in enumerate(multipliers[:, :, 0].reshape(-1).tolist()):
            wanted -= c * np.roll(spec.numbers.astype(np.int64), -spec.offset(direction, ledger.header.dimension))
        assert np.array_equal(pool_change(ledger, 0), wanted)
        counts.append(int(np.count_nonzero(multipliers[:, :, 0])))
    assert counts[0] * 8 <= 61 < counts[1] * 8


@pytest.mark.parametrize("name", ["pool", "signs"])
def test_a_model_larger_than_a_chunk(tmp_path, monkeypatch, name):
    ledger = run(SPECS[name], tmp_path)
    whole = replay(weights(), ledger)
    monkeypatch.setattr(sys.modules[replay.__module__], "CHUNK", 5)
    assert same_bits(replay(weights(), ledger), whole)


def test_replay_of_a_prefix_is_replay_after_a_rollback(tmp_path):
    run(SPECS["pool"], tmp_path)
    with Ledger.append_to(tmp_path / "run.ledger") as ledger:
        wanted = replay(weights(), ledger, step=21)
        ledger.truncate(21)
        assert same_bits(replay(weights(), ledger), wanted)
        ledger.truncate(0)
        grids = [GRIDS[g] for g in GROUPS]
        base = [from_grid_units(grid_units(w, g), g) for w, g in zip(weights(), grids, strict=True)]
        assert same_bits(replay(weights(), ledger), base)
        assert same_bits(replay(base, ledger), base)


def test_base_by_name_in_any_layout(tmp_path):
    ledger = run(SPECS["pool"], tmp_path)
    names = [tensor.name for tensor in ledger.header.tensors]
    given_by_name = dict(zip(reversed(names), (w.copy("F") for w in reversed(weights())), strict=True))
    given_by_name[names[0]] = given_by_name[names[0]].astype(np.float64)
    assert same_bits(replay(given_by_name, ledger), replay(weights(), ledger))


@settings(max_examples=50, deadline=None)
@given(values=st.lists(st.floats(-3.75, 3.75, width=32), max_size=9), grid=st.integers(-10, 22))
def test_rounding_to_a_grid_is_half_to_even_and_changes_nothing_twice(values, grid):
    given_weights = np.array(values, np.float32)
    units = grid_units(given_weights, grid)
    assert units.tolist() == [round(float(v) * 2.0**grid) for v in given_weights]
    on_grid = from_grid_units(units, grid)
    assert on_grid.dtype == np.float32
    assert np.array_equal(grid_units(on_grid, grid), units)
    assert not np.signbit(on_grid[units == 0]).any()


FLAGS = {
    "as written": ["-O0"],
    "no fused multiply-add": ["-O2", "-ffp-contract=off"],
    "fused multiply-add": ["-O3", "-march=native", "-ffp-contract=fast"],
    "fast math": ["-Ofast", "-march=native"],
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """The C program, compiled in several ways."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler 'cc' on the PATH")
    folder = tmp_path_factory.mktemp("c")
    source = Path(__file__).with_name("replay.c")
    warnings = ["-std=c99", "-Wall", "-Wextra", "-Werror"]
    for name, flags in FLAGS.items():
        subprocess.run([compiler, *warnings, *flags, source, "-o", folder / name], check=True)
    return folder


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("name", [name for name, spec in SPECS.items() if not isinstance(spec, Gaussian)])
def test_c_gives_the_same_bits(tmp_path, programs, name, flags):
    ledger = run(SPECS[name], tmp_path, steps=300 if name == "pool" else 40)
    before = replay(weights(), ledger, step=0)
    (tmp_path / "base").write_bytes(b"".join(w.astype("<f4").tobytes() for w in before))
    subprocess.run([programs / flags, ledger.path, tmp_path / "base", tmp_path / "out"], check=True)
    found = np.fromfile(tmp_path / "out", "<f4")
    wanted = np.concatenate([w.reshape(-1) for w in replay(weights(), ledger)])
    assert found.tobytes() == wanted.astype("<f4").tobytes()
    assert not np.array_equal(found, np.concatenate([w.reshape(-1) for w in before]))


def test_the_compiled_programs_differ(programs):
    """Otherwise comparing them would prove nothing."""
    contents = [(programs / name).read_bytes() for name in FLAGS]
    assert all(a != b for a, b in pairwise(contents))


def test_weights_of_another_model_are_refused(tmp_path):
    ledger = run(SPECS["pool"], tmp_path)
    base = weights()
    for other, text in [
        (weights(1), "weights with hash .* were given; the ledger began with .*: give the weights from before"),
        (base[:-1], "4 arrays were given; the ledger has 5 tensors"),
        ([base[0].T, *base[1:]], re.escape("of shape (5, 3) was given; the ledger's is (3, 5)")),
        ([base[0].astype(int), *base[1:]], "of type int64 was given; floating-point numbers are needed"),
        ([base[0] * np.float32(np.nan), *base[1:]], "was given with a weight of nan; on a grid of"),
        ({"other": base[0]}, "weights without .* were given; the ledger needs them"),
    ]:
        with pytest.raises(LedgerError, match=f"^{re.escape(str(ledger.path))}: .*{text}"):
            replay(other, ledger)


@pytest.mark.parametrize("ask", [lambda ledger: replay([], ledger), pool_change])
@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("run.ledger", "'run.ledger' was given as the ledger; open it first: ledger=Ledger.open('run.ledger')"),
        (Path("run.ledger"), "'run.ledger' was given as the ledger; open it first: ledger=Ledger.open('run.ledger')"),
        ([], "an object of type list was given as the ledger; open it first: ledger=Ledger.open(path)"),
    ],
)
def test_a_path_is_no_ledger(ask, given, text):
    with pytest.raises(LedgerError, match=f"^{re.escape(text)}$"):
        ask(given)


def test_weights_beyond_the_grid_are_refused():
    assert grid_units(np.float32([3.9999998]), 22) == 2**24 - 1
    text = "weights was given with a weight of 4; on a grid of 2**-22 weights must be finite and below 4: choose"
    for value in (4.0, -4.0):
        with pytest.raises(LedgerError, match=re.escape(text)):
            grid_units(np.float32([value]), 22)


@pytest.mark.parametrize("spec", [Pool(size=7, bits=3), Signs(), LfsrBank()])
def test_a_ledger_that_leaves_the_grid_is_refused(tmp_path, spec):
    base = [np.float32([3.5, -3.5])]
    header = header_for(spec, base=base, grids=(22,), groups=(0,))
    most = header.largest_multiplier
    with Ledger.create(tmp_path / "a", header) as ledger:
        for _ in range(300):
            ledger.append([[most >> 9 << 9]])
        with pytest.raises(LedgerError, match=r"moves a weight of .* out of its grid, which no training does"):
            replay(base, ledger)


def test_questions_about_pools_only(tmp_path):
    ledger = run(SPECS["signs"], tmp_path)
    with pytest.raises(LedgerError, match="a ledger of kind 'signs' was given; only a pool's steps are one vector"):
        pool_change(ledger)
    (tmp_path / "pool").mkdir()
    ledger = run(SPECS["pool"], tmp_path / "pool")
    with pytest.raises(LedgerError, match="group 2 was given; allowed are 0 to 1"):
        pool_change(ledger, 2)
    with pytest.raises(LedgerError, match="steps 0 to 41 were asked for"):
        pool_change(ledger, 0, 41)
