"""What speaks for a label: the evidence of each instance, and the segments that hold most of it."""

from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from auricle.errors import InputError
from auricle.finding.frozen import Frozen


def _matrix(values: object) -> NDArray[np.float32]:
    try:
        matrix = np.array(values, np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError("evidence values must be rows of numbers of one length, one row per label") from error
    if matrix.ndim != 2:
        raise ValueError(f"evidence values have shape {matrix.shape}; (labels, instances) is needed")
    if not np.isfinite(matrix).all():
        raise ValueError("evidence values hold NaN or infinite numbers")
    matrix.setflags(write=False)
    return matrix


_Matrix = Annotated[
    NDArray[np.float32],
    BeforeValidator(_matrix),
    # The shortest text that gives the same float32 back.
    PlainSerializer(lambda matrix: [[float(str(v)) for v in row] for row in matrix], when_used="json"),
    WithJsonSchema({"type": "array", "items": {"type": "array", "items": {"type": "number"}}}),
]


class Evidence(Frozen):
    """How much each instance speaks for each label; a label's values and its constant add up to its score.

    Examples
    --------
    >>> evidence = Evidence(labels=("N", "A"), values=[[0.1, -0.2], [0.0, 0.4]], step=0.04)
    >>> evidence.of("A").tolist()
    [0.0, 0.4000000059604645]
    """

    labels: tuple[str, ...]
    """Label of each row of `values`."""
    values: _Matrix
    """float32 (labels, instances), signed."""
    step: float = Field(gt=0)
    """Distance between two instances in s."""
    start: float = 0.0
    """Where the first instance begins, in s from the start of the recording; negative for a window around one of the
    first beats, which was continued before it."""

    @model_validator(mode="after")
    def _rows(self) -> Self:
        if len(self.labels) != len(self.values):
            raise ValueError(f"evidence has {len(self.values)} rows for {len(self.labels)} labels")
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Evidence) and self.model_dump_json() == other.model_dump_json()

    def __hash__(self) -> int:
        return hash((self.labels, self.values.tobytes(), self.step, self.start))

    def of(self, label: str) -> NDArray[np.float32]:
        """Give the values of one label, float32 (instances,)."""
        if label not in self.labels:
            raise InputError(f"there is no evidence for {label!r}; there is for {', '.join(self.labels)}")
        return self.values[self.labels.index(label)]  # type: ignore[no-any-return]


class Segment(Frozen):
    """A stretch of the recording that speaks for a label."""

    start: float = Field(ge=0)
    """In s from the start of the recording."""
    stop: float
    """In s from the start of the recording."""
    evidence: float = Field(gt=0)
    """Sum of the evidence of the instances chosen within the stretch."""

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.stop <= self.start:
            raise ValueError(f"a segment from {self.start:g} s to {self.stop:g} s has no length")
        return self


def segments_of(
    evidence: NDArray[np.floating],
    start: float,
    step: float,
    *,
    stop: float | None = None,
    share: float = 0.5,
    gap: float = 0.2,
    most: int = 5,
) -> tuple[Segment, ...]:
    """Give the stretches that together hold `share` of the positive evidence for one label.

    The instances with the largest positive evidence are taken until they hold the share; those with no more than `gap`
    between them become one segment; if more than `most` segments result, those with the most evidence are kept.

    Parameters
    ----------
    evidence
        (instances,), signed, finite.
    start
        Where the first instance begins, in s.
    step
        Distance between two instances, in s.
    stop
        Where the window ends, in s: the last instance may reach beyond it, a segment may not.
    share
        Between 0 (exclusive) and 1. A larger share never uncovers an instance unless `most` cuts in.
    gap
        In s.
    most
        Largest number of segments.

    Returns
    -------
    tuple of Segment
        In order of time, disjoint; empty if nothing speaks for the label. The evidence of a segment is the sum over
        its chosen instances: what lies in a bridged gap is not counted.

    Examples
    --------
    >>> for s in segments_of(np.array([0, 3, 0, 4, 0, 0, 0, 1, -2]), start=10.0, step=0.1, share=0.8, gap=0.1):
    ...     print(f"{s.start:.1f} to {s.stop:.1f} s: {s.evidence:g}")
    10.1 to 10.4 s: 7
    """
    values = np.asarray(evidence, np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise InputError(f"evidence of shape {values.shape} was given; a row of finite numbers is needed")
    if not 0 < share <= 1:
        raise InputError(f"share={share:g} was given; it must be above 0 and at most 1")
    if step <= 0 or gap < 0 or most < 1:
        raise InputError(f"step={step:g}, gap={gap:g}, most={most}: step must be positive, gap not negative, most >= 1")
    if stop is not None and stop <= start + (len(values) - 1) * step:
        raise InputError(
            f"the window ends at {stop:g} s, but the last of {len(values)} instances begins at "
            f"{start + (len(values) - 1) * step:g} s; leave out the instances that lie beyond the window"
        )
    order = np.argsort(-values, kind="stable")
    order = order[values[order] > 0]
    if not order.size:
        return ()
    held = np.cumsum(values[order])
    # The small slack keeps rounding in the sum from asking for one instance more than there is.
    count = int(np.searchsorted(held, share * held[-1] * (1 - 1e-12))) + 1
    chosen = np.sort(order[:count])
    breaks = np.flatnonzero((np.diff(chosen) - 1) * step > gap + 1e-9) + 1
    runs = sorted(np.split(chosen, breaks), key=lambda run: -float(values[run].sum()))[:most]
    return tuple(
        Segment(
            start=start + float(run[0]) * step,
            stop=min(start + (float(run[-1]) + 1) * step, np.inf if stop is None else stop),
            evidence=float(values[run].sum()),
        )
        for run in sorted(runs, key=lambda run: int(run[0]))
    )
