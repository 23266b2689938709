"""`auricle adapt`: one attempt to adapt a specialist to a patient, under a change-control plan."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from auricle.cli.options import Flag, Lead, SavedSpecialist, check_target
from auricle.cli.terminal import counting, note, plain, print_json, progress
from auricle.errors import InputError

if TYPE_CHECKING:
    from auricle.adaptation.labelled import PatientWindows
    from auricle.adaptation.patient import Patient
    from auricle.adaptation.plan import Plan
    from auricle.signals import Recording
    from auricle.specialist import Specialist


def adapt(
    specialist: SavedSpecialist,
    recording: Path,
    /,
    *,
    labels: Path,
    out: Annotated[Path, Parameter(help="The patient's folder; made if it isn't there.")],
    plan: Path | None = None,
    subject: str | None = None,
    lead: Lead = None,
    report: Path | None = None,
    json: Flag = False,
) -> int:
    """Adapt a specialist to a patient by forward passes alone; test it by the plan, then use or refuse it.

    A stopped attempt goes on where it was when the command is repeated; one that was accepted is not made twice. A
    refusal is no failure: the exit code is 0, and `decision` in the record says which.

    Parameters
    ----------
    recording
        The patient's recording: a file, or the name of a WFDB record.
    labels
        What a person says of some minutes of it: for beats an annotation file (.atr) or a CSV table (time,label); for
        windows a CSV table (index,label or start,label). The plan's minutes from the first label on are used.
    plan
        Change-control plan, a TOML file; if not given, the one that comes with auricle, which is for `beats`.
    subject
        Who the patient is, for a folder that is made now; what the recording says if not given.
    report
        HTML file for the report; one in the patient's folder if not given.
    json
        Print the impact record as JSON on stdout, and nothing else there.
    """
    from auricle.adaptation import adapt as run
    from auricle.adaptation.adapting import Source
    from auricle.adaptation.impact.page import page
    from auricle.adaptation.impact.text import impact_text
    from auricle.adaptation.labelled import read_labelled
    from auricle.adaptation.plan import Plan
    from auricle.signals import Recording
    from auricle.specialist import Specialist

    check_target(report, ".html")
    chosen = Plan.default() if plan is None else Plan.read(plan)
    opened = Recording.read(recording)
    judge = Specialist.load(specialist)
    judge.preprocessing = judge.windowing.on_lead(lead)
    given = read_labelled(judge, opened, labels, chosen.protocol.minutes)
    chosen.check_labels([str(label) for label in judge.classes_.tolist()])
    _tell_labels(judge, given, chosen)
    patient = _patient(out, judge, specialist, opened, subject)
    for notice in patient.notices:
        note(f"note: {notice}")
    source = Source(
        recording=opened.id, labels=labels.name, start=given.start, stop=given.stop, simulated=opened.simulated,
        notes=(*opened.notes, *given.notes),
    )  # fmt: skip
    with progress() as update:
        made = run(
            judge, given.samples, given.labels, chosen, starts=given.starts, source=source, patient=patient,
            on_step=counting(update, "learning"),
        )  # fmt: skip
    if made.repeated:
        note("note: the version in use was made of these windows, labels and plan already; nothing was learned again")
    number = made.impact.attempt
    target = report or out / f"report-{number:04d}.html"
    target.write_text(page(made.impact), encoding="utf-8")
    if json:
        print_json(made.impact.to_dict())
    else:
        print("\n".join(map(plain, impact_text(made.impact).splitlines())))
    active = patient.active
    note(f"{out} judges with version {active.number:04d}-{active.id[:12]}; `auricle predict {out} RECORDING` uses it")
    note(f"report: {target}")
    return 0


def _tell_labels(judge: "Specialist", given: "PatientWindows", plan: "Plan") -> None:
    """Say before minutes of learning what the labels are good for."""
    from auricle.adaptation.judging import STRETCHES, LabelledStretch, divide

    labelled = LabelledStretch.of(given.samples, given.labels, given.starts, judge)
    parts = divide(labelled, plan, judge.windowing.fs, start=given.start, stop=given.stop)
    counts = {name: parts[name].counts(judge.classes_) for name in STRETCHES}
    said = [
        f"{name} {', '.join(f'{n} {label}' for label, n in one.items() if n) or 'none'}" for name, one in counts.items()
    ]
    note(f"labelled windows: {'; '.join(said)}")
    harm = plan.assessment.harm_class
    if not counts["test"].get(harm):
        note(f"note: none of the test stretch is {harm}, so harm to {harm} can't be noticed; label on until some are")


def _patient(path: Path, judge: "Specialist", place: str, recording: "Recording", subject: str | None) -> "Patient":
    from auricle.adaptation.patient import Patient
    from auricle.signals.visible import visible

    whose = subject or recording.subject
    if not (path.is_dir() and any(path.iterdir())):
        return Patient.create(path, judge, subject=whose, place=place)
    patient = Patient.open(path)
    if whose and patient.subject and whose != patient.subject:
        raise InputError(
            f"{path} is the folder of {visible(patient.subject)}, and {visible(recording.id)} is of {visible(whose)}; "
            f"give another folder with --out, or --subject {visible(patient.subject)!r} if they are one person"
        )
    known = {record["data"]["recording"] for version in patient.versions if (record := version.impact())}
    if known and recording.id not in known and not (whose and patient.subject):
        before = ", ".join(map(visible, sorted(known)))
        note(
            f"note: {path} learned from {before} before; if {visible(recording.id)} is of somebody else, give "
            "another folder with --out (--subject NAME lets auricle tell)"
        )
    return patient
