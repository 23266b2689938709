"""Writing a ledger that is killed, shared or short of space: whole steps stay, and it goes on."""

import os
import re
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings

from auricle.zeroth import sealed_file
from auricle.zeroth.ledger import Ledger, LedgerError
from written_ledgers import assert_holds, header_for, put, runs, written


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
