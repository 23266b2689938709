"""`auricle evaluate`: a specialist against labelled recordings."""

from typing import Annotated, Any, Literal

from auricle.cli.labelled import labelled_windows
from auricle.cli.options import ArchiveKind, Json, LabelledData, SpecialistPlace, at_least
from auricle.cli.terminal import plain, print_json, progress


def evaluate(
    specialist: SpecialistPlace,
    data: LabelledData,
    /,
    *,
    part: Literal["train", "validation", "calibration", "test", "all"] = "test",
    kind: ArchiveKind = None,
    faithful: Annotated[int, at_least(0)] = 60,
    json: Json = False,
) -> int:
    """Evaluate a specialist on labelled recordings: F1, coverage per class with intervals, set sizes, evidence.

    Parameters
    ----------
    part
        The recordings that were this part when the specialist was made, or all.
    faithful
        Windows in the test of the evidence; 0 leaves it out.
    """
    from auricle.evaluation import evaluate as run
    from auricle.specialist import Specialist

    judge = Specialist.load(specialist)
    with progress() as update:
        windows = labelled_windows(judge, data, part, update=update, kind=kind)
        result = run(judge, windows, faithful=faithful, progress=update)
    if json:
        print_json(result)
    else:
        print(evaluation_text(result))
    return 0


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
