"""The integer streams: what docs/perturbations.md promises of each kind, counted rather than believed."""

import json
import math
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.errors import InputError
from auricle.zeroth import lfsr, streams
from auricle.zeroth.bank import LfsrBank
from auricle.zeroth.fresh import GAUSSIAN_SCALE, Gaussian, Signs, Uniform, quantiles
from auricle.zeroth.hashing import GAMMA, MASK, fraction, key, mix, words
from auricle.zeroth.pool import Pool
from auricle.zeroth.row_pool import RowPool, fitting_rows
from auricle.zeroth.specs import perturbation_from

PAGE = Path(__file__).parents[2] / "docs" / "perturbations.md"

FRESH = [Uniform(), Uniform(bits=1), Uniform(bits=12, seed=3), Signs(), Gaussian()]
REUSED = [
    Pool(size=61, bits=6),
    Pool(size=16, bits=3),
    RowPool(rows=13, words=5, lanes=12, bits=6),
    LfsrBank(generators=5, bits=3, widths=(4, 5), lanes=8),
]


def direction(spec, number, dimension):
    return spec.integers(number, np.arange(dimension), dimension)


# --- hash ---


def test_the_hash_is_splitmix64():
    """First numbers of the reference implementation for two seeds, by the state it walks through."""
    assert [hex(int(w)) for w in words(1234567, np.arange(3))] == [
        "0x599ed017fb08fc85",
        "0x2c73f08458540fa5",
        "0x883ebce5a3f27c77",
    ]
    state = 42
    for expected in words(42, np.arange(50)).tolist():
        state = (state + GAMMA) & MASK
        assert mix(state) == expected


def test_keys_take_seeds_of_any_size():
    assert key(-1) == key(2**64 - 1)
    assert len({key(seed, part) for seed in range(20) for part in range(20)}) == 400
    assert 0 <= fraction(key(3)) < 1


# --- pool ---


