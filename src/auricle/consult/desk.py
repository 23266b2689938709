"""A specialist as a few questions that an assistant may ask: which recordings, what is found, why, and the briefing.

Recordings go by numbers, "r1", "r2", ...: names of files and what their headers say stay with the person who opened
them. Whatever fails is told to that person, and to the assistant only that it failed.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from auricle.consult.briefing import Briefing, brief
from auricle.errors import AuricleError, InputError
from auricle.finding import Finding
from auricle.signals import Recording, Source
from auricle.signals.visible import visible
from auricle.specialist import Specialist

MOST = 100
"""Windows in one answer."""


@dataclass(kw_only=True)
class Desk:
    """One specialist and the recordings that it may be asked about, by several threads at once.

    Parameters
    ----------
    specialist
        Calibrated.
    sources
        Recordings, in the order of their numbers.
    alpha
        Level of the sets.
    tell
        Called with what went wrong, in a sentence for the person at the computer.
    """

    specialist: Specialist
    sources: Sequence[Source]
    alpha: float = 0.1
    tell: Callable[[str], None] = lambda _: None
    _found: dict[int, list[Finding]] = field(default_factory=dict, init=False, repr=False)
    _judging: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def about(self) -> dict[str, Any]:
        """Say what the specialist judges, what its sets promise, and which recordings there are."""
        manifest = self.specialist.manifest()
        return {
            "specialist": manifest.name,
            "summary": manifest.summary,
            "intended_use": manifest.intended_use,
            "not_for": list(manifest.not_for),
            "labels": [
                {"label": str(one.label), "name": one.name, "definition": one.definition} for one in manifest.labels
            ],
            "alpha": self.alpha,
            "promise": (
                f"Of the windows of each class, at most {100 * self.alpha:g} % have a set that misses the class, on "
                "average over windows like those that calibrated. It is no promise about a single window."
            ),
            "recordings": [f"r{i}" for i in range(1, len(self.sources) + 1)],
        }

    def read(self, recording: str) -> dict[str, Any]:
        """Give length, rate and number of channels of a recording."""
        opened = self._open(recording)
        return {
            "recording": recording, "seconds": _short(opened.duration), "rate_hz": _short(opened.fs),
            "channels": len(opened.channels), "simulated": opened.simulated,
        }  # fmt: skip

    def predict(self, recording: str, *, first: int = 0, count: int = 20) -> dict[str, Any]:
        """Give sets, states, scores and p-values of some windows, without looking for evidence.

        Numbers have three digits behind the point, those below 1 four digits that count.
        """
        if first < 0 or not 1 <= count <= MOST:
            raise InputError(f"first={first} and count={count} were given; first counts from 0, count is 1 to {MOST}")
        found = self._findings(recording)
        return {
            "recording": recording,
            "windows": len(found),
            "findings": [_plain(one) for one in found[first : first + count]],
        }

    def explain(self, recording: str, window: int) -> dict[str, Any]:
        """Give the finding about one window with the stretches that speak for each label of its set."""
        return _plain(self._explained(recording, window)[1])

    def briefing(
        self, recording: str, window: int, *, show: Literal["evidence", "plain", "none"] = "evidence"
    ) -> Briefing:
        """Write the briefing on one window: text and pictures."""
        opened, finding = self._explained(recording, window)
        definitions = {str(one.label): one for one in self.specialist.manifest().labels}
        with self._telling(recording, "briefed on"):
            return brief(finding, opened, definitions=definitions, show=show)

    def _open(self, recording: str) -> Recording:
        source = self.sources[self._number(recording)]
        with self._telling(recording, "used"):
            return source.open()

    @contextmanager
    def _telling(self, recording: str, done: str) -> Iterator[None]:
        try:
            yield
        # An error of any kind may hold a path or a header's text, and a fault of auricle's own does not end the talk.
        except Exception as error:  # noqa: BLE001
            kind = "" if isinstance(error, AuricleError) else f"{type(error).__name__}: "
            self.tell(f"{recording}: {kind}{error}")
            raise InputError(f"{recording} can't be {done}; the person at the computer is told why") from None

    def _number(self, recording: str) -> int:
        digits = recording.removeprefix("r")
        number = int(digits) - 1 if digits.isascii() and digits.isdecimal() and len(digits) < 9 else -1
        if not 0 <= number < len(self.sources):
            known = "r1 alone" if len(self.sources) == 1 else f"r1 to r{len(self.sources)}"
            raise InputError(f"there is no recording {visible(recording, 20)!r}; known are {known}")
        return number

    def _findings(self, recording: str) -> list[Finding]:
        number = self._number(recording)
        with self._judging:  # or two who ask at once would both wait for the whole recording
            if number not in self._found:
                self._found[number] = self._judged(recording)
            return self._found[number]

    def _judged(self, recording: str) -> list[Finding]:
        opened = self._open(recording)
        with self._telling(recording, "judged"):
            return list(self.specialist.findings(opened, alpha=self.alpha, explain=False))

    def _explained(self, recording: str, window: int) -> tuple[Recording, Finding]:
        found = self._findings(recording)
        if not 0 <= window < len(found):
            raise InputError(f"{recording} has no window {window}; it has 0 to {len(found) - 1}")
        opened = self._open(recording)
        with self._telling(recording, "explained"):
            return opened, self.specialist.explained(opened, found[window])


def _plain(finding: Finding) -> dict[str, Any]:
    """Give a finding without what a file said of itself, and without what `about` tells of all of them."""
    kept = {"window", "set", "state", "top", "scores", "p_values", "uncovered", "left_out", "quality", "simulated"}
    if finding.evidence_step is not None:
        kept |= {"segments", "evidence_step"}
    content: dict[str, Any] = finding.model_dump(mode="json", by_alias=True, include=kept)
    content["quality"] = [{key: one[key] for key in ("kind", "start", "stop")} for one in content["quality"]]
    told: dict[str, Any] = _short(content)
    return told


def _short(value: Any) -> Any:
    """Round every number in a JSON value, as a person would write it."""
    if isinstance(value, float):
        return round(value, 3) if abs(value) >= 1 else float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _short(inner) for key, inner in value.items()}
    return [_short(inner) for inner in value] if isinstance(value, list) else value
