"""`auricle watch`: recordings or a stream of findings, with an alarm and with sets that follow labels."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from auricle.cli.options import Alpha, JsonLines, Lead, Rate, SpecialistPlace, Unit, at_least
from auricle.cli.terminal import note, plain, print_line, progress
from auricle.counted import counted
from auricle.errors import InputError, NotCalibratedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auricle.finding import Finding
    from auricle.signals import Source
    from auricle.specialist import Specialist
    from auricle.watching import AlarmEvent, LabelEvent, SummaryEvent, TrueLabel, TrueLabels, Watch, WindowEvent

STDIN = "-"
LINES = {".jsonl", ".ndjson"}
"""What files of findings are called."""


def _chance(_: Any, delta: float) -> None:
    if not 0 < delta < 1:
        raise ValueError("It must lie between 0 and 1; 0.01 means that one stream in a hundred may give a false alarm.")


def _step(_: Any, gamma: float) -> None:
    if not 0 < gamma <= 1:
        raise ValueError("It must be above 0 and at most 1; 0.05 moves a level by up to 0.05 with each label.")


def _no_option(_: Any, paths: list[str]) -> None:
    if wrong := [path for path in paths if path.startswith("-") and path != STDIN]:
        raise ValueError(f"Unknown option: {wrong[0]}.")


def watch(
    specialist: SpecialistPlace,
    paths: Annotated[list[str], Parameter(negative="", allow_leading_hyphen=True, validator=_no_option)],
    /,
    *,
    reference: Annotated[list[str] | None, Parameter(negative="")] = None,
    labels: Path | None = None,
    alpha: Alpha = 0.1,
    delta: Annotated[float, Parameter(validator=_chance)] = 0.01,
    gamma: Annotated[float, Parameter(validator=_step)] = 0.05,
    seed: Annotated[int, at_least(0)] = 0,
    lead: Lead = None,
    fs: Rate = None,
    unit: Unit = None,
    json: JsonLines = False,
) -> int:
    """Watch recordings, or a stream of findings: say when windows no longer look like those before, and since when.

    The alarm needs no labels. With labels, which may be few and late, the sets adapt to them class by class.

    Parameters
    ----------
    paths
        Recordings, folders, NPZ archives, or files of findings (.jsonl) that `auricle predict --json` wrote, in this
        order; or - for findings on standard input, and labels there as {"recording": ..., "index": ..., "label": ...}.
    reference
        Recordings, or findings (.jsonl), that the stream should look like; without them it is compared with its own
        past.
    labels
        CSV file with the columns index,label or start,label of one recording, or with a column recording as well; for
        beats of one recording also an annotation file (.atr) or a CSV file with the columns time,label.
    delta
        Chance of a false alarm in a whole stream, if its windows are exchangeable.
    gamma
        Largest move of a class's level with one label.
    seed
        Seed of the random numbers that the test needs to be exact.
    """
    from auricle.cli.judge import judge_of
    from auricle.watching import Watch

    judge = judge_of(specialist)
    if not hasattr(judge, "calibration_"):
        raise NotCalibratedError(f"{specialist} is not calibrated; `auricle calibrate` does that")
    classes = [str(label) for label in judge.calibration_.labels]
    reader = _Reader(judge, alpha=alpha, lead=lead, fs=fs, unit=unit)
    stream, typical = reader.listed(paths), reader.listed(reference or [], "reference")
    table = reader.labels(labels, classes, stream)
    reader.check(stream, typical, table)
    watched = Watch(
        judge.calibration_, reader.typical(typical), alpha=alpha, delta=delta, gamma=gamma, seed=seed
    )  # fmt: skip
    count = watched.summary().reference
    note(f"compared with {f'{count} reference windows and ' if reference else ''}what came before in the stream")
    if not labels and STDIN not in paths:
        note("no labels: only the alarm runs, and the sets stay as they were calibrated")
    show = _Show(json=json)
    try:
        _run(watched, reader.read(stream), table, show)
    finally:
        # A live stream ends with Ctrl-C: what was seen until then is summed up all the same.
        if watched.summary().windows:
            show.summary(watched.summary())
    if table.unmet:
        first = table.unmet[0]
        many = counted(len(table.unmet), "label")
        raise InputError(f"{many} met no window of the stream; the first is {first.where}")
    return InputError.exit_code if reader.failed else 0


def _run(watched: "Watch", found: "Iterable[Finding | TrueLabel]", table: "TrueLabels", show: "_Show") -> None:
    from auricle.finding import Finding

    for one in found:
        if isinstance(one, Finding):
            for event in watched.take(one):
                show.event(event)
            label = table.of(one.recording, one.window.index, one.window.start)
            if label is not None:
                show.event(watched.label(one.recording, one.window.index, label))
        else:
            try:
                show.event(watched.label(str(one.recording), int(one.index or 0), one.label))
            except InputError as error:
                raise InputError(f"{one.where}: {error}") from error


class _Reader:
    """Findings of recordings, which are judged as they are read, and findings that were written before."""

    def __init__(
        self, judge: "Specialist", *, alpha: float, lead: str | None, fs: float | None, unit: str | None
    ) -> None:
        self.judge, self.alpha, self.fs, self.unit = judge, alpha, fs, unit
        self.windowing = judge.windowing.on_lead(lead)
        self.failed, self.by_beat = 0, False

    def listed(self, paths: list[str], what: str = "stream") -> "list[Source | Path]":
        """Find what the paths hold, in their order; `-` stays as it is."""
        from auricle.signals import find_recordings

        found: list[Source | Path] = []
        for path in paths:
            if path == STDIN and what == "stream" and len(paths) == 1:
                found.append(Path(STDIN))
            elif path == STDIN:
                raise InputError("- is standard input: it can be the only stream, and no reference")
            elif Path(path).suffix.lower() in LINES:
                if not Path(path).is_file():
                    raise InputError(f"there is no file {path}; `auricle predict --json > {path}` would make one")
                found.append(Path(path))
            else:
                found.extend(find_recordings(path, fs=self.fs, unit=self.unit))
        return found

    def labels(self, path: Path | None, classes: list[str], stream: "list[Source | Path]") -> "TrueLabels":
        """Read the labels of windows, or of beats, each of which has a window around it."""
        from auricle.adaptation.beat_labels import holds_beats, labelled_beats
        from auricle.watching import TrueLabel, TrueLabels, read_labels

        if path is None:
            return TrueLabels([])
        if self.judge.windowing.anchor != "beat" or not holds_beats(path):
            return read_labels(path, classes)
        if len(stream) != 1 or isinstance(stream[0], Path):
            raise InputError(
                f"{path} holds beats of one recording; give that one alone, or labels of windows in a CSV file with "
                "the columns recording,index,label"
            )
        self.by_beat = True
        recording = stream[0].open()
        found = labelled_beats(path, recording, self.windowing, classes, minutes=recording.duration / 60)
        for said in found.notes:
            note(f"note: {said}")
        return TrueLabels(
            [
                TrueLabel(
                    label=label, recording=recording.id, index=i, where=f"{path.name}, beat {found.heard[i]:.2f} s"
                )
                for i, label in found.labels.items()
            ]
        )

    def check(self, stream: "list[Source | Path]", typical: "list[Source | Path]", table: "TrueLabels") -> None:
        """Refuse what could only be noticed after hours of judging.

        Raises
        ------
        InputError
            The reference shares a recording with the stream, two recordings have one name, or a label is for none of
            the recordings or of their windows.
        """
        from auricle.signals import spans
        from auricle.signals.beats import beat_starts

        shared = {_key(one) for one in stream} & {_key(one) for one in typical}
        if shared:
            raise InputError(f"{min(shared)} is both watched and reference; leave it out of one of them")
        sources = [one for one in stream if not isinstance(one, Path)]
        names = [source.id for source in sources]
        if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
            raise InputError(
                f"two recordings are called {twice[0]}; name their folder once, so that they are told apart"
            )
        if len(sources) < len(stream):
            return  # what lines will bring is not known before they are read
        table.check_recordings(names)
        for source in sources:
            if table.positioned(source.id) and not self.by_beat:
                recording = source.open()
                if self.judge.windowing.anchor == "beat":
                    starts = beat_starts(recording, self.windowing)
                else:
                    starts = [start for start, _ in spans(recording.duration, self.judge.windowing)]
                table.check_windows(source.id, starts, recording.duration)

    def typical(self, found: "list[Source | Path]") -> "Iterator[Finding]":
        """Judge the reference, without what the network was trained or selected on: its scores are too good there."""
        from auricle.finding import Finding

        left = [one for one in found if isinstance(one, Path) or not self._seen(one.id)]
        if len(left) < len(found):
            n = len(found) - len(left)
            note(f"{n} of {len(found)} references are left out: the network was trained or selected on them")
        kept = 0
        for one in self.read(left, "reference"):
            if isinstance(one, Finding) and not self._seen(one.recording):
                kept += 1
                yield one
        if found and not kept:
            raise InputError("no reference is left; name recordings that the network has not seen")

    def _seen(self, recording: str) -> bool:
        return self.judge.part_of(recording) in {"train", "validation"}

    def read(self, found: "list[Source | Path]", what: str = "watching") -> "Iterator[Finding | TrueLabel]":
        """Give findings, and labels among them, one by one; a recording among several that can't be read is named."""
        with progress() as update:
            for i, one in enumerate(found):
                try:
                    if isinstance(one, Path):
                        yield from self._lines(one)
                    else:
                        yield from self.judge.findings(
                            one.open(), alpha=self.alpha, leads=self.windowing.leads, explain=False
                        )  # fmt: skip
                except InputError as error:
                    if len(found) == 1 or isinstance(one, Path):
                        raise
                    self.failed += 1
                    note(f"{one.id}: {error}")
                if len(found) > 1:
                    update(i + 1, len(found), what)

    def _lines(self, path: Path) -> "Iterator[Finding | TrueLabel]":
        from auricle.watching import of_one_specialist, read_stream

        name = "standard input" if str(path) == STDIN else path.name
        with nullcontext(sys.stdin.buffer) if str(path) == STDIN else path.open("rb") as lines:
            found = read_stream(lines, name=name)
            yield from of_one_specialist(found, self.judge.hash_, self.judge.manifest_.name)