@settings(max_examples=40, deadline=None)
@given(size=st.integers(2, 3000), bits=st.integers(1, 12), seed=st.integers(-(2**63), 2**63))
def test_a_pool_is_shuffled_quantiles_and_centred(size, bits, seed):
    numbers = Pool(size=size, bits=bits, seed=seed).numbers.astype(int)
    lower = [2 * ((2 * j + 1) * 2**bits // (2 * size)) + 1 - 2**bits for j in range(size // 2)]
    assert Counter(numbers.tolist()) == Counter(lower) + Counter(-u for u in lower) + Counter([1] * (size % 2))
    assert numbers.sum() == size % 2
    spec = Pool(size=size, bits=bits, seed=seed)
    assert spec.largest == abs(numbers).max() <= 2**bits - 1
    assert spec.mean_square == pytest.approx((numbers**2).mean(), rel=1e-12)


def test_seeds_and_sizes_shuffle_differently():
    assert not np.array_equal(Pool(seed=0).numbers, Pool(seed=1).numbers)
    fixed = [np.mean(Pool(seed=s).numbers == Pool(seed=s + 1).numbers) for s in range(5)]
    assert np.mean(fixed) == pytest.approx(1 / 256, abs=1e-3)


def test_neighbours_in_a_pool_are_not_alike():
    numbers = Pool().numbers.astype(float)
    for lag in (1, 2, 3, 64):
        assert abs(np.corrcoef(numbers, np.roll(numbers, lag))[0, 1]) < 4 / math.sqrt(len(numbers))


@pytest.mark.parametrize("repeats", ["pad", "allow", "refuse"])
def test_a_pool_has_as_many_directions_as_it_says(repeats):
    for size in range(2, 15):
        for dimension in range(1, 40):
            spec = Pool(size=size, bits=8, repeats=repeats)
            common = math.gcd(size, dimension)
            if repeats == "refuse" and common > 1:
                with pytest.raises(
                    InputError, match=f"would repeat after {size // common} directions instead of {size}"
                ):
                    spec.directions(dimension)
                continue
            starts = {spec.offset(t, dimension) for t in range(3 * size)}
            assert len(starts) == spec.directions(dimension)
            assert spec.directions(dimension) == (size // common if repeats == "allow" else size)
            assert spec.length(dimension) >= dimension


@pytest.mark.parametrize("dimension", [61, 100, 122])
def test_directions_of_a_pool_differ_and_then_come_again(dimension):
    spec = Pool(size=61, bits=6)
    rows = [direction(spec, t, dimension).tobytes() for t in range(122)]
    assert len(set(rows)) == spec.directions(dimension) == 61
    assert rows[:61] == rows[61:]


@pytest.mark.parametrize("dimension", [1, 60, 61, 62, 500])
def test_a_pool_knows_the_length_of_each_direction(dimension):
    spec = Pool(size=61, bits=6)
    for t in range(70):
        assert spec.square(t, dimension) == (direction(spec, t, dimension).astype(int) ** 2).sum()


def test_a_direction_begins_where_the_last_one_ended():
    spec = Pool(size=61, bits=6)
    run = np.concatenate([direction(spec, t, 100) for t in range(5)])
    assert np.array_equal(run, np.resize(spec.numbers, 500))


# --- pool in rows ---


ROWS = [
    RowPool(rows=13, words=5, lanes=12, bits=6),
    RowPool(rows=5, words=3, lanes=3, seed=-2),
    RowPool(rows=11, words=1, lanes=4),
]


@pytest.mark.parametrize("spec", ROWS)
def test_a_pool_in_rows_is_read_as_its_counters_say(spec):
    """By counters that step as hardware's do, and by the numbers of the flat pool of the same size."""
    flat = Pool(size=spec.rows * spec.words, bits=spec.bits, seed=spec.seed).numbers.tolist()
    start, stride = 0, 1
    for t in range(2 * spec.rows * (spec.rows - 1)):
        expected, row = [], start
        for _ in range(4):
            expected += [flat[row * spec.words + lane % spec.words] for lane in range(spec.lanes)]
            row = (row + stride) % spec.rows
        assert direction(spec, t, 4 * spec.lanes).tolist() == expected
        start, stride = (start + 1) % spec.rows, 2 * stride % spec.rows


@pytest.mark.parametrize("spec", ROWS)
def test_a_pool_in_rows_has_as_many_directions_as_it_says(spec):
    for dimension in (1, spec.lanes, spec.lanes + 1, 7 * spec.lanes):
        pairs = [(spec.start(t), spec.stride(t)) for t in range(spec.rows * (spec.rows - 1))]
        starts = {start for start, _ in pairs}
        assert spec.directions(dimension) == (len(starts) if dimension <= spec.lanes else len(set(pairs)))


@settings(max_examples=40, deadline=None)
@given(dimension=st.integers(1, 3000), number=st.integers(0, 2**70))
def test_a_pool_in_rows_knows_the_length_of_each_direction(dimension, number):
    for spec in ROWS:
        assert spec.square(number, dimension) == (direction(spec, number, dimension).astype(int) ** 2).sum()


@pytest.mark.parametrize("spec", ROWS)
def test_mean_square_of_a_pool_in_rows_over_all_directions(spec):
    whole = [spec.square(t, spec.rows * spec.lanes) for t in range(spec.rows)]
    assert spec.mean_square == pytest.approx(np.mean(whole) / (spec.rows * spec.lanes), rel=1e-12)
    assert spec.largest == abs(spec.numbers.astype(int)).max()


def test_a_pool_in_rows_trains_in_nearly_all_its_dimensions_and_no_weight_stands_still():
    spec = RowPool(rows=13, words=5, lanes=12, bits=6)
    rows = np.stack([direction(spec, t, 13 * 12) for t in range(13 * 12)]).astype(int)
    assert len(np.unique(rows, axis=0)) == 13 * 12
    assert len(np.unique(rows, axis=1).T) == 13 * 5
    assert np.linalg.matrix_rank(rows) >= 13 * 5 - 5
    read = np.stack([spec.row(t, np.arange(13)) for t in range(13 * 12)])
    # Along the directions, a weight's row is the one before at most once in 12.
    assert (read[1:] == read[:-1]).sum(axis=0).max() <= 13 * 12 / 12


def test_the_rows_that_fit_are_primes_that_doubling_goes_round():
    for most in (3, 10, 100, 512, 1024):
        found = fitting_rows(most)
        assert {pow(2, k, found) for k in range(found - 1)} == set(range(1, found))


# --- bank ---


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


BANKS = [
    LfsrBank(generators=3, bits=3, widths=(4, 5)),
    LfsrBank(generators=5, bits=4, widths=(5,), lanes=8),
    LfsrBank(generators=4, bits=3, widths=(7, 3, 4), lanes=3, seed=9),
    LfsrBank(generators=7, bits=2, widths=(3,), lanes=19, repeats="allow"),
    LfsrBank(),
]


@pytest.mark.parametrize("spec", BANKS)
def test_a_bank_is_its_registers_clocked_one_by_one(spec):
    dimension = 3 * spec.row + 1
    length = spec.length(dimension)
    cycles = register_by_register(spec, 6 * length)
    for t in range(5):
        flat = cycles[t * length : (t + 1) * length].reshape(-1)
        assert np.array_equal(direction(spec, t, dimension), flat[:dimension])


def true_period(spec):
    """Cycles after which all lanes repeat, found by looking."""
    turns = spec.generators // math.gcd(spec.generators, spec.rotation)
    most = math.lcm(turns, *map(lfsr.period, spec.widths))
    cycles = register_by_register(spec, 2 * most)
    return next(p for p in range(1, most + 1) if most % p == 0 and np.array_equal(cycles[p:], cycles[:-p]))


@pytest.mark.parametrize(
    "spec",
    [
        LfsrBank(generators=generators, bits=3, widths=widths, lanes=lanes, repeats="allow")
        for generators, widths, lanes in [
            (3, (4, 5), None), (3, (4,), None), (3, (4,), 5), (5, (4,), 7), (3, (4, 6), 4), (4, (4, 5), 6),
            (7, (6,), 8), (9, (6,), 10), (2, (5,), 3), (2, (4, 5), 3), (3, (8,), 4), (4, (3, 5), 3), (31, (5,), 32),
        ]
    ],
)  # fmt: skip
def test_the_period_of_a_bank_is_what_it_says(spec):
    assert spec.period == true_period(spec)
    for dimension in (1, spec.row, 5 * spec.row, 15 * spec.row + 1):
        starts = {t * spec.length(dimension) % spec.period for t in range(spec.period)}
        assert len(starts) == spec.directions(dimension)


@pytest.mark.parametrize("repeats", ["pad", "allow", "refuse"])
def test_a_bank_has_as_many_directions_as_it_says(repeats):
    spec = LfsrBank(generators=3, bits=3, widths=(4, 3), lanes=2, repeats=repeats)
    for dimension in range(1, 60):
        cycles = -(-dimension // 2)
        common = math.gcd(cycles, spec.period)
        if repeats == "refuse" and common > 1:
            text = f"the bank would repeat after {spec.period // common} directions instead of {spec.period}"
            with pytest.raises(InputError, match=text):
                spec.directions(dimension)
            continue
        assert spec.directions(dimension) == (spec.period // common if repeats == "allow" else spec.period)
        assert spec.length(dimension) >= cycles


def test_directions_of_a_bank_differ_and_then_come_again():
    spec = LfsrBank(generators=3, bits=3, widths=(4, 3), lanes=2)
    rows = [direction(spec, t, 100).tobytes() for t in range(2 * spec.period)]
    assert len(set(rows)) == spec.directions(100) == spec.period == 105
    assert rows[:105] == rows[105:]


@pytest.mark.parametrize("spec", BANKS[:4])
def test_mean_square_of_a_bank_over_its_whole_period(spec):
    cycles = register_by_register(spec, spec.period).astype(float)
    assert spec.mean_square == pytest.approx((cycles**2).mean(), rel=1e-12)
    assert spec.largest == abs(cycles).max()


def unchecked(**values):
    """A bank that its own checks would refuse."""
    spec = object.__new__(LfsrBank)
    for name, value in {"bits": 3, "seed": 0, "repeats": "allow", **values}.items():
        object.__setattr__(spec, name, value)
    return spec


@pytest.mark.parametrize("width", [3, 4, 6])
def test_period_of_one_width_with_any_rotation(width):
    """A turn of the lanes can undo the spread of the registers: the period is counted, and such banks are refused."""
    period = lfsr.period(width)
    for generators in [n for n in (2, 3, 5, 6, 7, 9, 12, 15) if n <= period]:
        for rotation in range(generators):
            spec = unchecked(generators=generators, widths=(width,), lanes=generators + rotation)
            assert spec.period == true_period(spec)
            if spec.period % period:
                text = (
                    f"would repeat after {spec.period} cycles instead of {period}, as the rotation of the lanes undoes"
                )
                with pytest.raises(InputError, match=text):
                    LfsrBank(generators=generators, bits=3, widths=(width,), lanes=generators + rotation)


def test_a_bank_that_would_repeat_at_once_is_refused():
    with pytest.raises(InputError, match="15 registers of width 4 with 29 lanes would repeat after 1 cycles"):
        LfsrBank(generators=15, bits=3, widths=(4,), lanes=29)


def test_a_bank_has_as_many_different_weights_as_its_widths_have_states():
    """Registers of one width walk round the same circle: that is the dimension in which a bank trains."""
    spec = LfsrBank(generators=4, bits=3, widths=(4, 5))
    rows = np.stack([direction(spec, t, 600) for t in range(spec.period)])
    assert len(np.unique(rows, axis=1).T) == 15 + 31


# --- fresh numbers ---


@pytest.mark.parametrize("spec", FRESH)
def test_mean_square_of_fresh_numbers_over_all_words(spec):
    if isinstance(spec, Gaussian):
        values = quantiles().astype(float)
    else:
        bits = getattr(spec, "bits", 1)
        values = 2.0 * np.arange(2**bits) + 1 - 2**bits
    assert spec.mean_square == pytest.approx((values**2).mean(), rel=1e-12)
    assert spec.largest == abs(values).max()
    assert values.sum() == 0
    seen = np.concatenate([direction(spec, t, 50_000) for t in range(4)]).astype(float)
    assert (seen**2).mean() == pytest.approx(spec.mean_square, rel=0.02)
    assert abs(seen.mean()) < 4 * math.sqrt(spec.mean_square / len(seen))


def test_gaussian_numbers_are_gaussian():
    seen = direction(Gaussian(), 3, 200_000) / GAUSSIAN_SCALE
    law = [-2.0, -1.0, 0.0, 1.0, 2.0]
    for z, share in zip(law, [0.02275, 0.15866, 0.5, 0.84134, 0.97725], strict=True):
        assert np.mean(seen < z) == pytest.approx(share, abs=4.5 * math.sqrt(share * (1 - share) / len(seen)) + 1e-3)
    table = quantiles().astype(float) / GAUSSIAN_SCALE
    assert (table**4).mean() / (table**2).mean() ** 2 == pytest.approx(2.9992, abs=1e-4)
    assert np.array_equal(table, -table[::-1])


@pytest.mark.parametrize("spec", FRESH)
def test_fresh_directions_are_unlike(spec):
    first, second = direction(spec, 0, 50_000).astype(float), direction(spec, 1, 50_000).astype(float)
    for one, other in ((first, second), (first[1:], first[:-1]), (first[1:], second[:-1])):
        assert abs((one * other).mean()) / spec.mean_square < 4.5 / math.sqrt(len(one))
    assert math.isinf(spec.directions(10))
    assert spec.length(10) == 0


# --- all kinds ---


@pytest.mark.parametrize("spec", [*FRESH, *REUSED])
def test_integers_depend_on_direction_and_index_alone(spec):
    rng = np.random.default_rng(0)
    index = rng.integers(0, 5000, (40, 5))
    whole = direction(spec, 7, 5000)
    found = spec.integers(7, index, 5000)
    assert found.dtype == np.int16
    assert found.shape == index.shape
    assert np.array_equal(found, whole[index])


@pytest.mark.parametrize("row", [1, 200, 5000])
def test_rows_of_any_length_hold_the_same_pool(monkeypatch, row):
    spec, dimension = Pool(size=61), 4000
    monkeypatch.setattr(streams, "SHARE", 0)
    monkeypatch.setattr(streams, "LONG_ROW", row)
    for number in range(3):
        found = streams.integers(spec, dimension, number).numpy()
        assert np.array_equal(found, direction(spec, number, dimension))


@pytest.mark.parametrize("spec", [*FRESH, *REUSED, Uniform(bits=5), Pool(), RowPool(), LfsrBank(), LfsrBank(lanes=64)])
@pytest.mark.parametrize("number", [0, 5, 10**6, 2**63 + 1])
def test_torch_gives_the_integers_of_the_golden_model(spec, number):
    """Over more weights than are made at a time, and from any flat index on."""
    dimension, start = streams.CHUNK + 1500, 1003
    golden = direction(spec, number, dimension)
    assert np.array_equal(streams.integers(spec, dimension, number).numpy(), golden)
    part = torch.zeros(dimension - start)
    streams.adder(spec, dimension, [(part, start)]).add([(number, 1.0)])
    assert np.array_equal(part.numpy(), golden[start:])


@pytest.mark.parametrize("spec", [*FRESH, *REUSED, Pool(), RowPool(), LfsrBank()])
def test_seeds_differ(spec):
    other = perturbation_from(spec.to_dict() | {"seed": 77})
    assert not np.array_equal(direction(spec, 0, 3000), direction(other, 0, 3000))


@st.composite
def specs(draw):
    seed, repeats = draw(st.integers()), draw(st.sampled_from(["pad", "refuse", "allow"]))
    bits = draw(st.integers(1, 12))
    widths = draw(st.lists(st.integers(max(3, bits), 20), min_size=1, max_size=5, unique=True))
    registers = draw(st.integers(len(widths), 7))
    # A rotation may undo the spread of a single width's registers, which is refused.
    lanes = draw(st.none() | st.integers(1, 2000)) if len(widths) > 1 else None
    return draw(
        st.sampled_from(
            [
                Pool(size=draw(st.integers(2, 1 << 24)), bits=bits, seed=seed, repeats=repeats),
                RowPool(
                    rows=draw(st.sampled_from([3, 61, 509])), words=3, lanes=draw(st.integers(3, 65536)), seed=seed
                ),
                LfsrBank(
                    generators=registers, bits=bits, widths=tuple(widths), lanes=lanes, seed=seed, repeats=repeats
                ),
                Signs(seed=seed),
                Uniform(bits=bits, seed=seed),
                Gaussian(seed=seed),
            ]
        )
    )


@settings(max_examples=60, deadline=None)
@given(spec=specs())
def test_a_spec_survives_a_file(spec):
    assert perturbation_from(spec.to_dict()) == spec
    assert perturbation_from(json.loads(json.dumps(spec.to_dict()))) == spec
    assert hash(spec) == hash(perturbation_from(spec.to_dict()))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Pool(bits=0), "bits=0 was given; allowed are 1 to 14"),
        (lambda: Uniform(bits=15), "bits=15 was given; allowed are 1 to 14"),
        (lambda: LfsrBank(bits=15), "bits=15 was given; allowed are 1 to 14"),
        (lambda: Signs(seed=1.5), "seed=1.5 was given; a whole number is needed"),
        (lambda: Uniform(bits=8.5), "bits=8.5 was given; a whole number is needed"),
        (lambda: LfsrBank(widths=(11, True)), "widths[1]=True was given; a whole number is needed"),
        (lambda: Pool(size=1), "size=1 was given; allowed are 2 to 16777216"),
        (lambda: Pool(repeats="no"), "repeats='no' was given; allowed are 'pad', 'refuse' and 'allow'"),
        (lambda: LfsrBank(repeats=None), "repeats=None was given; allowed are 'pad', 'refuse' and 'allow'"),
        (lambda: RowPool(lanes=0), "lanes=0 was given; allowed are 1 to 65536"),
        (lambda: RowPool(lanes=7), "words=63 was given; allowed are 1 to 7, as many as there are lanes"),
        (lambda: RowPool(words=2.0), "words=2.0 was given; a whole number is needed"),
        (
            lambda: RowPool(rows=127),
            "rows=127 was given; allowed are primes from 3 to 32768 of which 2 is a primitive root, such as 107",
        ),
        (lambda: RowPool(rows=-1), "rows=-1 was given; allowed are primes from 3 to 32768 of which 2 is"),
        (lambda: RowPool(rows=1 << 40), "such as 32749"),
        (lambda: LfsrBank(widths=()), "widths=() was given; allowed are 8 to 20 for 8 bits"),
        (lambda: LfsrBank(widths=(7,)), "widths=(7,) was given; allowed are 8 to 20 for 8 bits"),
        (lambda: LfsrBank(widths=(21,)), "widths=(21,) was given; allowed are 8 to 20 for 8 bits"),
        (lambda: LfsrBank(bits=1, widths=(2,)), "widths=(2,) was given; allowed are 3 to 20 for 1 bits"),
        (lambda: LfsrBank(widths=(11, 11)), "widths=(11, 11) was given; name each width once"),
        (lambda: LfsrBank(generators=2), "generators=2 was given; 3 widths need as many"),
        (
            lambda: LfsrBank(generators=8, bits=2, widths=(3,)),
            "8 registers of width 3 share 7 states; widen them",
        ),
        (lambda: LfsrBank(lanes=0), "lanes=0 was given; at least 1 is needed"),
        (
            lambda: Pool(size=6, repeats="refuse").length(9),
            "after 2 directions instead of 6, as 9 and 6 share the factor 3; choose another size, or repeats='pad'",
        ),
        (
            lambda: perturbation_from({"kind": "dice"}),
            "a perturbation of kind 'dice' was given; allowed are pool, row_pool, lfsr, signs, uniform, gaussian",
        ),
        (lambda: perturbation_from({}), "a perturbation of kind None was given; allowed are pool, row_pool, lfsr"),
        (
            lambda: perturbation_from({"kind": "signs", "bits": 3}),
            "a perturbation of kind 'signs' can't be made of {'bits': 3}",
        ),
    ],
)
def test_errors_say_what_was_given_and_what_is_allowed(make, text):
    with pytest.raises(InputError, match=re.escape(text)):
        make()


# --- the page ---


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


def test_specs_and_ledgers_need_no_torch():
    code = (
        "import sys; from auricle.zeroth import Ledger, LfsrBank, Pool, Signs, perturbation_from, replay; "
        "Pool().numbers, LfsrBank().states; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
