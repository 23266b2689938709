"""A patient's folder: versions, their order and their history, safe against cuts of power and second writers."""

from auricle.adaptation.patient.patient import Patient

__all__ = ["Patient"]
