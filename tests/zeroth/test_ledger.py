"""The ledger's file: what was written comes back, what was changed is found, what was killed goes on."""

import hashlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.errors import AuricleError
from auricle.zeroth import sealed_file
from auricle.zeroth.bank import LfsrBank
from auricle.zeroth.fresh import Gaussian, Signs
from auricle.zeroth.ledger import Ledger, LedgerDamagedError, LedgerError, LedgerGroup, LedgerHeader, LedgerTensor
from auricle.zeroth.pool import Pool
from auricle.zeroth.records import scan

DOCS = Path(__file__).parents[2] / "docs"


def header_for(queries=1, count=1, **changes):
    values = {
        "base_sha256": 64 * "0",
        "perturbation": Signs(),
        "tensors": tuple(LedgerTensor(name=f"t{g}", shape=(2, 3), group=g) for g in range(count)),
        "groups": (LedgerGroup(grid=20, amplitude=16),) * count,
        "queries": queries,
    }
    return LedgerHeader(**(values | changes))


def written(path, header, steps):
    """Write steps, each an array of multipliers or None for a null step, and close."""
    with Ledger.create(path, header) as ledger:
        put(ledger, steps)
    return path.read_bytes()


def put(ledger, steps):
    for step in steps:
        if step is None:
            ledger.append_null()
        else:
            ledger.append(step)


def expected(steps, queries, groups):
    multipliers = np.array([np.zeros((queries, groups)) if s is None else s for s in steps], np.int64)
    return multipliers.reshape(len(steps), queries, groups), np.array([s is None for s in steps], bool)


def assert_holds(ledger, steps):
    multipliers, null = ledger.multipliers()
    wanted, wanted_null = expected(steps, ledger.header.queries, len(ledger.header.groups))
    assert ledger.steps == len(steps)
    assert np.array_equal(multipliers, wanted)
    assert np.array_equal(null, wanted_null)


@st.composite
def runs(draw, most=12):
    """A number of queries, a number of groups, and steps that use every exponent."""
    queries, groups = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    word, exponent = st.integers(-32767, 32767) | st.sampled_from([-32767, -1, 0, 1, 32767]), st.integers(0, 9)

    def step(exponents):
        columns = [st.lists(word.map(lambda m, e=e: m << e), min_size=queries, max_size=queries) for e in exponents]
        return st.tuples(*columns).map(lambda c: np.array(c, np.int64).T)

    one = st.none() | st.lists(exponent, min_size=groups, max_size=groups).flatmap(step)
    return queries, groups, draw(st.lists(one, max_size=most))


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


@settings(max_examples=10, deadline=None)
@given(run=runs(most=4))
def test_a_kill_at_any_byte_leaves_the_longest_run_of_whole_steps(tmp_path_factory, run):
    queries, groups, steps = run
    folder = tmp_path_factory.mktemp("kill")
    path = folder / "a"
    ends = []
    ledger = Ledger.create(path, header_for(queries, groups))
    begin = path.stat().st_size
    for step in steps:
        put(ledger, [step])
        ends.append(path.stat().st_size)
    ledger.close()
    whole = path.read_bytes()
    for length in range(begin, len(whole) + 1):
        kept = sum(end <= length for end in ends)
        path.write_bytes(whole[:length])
        with Ledger.append_to(path) as ledger:
            assert_holds(ledger, steps[:kept])
            assert ledger.unsealed == (0 if length == len(whole) else kept)
            put(ledger, steps[kept:])
        assert path.read_bytes() == whole


def test_a_kill_between_a_block_and_its_seal(tmp_path):
    path, header = tmp_path / "a", header_for()
    whole = written(path, header, [[[1]]] * 256)
    path.write_bytes(whole[:-40])
    with Ledger.append_to(path) as ledger:
        assert (ledger.steps, ledger.unsealed) == (256, 256)
        ledger.append([[2]])
    assert path.read_bytes()[: len(whole)] == whole
    assert_holds(Ledger.open(path), [[[1]]] * 256 + [[[2]]])


