"""One stream of findings: tested for change window by window, its sets moved by the labels that arrive."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.conformal import AdaptiveConformal, ExchangeabilityMartingale, LabelConditional
from auricle.errors import InputError
from auricle.finding import Finding
from auricle.signals.visible import visible
from auricle.watching.events import AlarmEvent, ClassSummary, LabelEvent, Place, SummaryEvent, WindowEvent

_LARGEST = 1e300


def nonconformity(finding: Finding) -> float:
    """How strange a window is: minus its top score.

    The label with the top score may change without an alarm; that no label fits as well as before does not.
    """
    return -max(finding.scores.values())


class Watch:
    """An alarm and adapting sets for the findings of one specialist, in the order in which they come.

    Parameters
    ----------
    calibration
        The specialist's.
    reference
        Findings that those of the stream shall look like; none compares the stream with its own past alone. A window
        that overlaps the one before is left out, here and in the stream.
    alpha
        Level of the sets before any label, and the share of misses that each class tends to.
    delta
        Chance of a false alarm if reference and stream are exchangeable.
    gamma
        How far a label moves its class's level; see `AdaptiveConformal`.
    seed
        Of the test's smoothing.

    Raises
    ------
    InputError
        If a number can't be, or a finding has other labels than the calibration.
    """

    def __init__(
        self, calibration: LabelConditional, reference: Iterable[Finding] = (), *, alpha: float = 0.1,
        delta: float = 0.01, gamma: float = 0.05, seed: int = 0,
    ) -> None:  # fmt: skip
        self._labels = {str(label): label for label in calibration.labels}
        self._sets = AdaptiveConformal(calibration, alpha=alpha, gamma=gamma)
        apart, typical = _Apart(), []
        for finding in reference:
            self._check(finding)
            if apart(finding):
                typical.append(nonconformity(finding))
        self._test = ExchangeabilityMartingale(typical, delta=delta, seed=seed)
        self._places: list[Place] = []
        self._waiting: dict[tuple[str, int], int] = {}
        self._apart = _Apart()
        self._shown = 0
        self._alarm: AlarmEvent | None = None

    def take(self, finding: Finding) -> tuple[WindowEvent | AlarmEvent, ...]:
        """Take the next window; give its event, and the alarm's if this window raises it.

        Raises
        ------
        InputError
            If the finding has other labels than the calibration, or its window waits for a label already.
        """
        row = self._check(finding)
        key = (finding.recording, finding.window.index)
        if key in self._waiting:
            raise InputError(
                f"window {key[1]} of recording {visible(key[0])} came twice; give each window of a stream once, "
                "and recordings names of their own"
            )
        sets = self._sets.show(self._shown, row)
        self._waiting[key] = self._shown
        self._shown += 1
        place: dict[str, Any] = {
            "recording": key[0],
            "index": key[1],
            "start": finding.window.start,
            "stop": finding.window.stop,
        }
        number, alarm = None, None
        if self._apart(finding):
            number = len(self._places)
            self._places.append(Place(number=number, **place))
            alarm = self._test.update(nonconformity(finding))
        event = WindowEvent(
            number=number,
            p_value=self._test.p_value if number is not None else None,
            capital=_finite(np.exp(min(self._test.log_capital, 709.0))) if number is not None else None,
            set=tuple(map(str, sets.labels_of(0))),
            state=sets.state[0].item(),
            **place,
        )
        if alarm is None:
            return (event,)
        self._alarm = AlarmEvent(
            at=self._places[alarm.index],
            since=self._places[alarm.since],
            direction=alarm.direction,
            capital=alarm.value,
            delta=alarm.delta,
        )
        return (event, self._alarm)

    def label(self, recording: str, index: int, label: str) -> LabelEvent:
        """Take the true label of a window that came before, at any time after it.

        Raises
        ------
        InputError
            If the label is unknown, or the window did not come yet or had its label.
        """
        if label not in self._labels:
            raise InputError(f"label {visible(label)!r} was given; the labels are {', '.join(self._labels)}")
        if (recording, index) not in self._waiting:
            raise InputError(
                f"window {index} of recording {visible(recording)} waits for no label: it did not come yet, or had its "
                "label before"
            )
        missed = self._sets.update(self._waiting.pop((recording, index)), self._labels[label])
        return LabelEvent(recording=recording, index=index, label=label, missed=missed)

    def summary(self) -> SummaryEvent:
        """Sum up the stream so far."""
        return SummaryEvent(
            windows=self._shown,
            recordings=len(self._apart.stops),
            overlapping=self._shown - len(self._places),
            reference=self._test.reference,
            highest_capital=_finite(self._test.highest),
            delta=self._test.delta,
            alarm=self._alarm,
            alpha=self._sets.alpha,
            gamma=self._sets.gamma,
            waiting=self._sets.waiting,
            classes={
                str(label): ClassSummary(
                    labels=one.labels,
                    missed_as_calibrated=one.fixed_missed,
                    missed_adapted=one.missed,
                    level=one.level,
                    bound=one.bound,
                )
                for label, one in self._sets.coverage.items()
            },
        )

    def _check(self, finding: Finding) -> NDArray[np.float64]:
        if list(finding.labels) != list(self._labels):
            raise InputError(
                f"a finding about {visible(finding.recording)} has the labels {', '.join(finding.labels)}, and the "
                f"specialist {', '.join(self._labels)}; watch with the specialist that made the findings"
            )
        return np.array([finding.scores[label] for label in finding.labels])


class _Apart:
    """Tells which windows do not overlap those of their recording that counted before."""

    def __init__(self) -> None:
        self.stops: dict[str, float] = {}

    def __call__(self, finding: Finding) -> bool:
        if finding.window.start < self.stops.get(finding.recording, 0.0) - 1e-6:
            return False
        self.stops[finding.recording] = finding.window.stop
        return True


def _finite(value: float) -> float | None:
    return float(value) if value < _LARGEST else None
