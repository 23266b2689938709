"""`auricle adapt`: one attempt to adapt a specialist to a patient, under a change-control plan."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from auricle.cli.options import Json, Lead, SpecialistPlace, check_target
from auricle.cli.terminal import counting, note, plain, print_json, progress
from auricle.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auricle.adaptation.patient import Patient
    from auricle.signals import Recording
    from auricle.specialist import Specialist

    Labelled = tuple[NDArray[Any], list[str], NDArray[Any], tuple[str, ...]]


def adapt(
    specialist: SpecialistPlace,
    recording: Path,
    /,
    *,
    labels: Path,
    out: Annotated[Path, Parameter(help="The patient's folder; made if it isn't there.")],
    plan: Path | None = None,
    subject: str | None = None,
    lead: Lead = None,
    report: Path | None = None,
    json: Json = False,
) -> int:
    """Adapt a specialist to a patient by forward passes alone; test it by the plan, then use or refuse it.

    A stopped attempt goes on where it was when the command is repeated.

    Parameters
    ----------
    recording
        Of the patient.
    labels
        What a person says of its first minutes: for beats an annotation file (.atr) or a CSV table (time,label); for
        windows a CSV table (index,label or start,label).
    plan
        Change-control plan, a TOML file; the one that comes with auricle if not given.
    subject
        Who the patient is, for a folder that is made now; as the recording says if not given.
    report
        HTML file for the report; beside the version's record if not given.
    json
        Print the impact record as JSON on stdout, and nothing else there.
    """
    from dataclasses import replace

    from auricle.adaptation import adapt as run
    from auricle.adaptation.adapting import Source
    from auricle.adaptation.impact_text import impact_text
    from auricle.adaptation.page import page
    from auricle.adaptation.plan import Plan
    from auricle.signals import Recording
    from auricle.specialist import Specialist

    check_target(report, ".html")
    judge = Specialist.load(specialist)
    if lead is not None:
        judge.preprocessing = replace(judge.windowing, leads=((lead,),))
    chosen = Plan.default() if plan is None else Plan.read(plan)
    opened = Recording.read(recording)
    samples, truth, starts, notes = _labelled(judge, opened, labels, chosen.protocol.minutes)
    patient = _patient(out, judge, specialist, subject or opened.subject)
    for notice in patient.notices:
        note(f"note: {notice}")
    source = Source(
        recording=opened.id, labels=labels.name, stop=min(opened.duration, 60 * chosen.protocol.minutes),
        simulated=opened.simulated, notes=(*opened.notes, *notes),
    )  # fmt: skip
    with progress() as update:
        made = run(
            judge, samples, truth, chosen, starts=starts, source=source, patient=patient,
            on_step=counting(update, "learning"),
        )  # fmt: skip
    number = made.impact.attempt
    target = report or out / f"report-{number:04d}.html"
    target.write_text(page(made.impact), encoding="utf-8")
    if json:
        print_json(made.impact.to_dict())
    else:
        print("\n".join(map(plain, impact_text(made.impact).splitlines())))
    note(f"report: {target}")
    return 0


def _patient(path: Path, judge: "Specialist", place: str, subject: str | None) -> "Patient":
    from auricle.adaptation.patient import Patient

    if path.is_dir() and any(path.iterdir()):
        return Patient.open(path)
    return Patient.create(path, judge, subject=subject, place=place)


def _labelled(judge: "Specialist", recording: "Recording", path: Path, minutes: float) -> "Labelled":
    """Cut the labelled windows of the first minutes."""
    import numpy as np

    from auricle.signals import cut

    known = list(map(str, judge.classes_.tolist()))
    if judge.windowing.anchor == "beat":
        from auricle.adaptation.beat_labels import check_fit, read_beat_labels

        beats = read_beat_labels(path, recording)
        check_fit(beats, recording, judge.windowing, minutes)
        times = np.array([beat.time for beat in beats])
        wanted = [i for i, beat in enumerate(beats) if beat.time < 60 * minutes and beat.label in known]
        found = [beats[i].label for i in wanted]
        windows = list(cut(recording, judge.windowing, beats=times, only=set(wanted)))
        passed = sum(beat.time < 60 * minutes for beat in beats) - len(wanted)
        notes = (f"{passed} labels of classes that the specialist does not judge were passed over.",) if passed else ()
    else:
        from auricle.watching import read_labels

        if path.suffix.lower() == ".atr":
            raise InputError(
                f"{path} holds beats, and this specialist judges windows of {judge.windowing.window:g} s; give a CSV "
                "table with the columns start (in s) and label, or a specialist of beats, such as 'beats'"
            )
        table = read_labels(path, known)
        table.check_recordings([recording.id])
        everything = list(cut(recording, judge.windowing))
        table.check_windows(recording.id, [window.start for window in everything], recording.duration)
        pairs = [(window, table.of(recording.id, i, window.start)) for i, window in enumerate(everything)]
        windows = [window for window, label in pairs if label is not None and window.start < 60 * minutes]
        found = [label for window, label in pairs if label is not None and window.start < 60 * minutes]
        notes = ()
    if not windows:
        raise InputError(
            f"the labels {path} hold none for a window in the first {minutes:g} minutes of recording {recording.id}; "
            f"at least one is needed, of {', '.join(known)}"
        )
    lengths = {window.samples.shape[-1] for window in windows}
    if len(lengths) > 1:
        raise InputError(f"windows of unequal length were cut from recording {recording.id}; give a longer recording")
    return np.stack([w.samples for w in windows]), found, np.array([w.start for w in windows]), notes
