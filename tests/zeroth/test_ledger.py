"""The ledger's file: what was written comes back, takes the bytes it says, and has one name."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.zeroth.fresh import Gaussian
from auricle.zeroth.ledger import Ledger, LedgerError, LedgerGroup, LedgerHeader, LedgerTensor
from auricle.zeroth.pool import Pool
from written_ledgers import assert_holds, header_for, put, runs, written

DOCS = Path(__file__).parents[2] / "docs"


@settings(max_examples=60, deadline=None)
@given(run=runs(), closes=st.sets(st.integers(0, 11)))
def test_what_was_written_comes_back(tmp_path_factory, run, closes):
    queries, groups, steps = run
    path = tmp_path_factory.mktemp("run") / "a.ledger"
    ledger = Ledger.create(path, header_for(queries, groups))
    for i, step in enumerate(steps):
        put(ledger, [step])
        assert ledger.unsealed >= 1
        if i in closes:
            ledger.close()
            ledger = Ledger.append_to(path)
            assert ledger.unsealed == 0
    assert_holds(ledger, steps)
    ledger.close()
    with Ledger.open(path) as read:
        assert_holds(read, steps)
        assert read.header == header_for(queries, groups)
        found = read.verify()
    assert (found.steps, found.unsealed, found.unfinished_bytes) == (len(steps), 0, 0)


def test_a_step_takes_two_bytes_a_query_and_group_and_a_block_forty_more(tmp_path):
    path, header = tmp_path / "a", header_for(2, 3)
    with Ledger.create(path, header) as ledger:
        empty = path.stat().st_size
        for _ in range(255):
            ledger.append(np.ones((2, 3), int))
        assert path.stat().st_size == empty + 255 * 12
        ledger.append(np.ones((2, 3), int))
        assert path.stat().st_size == empty + 256 * 12 + 40
        assert ledger.unsealed == 0
    assert path.stat().st_size == empty + 256 * 12 + 40


@settings(max_examples=40, deadline=None)
@given(run=runs(), data=st.data())
def test_truncate_is_a_prefix_and_goes_on(tmp_path_factory, run, data):
    queries, groups, steps = run
    keep = data.draw(st.integers(0, len(steps)))
    folder = tmp_path_factory.mktemp("truncate")
    with Ledger.create(folder / "a", header_for(queries, groups)) as ledger:
        put(ledger, steps)
        name = ledger.digest(keep)
        ledger.truncate(keep)
        assert (ledger.steps, ledger.unsealed) == (keep, 0)
        assert_holds(ledger, steps[:keep])
        assert ledger.digest() == name
        put(ledger, steps[keep:])
        assert_holds(ledger, steps)
    assert list(folder.iterdir()) == [folder / "a"]
    with Ledger.open(folder / "a") as read:
        assert_holds(read, steps)


@settings(max_examples=30, deadline=None)
@given(run=runs(), closes=st.sets(st.integers(0, 11)))
def test_a_version_has_one_name_wherever_seals_lie(tmp_path_factory, run, closes):
    queries, groups, steps = run
    folder = tmp_path_factory.mktemp("digest")
    written(folder / "a", header_for(queries, groups), steps)
    Ledger.create(folder / "b", header_for(queries, groups)).close()
    for i, step in enumerate(steps):
        ledger = Ledger.append_to(folder / "b")
        put(ledger, [step])
        if i in closes:
            ledger.close()
        else:
            ledger._file.abandon()  # as a kill does
    with Ledger.open(folder / "a") as a, Ledger.open(folder / "b") as b:
        names = [a.digest(i) for i in range(len(steps) + 1)]
        assert names == [b.digest(i) for i in range(len(steps) + 1)]
    assert len(set(names)) == len(names)


def test_a_null_step_is_not_a_step_of_zero(tmp_path):
    written(tmp_path / "a", header_for(), [None])
    written(tmp_path / "b", header_for(), [[[0]]])
    assert Ledger.open(tmp_path / "a").digest() != Ledger.open(tmp_path / "b").digest()


def test_the_digest_is_what_its_definition_says(tmp_path):
    header = header_for()
    whole = written(tmp_path / "a", header, [[[-3]], None])
    text = header.to_json()
    link = hashlib.sha256(b"AURLEDG1" + len(text).to_bytes(4, "little") + text).digest()
    assert whole[12 + len(text) :][:32] == link
    records = b"\0" + (-3).to_bytes(8, "little", signed=True) + b"\1" + bytes(8)
    assert Ledger.open(tmp_path / "a").digest() == hashlib.sha256(link + records).hexdigest()


def test_exponents_stay_while_they_serve(tmp_path):
    with Ledger.create(tmp_path / "a", header_for(1, 2)) as ledger:
        ledger.append([[4, 80_000]])
        assert ledger.exponents == (0, 2)
        ledger.append([[1, -4]])
        assert ledger.exponents == (0, 2)
        ledger.append([[1, 3]])
        assert ledger.exponents == (0, 0)


@pytest.mark.parametrize(
    ("multipliers", "text"),
    [
        ([[1.0]], "multipliers of type float64 were given; whole numbers of an integer type are needed"),
        ([1], "multipliers of shape (1,) were given; (queries, groups) = (1, 1) is needed"),
        ([[1, 2]], "multipliers of shape (1, 2) were given"),
        (
            [[32769]],
            "multipliers [32769] were given for group 0; the largest fits into 16 bits only as a multiple of 2",
        ),
        ([[-16777216]], "a multiplier of -16777216 was given; allowed are magnitudes up to 16777215"),
        ([[-(2**63)]], "a multiplier of -9223372036854775808 was given"),
    ],
)
def test_multipliers_say_what_is_wrong(tmp_path, multipliers, text):
    with Ledger.create(tmp_path / "a", header_for()) as ledger:
        with pytest.raises(LedgerError, match=re.escape(text)):
            ledger.append(multipliers)
        assert ledger.steps == 0


def test_products_with_the_perturbation_stay_exact(tmp_path):
    with Ledger.create(tmp_path / "a", header_for(perturbation=Gaussian())) as ledger:
        most = ledger.header.largest_multiplier
        assert most == (2**24 - 1) // Gaussian().largest
        ledger.append([[most]])
        with pytest.raises(LedgerError, match="the product with integers up to"):
            ledger.append([[most + 1]])


def test_a_header_of_another_kind_of_base_is_another_version(tmp_path):
    written(tmp_path / "a", header_for(), [])
    written(tmp_path / "b", replace(header_for(), base_sha256=64 * "1"), [])
    assert Ledger.open(tmp_path / "a").digest() != Ledger.open(tmp_path / "b").digest()


def test_the_example_in_the_documentation_is_what_is_written(tmp_path):
    page = (DOCS / "ledger.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- example -->\n```\n(.*?)```", page, re.DOTALL)[1]
    given_bytes = bytes.fromhex("".join(line.split("|")[0][6:] for line in shown.splitlines() if line.strip()))
    header = LedgerHeader(
        base_sha256=hashlib.sha256(bytes(12)).hexdigest(),
        perturbation=Pool(size=7, bits=3),
        tensors=(LedgerTensor(name="weight", shape=(3,)),),
        groups=(LedgerGroup(grid=20, amplitude=16),),
    )
    whole = written(tmp_path / "a", header, [[[3]], None, [[-40000]]])
    assert given_bytes == whole
    assert Ledger.open(tmp_path / "a").digest() in page
