"""Watching a stream of findings: an alarm when windows change, and sets that follow the labels that arrive.

>>> from auricle import Specialist
>>> from auricle.signals.simulate import sinus
>>> judge = Specialist.load("af")
>>> watch = Watch(judge.calibration_, delta=0.01)
>>> for finding in judge.findings(sinus(90, 300, seed=1), explain=False):
...     events = watch.take(finding)
>>> watch.summary().windows, watch.summary().alarm
(3, None)
"""

from auricle.signals.true_labels import TrueLabel, TrueLabels, read_labels
from auricle.watching.events import AlarmEvent, LabelEvent, SummaryEvent, WatchEvent, WindowEvent, json_schema
from auricle.watching.stream import of_one_specialist, read_stream
from auricle.watching.watch import Watch, nonconformity

__all__ = [
    "AlarmEvent",
    "LabelEvent",
    "SummaryEvent",
    "TrueLabel",
    "TrueLabels",
    "Watch",
    "WatchEvent",
    "WindowEvent",
    "json_schema",
    "nonconformity",
    "of_one_specialist",
    "read_labels",
    "read_stream",
]
