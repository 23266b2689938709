"""The plan's tests: their intervals against published ones, their errors at the margin's edge, their words."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binom, norm, t
from sklearn.metrics import f1_score

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
from auricle.adaptation.checks.macro import confusion, f1_of, macro_f1, macro_f1_interval
from auricle.adaptation.checks.paired import paired_interval
from auricle.adaptation.plan import Plan
from auricle.conformal import LabelConditional, PredictionSets
from auricle.errors import InputError

LABELS = ("N", "S", "V")


TABLES = {
    "description": {"most_steps": 400, "most_distance": 0.1, "most_change": 0.25},
    "protocol": {"labels_per_class": 9, "taught_classes": 1, "alphas": [0.2, 0.1, 0.05], "calibration": "auto"},
    "assessment": {
        "macro_f1_margin": 0.05, "sensitivity_margin": 0.1, "level": 0.95, "class_had": 0.1, "class_lost": 0.0,
        "personal_windows": 5, "personal_accuracy_margin": 0.02, "personal_macro_f1_margin": 0.05,
        "harm_class": "V", "harm_margin": 0.05,
        "must_be_tested": ["macro_f1", "class_kept", "labels", "steps", "distance"],
    },
}  # fmt: skip
"""Written out, so that the shipped plan may change without these tests."""


def plan_of(table, **values):
    return Plan.from_dict(TABLES | {table: TABLES[table] | values})


def plan_with(**assessment):
    return plan_of("assessment", **assessment)


PLAN = plan_with()


def pair_of(y, before, after, subjects=None, labels=LABELS):
    """Judgements instead of scores: the judged class scores 1, the others 0."""
    names, eye = np.array(labels), np.eye(len(labels))
    true, old, new = (np.asarray(each, np.intp) for each in (y, before, after))
    return compare(labels, names[true], eye[old], eye[new], subjects=subjects)


def table(both, lost, gained, neither):
    """Windows judged right before and after, from a fourfold table."""
    before = np.repeat([True, True, False, False], [both, lost, gained, neither])
    after = np.repeat([True, False, True, False], [both, lost, gained, neither])
    return before, after


# ---- the interval of a paired difference ---------------------------------------------------------------------------


def test_tangos_interval_of_a_published_table():
    # Airway hyper-responsiveness before and after stem cell transplantation (Bentur et al. 2009), as in Fagerland,
    # Lydersen and Laake, "Recommended tests and confidence intervals for paired binomial proportions", 2014.
    low, high = paired_interval(*table(1, 1, 7, 12))
    assert (round(low, 3), round(high, 3)) == (0.026, 0.517)


@pytest.mark.parametrize("n", [1, 20, 73, 5000])
def test_no_change_has_tangos_closed_form(n):
    right = np.arange(n) % 2 == 0
    z2 = norm.ppf(0.975) ** 2
    low, high = paired_interval(right, right)
    assert low == pytest.approx(-z2 / (n + z2), abs=1e-7)
    assert high == pytest.approx(z2 / (n + z2), abs=1e-7)


@settings(max_examples=25, deadline=None)
@given(st.tuples(*[st.integers(0, 30)] * 4).filter(lambda t: sum(t) > 3 and t[1] + t[2] > 0))
def test_the_ends_are_where_the_score_test_turns(counts):
    """Oracle: the most likely table with a given difference, found by search instead of by the closed form."""
    before, after = table(*counts)
    _, lost, gained, _ = counts
    n = sum(counts)

    def z(delta):
        def loss(q):  # q: probability of lost; gained is then q + delta
            rest = 1 - 2 * q - delta
            terms = ((lost, q), (gained, q + delta), (n - lost - gained, rest))
            return -sum(k * math.log(max(p, 1e-300)) for k, p in terms if k)

        low, high = max(0.0, -delta), (1 - delta) / 2
        q = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
        return (gained - lost - n * delta) / math.sqrt(n * (2 * q + delta - delta**2))

    low, high = paired_interval(before, after)
    if low > -0.999:
        assert z(low) == pytest.approx(norm.ppf(0.975), abs=1e-3)
    if high < 0.999:
        assert z(high) == pytest.approx(-norm.ppf(0.975), abs=1e-3)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 9)), min_size=1, max_size=60), st.booleans())
def test_intervals_hold_the_estimate_and_turn_with_the_order(rows, grouped):
    before, after, groups = (np.array(column) for column in zip(*rows, strict=True))
    groups = groups if grouped else None
    low, high = paired_interval(before, after, groups)
    estimate = after.mean() - before.mean()
    assert -1 <= low <= estimate + 1e-6
    assert estimate - 1e-6 <= high <= 1
    assert paired_interval(after, before, groups) == pytest.approx((-high, -low), abs=1e-6)
    wide = paired_interval(before, after, groups, level=0.99)
    assert wide[0] <= low + 1e-6
    assert wide[1] >= high - 1e-6


def test_windows_of_one_person_count_less_than_those_of_many():
    rng = np.random.default_rng(0)
    before = rng.random(400) < 0.9
    changed = np.arange(400) < 40  # all in two of twenty people
    after = before ^ changed
    people, alone = np.arange(400) // 20, np.arange(400)
    assert paired_interval(before, after, people)[0] < paired_interval(before, after)[0]
    assert paired_interval(before, after, alone) == pytest.approx(paired_interval(before, after), abs=0.005)
    assert paired_interval(before, after, np.zeros(400, np.intp)) == (-1, 1)


# ---- macro F1 ------------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40))
def test_f1_is_that_of_scikit_learn(rows):
    y, top = (np.array(column) for column in zip(*rows, strict=True))
    counts = confusion(y, top, 3, None).sum(0)
    present = np.unique(y)
    expected = f1_score(y, top, labels=present, average=None, zero_division=0)
    assert f1_of(counts)[present] == pytest.approx(expected)
    assert np.isnan(np.delete(f1_of(counts), present)).all()
    assert float(macro_f1(counts, range(3))) == pytest.approx(expected.mean())


def test_the_interval_of_macro_f1_is_the_same_each_time_and_in_any_order():
    rng = np.random.default_rng(3)
    y, before, after = rng.integers(0, 3, (3, 300))
    after = np.where(rng.random(300) < 0.8, before, after)
    subject = rng.integers(0, 12, 300)
    ends = set()
    for order in (np.arange(300), rng.permutation(300)):
        counts = [confusion(y[order], top[order], 3, subject[order]) for top in (before, after)]
        for seen in (counts, [matrix[::-1] for matrix in counts]):
            ends.add(tuple(np.round(macro_f1_interval(*seen, range(3)), 12)))
    assert len(ends) == 1
    low, high = ends.pop()
    assert low < float(macro_f1(counts[1].sum(0), range(3)) - macro_f1(counts[0].sum(0), range(3))) < high


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(8, 25), st.sampled_from([0.8, 0.95]))
def test_the_ends_of_macro_f1_are_where_the_score_test_turns(seed, people, level):
    """Oracle: leave each person out by hand, and put the ends into the test's own statistic."""
    rng = np.random.default_rng(seed)
    y, before = rng.integers(0, 3, (2, people * 12))
    after = np.where(rng.random(len(y)) < 0.8, before, y)
    subject = np.arange(len(y)) % people

    def change(chosen):
        old, new = (f1_score(y[chosen], top[chosen], average="macro") for top in (before, after))
        return new - old

    whole = change(np.ones(len(y), bool))
    pseudo = np.array([people * whole - (people - 1) * change(subject != one) for one in range(people)])
    counts = [confusion(y, top, 3, subject) for top in (before, after)]
    ends = macro_f1_interval(*counts, range(3), level=level)
    quantile = t.ppf((1 + level) / 2, people - 1)
    bias = pseudo.mean() - whole
    for end, start, sign in zip(ends, (max(bias, 0), min(bias, 0)), (1, -1), strict=True):
        if abs(end) < 1:
            delta = end + start  # the outermost of the mean and the change was the start
            statistic = (pseudo.mean() - delta) / np.sqrt(((pseudo - delta) ** 2).mean() / (people - 1))
            assert statistic == pytest.approx(sign * quantile, rel=1e-6)


