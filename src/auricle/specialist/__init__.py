"""The estimator: learns from labelled windows, is calibrated on others, and says what it finds in a recording."""

from auricle.specialist.estimator import Specialist

__all__ = ["Specialist"]
