"""One attempt, whole, with a network small enough for seconds."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from auricle.adaptation import Patient, Plan, Source, adapt
from auricle.adaptation.judging import STRETCHES, LabelledStretch, divide
from auricle.adaptation.learning import Examples, Lesson, distances, learn, movable, rate, ready
from auricle.adaptation.patient.adapted import weights_sha256
from auricle.adaptation.personal import Scored, calibrate
from auricle.conformal import smallest_n
from auricle.errors import InputError, SpecialistError
from auricle.network import Architecture
from auricle.signals import Preprocessing
from auricle.specialist import Specialist
from auricle.specialist.windows import KeptWindows, packed, unpacked
from auricle.training import TrainingSettings, binary_loss

TIME = 64
SHAPE = Architecture(stem_stride=4, kernels=(3,), blocks=1, modules=1, heads=8)
WINDOWS = Preprocessing(fs=64.0, window=1.0, hop=1.0, longest=1.0, shortest=0.5, highpass=None, scaling="none")


def waves(n, seed, shift=0.0):
    """Two classes: a slow and a fast wave; `shift` turns a patient's fast ones towards the slow."""
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random(n) < 0.5, "N", "V")
    rates = np.where(labels == "N", 2.0, 8.0 - shift)
    at = np.arange(TIME) / TIME
    x = np.sin(2 * np.pi * (rates[:, None] * at + rng.random((n, 1)))) + rng.normal(0, 0.3, (n, TIME))
    return x[:, None].astype(np.float32), labels


@pytest.fixture(scope="module")
def specialist(tmp_path_factory):
    made = Specialist(architecture=SHAPE, preprocessing=WINDOWS, training=TrainingSettings(epochs=6, batch=16))
    made.fit(*waves(240, 1))
    made.calibrate(*waves(200, 2))
    x, y = waves(160, 3)
    groups = np.repeat(np.arange(4), 40)
    made.windows_ = {
        "reference": KeptWindows(samples=x.astype(np.float16).astype(np.float32), labels=y, groups=groups),
        "rehearsal": KeptWindows(samples=x[:40], labels=y[:40], groups=groups[:40]),
    }
    path = tmp_path_factory.mktemp("base") / "waves"
    made.save(path, name="waves")
    return Specialist.load(path, backend="torch")


def plan(**description):
    return Plan.from_dict(
        {
            "description": {"most_steps": 30, "lr": 3e-3, "batch": 16, **description},
            "protocol": {"minutes": 5.0, "gap": 1.0},
            "assessment": {"macro_f1_margin": 0.3, "sensitivity_margin": 0.4},
        }
    )


def patient_windows(n=240, shift=3.0, seed=5):
    x, y = waves(n, seed, shift)
    return x, y, np.linspace(0.0, 299.0, n)


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
    assert second.impact.modification.steps == 60
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
    assert "Classes with 9 labels or more in the adaptation stretch: 0 (none)" in made.impact.decision.reasons[0]


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


# --- learning ---


def lesson(specialist, seed=0, rehearsal=True):
    x, y, _ = patient_windows()
    columns = (y == "V").astype(np.int64)
    own = Examples(list(x[:100]), columns[:100])
    return Lesson(own, Examples(list(x[100:140]), columns[100:140]) if rehearsal else None, 16, seed)


def test_forward_passes_lower_the_loss(specialist):
    task = lesson(specialist)
    made = learn(specialist.network_, task, plan(most_steps=120, most_distance=5.0, most_change=5.0).description)

    def loss(network):
        with torch.no_grad():
            return np.mean([float(task.closure(network, 1000 + i)()) for i in range(8)])

    assert loss(made.network) < 0.9 * loss(specialist.network_)
    assert made.forwards == 240
    assert not made.stopped


def test_training_stops_before_it_goes_too_far(specialist):
    description = plan(most_steps=100, lr=1e-2, most_distance=0.02).description
    made = learn(specialist.network_, lesson(specialist), description)
    assert made.distance <= 0.02
    assert made.steps % 20 == 0
    assert "the plan allows 0.02" in made.stopped


def test_training_that_runs_away_goes_back(specialist):
    made = learn(specialist.network_, lesson(specialist), plan(lr=1e4, most_distance=5.0, most_change=9.0).description)
    assert made.steps == 0
    assert "training ran away and went back to step 0" in made.stopped
    assert made.distance < 1e-5


def test_small_is_norms_tokens_and_head(specialist):
    small = set(movable(specialist.network_, "small"))
    everything = set(movable(specialist.network_, "all"))
    assert small < everything
    assert any("tokens" in name for name in small)
    assert any("norm" in name for name in small)
    assert not any(name.startswith("encoder") and name.endswith("conv.weight") for name in small)
    network, moving = ready(specialist.network_, "small")
    assert {name for name, w in network.named_parameters() if w.requires_grad} == small == set(moving)
    assert distances(moving, specialist.network_) == (0.0, 0.0)


