"""The card of a specialist: what it was made from, how good it is, and what it is not for. Markdown, from the run."""

from typing import Any

from auricle.conformal import smallest_n
from auricle.signals import Preprocessing
from auricle.specialist import Specialist

PROMISE = """For each class on its own: of the windows that truly belong to it, at most a share alpha miss it in their \
set, on average over calibration draws, as long as new windows are exchangeable with the calibration windows. A new \
device, another group of people or another way of labelling breaks that: calibrate again there. Nothing is promised \
about how often a set of one label is right; the tables say how often it was."""


def card(specialist: Specialist, evaluation: dict[str, Any]) -> str:
    """Write the card of a trained specialist.

    Parameters
    ----------
    specialist
        Trained and, normally, calibrated.
    evaluation
        What `evaluate` gave for the test part; empty leaves the results out.
    """
    manifest = specialist.manifest()
    per_class = manifest.provenance.get("per_class", {})
    lines = [f"# {manifest.name}, version {manifest.version}", "", manifest.summary, ""]
    if manifest.provenance.get("simulated"):
        lines += ["**Trained and tested on simulated signals: no result here says anything about people.**", ""]
    lines += ["**This is research software, not a medical device.** " + manifest.intended_use, ""]
    if manifest.not_for:
        lines += ["It is not for:", "", *(f"- {item}" for item in manifest.not_for), ""]
    lines += ["## What it tells apart", "", *_labels(specialist, per_class), ""]
    network = specialist.network_
    count = sum(p.numel() for p in network.parameters())
    p = specialist.windowing
    a = network.architecture
    validated = any(epoch["validation_f1"] is not None for epoch in manifest.log)
    kept = "the weights are those with the best macro F1 in validation" if validated else "the last weights are kept"
    lines += [
        "## How it works",
        "",
        _input(p, a.channels - p.marks),
        _windows(p),
        f"- ConMIL network with {count:,} parameters, an instance every {1000 * a.stem_stride / p.fs:.0f} ms.",
        f"- One instance sees {specialist.receptive_field:.1f} s of signal.",
        f"- Evidence is given for every {specialist.evidence_step:.2f} s: what a score gains when that piece is heard.",
        f"- Data: {manifest.provenance.get('data', 'not stated')}.",
        f"- Trained for {len(manifest.log)} epochs; {kept}.",
        "",
    ]
    if evaluation:
        lines += _results(evaluation)
    if manifest.calibration:
        least = ", ".join(f"{smallest_n(alpha)} for alpha {alpha:g}" for alpha in (0.2, 0.1, 0.05, 0.01))
        lines += [
            "## What the sets promise",
            "",
            PROMISE,
            "",
            f"A class needs at least this many calibration windows: {least}. Below, it stands in every set, uncovered.",
            "",
        ]
        if left_out := ", ".join(map(str, manifest.calibration["leave_out"])):
            lines += [f"Left out of all sets, nothing is promised: {left_out}.", ""]
    return "\n".join(lines).rstrip() + "\n"


def _input(p: Preprocessing, leads: int) -> str:
    marks = ", and a channel in which the beats are marked" if p.marks else ""
    return f"- Input: {leads} lead{'s' * (leads != 1)} at {p.fs:g} Hz in {p.unit}{marks}."


def _windows(p: Preprocessing) -> str:
    if p.anchor == "beat":
        return f"- A window of {p.window:g} s around each beat, in which that beat and its neighbours are marked."
    return f"- A recording up to {p.longest:g} s is one window, a longer one is cut into windows of {p.window:g} s."


def _labels(specialist: Specialist, per_class: dict[str, dict[str, int]]) -> list[str]:
    parts = list(per_class)
    rows = ["| label | meaning |" + "".join(f" {part} |" for part in parts), "|---|---|" + "---:|" * len(parts)]
    for label in specialist.manifest().labels:
        meaning = label.name + (f": {label.definition}" if label.definition else "")
        rows.append(
            f"| `{label.label}` | {meaning} |"
            + "".join(f" {per_class[part].get(str(label.label), 0)} |" for part in parts)
        )
    return rows


def _results(evaluation: dict[str, Any]) -> list[str]:
    f1 = ", ".join(f"{label} {value:.3f}" for label, value in evaluation["f1"].items())
    over = ", ".join(evaluation["macro_f1_over"])
    macro = f"Macro F1 over {over}: **{evaluation['macro_f1']:.3f}**" if over else "No scored class is present"
    lines = [
        f"## Results on the test part ({evaluation['n']} windows, read once)",
        "",
        f"{macro} (F1: {f1}). Accuracy {evaluation['accuracy']:.3f}.",
        "",
        "| alpha | class | coverage | interval by chance (99 %) | n test | n calibration |",
        "|---:|---|---:|---|---:|---:|",
    ]
    for alpha, level in evaluation["levels"].items():
        for label, one in level["coverage"].items():
            chance = f"{one['low']:.3f} to {one['high']:.3f}" if one["status"] == "covered" else one["status"]
            lines.append(
                f"| {alpha} | `{label}` | {one['value']:.3f} | {chance} | {one['n']} | {one['calibration_n']} |"
            )
    lines += [
        "",
        "| alpha | labels in a set | confident | uncertain | unfamiliar | right if confident | top 1 if uncertain |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for alpha, level in evaluation["levels"].items():
        share = level["share"]
        right = f"{level['confident_precision']:.3f}" if share["confident"] else "-"
        top = f"{level['top1_on_uncertain']:.3f}" if share["uncertain"] else "-"
        lines.append(
            f"| {alpha} | {level['mean_size']:.2f} | {share['confident']:.3f} | {share['uncertain']:.3f} | "
            f"{share['unfamiliar']:.3f} | {right} | {top} |"
        )
    lines.append("")
    if faithful := evaluation.get("faithfulness"):
        lines += [
            (
                "Evidence: replacing the tenth of a window with the largest evidence costs its label "
                f"{faithful['top']:.2f} of score, random stretches of the same lengths {faithful['random']:.2f} "
                f"(difference {faithful['difference']:.2f}, 95 % interval {faithful['low']:.2f} to "
                f"{faithful['high']:.2f}, {faithful['windows']} windows)."
            ),
            "",
        ]
    return lines
