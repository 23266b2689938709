"""A version's ledger goes on from its parent's: every step of the parent's, to the last."""

from pathlib import Path

import pytest

from auricle.adaptation.patient.version import begins_with, ledger_of
from auricle.zeroth import Ledger, Pool
from auricle.zeroth.ledger import LedgerGroup, LedgerHeader, LedgerTensor

HEADER = LedgerHeader(
    base_sha256=64 * "0", perturbation=Pool(size=255, bits=4), tensors=(LedgerTensor(name="w", shape=(10,)),),
    groups=(LedgerGroup(grid=20, amplitude=16),),
)  # fmt: skip


@pytest.fixture
def ledger(tmp_path):
    def make(*steps):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.zo"
        with Ledger.create(path, HEADER) as file:
            for c in steps:
                file.append([[c]])
        return ledger_of(path.read_bytes(), Path("ledger.zo"))

    return make


@pytest.mark.parametrize("steps", [(3, -5, 7), (3, -5, 7, 11)])
def test_the_same_steps_and_more_go_on(ledger, steps):
    assert begins_with(ledger(*steps), ledger(3, -5, 7))
    assert begins_with(ledger(*steps), None)


@pytest.mark.parametrize("steps", [(2, -5, 7, 11), (3, -5, 8), (3, -5, 8, 11), (3, -5), (3,)])
def test_another_first_or_last_step_or_fewer_do_not(ledger, steps):
    assert not begins_with(ledger(*steps), ledger(3, -5, 7))


def test_no_ledger_goes_on_from_none_only(ledger):
    assert begins_with(None, None)
    assert not begins_with(None, ledger(3))
