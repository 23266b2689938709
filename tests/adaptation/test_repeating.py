"""The same asked for twice, and several adaptations of one patient in a row."""

import copy

import numpy as np
import pytest
import torch

from auricle.adaptation import Patient, adapt
from auricle.adaptation.judging import FROM_BASE, LabelledStretch, divide, judge, with_network
from auricle.adaptation.learning import Learned
from auricle.adaptation.patient.state import ATTEMPT
from auricle.adaptation.patient.storage import Disk
from auricle.adaptation.patient.version import LEDGER
from power_cuts import Model, Quick, Recording, lay, tree_of
from waves import patient_windows, plan


@pytest.fixture
def anna(specialist, tmp_path):
    return Patient.create(tmp_path / "anna", specialist, subject="anna")


def test_an_accepted_attempt_is_not_made_twice(specialist, anna):
    x, y, starts = patient_windows()
    made = adapt(specialist, x, y, plan(), starts=starts, patient=anna)
    again = adapt(specialist, x, y, plan(), starts=starts, patient=anna, on_step=pytest.fail)
    assert again.repeated
    assert not made.repeated
    assert (again.version.id, again.impact) == (made.version.id, made.impact)
    assert np.array_equal(again.specialist.scores(x), made.specialist.scores(x))
    assert len(anna.events) == 2


@pytest.mark.parametrize("what", ["windows", "labels", "plan", "version"])
def test_what_differs_is_learned(specialist, anna, what):
    x, y, starts = patient_windows()
    adapt(specialist, x, y, plan(), starts=starts, patient=anna)
    other, mine, labels = plan(), x.copy(), y.copy()
    if what == "windows":
        mine[3] *= 1.001
    elif what == "labels":
        labels[3] = "V" if y[3] == "N" else "N"
    elif what == "plan":
        other = plan(seed=1)
    else:
        anna.rollback(0)
    again = adapt(specialist, mine, labels, other, starts=starts, patient=anna)
    assert not again.repeated
    assert again.impact.attempt == 2


def test_losses_of_several_attempts_do_not_add_up(specialist):
    """What is no worse than the version in use, but worse than the base, fails on the reference."""
    x, y, starts = patient_windows()
    parts = divide(LabelledStretch.of(x, y, starts, specialist), plan(), 64.0, start=0.0, stop=300.0)
    worse = Learned.nothing(spoiled(specialist.network_))
    in_use = with_network(specialist, worse.network)
    in_use.hash_ = specialist.hash_
    kinds = {"macro_f1", "sensitivity", "class_kept"}
    alone = judge(in_use, worse, parts, plan())
    assert not [check.text for check in alone.checks if check.kind in kinds and check.passed is False]
    found = judge(in_use, worse, parts, plan(), base=specialist)
    assert {check.kind for check in found.checks if check.kind in kinds and check.passed is False} == kinds
    assert FROM_BASE in found.notes
    assert FROM_BASE not in alone.notes
    # The table stays one of the version in use.
    assert found.before == alone.before


def spoiled(network):
    """Copy a network, and let it call everything by one name."""
    made = copy.deepcopy(network)
    with torch.no_grad():
        made.head.bias[0] += 100
    return made


def test_a_second_adaptation_is_held_against_the_base(specialist, anna):
    x, y, starts = patient_windows()
    first = adapt(specialist, x, y, plan(), starts=starts, patient=anna)
    second = adapt(specialist, x, y, plan(seed=1), starts=starts, patient=anna)
    assert FROM_BASE not in first.impact.notes
    assert FROM_BASE in second.impact.notes
    old = specialist.scores(specialist.windows_["reference"].samples).argmax(1)
    base = float((specialist.classes_[old] == specialist.windows_["reference"].labels).mean())
    assert first.impact.before["reference"].right == pytest.approx(base)
    assert second.impact.before["reference"] == first.impact.after["reference"]


def test_a_working_ledger_that_the_power_left_unreadable_is_begun_anew(specialist, anna):
    x, y, starts = patient_windows()
    whole = adapt(specialist, x, y, plan(), starts=starts)

    def stop(done, _):
        if done == 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapt(specialist, x, y, plan(), starts=starts, patient=anna, on_step=stop)
    path = anna.path / ATTEMPT / LEDGER
    path.write_bytes(path.read_bytes()[:40])
    seen = []
    made = adapt(specialist, x, y, plan(), starts=starts, patient=anna, on_step=lambda done, _: seen.append(done))
    assert seen[0] == 1
    assert made.impact.modification.weights_sha256 == whole.impact.modification.weights_sha256


def test_no_cut_of_power_leaves_steps_of_another_task(specialist, tmp_path, ledgers):
    """At every cut while another task takes the folder over: the old task, or no ledger, or no task that is whole."""
    root = tmp_path / "disk"
    root.mkdir()
    anna = Patient.create(root / "p", specialist, subject=None, storage=Quick())
    with anna.attempt() as attempt:
        attempt.keep_if_same({"labels": "old"})
        (attempt.folder / LEDGER).write_bytes(ledgers[0])
    disk, before = Recording(root), tree_of(root)
    with Patient.open(root / "p", storage=disk).attempt() as attempt:
        assert attempt.resumed
        attempt.keep_if_same({"labels": "new"})
        assert not (attempt.folder / LEDGER).exists()
    model, cuts = Model(before), 0
    for operation in disk.log:
        model.apply(operation)
        for tree in model.trees():
            cuts += 1
            files = dict(tree)
            assert not (files.get("p/attempt/task.json") == b'{"labels":"new"}\n' and "p/attempt/ledger.zo" in files)
            lay(tree, tmp_path / "left")
            with Patient.open(tmp_path / "left" / "p", storage=Disk()).attempt() as attempt:
                attempt.keep_if_same({"labels": "new"})
                assert not (attempt.folder / LEDGER).exists()
    assert cuts > 8


def test_the_seed_is_what_learns_on(specialist, anna):
    x, y, starts = patient_windows()
    for seed in (0, 1):
        adapt(specialist, x, y, plan(seed=seed), starts=starts, patient=anna)
    assert [version.steps for version in anna.versions] == [0, 30, 60]
