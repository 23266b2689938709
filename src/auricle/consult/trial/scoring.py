"""What the answers of a trial add up to: accuracy of each arm by state, with intervals over persons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.conformal import STATES, State

SPECIALIST = "specialist"
"""The arm in which nobody is asked: the label with the highest score."""
DRAWS = 2000
LEVEL = 0.95
ALL = "all"
FEWEST = 6
"""Persons from which on an interval is given: of fewer, not even all together would tell a gain from chance, as a sign
test of five that agree gives 2 / 2^5 = 0.06."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one arm said about one window.

    Attributes
    ----------
    label
        None where there was no opinion, or where it was "none of them".
    opinion
        "agrees", "disagrees" or "no opinion", as `Opinion.state`.
    tokens
        Read and written by the model.
    seconds
        Until the answer was there; 0 if it was known from before.
    """

    label: str | None
    opinion: str
    tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Case:
    """One window of a trial: the truth, what the specialist said, and the answers of the arms.

    Attributes
    ----------
    subject
        Who was recorded; intervals draw persons anew.
    truth, top
        The annotator's label, and the specialist's with the highest score.
    state
        Of the finding.
    answers
        Arm -> answer.
    """

    subject: str
    truth: str
    top: str
    state: State
    answers: Mapping[str, Answer]

    def label(self, arm: str) -> str | None:
        """Give what an arm calls the window."""
        return self.top if arm == SPECIALIST else self.answers[arm].label


def scored(cases: Sequence[Case], arms: Sequence[str], share: Mapping[str, float], *, seed: int = 0) -> dict[str, Any]:
    """Sum a trial up.

    Parameters
    ----------
    cases
        Windows, all of them with an answer of every arm.
    arms
        Names, without the specialist.
    share
        State -> share of the windows of the data that have it: the trial takes rare states more often, and "all" puts
        them back in their place.
    seed
        Of the bootstrap.

    Returns
    -------
    dict
        Arm -> state or "all" -> `n`; `accuracy` with its 95 % interval (`low`, `high`; no opinion counts as not right);
        `fallback`, the accuracy if the specialist's label stands where there is no opinion; `gain`, of `fallback` over
        the specialist's label, paired, with `gain_low` and `gain_high`; `disagrees` and `no_opinion`, shares;
        `tokens` and `seconds`, means. A state without windows is left out.

    Notes
    -----
    Intervals draw persons with replacement (percentiles of 2,000 draws). Where all windows came out alike there is
    nothing to draw: then up to 1 - 0.025^(1/m) of the persons may be otherwise, the exact bound when none of m was
    (Clopper and Pearson, Biometrika 26(4), 1934). m is the effective number of persons, (sum w)^2 / sum w^2 for those
    of weights w (Kish, Survey Sampling, 1965); below `FEWEST` the bounds are None.
    """
    people = {subject: i for i, subject in enumerate(dict.fromkeys(case.subject for case in cases))}
    owner = np.array([people[case.subject] for case in cases], np.int64)
    drawn = np.random.default_rng(seed).multinomial(len(people), np.full(len(people), 1 / max(1, len(people))), DRAWS)
    weight = drawn[:, owner].astype(np.float64)  # (draws, windows)
    base = np.array([case.top == case.truth for case in cases])
    states = np.array([case.state for case in cases])
    return {arm: _arm(cases, arm, base, states, _Persons(owner, weight), share) for arm in (SPECIALIST, *arms)}


@dataclass(frozen=True, eq=False)
class _Persons:
    """Whose each window is, (windows,), and how often it is drawn, (draws, windows)."""

    owner: NDArray[np.int64]
    weight: Floats

    def effective(self, fair: Floats) -> float:
        own = np.bincount(self.owner, fair)
        return float(own.sum() ** 2 / (own**2).sum())

    def interval(self, values: Floats, fair: Floats, lowest: float) -> tuple[float, float] | tuple[None, None]:
        """Bound the weighted mean of values from `lowest` to 1."""
        people = self.effective(fair)
        if people < FEWEST - 1e-9:
            return None, None
        seen = values[fair > 0]
        if np.ptp(seen) == 0:
            others, same = 1 - ((1 - LEVEL) / 2) ** (1 / people), float(seen[0])
            return same - others * (same - lowest), same + others * (1 - same)
        total = self.weight @ fair
        means = (self.weight @ (values * fair))[total > 0] / total[total > 0]
        low, high = np.quantile(means, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
        return float(low), float(high)


def commonest(cases: Sequence[Case], share: Mapping[str, float]) -> dict[str, tuple[str, float]]:
    """Give the commonest label of each state and of all, and its share: how right a model is that always says it.

    Parameters
    ----------
    cases, share
        As for `scored`.

    Examples
    --------
    >>> said = {"top": "N", "state": "uncertain", "answers": {}}
    >>> cases = [Case(subject=str(i), truth=truth, **said) for i, truth in enumerate("NNA")]
    >>> commonest(cases, {"uncertain": 1.0})["uncertain"]
    ('N', 0.6666666666666666)
    """
    by_state = {state: [case for case in cases if case.state == state] for state in STATES}
    here = {state: some for state, some in by_state.items() if some}
    held = sum(share.get(state, 0.0) for state in here)
    weights = {
        state: share.get(state, 0.0) / held / len(some) if held else 1 / len(cases) for state, some in here.items()
    }
    out = {state: _most([(case.truth, 1 / len(some)) for case in some]) for state, some in here.items()}
    return out | {ALL: _most([(case.truth, weights[case.state]) for case in cases])}


def _most(weighted: Sequence[tuple[str, float]]) -> tuple[str, float]:
    total: dict[str, float] = {}
    for label, weight in weighted:
        total[label] = total.get(label, 0.0) + weight
    label = max(total, key=lambda name: total[name])
    return label, min(1.0, total[label])


def _arm(
    cases: Sequence[Case], arm: str, base: NDArray[np.bool_], states: NDArray[np.str_], persons: _Persons,
    share: Mapping[str, float],
) -> dict[str, Any]:  # fmt: skip
    said = [case.label(arm) for case in cases]
    right = np.array([label == case.truth for label, case in zip(said, cases, strict=True)])
    silent = np.array([arm != SPECIALIST and case.answers[arm].opinion == "no opinion" for case in cases])
    helped = np.where(silent, base, right)
    out: dict[str, Any] = {}
    masks = {state: states == state for state in STATES if (states == state).any()}
    for state, mask in masks.items():
        out[state] = _entry(right, helped, base, mask.astype(np.float64), persons)
        out[state] |= _manner([case.answers[arm] for case in np.array(cases)[mask]] if arm != SPECIALIST else [])
    held = sum(share.get(state, 0.0) for state in masks)
    fair = np.zeros(len(cases))
    for state, mask in masks.items():
        fair[mask] = share.get(state, 0.0) / held / mask.sum() if held else 1 / len(cases)
    out[ALL] = _entry(right, helped, base, fair, persons)
    out[ALL] |= _manner([case.answers[arm] for case in cases] if arm != SPECIALIST else [])
    return out


def _entry(
    right: NDArray[np.bool_], helped: NDArray[np.bool_], base: NDArray[np.bool_], fair: Floats, persons: _Persons
) -> dict[str, Any]:
    """Weighted means over some windows, and their intervals over the draws."""
    gain = helped.astype(np.float64) - base
    low, high = persons.interval(right.astype(np.float64), fair, 0.0)
    gain_low, gain_high = persons.interval(gain, fair, -1.0)
    return {
        "n": int((fair > 0).sum()), "accuracy": float(np.average(right, weights=fair)), "low": low, "high": high,
        "fallback": float(np.average(helped, weights=fair)),
        "gain": float(np.average(gain, weights=fair)), "gain_low": gain_low, "gain_high": gain_high,
    }  # fmt: skip


def _manner(answers: Sequence[Answer]) -> dict[str, float]:
    if not answers:
        return {"disagrees": 0.0, "no_opinion": 0.0, "tokens": 0.0, "seconds": 0.0}
    return {
        "disagrees": sum(one.opinion == "disagrees" for one in answers) / len(answers),
        "no_opinion": sum(one.opinion == "no opinion" for one in answers) / len(answers),
        "tokens": sum(one.tokens for one in answers) / len(answers),
        "seconds": sum(one.seconds for one in answers) / len(answers),
    }
