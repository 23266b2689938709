"""Pools of numbers, in one piece and in rows: what docs/perturbations.md promises of them, counted."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.errors import InputError
from auricle.zeroth.pool import Pool
from auricle.zeroth.row_pool import RowPool, fitting_rows
from directions import direction


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


ROWS = [
    RowPool(rows=13, words=5, lanes=12, bits=6),
    RowPool(rows=5, words=3, lanes=3, seed=-2),
    RowPool(rows=11, words=1, lanes=4),
]


@pytest.mark.parametrize("spec", ROWS)
def test_a_pool_in_rows_is_read_as_its_counters_say(spec):
    """By counters that step as hardware's do, and by the numbers of the flat pool of the same size."""
    flat = Pool(size=spec.rows * spec.words, bits=spec.bits, seed=spec.seed).numbers.tolist()
    start, stride = 1, 1
    for t in range(2 * spec.rows * (spec.rows - 1)):
        expected, row = [], start
        for _ in range(4):
            expected += [flat[row * spec.words + lane % spec.words] for lane in range(spec.lanes)]
            row = (row + stride) % spec.rows
        assert direction(spec, t, 4 * spec.lanes).tolist() == expected
        start, stride = (start + stride + 1) % spec.rows, 2 * stride % spec.rows


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
def test_all_weights_but_those_of_the_last_row_change_the_order_of_their_rows(spec):
    """Row r of direction t is (t + 2^t (r + 1)) mod R: only where r + 1 is a multiple of R does 2^t not count."""
    directions = spec.rows * (spec.rows - 1)
    read = np.stack([spec.row(t, np.arange(2 * spec.rows)) for t in range(directions)])
    for r in range(2 * spec.rows):
        assert read[:, r].tolist() == [(t + 2**t * (r + 1)) % spec.rows for t in range(directions)]
        assert np.bincount(read[:, r]).tolist() == [spec.rows - 1] * spec.rows
        ordered = np.array_equal(read[spec.rows :, r], read[: -spec.rows, r])
        assert ordered == (r % spec.rows == spec.rows - 1)


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
