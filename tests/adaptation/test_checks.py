"""The plan's tests and what is decided by them: verdicts and their words."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from auricle.adaptation.checks import (
    FEWEST_SUBJECTS,
    Check,
    check_classes_kept,
    check_coverage,
    check_distance,
    check_harm,
    check_labels,
    check_macro_f1,
    check_personal,
    check_sensitivity,
    check_steps,
    decide,
)
from auricle.adaptation.checks.comparison import compare
from auricle.conformal import PredictionSets
from auricle.errors import InputError
from compared_windows import PLAN, pair_of, plan_of, plan_with

Y = np.repeat([0, 1, 2], [200, 100, 100])
SUBJECT = np.arange(400) % 20


def test_macro_f1_says_what_it_was_and_became():
    after = np.where((Y == 2) & (np.arange(400) % 2 == 0), 0, Y)
    check = check_macro_f1(pair_of(Y, Y, after, SUBJECT), PLAN)
    assert check.passed is False
    assert check.text.startswith("Macro F1 on the reference set went from 1.000 to 0.852: a change of -0.148 (95 % ")
    assert check.text.endswith("the lower end must lie above -0.050.")
    assert check.limit == -0.05
    assert check.low < check.value < check.high


def test_few_people_are_not_tested():
    check = check_macro_f1(pair_of(Y, Y, Y, SUBJECT % (FEWEST_SUBJECTS - 1)), PLAN)
    assert check.passed is None
    assert "as its windows come from 7 subjects and 8 are needed" in check.text
    assert check_macro_f1(pair_of(Y, Y, Y, SUBJECT % FEWEST_SUBJECTS), PLAN).passed is True
    assert check_macro_f1(pair_of(Y, Y, Y), PLAN).passed is True
    empty = pair_of([], [], [])
    assert check_macro_f1(empty, PLAN).text == "The reference set holds no window of a scored class."


def test_a_class_in_one_person_is_not_tested_and_one_without_windows_neither():
    subject = np.where(Y == 2, 0, SUBJECT)
    checks = check_sensitivity(pair_of(Y, Y, Y, subject), PLAN)
    assert [check.passed for check in checks] == [True, True, None]
    assert "as 100 windows of 1 subject are too few or too unequal: even without any change" in checks[2].text
    checks = check_sensitivity(pair_of(Y[:300], Y[:300], Y[:300]), PLAN)
    assert checks[2].text == "The reference set holds no window of V."


def test_a_class_with_few_windows_is_not_tested():
    z2 = norm.ppf(0.975) ** 2
    for n, tested in ((int(9 * z2), None), (int(9 * z2) + 2, True)):  # z2 / (n + z2) = 0.1 at n = 9 z2
        y = np.repeat([0, 2], [100, n])
        assert check_sensitivity(pair_of(y, y, y), PLAN)[2].passed is tested


def test_each_class_has_its_own_margin():
    after = np.where((Y == 2) & (np.arange(400) % 10 == 0), 0, Y)
    pair = pair_of(Y, Y, after)
    assert [c.passed for c in check_sensitivity(pair, plan_with(sensitivity_margin=0.2))] == [True, True, True]
    strict = plan_with(sensitivity_margin=0.2, sensitivity_margins={"V": 0.06})
    checks = check_sensitivity(pair, strict)
    assert [c.passed for c in checks] == [True, True, False]
    assert checks[2].limit == -0.06


def test_a_lost_class_is_named_and_one_that_was_never_recognised_does_not_count():
    after = np.where(Y == 2, 0, Y)
    check = check_classes_kept(pair_of(Y, Y, after), PLAN)
    assert (check.passed, check.value) == (False, 1)
    assert check.text == (
        "Of N, S, V, V lost: at most 0 of its windows are recognised now (a class counts if at least 0.1 of its "
        "reference windows were recognised before)."
    )
    check = check_classes_kept(pair_of(Y, after, after), PLAN)
    assert check.passed is True
    assert check.text.startswith("Of N, S, no class was lost")
    assert check_classes_kept(pair_of(Y, (Y + 1) % 3, Y), PLAN).passed is None
    almost = after.copy()
    almost[-1] = 2
    assert check_classes_kept(pair_of(Y, Y, almost), PLAN).passed is True
    assert check_classes_kept(pair_of(Y, Y, almost), plan_with(class_lost=0.01)).passed is False


def test_the_patients_own_stretch_is_held_to_the_estimates():
    y = np.repeat([0, 2], [96, 4])
    one_worse = y.copy()
    one_worse[0] = 2
    right, macro = check_personal(pair_of(y, y, one_worse), PLAN)
    assert right.passed is True
    assert right.value == pytest.approx(-0.01)
    assert macro.passed is True
    assert "over N (classes with 5 windows" in macro.text
    three_worse = y.copy()
    three_worse[:3] = 2
    right, _ = check_personal(pair_of(y, y, three_worse), PLAN)
    assert right.passed is False
    assert right.text.endswith("the change itself must be no less than -0.020.")
    y = np.repeat([0, 2], [990, 10])
    just_beyond = y.copy()
    just_beyond[:21] = 2
    assert check_personal(pair_of(y, y, just_beyond), PLAN)[0].passed is False
    y = np.repeat([0, 2], [96, 4])
    at_the_margin = y.copy()
    at_the_margin[:2] = 2
    assert check_personal(pair_of(y, y, at_the_margin), PLAN)[0].passed is True


def test_a_short_stretch_is_not_tested():
    found = check_personal(pair_of([0] * 4, [0] * 4, [1] * 4), PLAN)
    assert [check.passed for check in found] == [None, None]
    assert found[0].text.startswith("The patient's test stretch holds 4 labelled windows; 5 are needed.")
    _, macro = check_personal(pair_of([0] * 4 + [2] * 4, [0] * 8, [0] * 8), PLAN)
    assert macro.text == "No scored class has 5 windows in the patient's test stretch."


def sets_of(member, alpha, **kinds):
    return PredictionSets(np.array(member), ("N", "V"), alpha, **kinds)


def test_coverage_names_class_level_and_law():
    plan = plan_of("protocol", alphas=[0.1])
    y = ["N"] * 60
    poor = sets_of([[i >= 24, True] for i in range(60)], 0.1)
    (check, other) = check_coverage([poor], y, {"N": 90, "V": 50}, plan)
    assert check.passed is False
    assert check.name == "coverage of N at alpha 0.1"
    assert check.text.startswith("36 of 60 windows of N kept their label at alpha 0.1 (0.600; ")
    assert ", 90 calibration windows; under the exact law at least " in check.text
    assert (
        other.text
        == "The coverage of V at alpha 0.1 can't be tested: the patient's test stretch holds no window of it."
    )
    (check, _) = check_coverage([poor], y, None, plan)
    assert check.passed is False
    assert "under the binomial law at least" in check.text


def test_coverage_that_nothing_could_contradict_is_not_tested():
    plan = plan_of("protocol", alphas=[0.1])
    few = check_coverage([sets_of([[False, True]] * 2, 0.1)], ["N"] * 2, {"N": 20, "V": 20}, plan)[0]
    assert few.passed is None
    assert few.text.endswith("with 2 windows the exact law allows that none is kept.")
    uncovered = sets_of([[True, True]] * 50, 0.1, uncovered=("N",))
    check = check_coverage([uncovered], ["N"] * 50, {"N": 5, "V": 20}, plan)[0]
    assert "too few calibration windows, stands in every set, and nothing is promised" in check.text
    left_out = sets_of([[False, True]] * 50, 0.1, left_out=("N",))
    assert [c.name for c in check_coverage([left_out], ["N"] * 50, {"V": 20}, plan)] == ["coverage of V at alpha 0.1"]


def test_coverage_needs_the_plans_alphas_and_a_label_for_each_set():
    plan = plan_of("protocol", alphas=[0.1, 0.2])
    one = sets_of([[True, True]] * 3, 0.1)
    with pytest.raises(InputError, match=r"sets at alpha 0\.1 were given; the plan asks for 0\.1, 0\.2"):
        check_coverage([one], ["N"] * 3, None, plan)
    two = [one, sets_of([[True, True]] * 3, 0.2)]
    with pytest.raises(InputError, match="y holds 2 labels for 3 sets; give one for each"):
        check_coverage(two, ["N"] * 2, None, plan)
    with pytest.raises(InputError, match="y holds 'X'; the classes are N, V"):
        check_coverage(two, ["X"] * 3, None, plan)


def test_labels_steps_and_distance():
    counts = {"adaptation": {"N": 100, "V": 8}, "calibration": {"N": 5}}
    check = check_labels(counts, PLAN)
    assert check.passed is True
    assert check.text == (
        "N has 9 labels or more in the adaptation stretch, and 1 class is needed (adaptation: 100 N, 8 V)."
    )
    two = plan_of("protocol", taught_classes=2)
    assert check_labels(counts, two).passed is False
    personal = plan_of("protocol", calibration="personal", alphas=[0.2], labels_per_class=5)
    assert check_labels(counts, personal).passed is True
    assert check_labels({"adaptation": {"N": 100}}, personal).passed is False
    assert check_labels({}, PLAN).text.endswith(
        "No class has 9 labels or more in the adaptation stretch, and 1 class is needed (adaptation: none)."
    )
    assert (check_steps(400, PLAN).passed, check_steps(401, PLAN).passed) == (True, False)
    assert check_steps(401, PLAN).text == "401 steps taken; the plan allows 400."
    assert [c.passed for c in check_distance(0.1, 0.26, PLAN)] == [True, False]
    assert check_distance(0.1, 0.26, PLAN)[1].text == "No weight changed by more than 0.26; the plan allows 0.25."
    assert [(c.passed, c.value) for c in check_distance(math.nan, math.inf, PLAN)] == [(False, None)] * 2


def test_harm_is_a_loss_of_f1_beyond_the_margin():
    worse = np.where((Y == 2) & (np.arange(400) % 4 == 0), 0, Y)
    check = check_harm(pair_of(Y, Y, worse), PLAN)
    assert check.passed is False
    assert check.text == "F1 of V went from 1.000 to 0.857; a loss of more than 0.05 counts as harm."
    assert check_harm(pair_of(Y, worse, Y), PLAN).passed is True
    assert check_harm(pair_of([0], [0], [0]), PLAN).passed is None
    assert check_harm(pair_of([], [], []), PLAN).passed is None
    with pytest.raises(InputError, match="the plan's harm_class is 'V'; the classes are N, A"):
        check_harm(pair_of([0], [0], [0], labels=("N", "A")), PLAN)


def all_passed():
    pair = pair_of(Y, Y, Y, SUBJECT)
    return [
        check_macro_f1(pair, PLAN), check_classes_kept(pair, PLAN), check_labels({"adaptation": {"N": 9}}, PLAN),
        check_steps(1, PLAN), *check_distance(0.01, 0.01, PLAN),
    ]  # fmt: skip


def test_what_passed_is_accepted_and_says_what_could_not_be_tested():
    checks = all_passed()
    assert decide(checks, PLAN).reasons == ("All 6 checks that could be made passed.",)
    unknown = Check(kind="coverage", name="coverage", passed=None, text="No window.")
    decision = decide([*checks, unknown], PLAN)
    assert decision.accepted
    assert decision.reasons[0].endswith("passed; 1 could not be tested, which the plan allows.")


@pytest.mark.parametrize("left_out", range(6))
def test_nothing_is_accepted_without_what_must_be_tested(left_out):
    checks = all_passed()
    kind = checks.pop(left_out).kind
    decision = decide(checks, PLAN)
    if kind == "distance":  # the other of the two was made
        assert decision.accepted
    else:
        assert not decision.accepted
        assert decision.reasons == (
            f"The plan asks for the test {kind!r}, which could not be made. No such check was made.",
        )
    assert not decide([], PLAN).accepted


def test_a_single_failure_refuses_with_its_own_sentence():
    decision = decide([*all_passed(), check_steps(900, PLAN)], PLAN)
    assert not decision.accepted
    assert decision.reasons == ("900 steps taken; the plan allows 400.",)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"y": ["N", "X"]}, "y holds 'X'; the classes are N, V"),
        ({"y": [["N", "V"]]}, r"y must hold one label for each window, shape \(n,\); got shape \(1, 2\)"),
        ({"before": [[1, 0]]}, r"scores before must have shape \(2, 2\), .*; got shape \(1, 2\)"),
        ({"after": [[1, 0], [np.nan, 1]]}, "scores after are not finite for 1 of 2 windows; such a network can't be"),
        ({"subjects": ["a"]}, r"subjects must name the subject of each of 2 windows; got shape \(1,\)"),
        ({"scored": ["A"]}, "scored names 'A'; the classes are N, V"),
    ],
)
def test_windows_that_cannot_be_compared_are_refused(change, text):
    given_ = {"y": ["N", "V"], "before": [[1, 0], [0, 1]], "after": [[1, 0], [0, 1]]} | change
    with pytest.raises(InputError, match=text):
        compare(("N", "V"), **given_)
