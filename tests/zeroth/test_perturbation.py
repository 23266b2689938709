"""Integer streams of every kind: what docs/perturbations.md promises, counted rather than believed."""

import json
import math
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.errors import InputError
from auricle.zeroth import streams
from auricle.zeroth.bank import LfsrBank
from auricle.zeroth.fresh import GAUSSIAN_SCALE, Gaussian, Signs, Uniform, quantiles
from auricle.zeroth.hashing import GAMMA, MASK, fraction, key, mix, words
from auricle.zeroth.pool import Pool
from auricle.zeroth.row_pool import RowPool
from auricle.zeroth.specs import perturbation_from
from directions import FRESH, REUSED, direction

DEFAULT_BANKS = [LfsrBank(), LfsrBank(lanes=64), LfsrBank(widths=(11,), lanes=1024, spacing="quadratic")]


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


@pytest.mark.parametrize("spec", [*FRESH, *REUSED, Uniform(bits=5), Pool(), RowPool(), *DEFAULT_BANKS])
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
    roomy = min(widths) >= 5 and bits < 3  # so that up to seven registers of a width have room
    spacing = draw(st.sampled_from(["even", "quadratic"])) if roomy else "even"
    return draw(
        st.sampled_from(
            [
                Pool(size=draw(st.integers(2, 1 << 24)), bits=bits, seed=seed, repeats=repeats),
                RowPool(
                    rows=draw(st.sampled_from([3, 61, 509])), words=3, lanes=draw(st.integers(3, 65536)), seed=seed
                ),
                LfsrBank(
                    generators=registers,
                    bits=bits,
                    widths=tuple(widths),
                    lanes=lanes,
                    seed=seed,
                    repeats=repeats,
                    spacing=spacing,
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


def test_an_even_spacing_is_not_named():
    """Ledgers and texts of specs are what they were before there was another one."""
    plain = LfsrBank(lanes=64)
    assert plain.spacing == "even"
    assert repr(plain) == ("LfsrBank(generators=31, bits=8, widths=(11, 13, 14), lanes=64, seed=0, repeats='pad')")
    assert json.dumps(plain.to_dict()) == (
        '{"kind": "lfsr", "generators": 31, "bits": 8, "widths": [11, 13, 14], "lanes": 64, "seed": 0, '
        '"repeats": "pad"}'
    )
    other = LfsrBank(lanes=64, spacing="quadratic")
    assert repr(other) == repr(plain)[:-1] + ", spacing='quadratic')"
    assert other.to_dict() == plain.to_dict() | {"spacing": "quadratic"}


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
        (lambda: LfsrBank(spacing="wide"), "spacing='wide' was given; allowed are 'even' and 'quadratic'"),
        (
            lambda: LfsrBank(widths=(8,), lanes=40, spacing="quadratic"),
            "31 registers of width 8 at quadratic spacing would stand 4 clocks apart, and words of 8 bits need as many",
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


def test_specs_and_ledgers_need_no_torch():
    code = (
        "import sys; from auricle.zeroth import Ledger, LfsrBank, Pool, Signs, perturbation_from, replay; "
        "Pool().numbers, LfsrBank().states; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
