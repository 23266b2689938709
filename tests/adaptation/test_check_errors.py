"""How often the plan's tests err at the margin's edge."""

import numpy as np
import pytest
from scipy.stats import binom

from auricle.adaptation.checks import check_coverage, check_macro_f1, check_sensitivity
from auricle.adaptation.checks.paired import paired_interval
from auricle.conformal import LabelConditional
from compared_windows import PLAN, pair_of, plan_with, table


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
