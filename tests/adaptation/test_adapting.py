"""One attempt, whole, with a network small enough for seconds."""

import copy
from dataclasses import replace

import numpy as np
import pytest

from auricle.adaptation import Patient, Source, adapt
from auricle.adaptation.impact.text import impact_text
from auricle.adaptation.patient.adapted import weights_sha256
from auricle.errors import InputError, SpecialistError
from auricle.specialist import Specialist
from waves import patient_windows, plan


def test_an_honest_attempt_is_accepted_and_replays(specialist, tmp_path):
    x, y, starts = patient_windows()
    patient = Patient.create(tmp_path / "anna", specialist, subject="anna")
    seen = []
    made = adapt(
        specialist, x, y, plan(), starts=starts, patient=patient, source=Source(recording="r", labels="r.csv"),
        on_step=lambda *a: seen.append(a),
    )  # fmt: skip
    assert made.accepted, made.impact.decision.reasons
    assert seen[-1] == (30, 30)
    assert made.version == patient.active
    assert made.impact.cost.forwards == 60
    assert made.impact.modification.steps == 30
    assert made.impact.data.stretches["adaptation"].counts["N"] > 9
    again = patient.specialist(specialist)
    assert np.array_equal(again.scores(x), made.specialist.scores(x))
    assert weights_sha256(again.network_) == made.impact.modification.weights_sha256
    patient.verify(specialist)
    # The base stays as it was, and the next attempt goes on from the version.
    assert weights_sha256(specialist.network_) == made.impact.base.weights_sha256
    second = adapt(specialist, x, y, plan(seed=1), starts=starts, patient=patient)
    assert (second.impact.modification.steps, second.impact.modification.steps_before) == (30, 30)
    assert second.version.steps == 60
    assert "moved in 30 steps of at most 30, after 30 of earlier versions" in impact_text(second.impact)
    assert second.impact.parent == made.version.id
    patient.rollback(0)
    assert np.array_equal(patient.specialist(specialist).scores(x), specialist.scores(x))


def test_without_a_folder_the_same_weights_come_out(specialist, tmp_path):
    x, y, starts = patient_windows()
    kept = adapt(
        specialist, x, y, plan(), starts=starts, patient=Patient.create(tmp_path / "p", specialist, subject=None)
    )
    loose = adapt(specialist, x, y, plan(), starts=starts)
    assert loose.impact.modification.weights_sha256 == kept.impact.modification.weights_sha256
    assert loose.version is None


def test_a_stopped_attempt_goes_on_to_the_same_bits(specialist, tmp_path):
    x, y, starts = patient_windows()
    whole = adapt(specialist, x, y, plan(), starts=starts)
    patient = Patient.create(tmp_path / "p", specialist, subject=None)

    def stop(done, _):
        if done == 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapt(specialist, x, y, plan(), starts=starts, patient=patient, on_step=stop)
    assert patient.active.number == 0
    seen = []
    made = adapt(specialist, x, y, plan(), starts=starts, patient=patient, on_step=lambda done, _: seen.append(done))
    assert seen[0] == 12
    assert made.impact.modification.weights_sha256 == whole.impact.modification.weights_sha256


def test_a_training_that_ended_early_can_be_accepted(specialist, tmp_path):
    x, y, starts = patient_windows()
    patient = Patient.create(tmp_path / "p", specialist, subject=None)
    far = adapt(specialist, x, y, plan(most_steps=60, lr=3e-3), starts=starts).impact.modification.distance
    early = plan(most_steps=60, lr=3e-3, most_distance=0.9 * far)
    made = adapt(specialist, x, y, early, starts=starts, patient=patient)
    assert made.accepted, made.impact.decision.reasons
    assert made.version.steps == 20
    assert "so training went back to step 20" in made.impact.notes[-1]
    patient.verify(specialist)


def test_what_was_begun_with_other_labels_is_not_gone_on_with(specialist, tmp_path):
    x, y, starts = patient_windows()
    patient = Patient.create(tmp_path / "p", specialist, subject=None)

    def stop(done, _):
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapt(specialist, x, y, plan(), starts=starts, patient=patient, on_step=stop)
    other = y.copy()
    other[3] = "V" if y[3] == "N" else "N"
    made = adapt(specialist, x, other, plan(), starts=starts, patient=patient)
    fresh = adapt(specialist, x, other, plan(), starts=starts)
    assert made.impact.modification.distance == fresh.impact.modification.distance


def test_poisoned_labels_are_refused_and_nothing_changes(specialist, tmp_path):
    x, y, starts = patient_windows()
    wrong = np.where(y == "N", "V", "N")
    patient = Patient.create(tmp_path / "p", specialist, subject=None)
    made = adapt(
        specialist,
        x,
        wrong,
        plan(lr=3e-2, most_steps=60, most_distance=5.0, most_change=5.0),
        starts=starts,
        patient=patient,
    )
    assert not made.accepted
    assert patient.active.number == 0
    assert np.array_equal(made.specialist.scores(x), specialist.scores(x))
    assert made.impact.calibration is not None


def test_too_few_labels_are_refused_without_learning(specialist):
    x, y, starts = patient_windows(12)
    made = adapt(specialist, x, y, plan(), starts=starts)
    assert not made.accepted
    assert made.impact.cost.forwards == 0
    assert "No class has 9 labels or more in the adaptation stretch" in made.impact.decision.reasons[0]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"labels": ["N", "X"] * 120}, "labels of unknown classes were given: X; the specialist knows N, V"),
        ({"labels": ["N"]}, r"windows of shape \(240, 1, 64\), labels of shape \(1,\)"),
        ({"starts": np.full(240, np.nan)}, "a start is no number"),
    ],
)
def test_what_does_not_fit(specialist, change, text):
    x, y, starts = patient_windows()
    given = {"labels": y, "starts": starts} | change
    with pytest.raises(InputError, match=text):
        adapt(specialist, x, given["labels"], plan(), starts=given["starts"])


def test_another_base_is_refused(specialist, tmp_path):
    x, y, starts = patient_windows()
    patient = Patient.create(tmp_path / "p", specialist, subject=None)
    other = Specialist.load(specialist.save(tmp_path / "copy", summary="another").manifest() and tmp_path / "copy")
    with pytest.raises(SpecialistError, match="was adapted from"):
        adapt(other, x, y, plan(), starts=starts, patient=patient)


def test_a_version_judges_the_leads_that_it_was_adapted_on(specialist, tmp_path):
    x, y, starts = patient_windows()
    patient = Patient.create(tmp_path / "p", specialist, subject=None)
    other = copy.copy(specialist)
    other.preprocessing = replace(specialist.windowing, leads=(("V1",),))
    made = adapt(other, x, y, plan(), starts=starts, patient=patient)
    assert made.impact.data.leads == (("V1",),)
    opened = Patient.open(patient.path)
    assert opened.specialist(specialist).windowing.leads == (("V1",),)
    assert specialist.windowing.leads == ()
    second = adapt(specialist, x, y, plan(seed=1), starts=starts, patient=patient)
    assert "The version that was adapted judges lead V1; these windows are of lead (the first)." in second.impact.notes
