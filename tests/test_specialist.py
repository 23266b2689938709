"""The estimator: scikit-learn's rules, sets, evidence that adds up, and a folder in which no byte may change."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from auricle import Recording, Specialist
from auricle.conformal import OverlapWarning
from auricle.errors import InputError, NotCalibratedError, SpecialistError
from auricle.network import Architecture
from auricle.signals import Preprocessing
from auricle.training import TrainingSettings

SMALL = Architecture(kernels=(3, 5, 7), blocks=1, modules=1, heads=4, stem_stride=1)
FAST = TrainingSettings(epochs=8, batch=16, lr=1e-2)


def bumps(n: int, seed: int, time: int = 200) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    rng = np.random.default_rng(seed)
    x = (0.1 * rng.normal(size=(n, 1, time))).astype(np.float32)
    y = rng.choice(["flat", "bump"], n)
    for row, label in zip(x, y, strict=True):
        if label == "bump":
            at = int(rng.integers(10, time - 30))
            row[0, at : at + 12] += 2.0
    return x, y


@pytest.fixture(scope="module")
def fitted() -> Specialist:
    x, y = bumps(200, 0)
    specialist = Specialist(architecture=SMALL, training=FAST).fit(x, y, groups=np.arange(200).astype(str))
    return specialist.calibrate(*bumps(120, 1), groups=np.arange(200, 320).astype(str))


# A check that a time series can't pass would be named here with its reason. There is none.
@parametrize_with_checks([Specialist(architecture=SMALL, training=TrainingSettings(epochs=12, batch=16, lr=1e-2))])
def test_scikit_learn(estimator: Specialist, check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # without it scikit-learn skips its check of arrays of another library
    check(estimator)


def test_clone_and_parameters() -> None:
    specialist = Specialist(architecture=SMALL, training=FAST, leave_out=("flat",))
    assert clone(specialist).get_params() == specialist.get_params()
    assert specialist.set_params(device="cpu").device == "cpu"


def test_cross_validation_by_subject() -> None:
    x, y = bumps(120, 2)
    score = cross_val_score(Specialist(architecture=SMALL, training=FAST), x, y, groups=np.repeat(range(12), 10), cv=GroupKFold(3))  # fmt: skip # noqa: E501
    assert score.mean() > 0.9


def test_two_and_three_dimensions_agree(fitted: Specialist) -> None:
    x, _ = bumps(10, 3)
    np.testing.assert_array_equal(fitted.scores(x), fitted.scores(x[:, 0]))


def test_evidence_adds_up_to_the_score_and_points_at_the_bump(fitted: Specialist) -> None:
    x, y = bumps(60, 4)
    scores, evidence = fitted.scores(x), fitted.explain(x)
    np.testing.assert_allclose(evidence.sum(-1) + fitted.flat_scores(x), scores, atol=1e-4)
    bump = fitted.classes_.tolist().index("bump")
    for row, e, label in zip(x, evidence[:, bump], y, strict=True):
        if label == "bump":
            assert abs((int(e.argmax()) + 0.5) * 25 - int(np.abs(row[0]).argmax())) < 40


def test_ragged_rows_score_as_they_do_alone(fitted: Specialist) -> None:
    x, _ = bumps(8, 5)
    lengths = np.array([200, 150, 77, 40, 200, 199, 31, 120])
    together = fitted.scores(x, lengths=lengths)
    alone = np.concatenate([fitted.scores(row[None, :, :n]) for row, n in zip(x, lengths, strict=True)])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_sets_states_and_findings_agree(fitted: Specialist) -> None:
    x, _ = bumps(40, 6)
    sets = fitted.predict_set(x, alpha=0.1)
    findings = list(fitted.findings(x, alpha=0.1))
    assert [f.set for f in findings] == [tuple(map(str, s)) for s in sets]
    assert [f.state for f in findings] == sets.state.tolist()
    assert [f.top for f in findings] == fitted.predict(x).tolist()


def test_a_recording_gives_the_same_as_its_samples() -> None:
    x, y = bumps(100, 7)
    cuts = Preprocessing(fs=100.0, window=2.0, hop=2.0, longest=2.0, shortest=0.1, highpass=None, scaling="none")
    specialist = Specialist(architecture=SMALL, training=FAST, preprocessing=cuts).fit(x, y).calibrate(*bumps(60, 8))
    recording = Recording.from_array(x[:5, 0].reshape(1, -1), 100.0, channels=("I",), units=("mV",), id="five")
    findings = list(specialist.findings(recording))
    assert [f.window.index for f in findings] == list(range(5))
    assert [tuple(f.scores.values()) for f in findings] == [
        pytest.approx(tuple(map(float, row)), abs=1e-4) for row in specialist.scores(x[:5])
    ]


def test_probabilities_follow_the_scores(fitted: Specialist) -> None:
    x, _ = bumps(30, 9)
    proba = fitted.predict_proba(x)
    np.testing.assert_allclose(proba.sum(1), 1.0)
    assert (fitted.classes_[proba.argmax(1)] == fitted.predict(x)).all()


def test_a_subject_in_training_and_calibration_is_reported_with_numbers() -> None:
    x, y = bumps(60, 10)
    specialist = Specialist(architecture=SMALL, training=TrainingSettings(epochs=1)).fit(x, y, groups=np.arange(60))
    with pytest.warns(OverlapWarning, match="10 of 30"):
        specialist.calibrate(*bumps(30, 11), groups=np.arange(50, 80))


def test_save_and_load_give_the_same_scores_sets_and_hash(fitted: Specialist, tmp_path: Path) -> None:
    fitted.save(tmp_path / "one", name="bumps", version="3")
    loaded = Specialist.load(tmp_path / "one")
    x, _ = bumps(50, 12)
    np.testing.assert_array_equal(fitted.scores(x), loaded.scores(x))
    np.testing.assert_array_equal(fitted.predict_set(x, 0.2).member, loaded.predict_set(x, 0.2).member)
    assert loaded.hash_ == fitted.hash_ != ""
    assert (loaded.manifest_.name, loaded.manifest_.version) == ("bumps", "3")
    loaded.save(tmp_path / "two")
    assert loaded.hash_ == fitted.hash_
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == [
        "SHA256SUMS", "card.md", "specialist.json", "weights.safetensors"
    ]  # fmt: skip


@pytest.mark.parametrize("file", ["specialist.json", "weights.safetensors", "card.md", "SHA256SUMS"])
def test_any_changed_byte_is_refused(fitted: Specialist, tmp_path: Path, file: str) -> None:
    fitted.save(tmp_path / "s")
    content = bytearray((tmp_path / "s" / file).read_bytes())
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(content), 12):
        changed = bytearray(content)
        changed[at] ^= 1
        (tmp_path / "s" / file).write_bytes(changed)
        with pytest.raises(SpecialistError, match="changed after the specialist was saved"):
            Specialist.load(tmp_path / "s")


@pytest.mark.parametrize("file", ["weights.safetensors", "card.md", "SHA256SUMS"])
def test_a_missing_file_is_named(fitted: Specialist, tmp_path: Path, file: str) -> None:
    fitted.save(tmp_path / "s")
    (tmp_path / "s" / file).unlink()
    with pytest.raises(SpecialistError, match=rf"{file} can't be read .*incomplete, copy its folder again"):
        Specialist.load(tmp_path / "s")


def test_saving_replaces_a_specialist_but_nothing_else(fitted: Specialist, tmp_path: Path) -> None:
    fitted.save(tmp_path / "s", version="1").save(tmp_path / "s", version="2")
    assert Specialist.load(tmp_path / "s").manifest_.version == "2"
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    with pytest.raises(SpecialistError, match="exists and is no specialist; name a new folder, nothing was written"):
        fitted.save(tmp_path / "photos")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["photos", "s"]


def test_a_full_disk_leaves_the_old_specialist(fitted: Specialist, tmp_path: Path, monkeypatch) -> None:
    fitted.save(tmp_path / "s", version="1")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("auricle.folder.os.fsync", full)
    with pytest.raises(SpecialistError, match=r"No space left on device.*what was there is unchanged"):
        fitted.save(tmp_path / "s", version="2")
    monkeypatch.undo()
    assert Specialist.load(tmp_path / "s").manifest_.version == "1"
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


def test_an_unknown_name_lists_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(
        SpecialistError, match="there is no folder 'aff'; give the folder of a specialist or a shipped name: "
    ):
        Specialist.load("aff")
    with pytest.raises(SpecialistError, match=r"holds no specialist\.json"):
        Specialist.load(tmp_path)


def test_weights_that_do_not_fit_are_refused(fitted: Specialist, tmp_path: Path) -> None:
    fitted.save(tmp_path / "s")
    path = tmp_path / "s" / "specialist.json"
    manifest = json.loads(path.read_text())
    manifest["architecture"]["kernels"] = [3, 5, 9]
    path.write_text(json.dumps(manifest))
    names = ("specialist.json", "weights.safetensors", "card.md")
    sums = "".join(f"{hashlib.sha256((tmp_path / 's' / n).read_bytes()).hexdigest()}  {n}\n" for n in names)
    (tmp_path / "s" / "SHA256SUMS").write_text(sums)
    with pytest.raises(SpecialistError, match="the weights don't fit the architecture"):
        Specialist.load(tmp_path / "s")


def test_no_subject_id_reaches_the_folder(fitted: Specialist, tmp_path: Path) -> None:
    x, y = bumps(40, 13)
    names = np.array([f"Jane Doe {i}" for i in range(40)])
    Specialist(architecture=SMALL, training=TrainingSettings(epochs=1)).fit(x, y, groups=names).save(tmp_path / "s")
    assert b"Jane" not in b"".join(p.read_bytes() for p in (tmp_path / "s").iterdir())
    assert Specialist.load(tmp_path / "s").part_of("Jane Doe 7") == "train"
    shutil.rmtree(tmp_path / "s")


def test_order_of_calls(fitted: Specialist) -> None:
    x, y = bumps(20, 14)
    bare = Specialist(architecture=SMALL, training=TrainingSettings(epochs=1)).fit(x, y)
    with pytest.raises(NotCalibratedError, match=r"call calibrate\(X, y\) before predict_set"):
        bare.predict_set(x)
    with pytest.raises(NotCalibratedError, match=r"call calibrate\(X, y\) before findings"):
        next(bare.findings(x))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinite_samples(fitted: Specialist, bad: float) -> None:
    x, _ = bumps(3, 15)
    x[1, 0, 5] = bad
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        fitted.predict(x)


@pytest.mark.parametrize("lengths", [[0, 1, 2], [1, 2, 201], [1, 2], [1.0, 2.0, 3.0]])
def test_lengths_that_cannot_be(fitted: Specialist, lengths: list[float]) -> None:
    x, _ = bumps(3, 16)
    with pytest.raises(
        InputError, match="lengths must be 3 whole numbers from 1 to 200, the valid samples of each row"
    ):
        fitted.predict(x, lengths=lengths)


def test_unknown_and_duplicate_labels() -> None:
    x, y = bumps(12, 17)
    with pytest.raises(InputError, match=r"y holds \['flat'\]; the labels are \['bump', 'peak'\]"):
        Specialist(architecture=SMALL, labels=["bump", "peak"]).fit(x, y)
    with pytest.raises(InputError, match="a label stands twice"):
        Specialist(architecture=SMALL, labels=["bump", "flat", "flat"]).fit(x, y)


def test_a_class_without_calibration_samples_stands_in_every_set(fitted: Specialist) -> None:
    x, y = bumps(60, 18)
    judge = clone(fitted).fit(*bumps(40, 19))
    with pytest.warns(UserWarning, match="no calibration sample has the label 'flat'"):
        judge.calibrate(x[y == "bump"], y[y == "bump"])
    finding = next(judge.findings(x[:1]))
    assert "flat" in finding.set
    assert finding.uncovered == ("flat",)
    assert finding.p_values["flat"] is None


def test_one_sample_and_a_wrong_number_of_channels(fitted: Specialist) -> None:
    x, _ = bumps(4, 20)
    assert fitted.predict(x[:, :, :1]).shape == (4,)
    with pytest.raises(ValueError, match=r"features|channels|shape"):
        fitted.predict(np.zeros((3, 2, 200), np.float32))


def test_a_finding_without_evidence_gets_it_later() -> None:
    x, y = bumps(100, 7)
    cuts = Preprocessing(fs=100.0, window=2.0, hop=2.0, longest=2.0, shortest=0.1, highpass=None, scaling="none")
    specialist = Specialist(architecture=SMALL, training=FAST, preprocessing=cuts).fit(x, y).calibrate(*bumps(60, 8))
    recording = Recording.from_array(x[:5, 0].reshape(1, -1), 100.0, channels=("I",), units=("mV",), id="five")
    bare = list(specialist.findings(recording, explain=False))
    whole = list(specialist.findings(recording))
    assert not any(finding.segments or finding.evidence for finding in bare)
    assert [specialist.explained(recording, finding) for finding in bare] == whole
