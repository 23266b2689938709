"""Prediction sets with a promise per class, from the scores of any model. NumPy and SciPy only.

>>> from auricle.conformal import LabelConditional
>>> conformal = LabelConditional(["N", "A"]).calibrate([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]], ["N", "N", "A"])
>>> conformal.predict_set([[0.8, 0.2]], alpha=0.4).labels_of(0)
('N', 'A')

Here 'A' has one calibration sample, fewer than `smallest_n(0.4)` = 2: it can't be ruled out and stands in every set.
"""

from auricle.conformal.calibration import LabelConditional, NoCalibrationSamplesWarning
from auricle.conformal.coverage import ClassCoverage, CoverageReport, coverage_report
from auricle.conformal.drift import Alarm, ExchangeabilityMartingale
from auricle.conformal.law import clopper_pearson, coverage_interval, covered_pmf
from auricle.conformal.online import AdaptiveConformal, OnlineCoverage
from auricle.conformal.overlap import Overlap, OverlapWarning, overlap
from auricle.conformal.sets import STATES, PredictionSets, State, state_of
from auricle.conformal.spread import SubjectCoverage, SubjectSpread
from auricle.conformal.thresholds import p_values, rank, smallest_n, threshold

__all__ = [
    "STATES",
    "AdaptiveConformal",
    "Alarm",
    "ClassCoverage",
    "CoverageReport",
    "ExchangeabilityMartingale",
    "LabelConditional",
    "NoCalibrationSamplesWarning",
    "OnlineCoverage",
    "Overlap",
    "OverlapWarning",
    "PredictionSets",
    "State",
    "SubjectCoverage",
    "SubjectSpread",
    "clopper_pearson",
    "coverage_interval",
    "coverage_report",
    "covered_pmf",
    "overlap",
    "p_values",
    "rank",
    "smallest_n",
    "state_of",
    "threshold",
]
