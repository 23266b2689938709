"""The report of coverage, the spread between subjects, and overlapping parts."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from auricle.conformal import (
    LabelConditional,
    OverlapWarning,
    PredictionSets,
    clopper_pearson,
    coverage_interval,
    coverage_report,
    overlap,
)
from auricle.conformal.spread import excess_spread
from auricle.errors import InputError

LABELS = ("N", "A", "O")


def sample(n, seed, *, offset=0.0):
    rng = np.random.default_rng(seed)
    y = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    return rng.normal(2 * np.eye(3)[y]) - offset, np.array(LABELS)[y]


@pytest.fixture(scope="module")
def conformal():
    return LabelConditional(LABELS).calibrate(*sample(600, 1))


def test_numbers_are_those_counted_by_hand(conformal):
    scores, y = sample(500, 2)
    sets = conformal.predict_set(scores, 0.1)
    report = coverage_report(sets, y, conformal.counts)
    for k, one in enumerate(report.classes):
        rows = np.flatnonzero(y == LABELS[k])
        kept = sum(LABELS[k] in sets.labels_of(i) for i in rows)
        assert (one.label, one.n, one.kept, one.value) == (LABELS[k], rows.size, kept, kept / rows.size)
        assert (one.low, one.high) == clopper_pearson(kept, rows.size)
        n = conformal.counts[LABELS[k]]
        assert (one.expected_low, one.expected_high) == coverage_interval(n, rows.size, 0.1, tests=3)
        assert one.expected == pytest.approx(1 - ((n + 1) // 10) / (n + 1))
        assert one.inside is True
    confident = [i for i in range(500) if sets.state[i] == "confident"]
    assert report.confident == len(confident)
    assert report.confident_precision == pytest.approx(np.mean([sets.labels_of(i) == (y[i],) for i in confident]))
    assert report.mean_size == pytest.approx(np.mean([len(one) for one in sets]))
    assert list(report.share) == ["confident", "uncertain", "unfamiliar", "uncalibrated"]
    assert sum(report.share.values()) == pytest.approx(1)


def test_a_broken_promise_is_seen(conformal):
    scores, y = sample(500, 2, offset=1.0)
    report = coverage_report(conformal.predict_set(scores, 0.1), y, conformal.counts)
    assert [one.inside for one in report.classes] == [False, False, False]
    assert str(report).count("  below") == 3


def test_too_much_coverage_is_seen(conformal):
    scores, y = sample(3000, 2, offset=-9.0)
    report = coverage_report(conformal.predict_set(scores, 0.1), y, conformal.counts)
    assert str(report).count("  above") == 3


def test_text():
    member = np.array([[True, False, False, True]] * 3 + [[False, True, False, True]])
    sets = PredictionSets(member, ("N", "A", "O", "noise"), 0.1, uncovered=("noise",), left_out=("O",))
    counts = {"N": 100, "A": 40, "O": 3, "noise": 5}
    report = coverage_report(sets, ["N", "N", "O", "noise"], counts, subjects=["a", "a", "b", "b"])
    states = "confident 0.0 %, uncertain 100.0 %, unfamiliar 0.0 %, uncalibrated 0.0 %"
    assert str(report).splitlines() == [
        "Coverage at alpha 0.1 of 4 samples; intervals at 99 %",
        "label       n  covered     interval       by chance     verdict",
        "N           2    1.000  0.071 to 1.000  0.000 to 1.000  as expected",
        "A           0  no test sample",
        "O           1    0.000  0.000 to 0.995  left out: in no set, nothing promised",
        "noise       1    1.000  0.005 to 1.000  uncovered with 5 calibration samples: in every set",
        f"Labels in a set: 2.00 on average. States: {states}",
        "Subjects: 1; lowest coverage 1.000 (a, n 2, interval 0.071 to 1.000)",
    ]
    assert [one.status for one in report.classes] == ["covered", "covered", "left out", "uncovered"]
    assert [one.inside for one in report.classes] == [True, None, None, None]
    assert report.confident_precision is None


def test_uncalibrated_sets_are_reported_as_such():
    sets = PredictionSets(np.ones((2, 2), bool), ("N", "A"), 0.01, uncovered=("N", "A"))
    report = coverage_report(sets, ["N", "A"], {"N": 9, "A": 9}, subjects=[1, 2])
    assert report.share["uncalibrated"] == 1.0
    assert report.spread is None
    assert "uncalibrated 100.0 %" in str(report)


def test_json_has_the_shape_of_the_evaluation(conformal):
    scores, y = sample(300, 4)
    report = coverage_report(conformal.predict_set(scores, 0.1), y, conformal.counts, subjects=np.arange(300) % 10)
    again = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert {"value", "low", "high", "n", "expected_low", "expected_high", "inside"} <= again["coverage"]["N"].keys()
    assert set(again["coverage"]) == set(LABELS)
    assert sum(again["share"].values()) == pytest.approx(1)
    assert {"mean_size", "confident_precision", "alpha", "level", "n"} <= again.keys()
    assert len(again["spread"]["subjects"]) == 10


def test_coverage_by_subject_is_counted_by_hand(conformal):
    scores, y = sample(300, 4)
    subjects = np.random.default_rng(0).choice(["p1", "p2", "p3"], 300)
    sets = conformal.predict_set(scores, 0.1)
    report = coverage_report(sets, y, conformal.counts, subjects=subjects)
    values = [one.value for one in report.spread.subjects]
    assert values == sorted(values)
    for one in report.spread.subjects:
        rows = np.flatnonzero(subjects == one.subject)
        assert one.n == rows.size
        assert one.kept == sum(y[i] in sets.labels_of(i) for i in rows)
        assert (one.low, one.high) == clopper_pearson(one.kept, one.n)
    assert sum(one.expected * one.n for one in report.spread.subjects) == pytest.approx(
        sum(one.kept for one in report.spread.subjects)
    )


def test_the_variance_ratio_is_one_on_average_when_subjects_do_not_matter():
    rng = np.random.default_rng(6)
    sizes = np.array([[3, 0], [10, 5], [40, 2], [7, 30], [25, 25]])
    rows, columns = np.indices(sizes.shape)
    subject, column = np.repeat(rows, sizes.ravel()), np.repeat(columns, sizes.ravel())
    kept = np.where(column == 0, rng.random(column.size) < 0.8, rng.random(column.size) < 0.5)
    ratios = []
    for _ in range(2000):
        hits = np.zeros(sizes.shape)
        for k in range(2):
            np.add.at(hits, (subject[column == k], k), rng.permutation(kept[column == k]))
        ratios.append(excess_spread(hits, sizes.astype(float))[1])
    # Exactly 1 in expectation; four standard errors.
    assert abs(np.mean(ratios) - 1) < 4 * np.std(ratios) / np.sqrt(2000)


@pytest.mark.parametrize("sd", [0.0, 0.05, 0.1])
def test_the_standard_deviation_between_subjects_is_recovered(sd):
    rng = np.random.default_rng(8)
    rate = np.clip(rng.normal(0.8, sd, 400), 0, 1)
    n = rng.integers(50, 300, 400)
    found = excess_spread(rng.binomial(n, rate)[:, None].astype(float), n[:, None].astype(float))[2]
    assert found == pytest.approx(sd, abs=0.012)


def test_spread_of_nothing_that_varies():
    assert excess_spread(np.array([[3.0], [5.0]]), np.array([[3.0], [5.0]]))[1] is None
    assert excess_spread(np.zeros((1, 1)), np.ones((1, 1)))[2] is None


def test_sleep_scores_vary_between_subjects_more_than_chance_explains():
    with np.load(Path(__file__).parent / "scores" / "sleep.npz", allow_pickle=False) as table:
        scores, y, labels, subject = (table[key] for key in ("scores", "y", "labels", "subject"))
    names = labels[y]

    def ratio(subject):
        test = np.isin(subject, np.random.default_rng(0).permutation(np.unique(subject))[:20])
        conformal = LabelConditional(labels).calibrate(scores[~test], names[~test])
        sets = conformal.predict_set(scores[test], 0.1)
        return coverage_report(sets, names[test], conformal.counts, subjects=subject[test]).spread.variance_ratio

    assert ratio(subject) > 5
    assert 0.3 < ratio(np.random.default_rng(1).permutation(subject)) < 2.5  # the same epochs under drawn names


SETS = PredictionSets(np.array([[True, False], [True, True]]), ("N", "A"), 0.1)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: coverage_report(SETS, ["N"], {"N": 9, "A": 9}),
            "y must hold one label for each sample, shape (2,)",
        ),
        (lambda: coverage_report(SETS, ["N", "X"], {"N": 9, "A": 9}), "y holds 'X'; the labels are 'N', 'A'"),
        (
            lambda: coverage_report(SETS, ["N", "A"], {"N": 9}),
            "calibration_counts must hold every label; 'A' is missing",
        ),
        (
            lambda: coverage_report(SETS, ["N", "A"], {"N": 9, "A": 8}),
            "calibration_counts says 8 for 'A', but in these sets at alpha 0.1 the label is not uncovered. Give",
        ),
        (
            lambda: coverage_report(SETS, ["N", "A"], {"N": 9, "A": -1}),
            "calibration_counts['A'] must be a whole number of samples, 0 or more; got -1",
        ),
        (
            lambda: coverage_report(SETS, ["N", "A"], {"N": 9, "A": 9}, subjects=["a"]),
            "subjects must hold one id for each sample, shape (2,); got shape (1,)",
        ),
        (
            lambda: coverage_report(PredictionSets(np.ones((0, 1), bool), ("N",), 0.1), [], {"N": 9}),
            "there is no test sample; coverage needs at least one",
        ),
        (
            lambda: coverage_report(SETS, ["N", "A"], {"N": 9, "A": 9}, subjects=["a", None]),
            "1 of 2 samples have no subject (None or NaN); leave these samples out, or give no subjects",
        ),
        (
            lambda: coverage_report(SETS, ["N", "A"], {"N": 9, "A": 9}, subjects=[math.nan, math.nan]),
            "2 of 2 samples have no subject",
        ),
        (
            lambda: coverage_report([("N",)], ["N"], None),
            "sets must be what predict_set gives, and calibration_counts what counts holds; got list and NoneType",
        ),
        (lambda: overlap("ab", ["a"]), "one subject a sample is needed, such as ['p1', 'p1', 'p2']; got 'ab'"),
        (lambda: overlap(["a"], np.zeros((1, 2))), "one subject a sample is needed, such as ['p1', 'p1', 'p2']; got"),
        (lambda: coverage_report(SETS, ["N", "A"], {"N": 9, "A": 9}, level=1), "level must be between 0 and 1"),
    ],
)
def test_reports_that_cannot_be_made(call, text):
    with pytest.raises(InputError) as error:
        call()
    assert text in str(error.value)


def test_overlap_warns_with_numbers():
    with pytest.warns(OverlapWarning) as caught:
        found = overlap(np.array([1, 1, 2, 3]), [3, 3, 1, 9, 8])
    assert found.shared == (1, 3)
    assert (found.test_ids, found.samples, found.test_samples) == (4, 3, 5)
    assert str(caught[0].message) == (
        "2 of 4 test subjects (3 of 5 test samples) also occur in the calibration part: 1, 3. "
        "Coverage measured on them says too much; split by subject instead"
    )
    assert caught[0].filename == __file__


def test_overlap_shows_five_ids_at_most():
    with pytest.warns(
        OverlapWarning, match=r"7 of 7 test recordings \(7 of 7 test samples\).*: 0, 1, 2, 3, 4, \.\.\.\. "
    ):
        overlap(range(7), range(7), what="recording")


def test_unknown_subjects_do_not_overlap():
    assert overlap([None, "a"], [None, None, "b"]).shared == ()
    assert overlap(np.array([math.nan, 1.0]), np.array([math.nan, 2.0])).test_ids == 1