@pytest.mark.parametrize("people", [1, 2, 6])
def test_few_people_bound_nothing(people):
    matrix = np.tile([[9, 1], [2, 8]], (people, 1, 1))
    assert macro_f1_interval(matrix, matrix, (0, 1)) == (-1, 1)


# ---- errors at the margin's edge -----------------------------------------------------------------------------------


def population(people, drop, rng, *, spread):
    """People with windows of three classes; `drop` of the V windows is lost after, unequally from person to person."""
    found = []
    for _ in range(people):
        y = rng.choice(3, int(rng.integers(30, 90)), p=rng.dirichlet([8, 1.5, 2.5]))
        before = np.where(rng.random(len(y)) < 0.9, y, rng.integers(0, 3, len(y)))
        mine = rng.beta(drop * spread, (1 - drop) * spread) if drop else 0.0
        hit = (y == 2) & (before == 2) & (rng.random(len(y)) < mine)
        found.append((y, before, np.where(hit, 0, np.where(rng.random(len(y)) < 0.01, y, before))))
    return found


def drawn(found, people, rng):
    """Draw people with replacement: the population is then exactly the truth."""
    chosen = [found[i] for i in rng.integers(0, len(found), people)]
    subject = np.repeat(np.arange(people), [len(y) for y, _, _ in chosen])
    return pair_of(*(np.concatenate(part) for part in zip(*chosen, strict=True)), subject)


