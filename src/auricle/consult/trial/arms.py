"""The arms of a trial: what each tells the model about the same window."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from auricle.consult.briefing import Briefing, brief
from auricle.finding import Evidence, Finding, segments_of
from auricle.signals import Recording
from auricle.specialist import Specialist

WRONG_SET = "wrong_set"
SHUFFLED = "shuffled_evidence"


@dataclass(frozen=True, kw_only=True)
class Arm:
    """What one arm tells.

    Attributes
    ----------
    name
        Of the arm.
    words
        What a table calls it.
    show
        Pictures: with evidence, plain, or none.
    tell_set
        Whether the set is told; without it all labels are offered.
    numbers
        Whether scores, p-values and measurements are told.
    """

    name: str
    words: str
    show: Literal["evidence", "plain", "none"]
    tell_set: bool
    numbers: bool = False

    def briefing(
        self, specialist: Specialist, finding: Finding, recording: Recording, truth: str, rng: np.random.Generator
    ) -> Briefing:
        """Write what the model is told about a window.

        Parameters
        ----------
        specialist
            Looks for the evidence of a wrong set.
        finding
            With evidence.
        recording
            Of the window.
        truth
            The annotator's label; only the wrong set is made with it, and no briefing tells it.
        rng
            Draws the wrong set, or where the evidence is moved.
        """
        if self.name == WRONG_SET:
            told = specialist.explained(recording, finding.model_copy(update={"set": wrong_set(finding, truth, rng)}))
        elif self.name == SHUFFLED:
            told = finding.model_copy(update=shuffled(finding, rng))
        else:
            told = finding
        definitions = {str(one.label): one for one in specialist.manifest().labels}
        return brief(
            told, recording, definitions=definitions, show=self.show, tell_set=self.tell_set, numbers=self.numbers,
            measurements=self.numbers, offer="all",
        )  # fmt: skip


ARMS = (
    Arm(name="plain_all", words="plain picture, all labels", show="plain", tell_set=False),
    Arm(name="plain_set", words="plain picture and the set", show="plain", tell_set=True),
    Arm(name="evidence_set", words="pictures with evidence and the set (the paper's)", show="evidence", tell_set=True),
    Arm(name="numbers", words="numbers only", show="none", tell_set=True, numbers=True),
    Arm(name=WRONG_SET, words="pictures with evidence and a wrong set", show="evidence", tell_set=True),
    Arm(name=SHUFFLED, words="the set, and evidence moved elsewhere", show="evidence", tell_set=True),
)


def wrong_set(finding: Finding, truth: str, rng: np.random.Generator) -> tuple[str, ...]:
    """Draw a set as large as the finding's, of one label at least, that does not hold the truth."""
    others = [label for label in finding.labels if label != truth]
    size = min(max(1, len(finding.set)), len(others))
    chosen = {others[i] for i in rng.choice(len(others), size, replace=False)}
    return tuple(label for label in finding.labels if label in chosen)


def shuffled(finding: Finding, rng: np.random.Generator) -> dict[str, Any]:
    """Turn the evidence of each label round by between a quarter and three quarters of the window, and cut it anew."""
    if finding.evidence is None:
        return {}
    own = finding.evidence
    length = own.values.shape[1]
    by = int(rng.integers(max(1, length // 4), max(2, 3 * length // 4 + 1)))
    moved = Evidence(labels=own.labels, values=np.roll(own.values, by, axis=1), step=own.step, start=own.start)
    inside = _inside(finding, moved)
    return {
        "evidence": moved,
        "segments": {
            label: segments_of(moved.of(label)[inside], moved.start + inside.start * own.step, own.step,
                               stop=finding.window.stop)
            for label in finding.segments
        },
    }  # fmt: skip


def _inside(finding: Finding, evidence: Evidence) -> slice:
    """Instances that begin within the window."""
    starts = evidence.start + np.arange(evidence.values.shape[1]) * evidence.step
    kept = np.flatnonzero((starts > finding.window.start - 1e-9) & (starts < finding.window.stop - 1e-9))
    return slice(int(kept[0]), int(kept[-1]) + 1)


def chosen_arms(names: Sequence[str]) -> tuple[Arm, ...]:
    """Give the arms of these names, in their own order."""
    return tuple(arm for arm in ARMS if not names or arm.name in names)
