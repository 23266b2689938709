"""`auricle evaluate`: a specialist against labelled recordings."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from auricle.cli.labelled import labelled_windows
from auricle.cli.options import ArchiveKind, Flag, Json, LabelledData, Lead, Part, SpecialistPlace, at_least
from auricle.cli.terminal import plain, print_json, progress
from auricle.errors import InputError

if TYPE_CHECKING:
    from auricle.specialist import Specialist


def evaluate(
    specialist: SpecialistPlace,
    data: LabelledData,
    /,
    *,
    part: Part = "test",
    kind: ArchiveKind = None,
    lead: Lead = None,
    faithful: Annotated[int, at_least(0)] = 60,
    ec57: Flag = False,
    learning: Annotated[float, at_least(0)] = 300.0,
    json: Json = False,
) -> int:
    """Evaluate a specialist on labelled recordings: F1, coverage per class with intervals, set sizes, evidence.

    Parameters
    ----------
    faithful
        Windows on which the evidence is tested; 0 leaves that out.
    ec57
        Compare beats record by record instead, as ANSI/AAMI EC57 counts them. Records that the specialist has never
        seen count as test.
    learning
        With --ec57: seconds at the start of each record that are not scored.
    """
    from auricle.cli.judge import judge_of
    from auricle.evaluation import evaluate as run

    judge = judge_of(specialist)
    judge.preprocessing = judge.windowing.on_lead(lead)
    if ec57:
        return _ec57(judge, data, part=part, learning=learning, json=json)
    with progress() as update:
        windows = labelled_windows(judge, data, part, update=update, kind=kind)
        result = run(judge, windows, faithful=faithful, progress=update)
    if json:
        print_json(result)
    else:
        print(evaluation_text(result))
    return 0


def _ec57(judge: "Specialist", data: Path, *, part: str, learning: float, json: bool) -> int:
    from auricle.ec57 import ec57

    if part not in {"test", "all"}:
        raise InputError(f"--part {part} was given with --ec57; allowed are test and all")
    with progress() as update:
        result = ec57(judge, data, seen=part == "all", learning=learning, progress=update)
    if json:
        print_json(result)
    else:
        print(ec57_text(result))
    return 0


def ec57_text(result: dict[str, Any]) -> str:
    """Give the standard's table: each record, gross and average, with beats as annotated and as detected."""
    rows = []
    for positions in ("annotated", "detected"):
        found = result[positions]
        rows.append(f"beats as {positions}; the first {result['learning']:g} s are not scored")
        heads = ("VEB Se", "+P", "FPR", "SVEB Se", "+P", "FPR", "QRS Se", "+P")
        rows.append(f"{'record':<10} " + " ".join(f"{head:>8}" for head in heads))
        for name, one in (*found["records"].items(), ("gross", found["gross"]), ("average", found["average"])):
            values = [one["veb"][key] for key in _EC57] + [one["sveb"][key] for key in _EC57]
            values += [one["qrs"][key] for key in _EC57[:2]]
            rows.append(f"{name:<10} " + " ".join(f"{'-' if v is None else f'{100 * v:.2f}':>8}" for v in values))
        rows.append("")
    rows += [f"left out: {name}: {why}" for name, why in result["left_out"].items()]
    rows.append("In percent. F or Q called V is no false positive of VEB; flutter is left out.")
    rows.append("Gross: all beats as those of one record. Average: the mean over the records.")
    return "\n".join(map(plain, rows))


_EC57 = ("sensitivity", "positive_predictivity", "false_positive_rate")


def evaluation_text(result: dict[str, Any]) -> str:
    """Give F1, and for each level the sets, the states and the coverage of each class."""
    over = ", ".join(result["macro_f1_over"])
    macro = f"macro F1 over {over}: {result['macro_f1']:.3f}" if over else "no macro F1: no scored class is present"
    rows = [
        f"{result['n']} windows of {result['recordings']} recordings",
        "  ".join([macro, *(f"{label} {value:.3f}" for label, value in result["f1"].items())]),
    ]
    for alpha, level in result["levels"].items():
        share = ", ".join(f"{state} {100 * value:.1f} %" for state, value in level["share"].items())
        rows.append(f"alpha {alpha}: {level['mean_size']:.2f} labels in a set; {share}")
        rows.append(
            f"  right when confident {level['confident_precision']:.3f}; "
            f"top label right when uncertain {level['top1_on_uncertain']:.3f}"
        )
        for label, one in level["coverage"].items():
            verdict = one["status"]
            if one["inside"] is not None:
                kept = "as promised" if one["inside"] else "outside the interval"
                verdict = f"by chance {one['low']:.3f} to {one['high']:.3f}, {kept}"
            rows.append(f"  {label:<5} covered {one['value']:.3f} of {one['n']}: {verdict}")
    if faithful := result.get("faithfulness"):
        rows.append(
            f"evidence: a tenth replaced costs {faithful['top']:.2f} of score, at random {faithful['random']:.2f} "
            f"(difference {faithful['difference']:.2f}, {faithful['low']:.2f} to {faithful['high']:.2f})"
        )
    return "\n".join(map(plain, rows))
