"""The evaluation: spans as they are said to be, numbers as scikit-learn has them, a test of evidence that can fail."""

import json
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from auricle import Specialist
from auricle.errors import InputError, NotCalibratedError
from auricle.evaluation import evaluate, faithfulness, random_spans, replace_spans, top_spans
from auricle.network import Architecture
from auricle.signals import Preprocessing
from auricle.signals.archives import open_archive
from auricle.signals.labelled import LabelledWindows, Unjudged
from auricle.training import TrainingSettings

SHAPES = Path(__file__).parents[2] / "shared" / "check_shapes.py"
ARRAYS = Preprocessing(fs=100.0, highpass=None, scaling="none")

# ---- spans ---------------------------------------------------------------------------------------------------------


@st.composite
def fitting(draw):
    lengths = draw(st.lists(st.integers(1, 20), min_size=1, max_size=8))
    return lengths, sum(lengths) + len(lengths) - 1 + draw(st.integers(0, 60))


@settings(max_examples=100, deadline=None)
@given(fitting(), st.integers(0, 1000))
def test_random_spans_have_their_lengths_lie_within_and_do_not_touch(case, seed):
    lengths, samples = case
    spans = random_spans(lengths, samples, np.random.default_rng(seed))
    assert sorted(b - a for a, b in spans) == sorted(lengths)
    assert spans[0][0] >= 0
    assert spans[-1][1] <= samples
    assert all(b < c for (_, b), (c, _) in pairwise(spans))


def test_every_arrangement_of_spans_is_as_likely():
    """Spans of 1, 1 and 2 in 8 samples: 3 orders, and 10 ways to choose 3 of the 5 gaps around the 4 free samples."""
    rng = np.random.default_rng(0)
    n = 9000
    counts: dict[tuple, int] = {}
    for _ in range(n):
        spans = tuple(random_spans([1, 1, 2], 8, rng))
        counts[spans] = counts.get(spans, 0) + 1
    assert len(counts) == 3 * 10
    expected = n / 30
    chi2 = sum((c - expected) ** 2 / expected for c in counts.values())
    assert chi2 < 58.3  # the 99.9 % point of chi-squared with 29 degrees of freedom


def test_spans_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="2 spans of 9 samples in all don't fit apart into 9 samples"):
        random_spans([4, 5], 9, np.random.default_rng(0))


