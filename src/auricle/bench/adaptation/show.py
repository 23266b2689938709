"""The comparison as a table on the screen, as a page and as a figure."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.console import Group
from rich.table import Table

from auricle.bench.adaptation.arms import ARMS
from auricle.bench.adaptation.spoiling import WORDS
from auricle.bench.adaptation.summary import SCORED

BLUE, GREY, RED = "#2563a8", "#9aa5b1", "#c2410c"
HEADER = [
    "arm", "VEB F1", "after", "95 % interval", "SVEB F1", "after", "coverage", "after", "set size", "after", "refused",
    "passes", "time / two passes", "memory", "ledger, bytes",
]  # fmt: skip


def rows(result: Mapping[str, Any]) -> list[list[str]]:
    """Give a row of text for each arm."""
    out = []
    for name, arm in result["arms"].items():
        low, high = arm["veb_f1_interval"]
        out.append([
            name, f"{arm['veb_f1'][0]:.3f}", f"{arm['veb_f1'][1]:.3f}", f"{low:.2f} to {high:.2f}",
            f"{arm['sveb_f1'][0]:.3f}", f"{arm['sveb_f1'][1]:.3f}", f"{arm['coverage'][0]:.3f}",
            f"{arm['coverage'][1]:.3f}", f"{arm['mean_size'][0]:.2f}", f"{arm['mean_size'][1]:.2f}",
            f"{arm['refused']} of {result['patients']}", f"{arm['forwards']:.0f}",
            f"{arm['time_over_two_forwards']:.2f}", f"{arm['memory_over_inference']:.3f}", f"{arm['ledger_bytes']:.0f}",
        ])  # fmt: skip
    return out


def table(result: dict[str, Any]) -> Group:
    """Lay everything out for a person."""
    made = Table(title=f"{result['patients']} patients, {result['seeds']} seeds: {', '.join(result['records'])}")
    for i, name in enumerate(HEADER):
        made.add_column(name, justify="right" if i else "left")
    for row in rows(result):
        made.add_row(*row)
    left = [f"left out: {k}: {why}" for k, why in result["left_out"].items()]
    return Group(made, *_promise_table(result), *_safety_table(result), *left)


SAFETY = [
    "labelled minutes",
    "patients",
    "refused",
    "harmed with the plan",
    "without it",
    "VEB F1 before, with, without",
]


def _harms(result: Mapping[str, Any]) -> list[list[str]]:
    """Give a row of text for each way to spoil the labelled minutes."""
    out = []
    for kind, found in result["safety"]["kinds"].items():
        each = "; ".join(
            f"{row['record']}: " + ", ".join("-" if f1 is None else f"{f1:.2f}" for f1 in row["veb_f1"])
            for row in found["rows"]
        )
        numbers = [found[key] for key in ("patients", "refused", "harmed_with_plan", "harmed_without_plan")]
        out.append([WORDS[kind], *map(str, numbers), each])
    return out


def _safety_table(result: Mapping[str, Any]) -> list[Table]:
    if "safety" not in result:
        return []
    made = Table(title=f"harm: VEB F1 falls by more than {result['safety']['margin']:g}; arm {result['safety']['arm']}")
    for i, name in enumerate(SAFETY):
        made.add_column(name, justify="left" if i in {0, 5} else "right")
    for row in _harms(result):
        made.add_row(*row)
    return [made]


def _safety_text(result: Mapping[str, Any]) -> list[str]:
    if "safety" not in result:
        return []
    lines = ["| " + " | ".join(SAFETY) + " |", "|---" + "|---:" * 4 + "|---|"]
    lines += ["| " + " | ".join(row) + " |" for row in _harms(result)]
    return [
        "## When the labelled minutes are wrong",
        (
            f"Arm {result['safety']['arm']}, one seed, each patient once with each kind. Harm is a loss of VEB F1 on "
            f"the rest of the record by more than {result['safety']['margin']:g}, the margin that the plan wrote down "
            "before the runs. Noise and wrong labels are simulated."
        ),
        "\n".join(lines),
    ]


PROMISED = [
    "arm",
    "patients and classes",
    "inside before",
    "inside after",
    "below after",
    "above after",
    "online within 0.05 of 0.9",
]
PROMISES = (
    "Patients and classes (all seeds) with 9 personal labels or more: for how many the coverage lies inside the exact "
    "95 % interval of its promise, before with the population's calibration, after with what the patient is left with."
)


def _promises(result: Mapping[str, Any]) -> list[list[str]]:
    """Give a row of text for each arm that has enough personal labels."""
    keys = ("pairs", "population", "personal", "below", "above", "online")
    found = {name: arm["inside"] for name, arm in result["arms"].items() if arm["inside"]["pairs"]}
    return [[name, *(str(one[key]) for key in keys)] for name, one in found.items()]


def _promise_table(result: Mapping[str, Any]) -> list[Table]:
    if not (kept := _promises(result)):
        return []
    made = Table(title="coverage of each patient and class", caption=PROMISES)
    for i, name in enumerate(PROMISED):
        made.add_column(name, justify="right" if i else "left")
    for row in kept:
        made.add_row(*row)
    return [made]


def _promise_text(result: Mapping[str, Any]) -> list[str]:
    if not (kept := _promises(result)):
        return []
    lines = ["| " + " | ".join(PROMISED) + " |", "|---" + "|---:" * (len(PROMISED) - 1) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in kept]
    return ["## Coverage of each patient and class", PROMISES, "\n".join(lines)]


BY_PATIENT = ["record", "class", "beats", "personal labels", "population", "left with", "online"]


def _by_patient(result: Mapping[str, Any]) -> tuple[str, list[list[str]]]:
    """Give an arm, the pool if it took part, and a row of text for each patient and class: means over the seeds."""
    arm = next((name for name in ("pool", *result["arms"]) if name in result["arms"]), "")
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in result["trials"].get(arm, []):
        found.setdefault(one["record"], []).append(one)
    out = []
    for record, trials in found.items():
        for label in SCORED:
            if not (n := trials[0]["after"]["n"].get(label)):
                continue
            shares = [
                np.mean([one[when][key][label] / n for one in trials])
                for when, key in (("before", "covered"), ("after", "covered"), ("after", "online"))
            ]
            own = trials[0]["own"].get(label, 0)
            out.append([record, label, f"{n:,}", str(own), *(f"{share:.2f}" for share in shares)])
    return arm, out


def _by_patient_text(result: Mapping[str, Any]) -> list[str]:
    arm, found = _by_patient(result)
    if not found:
        return []
    lines = ["| " + " | ".join(BY_PATIENT) + " |", "|---|---" + "|---:" * (len(BY_PATIENT) - 2) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in found]
    said = (
        f"Coverage at alpha 0.1 on the rest of the record, arm {arm}, mean over the seeds: with the population's "
        "calibration, with what the patient is left with, and with sets that learn of every label."
    )
    return [said, "\n".join(lines)]


def _command(result: dict[str, Any]) -> str:
    arms = "all" if set(result["arms"]) == set(ARMS) else ",".join(result["arms"])
    safety = " --safety" if result.get("safety") else ""
    lead = f" --lead {shlex.quote(result['lead'])}" if result.get("lead") else ""
    return f"auricle bench adaptation --arms {arms} --seeds {result['seeds']}{lead}{safety}"


def markdown(result: dict[str, Any]) -> str:
    """Write the same as a page, with the figure beside it as adaptation.png."""
    machine = result["machine"]
    lines = ["| " + " | ".join(HEADER) + " |", "|---" + "|---:" * (len(HEADER) - 1) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows(result)]
    parts = [
        "# Adapting to one patient by forward passes",
        (
            f"`{_command(result)}`, {result['patients']} patients ({', '.join(result['records'])}) that "
            f"`{result['specialist']['name']}` has never met, {result['seeds']} seed(s), {machine['threads']} "
            f"thread(s), torch {machine['torch']}, {machine['date']}. The first five minutes are labelled and used, "
            "the rest is scored. F1 is from gross counts over all patients and seeds, by EC57; patients without the "
            "class and refused ones stay in. Coverage and sizes are those of sets at alpha 0.1, before with the "
            "population's calibration, after with the one that the plan chose; where it refused, nothing changed. "
            "Intervals draw patients anew."
        ),
        "![VEB F1 of each patient](adaptation.png)",
        "\n".join(lines),
        *_promise_text(result),
        *_by_patient_text(result),
        *_safety_text(result),
    ]
    return "\n\n".join(parts) + "\n"


def figure(result: dict[str, Any], path: str | Path) -> None:
    """Draw VEB F1 before and after, with the interval over patients, for each arm."""
    arms = list(result["arms"].items())
    drawn = Figure(figsize=(9, 4), layout="constrained")
    left, right = drawn.subplots(1, 2)
    x = np.arange(len(arms))
    for axes, group, title in ((left, "veb", "ventricular beats (VEB)"), (right, "sveb", "supraventricular (SVEB)")):
        before = [arm[f"{group}_f1"][0] for _, arm in arms]
        after = [arm[f"{group}_f1"][1] for _, arm in arms]
        ends = [arm[f"{group}_f1_interval"] for _, arm in arms]
        spread = [
            [max(0.0, a - low) for a, (low, _) in zip(after, ends, strict=True)],
            [max(0.0, high - a) for a, (_, high) in zip(after, ends, strict=True)],
        ]
        axes.plot(x, before, linestyle="none", marker="_", markersize=14, color=GREY, label="before")
        axes.errorbar(x, after, yerr=spread, color=BLUE, marker="o", linestyle="none", capsize=3, label="after")
        axes.set_xticks(x, [name for name, _ in arms], rotation=45, ha="right")
        axes.set_ylim(0, 1.02)
        axes.set_title(title, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    left.set_ylabel("F1, gross; 95 % interval over patients")
    left.legend(frameon=False, fontsize=8, loc="lower right")
    drawn.savefig(path, dpi=140)
