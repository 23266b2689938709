"""How long a version may be used before a person has looked at it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from auricle.adaptation.patient import Patient
from auricle.adaptation.patient.failures import PatientDamagedError
from auricle.adaptation.patient.history import history, overdue
from auricle.errors import InputError

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
    assert "was made 41 days ago, and its plan asks that a person look at it every 30 days; look at its report" in text
    assert f"`auricle review {reviewed.path} --by NAME`" in text


def test_a_version_without_a_plan_has_no_such_time(reviewed):
    reviewed.rollback(0)
    assert overdue(reviewed, MADE + timedelta(days=400)) is None


def test_a_review_starts_the_time_anew(reviewed, base_folder):
    del base_folder
    later = Patient.open(reviewed.path, clock=lambda: MADE + timedelta(days=29))
    version = later.review(" Dr. Keller ", remark="as before")
    assert version.id == later.active.id
    again = Patient.open(reviewed.path)
    assert again.active.id == version.id
    assert again.events[-1].kind == "reviewed"
    row = next(row for row in history(again) if row.id == version.id)
    assert [(one.by, one.remark, one.time) for one in row.reviews] == [
        ("Dr. Keller", "as before", "2026-01-30T00:00:00Z")
    ]
    assert overdue(again, MADE + timedelta(days=58)) is None
    assert "was reviewed 31 days ago" in overdue(again, MADE + timedelta(days=60))


def test_a_review_of_another_version_says_nothing_of_this_one(reviewed):
    reviewed.review("Dr. Keller", version=0)
    assert "was made" in overdue(reviewed, datetime.now(UTC) + timedelta(days=60))


@pytest.mark.parametrize(
    ("by", "remark", "text"),
    [
        ("  ", None, "a review needs the name of who looked; none was given"),
        ("x" * 2001, None, "the by of a review has 2,001 characters; 2,000 are allowed"),
        ("x", "y" * 2001, "the remark of a review has 2,001 characters; 2,000 are allowed"),
    ],
)
def test_a_review_that_is_none_changes_nothing(reviewed, by, remark, text):
    before = (reviewed.path / "journal.jsonl").read_bytes()
    with pytest.raises(InputError, match=text):
        reviewed.review(by, remark=remark)
    assert (reviewed.path / "journal.jsonl").read_bytes() == before


def test_a_damaged_version_can_not_be_reviewed(reviewed):
    (reviewed.active.folder / "impact.json").write_bytes(b"{}")
    with pytest.raises(PatientDamagedError):
        reviewed.review("Dr. Keller")


def test_a_journal_without_reviews_has_no_keys_of_theirs(reviewed):
    """Folders that were made before there were reviews keep their bytes, and so their hashes."""
    assert b'"by"' not in (reviewed.path / "journal.jsonl").read_bytes()


@pytest.mark.parametrize("extra", [b',"by":null', b',"by":"x"', b',"remark":"x"'])
def test_a_name_where_nobody_reviewed_is_damage(reviewed, extra):
    path = reviewed.path / "journal.jsonl"
    first, rest = path.read_bytes().split(b"\n", 1)
    record = json.loads(first) | json.loads(b"{" + extra[1:] + b"}")
    path.write_bytes(json.dumps(record, sort_keys=True, separators=(",", ":")).encode() + b"\n" + rest)
    with pytest.raises(PatientDamagedError):
        Patient.open(reviewed.path)
