"""Files that aren't what a ledger writes: each change is found, placed and named."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.zeroth.fresh import Gaussian
from auricle.zeroth.ledger import Ledger, LedgerDamagedError, LedgerError
from auricle.zeroth.records import scan
from written_ledgers import assert_holds, header_for, put, written

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