def test_a_kill_within_the_header(tmp_path):
    path = tmp_path / "a"
    whole = written(path, header_for(), [])
    for length in [*range(14), *range(14, len(whole), 23), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(LedgerError, match="ends within its header, so it holds no step; delete it"):
            Ledger.append_to(path)


CHILD = """
import os, signal, sys
from auricle.zeroth.ledger import Ledger, LedgerError
try:
    Ledger.append_to(sys.argv[1])
except LedgerError as error:
    print(error, flush=True)
input()
ledger = Ledger.append_to(sys.argv[1])
for step in range(300):
    ledger.append([[step]])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_another_process_has_to_wait_and_is_killed_at_work(tmp_path):
    path = tmp_path / "a"
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        with Ledger.create(path, header_for()) as ledger:
            assert "is being written by another process or object" in other.stdout.readline()
            ledger.append([[7]])
        other.communicate("\n")
    assert other.returncode == -signal.SIGKILL
    with Ledger.append_to(path) as ledger:
        assert_holds(ledger, [[[7]], *([[step]] for step in range(300))])
        assert ledger.unsealed == 45


STEPS = {
    "one wide": (1, 1, [[[0]], [[5]], None, [[-40000]], [[0]], [[12]]]),
    "two queries": (2, 1, [[[0], [1]], None, [[70000], [0]], [[0], [0]]]),
    "three groups": (1, 3, [[[0, 0, 0]], [[1, 40000, -1]], None, [[0, 0, 0]]]),
    "wider than a seal": (5, 5, [np.zeros((5, 5), int), None, np.arange(25).reshape(5, 5)]),
}


@pytest.mark.parametrize("name", STEPS)
def test_every_changed_bit_of_a_closed_file_is_found(tmp_path, name):
    queries, groups, steps = STEPS[name]
    path = tmp_path / "a"
    whole = bytearray(written(path, header_for(queries, groups), steps))
    header = len(header_for(queries, groups).to_json()) + 12 + 32
    for bit in range(0, 8 * header, 41):
        changed = whole.copy()
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        with pytest.raises(LedgerError):
            Ledger.open(path)
    for bit in range(8 * header, 8 * len(whole)):
        changed = whole.copy()
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(LedgerDamagedError) as caught:
            scan(bytes(changed), start=header, queries=queries, groups=groups).check_chain(bytes(changed))
        first, last = map(int, re.search(r"bytes (\d+) to (\d+)", str(caught.value)).groups())
        assert first <= bit // 8 <= last
        assert first == header


def test_verify_names_the_damaged_block_and_what_is_intact_before_it(tmp_path):
    path, header = tmp_path / "a", header_for()
    with Ledger.create(path, header) as ledger:
        for step in range(600):
            ledger.append([[step]])
        start = path.stat().st_size - 2 * 600 - 2 * 40
        whole = bytearray(path.read_bytes())
        whole[start + 2 * 300 + 40] ^= 1
        path.write_bytes(whole)
        first, last = start + 512 + 40, start + 2 * (512 + 40) - 1
        text = (
            f"{path}: the seal after step 512 does not fit what it seals: the damage lies in bytes {first} to {last}, "
            f"after step 256; the first {first} bytes are an intact ledger of 256 steps: copy them to keep those, "
            "or take a backup"
        )
        with pytest.raises(LedgerDamagedError, match=re.escape(text)):
            ledger.verify()
    path.write_bytes(path.read_bytes()[:first])
    with Ledger.open(path) as rest:
        assert_holds(rest, [[[step]] for step in range(256)])
        assert rest.unsealed == 0


def test_what_is_called_intact_is_intact(tmp_path):
    """Damage that breaks the structure late must not hide damage to an earlier block."""
    path = tmp_path / "a"
    whole = bytearray(written(path, header_for(), [[[step]] for step in range(300)]))
    start = len(whole) - 600 - 80
    whole[start] ^= 1
    whole[-2 * 40 :] = whole[-2 * 40 : -38] + b"\x00\x80??" + whole[-36:]
    path.write_bytes(whole)
    with pytest.raises(LedgerDamagedError, match=f"the first {start} bytes are an intact ledger of 0 steps"):
        Ledger.open(path)


def test_verify_tells_what_is_not_sealed_yet(tmp_path):
    path = tmp_path / "a"
    with Ledger.create(path, header_for()) as ledger:
        put(ledger, [[[1]]] * 300)
        found = ledger.verify()
        assert (found.steps, found.unsealed, found.seals, found.unfinished_bytes) == (300, 44, 1, 0)
    assert ledger.verify().seals == 2
    with path.open("ab") as file:
        file.write(b"\x07")
    with Ledger.open(path) as read:
        assert (read.verify().unfinished_bytes, read.steps, read.unsealed) == (1, 300, 0)


def test_a_block_without_its_seal_is_damaged(tmp_path):
    path = tmp_path / "a"
    whole = written(path, header_for(), [[[1]]] * 256)
    path.write_bytes(whole[:-40] + b"\x01\x00")
    with pytest.raises(LedgerDamagedError, match="the seal that is due after step 256 is missing"):
        Ledger.open(path)


@settings(max_examples=80, deadline=None)
@given(garbage=st.binary(max_size=200), behind=st.booleans())
def test_garbage_gives_a_ledger_error_or_steps(tmp_path_factory, garbage, behind):
    path = tmp_path_factory.mktemp("garbage") / "a"
    begin = written(path, header_for(2, 1), []) if behind else b""
    path.write_bytes(begin + garbage)
    try:
        ledger = Ledger.append_to(path)
    except LedgerError:
        return
    assert behind
    multipliers, null = ledger.multipliers()
    ledger.append_null()
    assert ledger.steps == len(multipliers) + 1 == len(null) + 1
    ledger.close()
    with Ledger.open(path) as read:
        assert np.array_equal(read.multipliers(0, len(null))[0], multipliers)


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


def test_two_writers(tmp_path):
    path = tmp_path / "a"
    with Ledger.create(path, header_for()) as ledger:
        ledger.append([[1]])
        with pytest.raises(LedgerError, match="is being written by another process or object; close that one"):
            Ledger.append_to(path)
        with Ledger.open(path) as reader:
            assert reader.steps == 1
        ledger.append([[2]])
        ledger.truncate(1)
        with pytest.raises(LedgerError, match="is being written by another process"):
            Ledger.append_to(path)
    with Ledger.append_to(path) as ledger:
        assert_holds(ledger, [[[1]]])


def test_a_name_that_changed_hands_is_opened_again(tmp_path, monkeypatch):
    """A writer may roll its ledger back between our opening of the old file and our lock on it."""
    path = tmp_path / "a"
    written(path, header_for(), [[[1]], [[2]]])
    real, done = sealed_file.lock, []

    def roll_back_first(file, name):
        if not done:
            done.append(True)
            with Ledger.append_to(path) as other:
                other.truncate(1)
        real(file, name)

    monkeypatch.setattr(sealed_file, "lock", roll_back_first)
    with Ledger.append_to(path) as ledger:
        assert ledger.steps == 1
        ledger.append([[7]])
    with Ledger.open(path) as read:
        assert_holds(read, [[[1]], [[7]]])


def test_a_full_disk_leaves_whole_steps_and_can_be_mended(tmp_path):
    path, header = tmp_path / "a", header_for(3, 1)
    step = np.ones((3, 1), int)
    ledger = Ledger.create(path, header)
    start = path.stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (start + 10, before[1]))
        ledger.append(step)
        text = f"{path} can't be written: File too large; it holds what it held before: make room"
        with pytest.raises(LedgerError, match=re.escape(text)):
            ledger.append(step)
        assert path.stat().st_size == start + 6
        with pytest.raises(LedgerError, match="can't be written"):
            ledger.append([[100_000]] * 3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert ledger.exponents == (0,)
    ledger.append(2 * step)
    ledger.close()
    with Ledger.open(path) as read:
        assert_holds(read, [step, 2 * step])
        assert read.unsealed == 0


def test_a_step_that_can_not_be_taken_back_ends_the_writing(tmp_path, monkeypatch):
    path = tmp_path / "a"
    ledger = Ledger.create(path, header_for(3, 1))
    ledger.append(np.ones((3, 1), int))

    def torn(handle, data, at):
        os.lseek(handle, at, os.SEEK_SET)
        os.write(handle, bytes(data[:3]))
        raise OSError(28, "No space left on device")

    def refuse(*_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", torn)
        patch.setattr(os, "ftruncate", refuse)
        with pytest.raises(LedgerError, match="No space left on device"):
            ledger.append(np.ones((3, 1), int))
    with pytest.raises(LedgerError, match=r"close it, and Ledger.append_to continues it"):
        ledger.append_null()
    ledger.close()
    with Ledger.append_to(path) as again:
        assert again.steps == 1


def test_a_full_disk_when_the_ledger_is_made(tmp_path):
    path = tmp_path / "a"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, before[1]))
        with pytest.raises(LedgerError, match=r"can't be written: .*; nothing was left there"):
            Ledger.create(path, header_for())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not path.exists()


def test_a_full_disk_when_it_is_rolled_back(tmp_path):
    path = tmp_path / "a"
    ledger = Ledger.create(path, header_for())
    put(ledger, [[[1]], [[2]]])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, before[1]))
        with pytest.raises(LedgerError, match=r"can't be shortened: .*; it is as it was"):
            ledger.truncate(1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == [path]
    ledger.append([[3]])
    ledger.close()
    assert_holds(Ledger.open(path), [[[1]], [[2]], [[3]]])


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


def test_a_multiplier_that_no_writer_writes(tmp_path):
    path = tmp_path / "a"
    begin = written(path, header_for(perturbation=Gaussian()), [])
    path.write_bytes(begin + (32767).to_bytes(2, "little"))
    with pytest.raises(LedgerError, match="a multiplier of 32767 stands in it; allowed are magnitudes up to 15155"):
        Ledger.open(path)


def test_files_say_what_is_wrong(tmp_path):
    path = tmp_path / "a"
    with pytest.raises(LedgerError, match=r"can't be opened: No such file or directory; Ledger.create makes one"):
        Ledger.open(path)
    with pytest.raises(LedgerError, match="can't be made: No such file or directory"):
        Ledger.create(path / "b", header_for())
    path.write_bytes(b"something else")
    with pytest.raises(LedgerError, match="is no ledger: it begins with b'somethin' instead of b'AURLEDG1'"):
        Ledger.open(path)
    with pytest.raises(LedgerError, match=r"exists already; Ledger.append_to continues it, or give another name"):
        Ledger.create(path, header_for())
    path.unlink()
    written(path, header_for(), [[[1]]])
    with Ledger.open(path) as ledger:
        with pytest.raises(LedgerError, match="is open for reading only"):
            ledger.append([[1]])
        with pytest.raises(LedgerError, match=r"steps 0 to 2 were asked for; .* holds 0 to 1"):
            ledger.multipliers(0, 2)
        with pytest.raises(LedgerError, match="is open for reading only"):
            ledger.truncate(0)
    ledger = Ledger.append_to(path, fsync=True)
    with pytest.raises(LedgerError, match=r"step 2 was asked for; .* holds 0 to 1"):
        ledger.truncate(2)
    ledger.close()
    for use in (ledger.append_null, ledger.multipliers):
        with pytest.raises(LedgerError, match=r"is closed; Ledger.append_to continues it, Ledger.open reads it"):
            use()


@pytest.mark.parametrize("use", [Ledger.open, Ledger.append_to])
def test_a_device_without_end_is_refused(use):
    with pytest.raises(LedgerError, match=r"^/dev/zero is no plain file, so that it can't hold a l"):
        use("/dev/zero")


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
