"""The modification protocol of a plan: which labelled stretches are used for what, and what is asked of them."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from auricle.adaptation.plan.table import Count, Positive, Share, Table
from auricle.conformal import smallest_n

StretchName = Literal["adaptation", "calibration", "test"]
_Alpha = Annotated[float, Field(strict=True, gt=0, lt=1)]


class Protocol(Table):
    """How it is done: modification protocol.

    The labelled stretch of a recording is cut in three by time: first adaptation, then calibration, then test.

    Examples
    --------
    >>> Protocol(gap=6.0).stretches()
    {'adaptation': (0.0, 150.0), 'calibration': (156.0, 240.0), 'test': (246.0, 300.0)}
    """

    minutes: float = Field(default=5.0, strict=True, gt=0, le=10_080)
    """Most of the labelled recording that is used, from the first label on, in minutes."""
    adaptation_share: Share = 0.5
    """Share of the labelled stretch whose windows train."""
    calibration_share: Share = 0.3
    """Share whose windows calibrate."""
    test_share: Share = 0.2
    """Share whose windows test what came out."""
    gap: float = Field(default=5.0, strict=True, ge=0)
    """Left out between two stretches, in s: at least the length of a window, so that none reaches into both."""
    labels_per_class: Count = 9
    """Labels that a class needs in the adaptation stretch to count as taught, and in the calibration stretch before the
    patient's own calibration speaks for it; an alpha may ask for more."""
    taught_classes: Count = 1
    """Classes that must be taught, else the attempt is refused."""
    labels_per_minute: Positive = 200.0
    """Most labels that a minute can hold (beats of a fast heart): a plan that asks for more contradicts itself."""
    alphas: tuple[_Alpha, ...] = Field(default=(0.2, 0.1, 0.05), min_length=1)
    """Levels of the prediction sets that are promised and tested."""
    calibration: Literal["auto", "population", "personal", "combined"] = "auto"
    """Whose windows calibrate: the population's, the patient's, both, or (auto) the patient's for each class that has
    enough of them for the smallest alpha, else the population's."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        total = self.adaptation_share + self.calibration_share + self.test_share
        if abs(total - 1) > 1e-9:
            raise ValueError(
                f"adaptation_share + calibration_share + test_share is {total:g}; the three stretches must make 1"
            )
        if not self.adaptation_share:
            raise ValueError("adaptation_share is 0: nothing would be learned; give it more than 0")
        if len(set(self.alphas)) < len(self.alphas):
            raise ValueError(f"alphas names a level twice: {', '.join(f'{a:g}' for a in self.alphas)}")
        for name, (start, stop) in self.stretches().items():
            if stop <= start and getattr(self, f"{name}_share"):
                raise ValueError(
                    f"the gap of {self.gap:g} s leaves nothing of the {name} stretch, whose share of "
                    f"{self.minutes:g} minutes is {60 * self.minutes * getattr(self, f'{name}_share'):g} s; "
                    "give a shorter gap, a larger share or more minutes"
                )
        self._check_labels()
        return self

    def _check_labels(self) -> None:
        stretches: tuple[StretchName, ...] = ("adaptation",)
        if self.calibration == "personal" or (self.calibration != "population" and self.calibration_share):
            stretches = ("adaptation", "calibration")
        for name in stretches:
            most = self.most_labels(name)
            if self.labels_per_class > most:
                raise ValueError(
                    f"labels_per_class = {self.labels_per_class}, but the {name} stretch can hold {most} at most "
                    f"({self._length(name):g} s at {self.labels_per_minute:g} labels a minute); ask for fewer, or give "
                    f"it a larger {name}_share or more minutes"
                )
        if self.calibration == "personal" and self.labels_per_class < smallest_n(min(self.alphas)):
            raise ValueError(
                f"alpha {min(self.alphas):g} can't be promised from {self.labels_per_class} labels of a class, it "
                f"takes {smallest_n(min(self.alphas))} (n + 1 >= 1 / alpha); raise labels_per_class, leave that alpha "
                'out, or give calibration = "auto"'
            )
        if "calibration" not in stretches and self.calibration == "combined":
            raise ValueError('calibration = "combined" needs labels of the patient; give calibration_share more than 0')

    def stretches(self, start: float = 0.0, stop: float | None = None) -> dict[StretchName, tuple[float, float]]:
        """Cut a labelled stretch in three, in s from the start of the recording; a window belongs where it lies whole.

        Parameters
        ----------
        start, stop
            Ends of the labelled stretch in s; the planned `minutes` after `start` unless `stop` is given.

        Returns
        -------
        dict
            Start and stop of adaptation, calibration and test, in this order, disjoint, the gap between them. One with
            a share of 0 is empty: it starts where it stops.
        """
        end = start + 60 * self.minutes if stop is None else stop
        first = start + self.adaptation_share * (end - start)
        second = end - self.test_share * (end - start)
        return {
            "adaptation": (start, first),
            "calibration": (min(first + self.gap, second), second) if self.calibration_share else (second, second),
            "test": (min(second + self.gap, end), end) if self.test_share else (end, end),
        }

    def most_labels(self, stretch: StretchName) -> int:
        """Most labels that a stretch of the planned length can hold."""
        return int(self._length(stretch) / 60 * self.labels_per_minute)

    def _length(self, stretch: StretchName) -> float:
        start, stop = self.stretches()[stretch]
        return stop - start
