"""The value-added trial: the same windows, told in different ways, and what each answer is worth."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.conformal import STATES
from auricle.consult.briefing import Briefing
from auricle.consult.heard import Heard
from auricle.consult.trial.arms import ARMS, Arm
from auricle.consult.trial.scoring import SPECIALIST, Answer, Case, commonest, scored
from auricle.errors import InputError
from auricle.finding import Finding
from auricle.signals import Recording
from auricle.signals.labelled import LabelledWindows
from auricle.specialist import Specialist

Ask = Callable[[int, Callable[[int], Briefing]], Sequence[Heard]]
"""Asks about so many briefings, made one by one, and gives what was heard, in their order."""
Progress = Callable[[int, int, str], None]

PAPER = {
    "alone_accuracy": {"PTB-XL": 46.13, "Sleep-EDF": 13.16},
    "confident_precision": {"PTB-XL": 94.92, "Sleep-EDF": 96.82},
    "uncertain": {"PTB-XL": [70.61, 78.10], "Sleep-EDF": [78.02, 71.98]},
    "unsaid": (
        "alpha, the share of confident windows, and the specialist's own label on the uncertain ones; the confident "
        "precision is the same for both models, so it is the specialist's own"
    ),
}
"""The paper's numbers in percent: Qwen2-VL-7B alone; supported on confident windows (both models); on uncertain ones
Qwen2-VL-7B and MiMo-VL-7B-RL. Source: ConMIL (seed abstract and its results table)."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One window of a trial.

    Attributes
    ----------
    finding
        With evidence.
    recording
        The window by itself.
    truth, subject
        The annotator's label, and who was recorded.
    """

    finding: Finding
    recording: Recording
    truth: str
    subject: str


def drawn(
    specialist: Specialist, windows: LabelledWindows, n: int, *, alpha: float, seed: int = 0,
    progress: Progress | None = None,
) -> tuple[list[Sample], dict[str, float]]:  # fmt: skip
    """Judge all windows and draw some: as many of each state as there are, up to an equal part.

    Returns
    -------
    The samples in a random order, and the share of each state among all windows.

    Raises
    ------
    InputError
        A specialist of beats, or fewer than one window.
    """
    if specialist.windowing.anchor == "beat":
        raise InputError(
            "a trial takes a specialist of windows in time, and this one judges beats; give one such as af"
        )
    if n < 1:
        raise InputError(f"a trial of {n} windows was asked for; it must be at least 1")
    scores = np.concatenate(list(_scores(specialist, windows, progress)))
    states = specialist.calibration_.predict_set(scores, alpha).state
    share: dict[str, float] = {state: float((states == state).mean()) for state in STATES}
    chosen = _equal_parts(states, n, np.random.default_rng(seed))
    samples = []
    for done, i in enumerate(chosen, 1):
        recording = Recording.from_array(
            windows.samples[i, :, : windows.lengths[i]], windows.fs, units=specialist.windowing.unit,
            id=f"window {i}", simulated=windows.simulated,
        )  # fmt: skip
        (finding,) = specialist.findings(recording, alpha=alpha)
        samples.append(
            Sample(finding=finding, recording=recording, truth=str(windows.labels[i]), subject=str(windows.subjects[i]))
        )
        if progress:
            progress(done, len(chosen), "looking for evidence")
    return samples, share


def _scores(specialist: Specialist, windows: LabelledWindows, progress: Progress | None) -> Any:
    for first in range(0, len(windows), 256):
        chosen = slice(first, first + 256)
        yield specialist.scores(windows.samples[chosen], lengths=windows.lengths[chosen])
        if progress:
            progress(min(first + 256, len(windows)), len(windows), "judging")


def _equal_parts(states: NDArray[np.str_], n: int, rng: np.random.Generator) -> list[int]:
    """Draw n indices, the same number of each state where there are so many."""
    order = rng.permutation(len(states))
    waiting = {state: [int(i) for i in order if states[i] == state] for state in STATES}
    out: list[int] = []
    while len(out) < n and any(waiting.values()):
        for state in STATES:
            if waiting[state] and len(out) < n:
                out.append(waiting[state].pop())
    return [out[i] for i in rng.permutation(len(out))]


def trial(
    specialist: Specialist, samples: Sequence[Sample], share: dict[str, float], ask: Ask, *,
    arms: Sequence[Arm] = ARMS, seed: int = 0, progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Ask about each sample in each way, and sum up what the answers are worth.

    Parameters
    ----------
    specialist
        Who made the findings.
    samples, share
        As `drawn` gives them.
    ask
        Whom: see `auricle.consult.consulting.Consultant`.
    arms
        What is told.
    seed
        Of wrong sets, moved evidence and the bootstrap.
    progress
        Called with arms done, in all, and a word.

    Returns
    -------
    dict
        JSON-able: `windows`; `share` of states in the data; `drawn`, windows by state; `arms`, as `scoring.scored`
        gives them; `harm`, how much accuracy a wrong set costs against being told none, None where there are too few to
        say; `commonest`, by state the
        label that is true most often, and its share; `said`, the labels that were answered, by arm; `why`, the reasons
        for no opinion by arm; `paper`, its numbers.
    """
    if not samples:
        raise InputError("there is no window for a trial; give labelled recordings that the specialist has not seen")
    heard: dict[str, Sequence[Heard]] = {}
    for done, arm in enumerate(arms, 1):
        heard[arm.name] = ask(len(samples), partial(_briefing, specialist, samples, arm, seed))
        if progress:
            progress(done, len(arms), "asking, arms")
    cases = [
        Case(
            subject=one.subject, truth=one.truth, top=one.finding.top, state=one.finding.state,
            answers={name: _answer(answers[i]) for name, answers in heard.items()},
        )
        for i, one in enumerate(samples)
    ]  # fmt: skip
    names = [arm.name for arm in arms]
    found = scored(cases, names, share, seed=seed)
    return {
        "windows": len(samples),
        "simulated": any(one.recording.simulated for one in samples),
        "share": share,
        "drawn": dict(Counter(str(one.finding.state) for one in samples)),
        "arms": found,
        "harm": _harm(found),
        "commonest": {
            state: {"label": label, "share": part} for state, (label, part) in commonest(cases, share).items()
        },
        "said": {
            name: dict(Counter(one.opinion.label for one in answers if one.opinion.label))
            for name, answers in heard.items()
        },
        "why": {
            name: dict(Counter(one.opinion.why for one in answers if one.opinion.state == "no opinion"))
            for name, answers in heard.items()
        },
        "words": {SPECIALIST: "the specialist alone: its label with the highest score"}
        | {arm.name: arm.words for arm in arms},
        "paper": PAPER,
    }


def _briefing(specialist: Specialist, samples: Sequence[Sample], arm: Arm, seed: int, i: int) -> Briefing:
    # The same whenever it is made, so that a stopped trial asks the same questions again.
    rng = np.random.default_rng([seed, i])
    return arm.briefing(specialist, samples[i].finding, samples[i].recording, samples[i].truth, rng)


def _answer(heard: Heard) -> Answer:
    return Answer(
        label=heard.opinion.label, opinion=heard.opinion.state, tokens=heard.tokens_in + heard.tokens_out,
        seconds=heard.seconds,
    )  # fmt: skip


def _harm(found: dict[str, Any]) -> dict[str, float | None] | None:
    """Accuracy with a wrong set minus that without any, by state: negative is harm; None where too few say nothing."""
    if "wrong_set" not in found or "plain_all" not in found:
        return None
    return {
        state: None if entry["low"] is None else entry["accuracy"] - found["plain_all"][state]["accuracy"]
        for state, entry in found["wrong_set"].items()
    }