class _Show:
    """Events as JSON Lines, or what a person wants to know of them."""

    def __init__(self, *, json: bool) -> None:
        self.json = json

    def event(self, event: "WindowEvent | AlarmEvent | LabelEvent") -> None:
        """Show one event at once."""
        if self.json:
            print_line(event.to_json())
        elif event.event == "alarm":
            print(plain(str(event)), flush=True)

    def summary(self, summary: "SummaryEvent") -> None:
        """Show what the whole stream came to."""
        if self.json:
            print_line(summary.to_json())
        else:
            print(summary_text(summary), flush=True)


def summary_text(summary: "SummaryEvent") -> str:
    """Say how far the test went, what an alarm means, and what the sets missed before and after they were adapted."""
    overlap = f", {summary.overlapping} of them overlapping and not tested" if summary.overlapping else ""
    rows = [
        f"{counted(summary.windows, 'window')} of {counted(summary.recordings, 'recording')}{overlap}; "
        + (f"compared with {summary.reference} reference windows" if summary.reference else "compared among themselves")
    ]
    highest = "beyond 1e300" if summary.highest_capital is None else f"{summary.highest_capital:.3g}"
    if summary.alarm is None:
        rows.append(
            f"no alarm: the test's capital rose from 1 to {highest} at most; at {1 / summary.delta:g} it alarms"
        )
    else:
        rows += [
            str(summary.alarm),
            "  the windows changed, or they depend on one another, as windows of one recording do; look at both places",
        ]
    if not any(one.labels for one in summary.classes.values()):
        rows.append("no labels: the sets stayed as they were calibrated, and what they miss is not known")
        return "\n".join(map(plain, rows))
    rows.append(f"missed by the sets, of the windows with each label (aim {100 * summary.alpha:g} %):")
    for label, one in summary.classes.items():
        if not one.labels:
            rows.append(f"  {label:<5} no labels")
            continue
        fixed, adapted = (100 * n / one.labels for n in (one.missed_as_calibrated, one.missed_adapted))
        limit = "not adapted"
        if one.bound is not None:
            limit = f"level now {one.level:.3f}; certainly within {100 * min(one.bound, 1):.0f} points of the aim"
        many = counted(one.labels, "label")
        rows.append(f"  {label:<5} {many}: {fixed:.1f} % as calibrated, {adapted:.1f} % adapted; {limit}")
    return "\n".join(map(plain, rows))


def _key(one: "Source | Path") -> str:
    return str(one.resolve()) if isinstance(one, Path) else one.key
