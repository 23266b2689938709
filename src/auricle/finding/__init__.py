"""One window's result, as JSON with a schema."""

from auricle.finding.evidence import Evidence, Segment, segments_of
from auricle.finding.finding import (
    INTENDED_USE,
    MEANING,
    SCHEMA,
    Finding,
    QualityNote,
    SpecialistName,
    WindowSpan,
    json_schema,
)
from auricle.finding.urgency import urgency

__all__ = [
    "INTENDED_USE",
    "MEANING",
    "SCHEMA",
    "Evidence",
    "Finding",
    "QualityNote",
    "Segment",
    "SpecialistName",
    "WindowSpan",
    "json_schema",
    "segments_of",
    "urgency",
]
