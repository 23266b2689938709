"""Which windows an opinion is asked on, and the briefing on each."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from auricle.conformal import State
from auricle.consult.briefing import Briefing, brief
from auricle.finding import Finding, urgency
from auricle.signals import Recording, Source
from auricle.specialist import Specialist


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Windows that are asked about, in the order of the recordings.

    Attributes
    ----------
    windows
        Where each lies, and what the specialist found, without evidence.
    judged, wanted
        Windows in all, and those that would be asked about if no number were set.
    left
        State -> how many of these are left out.
    """

    windows: tuple[tuple[Source, Finding], ...]
    judged: int
    wanted: int
    left: dict[State, int]


def choose(
    specialist: Specialist, sources: Sequence[Source], *, alpha: float, lead: str | None = None,
    confident: bool = False, most: int = 50, progress: Callable[[int, int], None] | None = None,
) -> Chosen:  # fmt: skip
    """Judge recordings and keep the windows that need an opinion.

    Parameters
    ----------
    specialist
        Calibrated.
    sources
        Recordings.
    alpha
        Level of the sets.
    lead
        Channel to judge.
    confident
        Whether confident windows are kept too. One whose set misses the label with the highest score always is.
    most
        At most this many: those that need eyes most, see `auricle.finding.urgency`.
    progress
        Called with recordings done, and in all.
    """
    leads = None if lead is None else ((lead,),)
    found: list[tuple[Source, Finding]] = []
    for done, source in enumerate(sources, 1):
        found += [(source, one) for one in specialist.findings(source.open(), alpha=alpha, leads=leads, explain=False)]
        if progress:
            progress(done, len(sources))
    wanted = [pair for pair in found if confident or pair[1].state != "confident" or pair[1].top_outside]
    order = sorted(range(len(wanted)), key=lambda i: (*urgency(wanted[i][1]), i))
    return Chosen(
        windows=tuple(wanted[i] for i in sorted(order[:most])), judged=len(found), wanted=len(wanted),
        left=dict(Counter(wanted[i][1].state for i in order[most:])),
    )  # fmt: skip


@dataclass(kw_only=True)
class Briefer:
    """Writes the briefing on one of some windows, when it is asked for: pictures are large.

    Parameters
    ----------
    specialist
        Who found what is told; it looks for the evidence now.
    windows
        As `choose` gives them.
    show
        Pictures: see `brief`.
    """

    specialist: Specialist
    windows: Sequence[tuple[Source, Finding]]
    show: Literal["evidence", "plain", "none"] = "evidence"
    _open: tuple[Source, Recording] | None = field(default=None, init=False, repr=False)

    def __call__(self, i: int) -> Briefing:
        """Write the briefing on window i."""
        source, finding = self.windows[i]
        if self._open is None or self._open[0] is not source:
            self._open = source, source.open()
        recording = self._open[1]
        definitions = {str(one.label): one for one in self.specialist.manifest().labels}
        return brief(self.specialist.explained(recording, finding), recording, definitions=definitions, show=self.show)
