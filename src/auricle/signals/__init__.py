"""Recordings, their windows and what is wrong with them."""

from auricle.signals.quality import Flag, Quality, assess
from auricle.signals.readers import read_annotations
from auricle.signals.recording import Annotation, Recording
from auricle.signals.sources import Source, find_recordings
from auricle.signals.windows import Preprocessing, Window, condition, cut, expected, resample, spans

__all__ = [
    "Annotation",
    "Flag",
    "Preprocessing",
    "Quality",
    "Recording",
    "Source",
    "Window",
    "assess",
    "condition",
    "cut",
    "expected",
    "find_recordings",
    "read_annotations",
    "resample",
    "spans",
]