def count_passed(found, people, plan, check, trials, seed):
    rng = np.random.default_rng(seed)
    verdicts = [check(drawn(found, people, rng), plan).passed for _ in range(trials)]
    return sum(verdict is True for verdict in verdicts)


def of_v(pair, plan):
    return check_sensitivity(pair, plan)[2]


def without_subjects(check):
    return lambda pair, plan: check(pair_of(pair.y, pair.before, pair.after), plan)


@pytest.fixture(scope="module")
def worse():
    return population(300, 0.25, np.random.default_rng(1), spread=40)


@pytest.fixture(scope="module")
def unequal():
    """Half of the loss is borne by a seventh of the people."""
    return population(300, 0.25, np.random.default_rng(1), spread=4)


@pytest.fixture(scope="module")
def same():
    return population(300, 0.0, np.random.default_rng(2), spread=4)


def truth(found):
    everyone = pair_of(*(np.concatenate(part) for part in zip(*found, strict=True)))
    macro = check_macro_f1(everyone, PLAN).value
    return macro, of_v(everyone, PLAN).value


def plan_at_the_edge(found):
    macro, sensitivity = truth(found)
    return plan_with(macro_f1_margin=-macro, sensitivity_margin=-sensitivity)


TRIALS = 200
LEVEL = 0.025
UNEQUAL = 0.06
"""What the docstrings admit where a few people bear the loss."""
CHANCE = 1e-3
"""How rarely a test of this file may fail although all is well."""


@pytest.mark.parametrize("check", [check_macro_f1, of_v])
@pytest.mark.parametrize(
    ("who", "people", "level"), [("worse", 10, LEVEL), ("worse", 20, LEVEL), ("unequal", 20, UNEQUAL)]
)
def test_a_loss_as_large_as_the_margin_passes_no_more_often_than_it_may(request, check, who, people, level):
    found = request.getfixturevalue(who)
    passed = count_passed(found, people, plan_at_the_edge(found), check, TRIALS, seed=11)
    assert binom.sf(passed - 1, TRIALS, level) > CHANCE, f"{passed} of {TRIALS}"


