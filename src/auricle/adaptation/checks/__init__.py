"""The tests of a plan: what an attempt must prove before it is used."""

from auricle.adaptation.checks.checks import (
    FEWEST_SUBJECTS,
    Check,
    Decision,
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
    untested_personal,
)

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
