"""How long a version may be used before a person has looked at it."""

from datetime import UTC, datetime, timedelta

import pytest

from auricle.adaptation.patient import Patient
from auricle.adaptation.patient.history import overdue

MADE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def reviewed(base, base_folder, tmp_path, ledgers, calibrations):
    patient = Patient.create(tmp_path / "p", base, subject=None, place=base_folder, clock=lambda: MADE)
    with patient.attempt() as attempt:
        attempt.accept(ledgers[0], calibrations[0], {"plan": {"assessment": {"review_after_days": 30.0}}})
    return patient


@pytest.mark.parametrize(("days", "late"), [(-400, False), (0, False), (30, False), (30.1, True), (400, True)])
def test_a_version_that_nobody_looked_at(reviewed, days, late):
    assert (overdue(reviewed, MADE + timedelta(days=days)) is not None) == late


def test_it_says_what_to_do(reviewed):
    text = overdue(reviewed, MADE + timedelta(days=41))
    assert "was made 41 days ago, and its plan asks that a person look at it within 30; look at its report" in text


def test_a_version_without_a_plan_has_no_such_time(reviewed):
    reviewed.rollback(0)
    assert overdue(reviewed, MADE + timedelta(days=400)) is None