@pytest.mark.parametrize("check", [check_macro_f1, of_v])
def test_without_subjects_such_a_loss_passes_too_often(unequal, check):
    passed = count_passed(unequal, 20, plan_at_the_edge(unequal), without_subjects(check), TRIALS, seed=11)
    assert binom.sf(passed - 1, TRIALS, UNEQUAL) < CHANCE, f"{passed} of {TRIALS}"


@pytest.mark.parametrize("check", [check_macro_f1, of_v])
def test_what_did_not_change_passes(same, check):
    passed = count_passed(same, 20, PLAN, check, 60, seed=12)
    assert passed >= 57


def test_independent_windows_are_held_to_the_level_too():
    rng, passed, n, trials, margin = np.random.default_rng(5), 0, 400, 1500, 0.06
    for _ in range(trials):
        lost, gained = rng.multinomial(n, [margin + 0.02, 0.02, 0.9 - margin])[:2]
        low, _ = paired_interval(*table(n - lost - gained, lost, gained, 0))
        passed += low > -margin
    assert binom.sf(passed - 1, trials, LEVEL) > CHANCE, f"{passed} of {trials}"
    assert passed > trials * LEVEL / 3


def coverage_trials(trials, shift, *, counts, seed):
    """How many of the checks of coverage failed in at least one class, for a patient whose scores are shifted."""
    rng, failed = np.random.default_rng(seed), 0
    plan = plan_with(coverage_level=0.9)
    names = np.array(["N", "V"])
    for _ in range(trials):
        y = np.repeat([0, 1], [60, 40])
        scores = rng.normal(2.0 * (y[:, None] == [0, 1]))
        conformal = LabelConditional(names.tolist()).calibrate(scores, names[y])
        new = np.repeat([0, 1], [40, 30])
        tested = rng.normal((2.0 - shift) * (new[:, None] == [0, 1]))
        sets = [conformal.predict_set(tested, alpha) for alpha in plan.protocol.alphas]
        checks = check_coverage(sets, names[new], conformal.counts if counts else None, plan)
        assert all(check.passed is not None for check in checks)
        failed += any(check.passed is False for check in checks)
    return failed


def test_coverage_as_promised_is_refused_no_more_often_than_the_level():
    trials = 300
    failed = coverage_trials(trials, 0.0, counts=True, seed=21)
    assert binom.sf(failed - 1, trials, 0.05) > CHANCE, f"{failed} of {trials}"


@pytest.mark.parametrize("counts", [True, False])
def test_a_patient_who_is_not_like_the_calibration_is_refused(counts):
    assert coverage_trials(40, 2.0, counts=counts, seed=22) >= 38


# ---- verdicts and their words --------------------------------------------------------------------------------------

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
    assert found[0].text == "The patient's test stretch holds 4 labelled windows; 5 are needed."
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
        "Classes with 9 labels or more in the adaptation stretch: 1 (N), and 1 needed (adaptation: 100 N, 8 V)."
    )
    two = plan_of("protocol", taught_classes=2)
    assert check_labels(counts, two).passed is False
    personal = plan_of("protocol", calibration="personal", alphas=[0.2], labels_per_class=5)
    assert check_labels(counts, personal).passed is True
    assert check_labels({"adaptation": {"N": 100}}, personal).passed is False
    assert check_labels({}, PLAN).text.endswith("0 (none), and 1 needed (adaptation: none).")
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


# ---- the decision --------------------------------------------------------------------------------------------------


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
        assert decision.reasons == (f"The plan asks that {kind} be tested, and it was not. No such check was made.",)
    assert not decide([], PLAN).accepted


def test_a_single_failure_refuses_with_its_own_sentence():
    decision = decide([*all_passed(), check_steps(900, PLAN)], PLAN)
    assert not decision.accepted
    assert decision.reasons == ("900 steps taken; the plan allows 400.",)


# ---- what is compared ----------------------------------------------------------------------------------------------


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
