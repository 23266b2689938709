"""Generators that an engine stands beside, one for each lane, written from the literature; with their golden models.

>>> from auricle.rtl.baselines import CentralLimit, statistics
>>> clt = CentralLimit(lanes=16)
>>> found = statistics(clt.numbers(1000), clt.law)
>>> abs(found.variance - 1) < 0.05, found.kurtosis < 0
(True, True)
"""

from auricle.rtl.baselines.baseline import Baseline, Law
from auricle.rtl.baselines.box_muller import BoxMuller
from auricle.rtl.baselines.central import CentralLimit
from auricle.rtl.baselines.statistics import Statistics, statistics
from auricle.rtl.baselines.tree import Tree
from auricle.rtl.baselines.uniform import Uniform

__all__ = [
    "Baseline",
    "BoxMuller",
    "CentralLimit",
    "Law",
    "Statistics",
    "Tree",
    "Uniform",
    "baselines",
    "statistics",
]


def baselines(*, lanes: int) -> list[Baseline]:
    """All of them, the uniform ones first.

    Examples
    --------
    >>> [one.name for one in baselines(lanes=2)][:4]
    ['uniform', 'uniform_stepped', 'clt_4', 'clt_4_stepped']
    """
    return [
        Uniform(lanes=lanes),
        Uniform(lanes=lanes, leaping=False),
        CentralLimit(lanes=lanes),
        CentralLimit(lanes=lanes, leaping=False),
        CentralLimit(lanes=lanes, terms=12),
        Tree(lanes=lanes),
        BoxMuller(lanes=lanes),
        BoxMuller(lanes=lanes, dsp=True),
    ]
