"""The estimator: calibrate once, ask at any level."""

import json
import subprocess
import sys
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from crepes import WrapClassifier
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.conformal import LabelConditional, NoCalibrationSamplesWarning, smallest_n
from auricle.errors import InputError, NotCalibratedError

LABELS = ("N", "A", "O")
ALPHAS = (0.3, 0.2, 0.1, 0.05, 0.01)


@st.composite
def problems(draw):
    """Scores and labels of all three classes, rounded so that ties are common, and new scores."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, m = draw(st.integers(3, 60)), draw(st.integers(0, 30))
    digits = draw(st.sampled_from([0, 1, 6]))
    y = rng.permutation(np.resize(np.arange(3), n))
    scores = rng.normal(1.5 * np.eye(3)[y]).round(digits)
    return scores, np.array(LABELS)[y], rng.normal(size=(m, 3)).round(digits)


@given(problems(), st.sampled_from(ALPHAS), st.sampled_from([(), ("O",), ("N", "A")]))
@settings(max_examples=80, deadline=None)
def test_a_label_is_in_the_set_when_its_p_value_exceeds_alpha(problem, alpha, leave_out):
    scores, y, new = problem
    conformal = LabelConditional(LABELS, leave_out=leave_out).calibrate(scores, y)
    sets = conformal.predict_set(new, alpha)
    expected = (conformal.p_values(new) > alpha) & ~np.isin(LABELS, leave_out)
    assert sets.member.tolist() == expected.tolist()
    too_few = [label for label in LABELS if (y == label).sum() < smallest_n(alpha) and label not in leave_out]
    assert sets.uncovered == conformal.uncovered(alpha) == tuple(too_few)
    assert sets.left_out == leave_out


@given(problems())
@settings(max_examples=30, deadline=None)
def test_sets_shrink_as_alpha_grows(problem):
    scores, y, new = problem
    conformal = LabelConditional(LABELS).calibrate(scores, y)
    members = [conformal.predict_set(new, alpha).member for alpha in ALPHAS]
    for larger_alpha, smaller_alpha in pairwise(members):
        assert not (larger_alpha & ~smaller_alpha).any()


MONOTONE = [lambda x: 3 * x - 7, np.exp, np.arctan, lambda x: x**3, lambda x: np.log1p(np.exp(x))]


@given(problems(), st.lists(st.sampled_from(MONOTONE), min_size=3, max_size=3), st.sampled_from(ALPHAS))
@settings(max_examples=50, deadline=None)
def test_a_strictly_increasing_change_of_a_class_s_scores_changes_no_set(problem, changes, alpha):
    def changed(values):
        return np.column_stack([change(values[:, k]) for k, change in enumerate(changes)])

    scores, y, new = problem
    plain = LabelConditional(LABELS).calibrate(scores, y).predict_set(new, alpha)
    other = LabelConditional(LABELS).calibrate(changed(scores), y).predict_set(changed(new), alpha)
    assert plain.member.tolist() == other.member.tolist()


@given(problems(), st.permutations(range(3)), st.sampled_from(ALPHAS), st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_order_of_samples_and_classes_changes_no_set(problem, classes, alpha, seed):
    scores, y, new = problem
    rng = np.random.default_rng(seed)
    old, fresh = rng.permutation(len(y)), rng.permutation(len(new))
    plain = LabelConditional(LABELS).calibrate(scores, y).predict_set(new, alpha)
    names = [LABELS[k] for k in classes]
    mixed = (
        LabelConditional(names).calibrate(scores[old][:, classes], y[old]).predict_set(new[fresh][:, classes], alpha)
    )
    assert mixed.member.tolist() == plain.member[fresh][:, classes].tolist()


@given(problems())
@settings(max_examples=25, deadline=None)
def test_p_values_equal_the_unsmoothed_class_conditional_ones_of_crepes(problem):
    scores, y, new = problem
    if not len(new):
        return
    # crepes asks a learner for probabilities and turns them into nonconformity with `nc`; the scores pass through.
    learner = SimpleNamespace(predict_proba=lambda X: X, classes_=np.array(LABELS))

    def negative(X, classes=None, labels=None):
        return -X if labels is None else -X[labels[:, None] == classes]

    oracle = WrapClassifier(learner)
    oracle.calibrate(scores, y, class_cond=True, nc=negative)
    conformal = LabelConditional(LABELS).calibrate(scores, y)
    assert np.abs(conformal.p_values(new) - oracle.predict_p(new, smoothing=False)).max() < 1e-15
    for alpha in ALPHAS:
        ours = conformal.predict_set(new, alpha).member
        assert ours.tolist() == (oracle.predict_p(new, smoothing=False) > alpha).tolist()


@given(problems(), st.sampled_from(ALPHAS))
@settings(max_examples=30, deadline=None)
def test_json_round_trip_is_bit_for_bit(problem, alpha):
    scores, y, new = problem
    scores = scores / 3  # no short decimals
    conformal = LabelConditional(LABELS, leave_out=["A"]).calibrate(scores, y)
    again = LabelConditional.from_dict(json.loads(json.dumps(conformal.to_dict(), allow_nan=False)))
    assert again.to_dict() == conformal.to_dict()
    assert again.thresholds(alpha) == conformal.thresholds(alpha)
    assert again.predict_set(new, alpha).member.tolist() == conformal.predict_set(new, alpha).member.tolist()


def test_thresholds_counts_and_text():
    scores = np.column_stack([np.arange(12.0), np.arange(12.0)])
    y = np.repeat([7, 3], [9, 3])
    conformal = LabelConditional(np.array([7, 3])).calibrate(scores, y)
    assert conformal.counts == {7: 9, 3: 3}
    assert conformal.thresholds(0.1) == {7: 0.0, 3: -np.inf}
    assert conformal.thresholds(0.25) == {7: 1.0, 3: 9.0}
    assert LabelConditional([7, 3], [7]).calibrate(scores, y).thresholds(0.25) == {7: np.inf, 3: 9.0}
    assert repr(conformal) == "LabelConditional(labels 7, 3; calibrated with 9 7, 3 3)"
    assert repr(LabelConditional(["N", "A"], ["A"])) == (
        "LabelConditional(labels 'N', 'A'; left out, so in no set: 'A'; not calibrated)"
    )


def test_float32_scores_meet_their_own_threshold():
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(40, 1)).astype(np.float32)
    conformal = LabelConditional(["N"]).calibrate(scores, ["N"] * 40)
    assert conformal.predict_set(scores, 0.1).size.sum() == 40 - (4 - 1)  # rank 4: three lie below


def test_calibrating_again_replaces():
    conformal = LabelConditional(["N"]).calibrate([[1.0], [2.0]], ["N", "N"])
    conformal.calibrate([[5.0]], ["N"])
    assert conformal.counts == {"N": 1}


def test_a_failed_calibration_changes_nothing():
    conformal = LabelConditional(["N"]).calibrate([[1.0], [2.0]], ["N", "N"])
    with pytest.raises(InputError):
        conformal.calibrate([[np.nan]], ["N"])
    assert conformal.counts == {"N": 2}


def test_a_class_without_samples_is_uncovered_and_said_so():
    with pytest.warns(NoCalibrationSamplesWarning) as caught:
        conformal = LabelConditional(["N", "A"]).calibrate(np.ones((9, 2)), ["N"] * 9)
    assert str(caught[0].message) == (
        "no calibration sample has the label 'A': it will stand in every set at every alpha, and no set can be "
        "confident. Calibrate with samples of it, or declare leave_out=('A',)"
    )
    assert caught[0].filename == __file__
    assert conformal.predict_set([[1.0, -9.0], [0.0, -9.0]], 0.5).state.tolist() == ["uncertain", "unfamiliar"]
    assert LabelConditional(["N", "A"], ["A"]).calibrate(np.ones((9, 2)), ["N"] * 9).uncovered(0.1) == ()


@pytest.mark.parametrize(
    ("asked", "call"),
    [
        ("predict_set", lambda c: c.predict_set([[0.0]], 0.1)),
        ("p_values", lambda c: c.p_values([[0.0]])),
        ("thresholds", lambda c: c.thresholds(0.1)),
        ("uncovered", lambda c: c.uncovered(0.1)),
        ("counts", lambda c: c.counts),
        ("to_dict", lambda c: c.to_dict()),
    ],
)
def test_out_of_order(asked, call):
    with pytest.raises(NotCalibratedError) as error:
        call(LabelConditional(["N"]))
    assert str(error.value) == f"call calibrate(scores, y) before {asked}"


@pytest.mark.parametrize(
    ("scores", "y", "text"),
    [
        (
            np.zeros((2, 3)),
            ["N", "A"],
            "must have shape (samples, 2), one column for each of 'N', 'A'; got shape (2, 3)",
        ),
        (np.zeros(2), ["N", "A"], "got shape (2,)"),
        (
            [[0.0, 1.0], [np.nan, np.inf]],
            ["N", "A"],
            "scores must be finite; 2 of 4 are not, the first is scores[1, 0] = nan",
        ),
        ([[0.1, 0.2], [0.3]], ["N"], "scores must be an array; the rows that were given have unequal lengths"),
        (np.zeros((2, 2)), [[], ["N"]], "y must be an array; the rows that were given have unequal lengths"),
        (np.zeros((2, 2)), [{}, {}], "y must hold labels such as 'N', 'A'; unhashable type: 'dict'"),
        ([["a", "b"]], ["N"], "scores must be real numbers; got an array of type <U1"),
        (np.zeros((0, 2)), [], "scores holds no sample; calibration needs labelled samples, see smallest_n(alpha)"),
        (np.zeros((2, 2)), ["N"], "y must hold one label for each sample, shape (2,); got shape (1,)"),
        (np.zeros((2, 2)), ["N", "B"], "y holds 'B'; the labels are 'N', 'A'"),
        (np.zeros((2, 2)), [0, 1], "y holds 0, 1; the labels are 'N', 'A'; for positions, give np.array(labels)[y]"),
        (np.zeros((7, 2)), list("abcdefg"), "y holds 'a', 'b', 'c', 'd', 'e' and 2 more; the labels are"),
    ],
)
def test_calibration_that_cannot_be_used(scores, y, text):
    with pytest.raises(InputError) as error:
        LabelConditional(["N", "A"]).calibrate(scores, y)
    assert text in str(error.value)


def test_a_single_number_is_no_list_of_labels():
    with pytest.raises(InputError, match=r"labels must be a sequence such as \(0, 1\); got the single number 5"):
        LabelConditional(5)


def test_leave_out_that_makes_no_sense():
    with pytest.raises(InputError, match="leave_out must be a sequence, empty for none; got None"):
        LabelConditional(["N", "A"], leave_out=None)
    with pytest.raises(InputError, match="leave_out holds 'X'; the labels are 'N', 'A'"):
        LabelConditional(["N", "A"], leave_out=["X"])
    with pytest.raises(InputError, match="leave_out holds every label, 'N', 'A'; at least one must remain"):
        LabelConditional(["N", "A"], leave_out=["A", "N"])


SAVED = {"kind": "label-conditional scores", "labels": ["N", "A"], "leave_out": [], "scores": [[0.5, 1.5], [2.0]]}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"kind": "other"}, "kind 'label-conditional scores'; got"),
        ({"more": 1}, "a saved calibration has the keys 'kind', 'labels', 'leave_out', 'scores'"),
        ({"labels": "NA"}, "labels of a saved calibration must be a list; got str"),
        ({"labels": ["N", "N"]}, "each label must occur once"),
        ({"leave_out": ["X"]}, "leave_out holds 'X'; the labels are 'N', 'A'"),
        ({"scores": {"N": [1.0]}}, "scores of a saved calibration must be a list; got dict"),
        ({"scores": [[0.5]]}, "a saved calibration needs one list of scores a label, 2; got 1"),
        ({"scores": [[1.5, 0.5], [2.0]]}, "the saved scores of 'N' must ascend; 1.5 is followed by 0.5. Was the file"),
        ({"scores": [[0.5], [np.nan]]}, "the saved scores of 'A' can't be used: calibration scores must be finite"),
        ({"scores": [[0.5], [10**400]]}, "the saved scores of 'A' can't be used: int too large"),
        ({"scores": [[0.5], ["2"]]}, "the saved scores of 'A' must be a list of numbers"),
        ({"scores": [[0.5], [True]]}, "the saved scores of 'A' must be a list of numbers"),
        ({"scores": [[0.5], 2.0]}, "the saved scores of 'A' must be a list of numbers"),
        ({"scores": [[], []]}, "the saved calibration holds no score; calibrate again"),
    ],
)
def test_a_saved_calibration_that_cannot_be_used(change, text):
    assert LabelConditional.from_dict(SAVED).counts == {"N": 2, "A": 1}
    with pytest.raises(InputError) as error:
        LabelConditional.from_dict(SAVED | change)
    assert text in str(error.value)


@pytest.mark.parametrize("given_", [None, [], "text", {}, {"labels": ["N"]}])
def test_something_else_than_a_saved_calibration(given_):
    with pytest.raises(InputError, match="a saved calibration has the keys"):
        LabelConditional.from_dict(given_)


def test_importing_the_conformal_layer_imports_nothing_heavy():
    code = (
        "import sys, auricle.conformal; "
        "print([name for name in ('torch', 'sklearn', 'matplotlib', 'pandas', 'pydantic', 'scipy.stats') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
