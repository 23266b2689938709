"""Numbers measured in a window and in stretches of it, each with how it was measured."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from auricle.consult.excerpt import Excerpt
from auricle.consult.measure import Stretch
from auricle.consult.measurements_ecg import ecg_measures
from auricle.consult.measurements_eeg import eeg_measures


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One measured number.

    Attributes
    ----------
    name
        What was measured.
    value
        The number, or None where it could not be measured.
    unit
        Its unit; empty for a ratio.
    where
        The stretch it was measured in; None for the whole window.
    how
        How, in words.
    family
        What it is named with its like where none of them could be measured; empty for its own name.
    least
        Shortest stretch in s in which it would be measured.

    Examples
    --------
    >>> print(Measurement(name="heart rate", value=71.234, unit="per minute", how="60 / mean RR interval"))
    heart rate 71.2 per minute
    >>> print(Measurement(name="QRS width", value=None, unit="s", where=(1.0, 2.0), how="..."))
    QRS width could not be measured
    """

    name: str
    value: float | None
    unit: str
    where: Stretch | None = None
    how: str
    family: str = ""
    least: float = 0.0

    @property
    def too_short(self) -> bool:
        """Whether nothing was measured because the stretch is too short."""
        return self.where is not None and self.where[1] - self.where[0] < self.least - 1e-9

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.name} could not be measured"
        return f"{self.name} {number(self.value)}{self.unit and f' {self.unit}'}"


def number(value: float) -> str:
    """Write a number with three digits that count, and no exponent where none is needed.

    >>> number(0.04567), number(71.234), number(1234.0), number(0.0), number(0.0000123)
    ('0.0457', '71.2', '1234', '0', '1.23e-05')
    """
    return f"{value:.0f}" if 1000 <= abs(value) < 1e4 else f"{value:.3g}"


def measure(excerpt: Excerpt, stretches: Sequence[Stretch] = ()) -> tuple[Measurement, ...]:
    """Measure the window, and then each stretch.

    Parameters
    ----------
    excerpt
        The window.
    stretches
        In s from the start of the window.

    Returns
    -------
    tuple of Measurement
        Those of the window first, then those of each stretch in the order given. What can't be measured has the value
        None, and so has what would be chance in so short a stretch.
    """
    measures = ecg_measures(excerpt) if excerpt.kind == "ECG" else eeg_measures(excerpt)
    found = []
    for where in (None, *stretches):
        for one in measures:
            if one.where in {"both", "window" if where is None else "stretches"}:
                blank = Measurement(
                    name=one.name, value=None, unit=one.unit, where=where, how=one.how, family=one.family,
                    least=one.least,
                )  # fmt: skip
                found.append(blank if blank.too_short else replace(blank, value=one.of(where)))
    return tuple(found)
