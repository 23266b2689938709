"""The tests of a plan: each a pure function of arrays and a plan, each giving one sentence and a verdict."""

from auricle.adaptation.checks.attempt import check_distance, check_labels, check_steps
from auricle.adaptation.checks.own import check_coverage, check_harm, check_personal, untested_personal
from auricle.adaptation.checks.reference import (
    FEWEST_SUBJECTS,
    check_classes_kept,
    check_macro_f1,
    check_sensitivity,
)
from auricle.adaptation.checks.verdict import Check, Decision, decide

__all__ = [
    "FEWEST_SUBJECTS",
    "Check",
    "Decision",
    "check_classes_kept",
    "check_coverage",
    "check_distance",
    "check_harm",
    "check_labels",
    "check_macro_f1",
    "check_personal",
    "check_sensitivity",
    "check_steps",
    "decide",
    "untested_personal",
]
