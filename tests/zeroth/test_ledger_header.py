"""The header of a ledger: any value is taken as it is or refused with a reason."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.errors import AuricleError
from auricle.zeroth.bank import LfsrBank
from auricle.zeroth.fresh import Gaussian, Signs
from auricle.zeroth.ledger import LedgerDamagedError, LedgerError, LedgerGroup, LedgerHeader, LedgerTensor
from auricle.zeroth.pool import Pool
from written_ledgers import header_for


@settings(max_examples=80, deadline=None)
@given(
    values=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    ),
    key=st.sampled_from([*json.loads(header_for().to_json())]),
)
def test_any_value_in_the_header_is_taken_as_it_is_or_refused(values, key):
    plain = json.loads(header_for().to_json())
    text = json.dumps(plain | {key: values}, sort_keys=True, separators=(",", ":")).encode()
    try:
        header = LedgerHeader.from_json(text)
    except LedgerError:
        return
    assert header.to_json() == text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"base_sha256": "abc"}, "base_sha256='abc' was given; 64 hexadecimal digits are needed"),
        ({"queries": 0}, "queries=0 was given; allowed are 1 to 4096"),
        ({"queries": True}, "queries=True was given; allowed are 1 to 4096"),
        ({"seed": 1 << 64}, "seed=18446744073709551616 was given; an integer of at most 64 bits is needed"),
        ({"note": 3}, "note=3 was given; a text is needed"),
        ({"groups": ()}, "0 groups were given; allowed are 1 to 4096"),
        ({"tensors": ()}, "0 weights were given; allowed are 1 to 1099511627776"),
        ({"tensors": (LedgerTensor(name="a", shape=(2,), group=1),)}, "1 was given for tensor 'a'; allowed are 0 "),
        ({"tensors": (LedgerTensor(name="a", shape=(2,)),) * 2}, "two tensors of the name 'a' were given"),
        (
            {"perturbation": Pool(size=6, repeats="refuse"), "tensors": (LedgerTensor(name="a", shape=(8,)),)},
            "the pool would repeat after 3 directions instead of 6",
        ),
        (
            {"perturbation": Pool(), "groups": (LedgerGroup(grid=20, amplitude=65794),)},
            "amplitude=65794 times the largest integer 255 was given; their product must stay below 16777216",
        ),
    ],
)  # fmt: skip
def test_a_header_says_what_is_wrong(changes, text):
    with pytest.raises(LedgerError, match=re.escape(text)):
        header_for(**changes)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LedgerGroup(grid=61, amplitude=1), "grid=61 was given; allowed are -10 to 60"),
        (lambda: LedgerGroup(grid=20, amplitude=0), "amplitude=0 was given; allowed are 1 to 16777215 grid units"),
        (lambda: LedgerTensor(name=5, shape=()), "tensor name 5 was given; a text is needed"),
        (lambda: LedgerTensor(name="a", shape=(-1,)), "shape (-1,) was given for tensor 'a'; sizes from 0 on"),
    ],
)
def test_parts_of_a_header_say_what_is_wrong(make, text):
    with pytest.raises(LedgerError, match=re.escape(text)):
        make()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda v: v | {"format": 2}, "a ledger of format 2 was given; this auricle reads 1: update it"),
        (lambda v: v | {"dimension": 7}, "dimension=7 was given; the tensors hold 6"),
        (lambda v: v | {"extra": 7}, "the header with keys base_sha256, dimension, estimator, extra"),
        (lambda v: v | {"tensors": 7}, "tensors of type int was given; a list is needed"),
        (lambda v: v | {"groups": [7]}, "a group of type int was given; a JSON object is needed"),
        (
            lambda v: v | {"perturbation": {}},
            "perturbation {} was given; an object with a kind of pool, row_pool, lfsr, signs",
        ),
        (lambda v: v | {"perturbation": {"kind": "dice"}}, "a perturbation of kind 'dice' was given; allowed are pool"),
        (lambda v: v | {"perturbation": {"kind": "signs", "seed": "x"}}, "seed='x' was given; a whole number is"),
        (lambda v: v | {"perturbation": {"kind": "pool", "size": 7}}, "must be canonical JSON"),
        (lambda v: [v], "the header of type list was given; a JSON object is needed"),
    ],
)
def test_a_header_in_json_says_what_is_wrong(change, text):
    values = change(json.loads(header_for().to_json()))
    with pytest.raises(LedgerError, match=re.escape(text)):
        LedgerHeader.from_json(json.dumps(values, sort_keys=True, separators=(",", ":")).encode())


@pytest.mark.parametrize("text", [b"\xff", b"{", b"", b"[" * 100_000, b"1" * 5000])
def test_a_header_must_be_json(text):
    with pytest.raises(LedgerError, match=r"must be JSON in ASCII, and this is not|of type int"):
        LedgerHeader.from_json(text)


@pytest.mark.parametrize("space", [" ", "\n"])
def test_a_header_must_be_canonical(space):
    with pytest.raises(LedgerError, match="must be canonical JSON"):
        LedgerHeader.from_json(header_for().to_json() + space.encode())


@pytest.mark.parametrize(
    "spec", [Pool(size=7, bits=3, seed=-5), LfsrBank(generators=4, widths=(9, 11), lanes=7), Signs(seed=9), Gaussian()]
)
def test_a_header_survives_json(spec):
    header = header_for(3, 2, perturbation=spec, note='näive "seed":1', seed=2**64 - 1)
    assert LedgerHeader.from_json(header.to_json()) == header
    assert header.to_json().isascii()


def test_errors_are_input_errors():
    assert issubclass(LedgerDamagedError, LedgerError)
    assert issubclass(LedgerError, AuricleError)
    assert LedgerError.exit_code == 3
