"""`auricle predict`: judge recordings, print what is found, and draw it."""

from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from auricle.cli.finding_text import finding_text
from auricle.cli.options import Alpha, Flag, JsonLines, Lead, Rate, Recordings, SpecialistPlace, Unit, check_target
from auricle.cli.terminal import counting, note, print_line, progress
from auricle.counted import counted
from auricle.errors import InputError

if TYPE_CHECKING:
    from auricle.finding import Finding
    from auricle.signals import Recording, Source
    from auricle.specialist import Specialist

MOST_EXPLAINED = 60
"""Windows of a recording beyond which evidence waits until something draws it."""

MOST_FIGURES = 40
"""More of them are announced."""


def predict(
    specialist: SpecialistPlace,
    paths: Recordings,
    /,
    *,
    alpha: Alpha = 0.1,
    json: JsonLines = False,
    lead: Lead = None,
    fs: Rate = None,
    unit: Unit = None,
    explain: Literal["auto", "all", "none"] = "auto",
    evidence: Flag = False,
    out: Path | None = None,
    figure: Path | None = None,
    report: Path | None = None,
) -> int:
    """Judge recordings: per window a set of labels, its state, scores, p-values, and the segments that speak for each.

    Reads WFDB, PhysioNet challenge (MAT), EDF, EDF+, BDF, CSV and NPZ, of any length and rate. A CSV file has a line of
    names, such as "time,ECG (mV)", and below it a line of numbers for each sample.

    Parameters
    ----------
    explain
        Which windows get segments: all; none, which is many times faster; auto: all of a recording with up to 60
        windows. A figure or a report shows those of every window that it draws, whatever is chosen here.
    evidence
        Put the whole evidence into the JSON, not only the segments.
    out
        JSON Lines file for the findings. A stopped run goes on where it was; a finished file is never overwritten.
    figure
        PNG, SVG or PDF file to draw the finding in. With several windows each gets a number before the suffix.
    report
        HTML file for all findings; it opens without a network.
    """
    from auricle.cli.judge import judge_of
    from auricle.signals import find_recordings

    check_target(figure, ".png", ".svg", ".pdf")
    check_target(report, ".html", ".htm")
    check_target(out)
    sources = find_recordings(paths, fs=fs, unit=unit)
    judge = judge_of(specialist)
    sink = _Sink(json=json, evidence=evidence, keep=bool(figure or report))
    settings = {"alpha": alpha, "lead": lead, "fs": fs, "unit": unit, "explain": explain, "evidence": evidence}
    run = {"specialist": judge.hash_, **settings}
    failed = _judge_all(judge, sources, sink, alpha=alpha, lead=lead, explain=explain, out=out, run=run)
    if figure and sink.kept:
        _figures(judge, sink.kept, figure)
    if report and sink.kept:
        from auricle.report import write_report

        with progress() as update:
            write_report(
                report, sink.kept, names=judge.names, card=judge.card, explain=judge.explained,
                progress=counting(update, "drawing"),
            )  # fmt: skip
        note(f"report: {report}")
    note(sink.summary(len(sources), failed))
    return InputError.exit_code if failed else 0


class _Sink:
    """Where findings go as they come: stdout, and memory when a picture of them is wanted."""

    def __init__(self, *, json: bool, evidence: bool, keep: bool) -> None:
        self.json, self.evidence, self.keep = json, evidence, keep
        self.kept: list[tuple[Recording, Finding]] = []
        self.states: Counter[str] = Counter()

    def take(self, recording: "Recording", finding: "Finding", *, to_file: bool) -> str:
        self.states[finding.state] += 1
        if self.keep:
            self.kept.append((recording, finding))
        line = finding.to_json(evidence=self.evidence)
        if self.json:
            print_line(line)
        elif not to_file:
            print(finding_text(finding))
        return line

    def summary(self, recordings: int, failed: int) -> str:
        windows = sum(self.states.values())
        states = ", ".join(f"{n} {state}" for state, n in self.states.most_common()) or "none judged"
        lost = f"; {failed} could not be read" if failed else ""
        return f"{counted(recordings, 'recording')}, {counted(windows, 'window')}: {states}{lost}"


def _judge_all(
    judge: "Specialist", sources: "list[Source]", sink: _Sink, *, alpha: float, lead: str | None, explain: str,
    out: Path | None, run: dict[str, Any],
) -> int:  # fmt: skip
    from auricle.lines import ResumableLines
    from auricle.signals import expected

    failed = 0
    lines = ResumableLines(out, run) if out else None
    with lines or nullcontext(), progress() as update:
        if lines and (before := sum(source.key in lines.done for source in sources)):
            rest = "; figures and report show the others" if sink.keep else ""
            note(f"{out}: {before} of {len(sources)} recordings were judged before{rest}")
        for i, source in enumerate(sources):
            if lines and source.key in lines.done:
                continue
            try:
                recording = source.open()
                windows = expected(recording.duration, judge.windowing)
                why = explain == "all" or (explain == "auto" and windows <= MOST_EXPLAINED)
                found = judge.findings(recording, alpha=alpha, leads=None if lead is None else ((lead,),), explain=why)
                written = []
                for finding in found:
                    written.append(sink.take(recording, finding, to_file=out is not None))
                    if windows > 1 and len(sources) == 1:
                        update(len(written), max(windows, len(written)), "judging")
            except InputError as error:
                if len(sources) == 1:
                    raise
                failed += 1
                note(f"{source.id}: {error}")
                continue
            if lines:
                lines.add(source.key, written)
            if len(sources) > 1:
                update(i + 1, len(sources), "judging")
        if lines and not failed:
            lines.finish()
    if lines and failed:
        note(f"{out}: what could not be read is tried again when the command is repeated")
    return failed


def _figures(judge: "Specialist", kept: "list[tuple[Recording, Finding]]", path: Path) -> None:
    from auricle.figure import draw
    from auricle.report import first_to_see

    if len(kept) > MOST_FIGURES:
        chosen = first_to_see([finding for _, finding in kept], MOST_FIGURES)
        note(f"{len(kept)} windows; figures are drawn of the {len(chosen)} that need a person's eyes first")
        kept = [kept[i] for i in chosen]
    with progress(len(kept) > 4) as update:
        for i, (recording, finding) in enumerate(kept):
            number = f"-{i + 1:0{len(str(len(kept)))}d}" if len(kept) > 1 else ""
            target = path.with_name(f"{path.stem}{number}{path.suffix}")
            shown = finding if finding.evidence else judge.explained(recording, finding)
            draw(recording, shown, names=judge.names, path=target)
            update(i + 1, len(kept), "drawing")
    note(f"figures: {len(kept)}, numbered, beside {path}" if len(kept) > 1 else f"figure: {path}")
