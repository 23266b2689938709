"""Windows judged before and after an adaptation, and plans to test them by."""

import numpy as np

from auricle.adaptation.checks.comparison import compare
from auricle.adaptation.plan import Plan

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