@settings(max_examples=100, deadline=None)
@given(samples=st.integers(1, 400), step=st.integers(1, 50), fraction=st.floats(0.01, 1.0), seed=st.integers(0, 99))
def test_top_spans_cover_the_share_under_the_largest_evidence(samples, step, fraction, seed):
    evidence = np.random.default_rng(seed).normal(size=-(-samples // step))
    spans = top_spans(evidence, step, samples, fraction)
    covered = np.zeros(samples, bool)
    for a, b in spans:
        assert 0 <= a < b <= samples
        covered[a:b] = True
    assert all(b < c for (_, b), (c, _) in pairwise(spans))
    # Half an instance by rounding; the last one may be shorter than the others, and one is always taken.
    assert abs(covered.sum() - fraction * samples) <= 1.5 * step
    chosen = covered[::step]
    if not chosen.all():
        assert evidence[chosen].min() >= evidence[~chosen].max()
    # Whatever was chosen, chance can be given the same lengths.
    assert len(random_spans([b - a for a, b in spans], samples, np.random.default_rng(0))) == len(spans)


@settings(max_examples=60, deadline=None)
@given(fitting(), st.integers(0, 99))
def test_replaced_spans_are_straight_between_their_neighbours_and_nothing_else_changes(case, seed):
    lengths, samples = case
    rng = np.random.default_rng(seed)
    spans = random_spans(lengths, samples, rng)
    x = rng.normal(size=(2, samples)).astype(np.float32)
    before = x.copy()
    y = replace_spans(x, spans)
    np.testing.assert_array_equal(x, before)
    kept = np.ones(samples, bool)
    for a, b in spans:
        kept[a:b] = False
    np.testing.assert_array_equal(y[:, kept], x[:, kept])
    if kept.any():
        for row, given_row in zip(y, x, strict=True):
            # np.interp holds the first and the last value at the edges, as is promised.
            expected = np.interp(np.arange(samples), np.flatnonzero(kept), given_row[kept])
            np.testing.assert_allclose(row, expected, atol=1e-5)


# ---- evaluate ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny(made):
    return Specialist.load(made.specialist)


@pytest.fixture(scope="module")
def windows(made, tiny):
    return open_archive(made.data / "packed.npz", tiny.windowing)


@pytest.fixture(scope="module")
def result(tiny, windows):
    return evaluate(tiny, windows, faithful=10)


def test_f1_accuracy_and_confusion_are_those_of_scikit_learn(tiny, windows, result):
    true = windows.labels
    labels = ["N", "A", "O", "~"]
    guess = tiny.predict(windows.samples, lengths=windows.lengths)
    each = f1_score(true, guess, labels=labels, average=None)
    assert result["f1"] == pytest.approx(dict(zip(labels, each.tolist(), strict=True)))
    assert result["macro_f1"] == pytest.approx(f1_score(true, guess, labels=["N", "A", "O"], average="macro"))
    assert result["accuracy"] == pytest.approx(accuracy_score(true, guess))
    counts = confusion_matrix(true, guess, labels=labels)
    assert [list(row.values()) for row in result["confusion"].values()] == counts.tolist()
    assert (result["n"], result["recordings"]) == (96, 96)


def test_macro_f1_is_over_the_scored_classes_that_occur(tiny, windows):
    some = windows.select(np.isin(windows.labels, ["N", "~"]))
    found = evaluate(tiny, some, faithful=0)
    assert found["macro_f1_over"] == ["N"]
    assert found["macro_f1"] == found["f1"]["N"]
    assert "faithfulness" not in found


def test_levels_hold_what_the_sets_hold(tiny, windows, result):
    for alpha in (0.2, 0.1, 0.05):
        level = result["levels"][f"{alpha:g}"]
        sets = tiny.predict_set(windows.samples, alpha, lengths=windows.lengths)
        assert sum(level["share"].values()) == pytest.approx(1)
        assert level["mean_size"] == pytest.approx(sets.member.sum(1).mean())
        for label, one in level["coverage"].items():
            mine = windows.labels == label
            column = tiny.classes_.tolist().index(label)
            assert one["n"] == mine.sum()
            assert one["value"] == pytest.approx(sets.member[mine, column].mean())
            assert 0 <= one["low"] <= one["high"] <= 1
        one_label = sets.state == "confident"
        if one_label.any():
            hit = [windows.labels[i] in sets.labels_of(i) for i in np.flatnonzero(one_label)]
            assert level["confident_precision"] == pytest.approx(np.mean(hit))
    assert {one["status"] for one in result["levels"]["0.1"]["coverage"].values()} == {"covered"}
    assert {one["status"] for one in result["levels"]["0.05"]["coverage"].values()} == {"uncovered"}


def test_the_order_of_the_windows_changes_nothing(tiny, windows, result):
    shuffled = evaluate(tiny, windows.select(np.random.default_rng(0).permutation(len(windows))), faithful=0)
    assert shuffled["f1"] == result["f1"]
    assert shuffled["confusion"] == result["confusion"]


def test_the_shape_is_the_promised_one(result):
    text = json.dumps(result, allow_nan=False)
    if not SHAPES.is_file():
        pytest.skip(f"{SHAPES} is not there")
    done = subprocess.run([sys.executable, SHAPES, "evaluate"], input=text, capture_output=True, text=True, check=False)
    assert done.stdout == "as promised\n", done.stdout + done.stderr


def test_progress_ends_where_it_should(tiny, windows):
    seen = []
    evaluate(tiny, windows, faithful=3, progress=lambda *a: seen.append(a))
    assert seen[-1] == (3, 3, "testing the evidence")
    assert [s for s in seen if s[2] == "judging"][-1] == (96, 96, "judging")


def test_recordings_without_a_window_are_named_in_the_result(tiny, windows, result):
    assert result["unjudged"] == []
    lost = Unjudged(recording="R7", label="A", reason="the recording lasts 1 s; at least 2 s are needed")
    again = evaluate(tiny, replace(windows, unjudged=(lost,)), faithful=0)
    assert again["unjudged"] == [{"recording": "R7", "label": "A", "reason": lost.reason}]
    assert again["f1"] == result["f1"]


def test_a_negative_number_of_windows_is_refused(tiny, windows):
    with pytest.raises(InputError, match="-1 windows for the test of the evidence; give 0 to leave it out, or more"):
        evaluate(tiny, windows, faithful=-1)


@pytest.mark.parametrize("kept", ["N", "~", "NA", "O~"])
def test_data_without_some_classes_keep_the_shape(tiny, windows, kept):
    some = evaluate(tiny, windows.select(np.isin(windows.labels, list(kept))), faithful=2)
    test_the_shape_is_the_promised_one(some)
    assert set(some["levels"]["0.1"]["coverage"]) == set(kept)
    assert some["macro_f1_over"] == [label for label in "NAO" if label in kept]


def test_one_recording_is_enough(tiny, windows):
    one = evaluate(tiny, windows.select(np.array([3])), faithful=5)
    assert (one["n"], one["recordings"], one["faithfulness"]["windows"]) == (1, 1, 1)
    test_the_shape_is_the_promised_one(one)


def test_unknown_labels_are_named(tiny, windows):
    labels = windows.labels.copy()
    labels[[1, 2, 3]] = ["Z", "B", "Z"]
    with pytest.raises(InputError, match="labels that the specialist doesn't know: B, Z; it knows N, A, O, ~"):
        evaluate(tiny, replace(windows, labels=labels))


def test_no_window_and_another_rate_are_refused(tiny, windows):
    with pytest.raises(InputError, match="there is no window to evaluate on; give at least one labelled recording"):
        evaluate(tiny, windows.select(np.zeros(len(windows), bool)))
    with pytest.raises(InputError, match="the windows have 100 Hz and the specialist needs 60 Hz"):
        evaluate(tiny, replace(windows, fs=100.0))


# ---- faithfulness --------------------------------------------------------------------------------------------------


def bumps(n: int, seed: int, *, only: str | None = None) -> LabelledWindows:
    rng = np.random.default_rng(seed)
    x = (0.1 * rng.normal(size=(n, 1, 400))).astype(np.float32)
    y = [only or str(rng.choice(["flat", "bump"])) for _ in range(n)]
    for row, label in zip(x, y, strict=True):
        at = int(rng.integers(10, 370))
        row[0, at : at + 20] += 2.0 * (label == "bump")
    names = [f"r{seed}-{i}" for i in range(n)]
    return LabelledWindows.collect(list(x), y, names, names, [0.0] * n, fs=100.0)


@pytest.fixture(scope="module")
def toy():
    """A specialist for which only the bump matters."""
    small = Architecture(kernels=(3, 5), blocks=1, modules=1, heads=4, stem_stride=5)
    settings = TrainingSettings(epochs=10, batch=16, lr=1e-2)
    train, held = bumps(160, 0), bumps(60, 1)
    toy = Specialist(architecture=small, training=settings, preprocessing=ARRAYS).fit(train.samples, train.labels)
    return toy.calibrate(held.samples, held.labels)


def test_an_uncalibrated_specialist_is_told_so(toy):
    some = bumps(8, 0)
    bare = clone(toy).set_params(training=TrainingSettings(epochs=1)).fit(some.samples, some.labels)
    with pytest.raises(NotCalibratedError, match=r"the specialist is not calibrated.*calibrate it first"):
        evaluate(bare, some)


def test_evidence_beats_chance_and_random_numbers_do_not(toy):
    windows = bumps(30, 2, only="bump")
    assert (toy.predict(windows.samples) == "bump").mean() > 0.9
    own = faithfulness(toy, windows, draws=1)
    assert own["low"] > 0
    assert own["top"] > 2 * max(0.0, own["random"])
    assert own["area"]["top"] > own["area"]["random"]
    rng = np.random.default_rng(0)
    count = toy.explain(windows.samples[:1]).shape[2]
    chance = faithfulness(toy, windows, draws=1, explain=lambda _: rng.normal(size=(2, count)))
    assert chance["low"] < 0 < chance["high"]
    assert chance["high"] < own["low"]


def test_evidence_that_points_away_does_worse_than_chance(toy):
    windows = bumps(20, 3, only="bump")
    wrong = faithfulness(toy, windows, draws=1, explain=lambda x: -toy.explain(x[None])[0])
    assert wrong["high"] < 0


def test_numbers_of_faithfulness_hang_together(toy):
    windows = bumps(20, 4)
    found = faithfulness(toy, windows, most=12, fractions=(0.1, 0.3), draws=1, seed=5)
    assert found["windows"] == 12
    assert found["difference"] == pytest.approx(found["top"] - found["random"])
    assert found["low"] <= found["difference"] <= found["high"]
    curve = found["curve"]
    assert curve["fraction"] == [0.1, 0.3]
    assert (found["top"], found["random"]) == (curve["top"][0], curve["random"][0])
    top = curve["top"]
    assert found["area"]["top"] == pytest.approx(0.1 * top[0] / 2 + 0.2 * (top[0] + top[1]) / 2)
    assert found == faithfulness(toy, windows, most=12, fractions=(0.1, 0.3), draws=1, seed=5)


@pytest.mark.parametrize("samples", [26, 31, 130, 399])
def test_evidence_of_windows_of_any_length_falls_on_its_own_samples(toy, samples):
    """Where the last instance is a short one, the others must not shrink with it."""
    windows = bumps(3, 6, only="bump")
    short = replace(windows, lengths=np.full(3, samples))
    seen = []

    def watched(x):
        seen.append(x.shape[-1])
        evidence = np.zeros((2, -(-x.shape[-1] // 25)))
        evidence[:, 0] = 1.0
        return evidence

    assert toy.evidence_step * 100 == 25
    found = faithfulness(toy, short, draws=1, explain=watched)
    assert seen == [samples] * 3
    assert np.isfinite(found["curve"]["top"]).all()