def test_batches_depend_on_seed_and_step_alone(specialist):
    one, other = lesson(specialist), lesson(specialist)
    assert torch.equal(one.at(3)[0], other.at(3)[0])
    assert not torch.equal(one.at(3)[0], one.at(4)[0])
    assert not torch.equal(one.at(3)[0], lesson(specialist, seed=1).at(3)[0])
    x, lengths, labels = lesson(specialist, rehearsal=False).at(0)
    assert x.shape == (16, 1, TIME)
    assert lengths is None
    assert labels.shape == (16,)


def test_the_rate_falls_to_nothing():
    description = plan(most_steps=10).description
    assert rate(description, 0) == description.lr
    assert rate(description, 9) == pytest.approx(description.lr / 10)


def test_nothing_to_learn_from(specialist):
    empty = replace(lesson(specialist), personal=Examples([], np.zeros(0, np.int64)))
    with pytest.raises(InputError, match="there is no window to learn from"):
        learn(specialist.network_, empty, plan().description)


def test_loss_is_what_training_minimises():
    scores = torch.tensor([[2.0, -2.0], [0.0, 0.0]])
    expected = torch.nn.functional.binary_cross_entropy_with_logits(scores, torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    assert binary_loss(scores, torch.tensor([0, 1]), 0.0) == expected


# --- stretches and calibration ---


def test_stretches_share_no_sample(specialist):
    x, y, starts = patient_windows()
    parts = divide(LabelledStretch.of(x, y, starts, specialist), plan(), 64.0, start=0.0, stop=300.0)
    ends = [(parts[name].starts.min(), parts[name].starts.max() + 1.0) for name in STRETCHES]
    assert ends[0][1] + 1.0 <= ends[1][0]
    assert ends[1][1] + 1.0 <= ends[2][0]
    assert sum(len(parts[name]) for name in STRETCHES) >= 230


def test_whose_windows_calibrate():
    rng = np.random.default_rng(0)
    others = Scored(scores=rng.normal(size=(200, 2)), labels=np.repeat(["N", "V"], 100))
    own = Scored(scores=rng.normal(5, 1, size=(45, 2)), labels=np.repeat(["N", "V"], [40, 5]))
    made = {
        mode: calibrate(["N", "V"], others, own, mode=mode, alphas=[0.1, 0.05], least=3)
        for mode in ("auto", "population", "personal", "combined")
    }
    assert dict(made["auto"].source) == {"N": "personal", "V": "population"}
    assert dict(made["population"].source) == {"N": "population", "V": "population"}
    assert dict(made["personal"].source) == {"N": "personal", "V": "personal"}
    assert dict(made["combined"].source) == {"N": "personal", "V": "combined"}
    assert made["auto"].calibration.counts == {"N": 40, "V": 100}
    assert made["combined"].calibration.counts["V"] == smallest_n(0.05)
    assert "for this patient" in made["auto"].promise("N")
    assert made["personal"].counts == {"N": 40, "V": 5}


def test_a_class_without_any_window_promises_nothing():
    none = Scored(scores=np.zeros((0, 2)), labels=np.zeros(0, "<U1"))
    own = Scored(scores=np.ones((20, 2)), labels=np.array(["N"] * 20))
    with pytest.warns(UserWarning, match="no calibration sample has the label 'V'"):
        made = calibrate(["N", "V"], none, own, mode="auto", alphas=[0.1])
    assert made.source["V"] == "none"


def test_where_nothing_may_calibrate_the_old_stands_and_promises_nothing(specialist):
    none = Scored(scores=np.zeros((0, 2)), labels=np.zeros(0, "<U1"))
    own = Scored(scores=np.ones((2, 2)), labels=np.array(["N", "V"]))
    old = specialist.calibration_
    made = calibrate(["N", "V"], none, own, mode="auto", alphas=[0.1], otherwise=old)
    assert made.calibration is old
    assert set(made.source.values()) == {"none"}
    assert "promises nothing" in made.promise("N")


# --- windows that ship ---


def test_kept_windows_survive_a_file(specialist):
    kept = specialist.windows_["reference"]
    again = unpacked(packed(specialist.windows_, ["N", "V"]), ["N", "V"], "x")["reference"]
    assert np.array_equal(again.samples, kept.samples)
    assert again.labels.tolist() == kept.labels.tolist()
    assert again.groups.tolist() == kept.groups.tolist()


@pytest.mark.parametrize("data", [b"", b"\x08\0\0\0\0\0\0\0{}      ", b"not a file"])
def test_damaged_windows(data):
    if data.startswith(b"\x08"):
        assert unpacked(data, ["N"], "x") == {}
        return
    with pytest.raises(SpecialistError, match=r"windows\.safetensors can\'t be used"):
        unpacked(data, ["N"], "x")


def test_a_label_that_is_none(specialist):
    data = packed(specialist.windows_, ["N", "V"])
    with pytest.raises(SpecialistError, match="a label of reference is none of the 1 classes"):
        unpacked(data, ["N"], "x")
