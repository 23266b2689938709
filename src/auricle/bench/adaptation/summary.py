"""Trials of one arm, summed up: gross counts over all patients, and intervals by drawing patients anew."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from auricle.conformal import smallest_n
from auricle.conformal.thresholds import rank
from auricle.ec57 import statistics

DRAWS = 1000
LEVEL = 0.95
ENOUGH = 9
"""Personal labels that a class needs to be held against the law: the fewest that alpha = 0.1 can be promised of."""
ALPHA = 0.1
SCORED = ("N", "S", "V")

Trials = Sequence[Mapping[str, Any]]


def summed(trials: Trials, patients: int) -> dict[str, Any]:
    """Sum up one arm.

    Parameters
    ----------
    trials
        All patients and seeds of the arm.
    patients
        How many there are.

    Returns
    -------
    dict
        `veb_f1`, `sveb_f1`: before and after, from gross counts over patients and seeds, with `_interval` after over
        patients. `coverage`: share of the beats of N, S and V whose set holds their class, sets at alpha 0.1 before by
        the population's calibration and after by the one that the plan chose; `mean_size`. `inside`: of the patients
        and classes with 9 personal labels or more, how many have a coverage inside its exact 95 % interval, with
        population calibration, with what the patient is left with, and online (within 0.05 of 0.9); `below` and `above`
        are those whose coverage is outside in the second. `forwards`, `seconds`, `ledger_bytes`: means over the trials;
        `refused`, patients refused, a mean over the seeds rounded up.
    """
    seeds = max(1, len(trials) // max(1, patients))
    before, after = _tables(trials, "before"), _tables(trials, "after")
    return {
        "veb_f1": [_f1(before, "veb"), _f1(after, "veb")],
        "sveb_f1": [_f1(before, "sveb"), _f1(after, "sveb")],
        "veb_f1_interval": _interval(trials, "veb"),
        "sveb_f1_interval": _interval(trials, "sveb"),
        "gain_interval": _gain(trials),
        "veb_f1_unguarded": _f1(_tables(trials, "unguarded"), "veb"),
        "coverage": [_coverage(trials, "before"), _coverage(trials, "after")],
        "coverage_by_class": {
            label: [_coverage(trials, when, (label,)) for when in ("before", "after")] for label in SCORED
        },
        "mean_size": [_size(trials, "before"), _size(trials, "after")],
        "inside": _inside(trials),
        "forwards": _mean(trials, "forwards"),
        "seconds": _mean(trials, "seconds"),
        "ledger_bytes": _mean(trials, "ledger_bytes"),
        "refused": int(np.ceil(sum(bool(one["refused"]) for one in trials) / seeds)),
        "refused_trials": sum(bool(one["refused"]) for one in trials),
        "trials": len(trials),
    }  # fmt: skip


def _tables(trials: Trials, when: str) -> NDArray[np.int64]:
    return np.array([one[when]["table"] for one in trials], np.int64)


def _f1(tables: NDArray[np.int64], group: str) -> float:
    found = statistics(tables.sum(0))[group]["f1"]
    return float(found) if found is not None else 0.0


def _by_patient(trials: Trials) -> list[list[int]]:
    people: dict[str, list[int]] = {}
    for i, one in enumerate(trials):
        people.setdefault(str(one["subject"]), []).append(i)
    return list(people.values())


def _drawn(trials: Trials) -> list[list[int]]:
    people = _by_patient(trials)
    rng = np.random.default_rng(0)
    return [[i for p in rng.integers(0, len(people), len(people)) for i in people[p]] for _ in range(DRAWS)]


def _interval(trials: Trials, group: str) -> list[float]:
    after = _tables(trials, "after")
    values = [_f1(after[chosen], group) for chosen in _drawn(trials)]
    return [float(v) for v in np.quantile(values, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))]


def _gain(trials: Trials) -> list[float]:
    before, after = _tables(trials, "before"), _tables(trials, "after")
    values = [_f1(after[chosen], "veb") - _f1(before[chosen], "veb") for chosen in _drawn(trials)]
    return [float(v) for v in np.quantile(values, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))]


def _coverage(trials: Trials, when: str, labels: Sequence[str] = SCORED) -> float:
    n = sum(one[when]["n"].get(label, 0) for one in trials for label in labels)
    covered = sum(one[when]["covered"].get(label, 0) for one in trials for label in labels)
    return covered / n if n else 0.0


def _size(trials: Trials, when: str) -> float:
    n = sum(sum(one[when]["n"].values()) for one in trials)
    return sum(one[when]["sizes"] for one in trials) / n if n else 0.0


def _mean(trials: Trials, key: str) -> float:
    return float(np.mean([one[key] for one in trials])) if trials else 0.0


def _inside(trials: Trials) -> dict[str, Any]:
    """Count patients and classes whose coverage keeps the promise."""
    pairs = {"population": 0, "personal": 0, "online": 0, "below": 0, "above": 0}
    n = 0
    for one in trials:
        for label in SCORED:
            if one["own"].get(label, 0) < max(ENOUGH, smallest_n(ALPHA)) or not one["after"]["n"].get(label):
                continue
            n += 1
            for name, when in (("population", "before"), ("personal", "after")):
                side = _side(one[when]["covered"][label], one[when]["n"][label], one[when]["calibrated"][label])
                pairs[name] += side == 0
                if when == "after" and side:
                    pairs["below" if side < 0 else "above"] += 1
            share = one["after"]["online"][label] / one["after"]["n"][label]
            pairs["online"] += abs(share - (1 - ALPHA)) <= 0.05
    return {"pairs": n, **pairs}


def _side(covered: int, n: int, calibrated: int) -> int:
    """Place a coverage below (-1), in (0) or above (1) where 95 % fall if the promise holds: beta-binomial."""
    j = rank(ALPHA, calibrated)
    if not j:
        return 0
    law = stats.betabinom(n, calibrated + 1 - j, j)
    low, high = law.ppf((1 - LEVEL) / 2), law.ppf((1 + LEVEL) / 2)
    return int(covered > high) - int(covered < low)
