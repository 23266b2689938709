"""The impact record of an attempt, and how it reads as text and as a page."""

from auricle.adaptation.impact.impact import (
    SCHEMA,
    Base,
    CalibrationUsed,
    Cost,
    DataUsed,
    Impact,
    Modification,
    Place,
    Reference,
    StretchUsed,
    impact_schema,
)

__all__ = [
    "SCHEMA",
    "Base",
    "CalibrationUsed",
    "Cost",
    "DataUsed",
    "Impact",
    "Modification",
    "Place",
    "Reference",
    "StretchUsed",
    "impact_schema",
]
