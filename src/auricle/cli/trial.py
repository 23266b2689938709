"""`auricle trial`: what a language model's opinion adds to the specialist, on labelled windows."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from auricle.cli.options import Alpha, ArchiveKind, Flag, Json, LabelledData, SpecialistPlace, at_least, check_folder
from auricle.cli.terminal import note, progress
from auricle.errors import InputError


def trial(
    specialist: SpecialistPlace,
    data: LabelledData,
    /,
    *,
    endpoint: str | None = None,
    model: str | None = None,
    local: Flag = False,
    n: Annotated[int, at_least(1)] = 200,
    arms: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = (),
    part: Literal["train", "validation", "calibration", "test", "all"] = "test",
    kind: ArchiveKind = None,
    alpha: Alpha = 0.1,
    seed: int = 0,
    out: Path | None = None,
    json: Json = False,
) -> int:
    """Ask a language model about the same windows in six ways, and measure what its answers are worth.

    The arms: a plain picture and all labels; a plain picture and the set; pictures with evidence and the set; numbers
    only; a wrong set; evidence moved elsewhere. Beside them the specialist alone. A stopped trial goes on where it was.

    Parameters
    ----------
    endpoint, model
        As for `auricle consult`.
    local
        Ask the small local model: a test of the way, not of its opinions.
    n
        Windows, as many of each state as there are, up to an equal part.
    arms
        Some of plain_all, plain_set, evidence_set, numbers, wrong_set, shuffled_evidence; all if none is named.
    part
        The recordings that were this part when the specialist was made, or all.
    seed
        Of the draw of windows, the wrong sets and the intervals.
    out
        Folder for trial.json, trial.md and trial.png; answers are kept there too.
    """
    from auricle.cli.asking import consultant, kept_folder, whom
    from auricle.cli.bench.results import present
    from auricle.cli.judge import judge_of
    from auricle.cli.labelled import labelled_windows
    from auricle.consult import trial as trials

    names = [name for given in arms for name in given.split(",") if name]
    if unknown := [name for name in names if name not in {arm.name for arm in trials.ARMS}]:
        known = ", ".join(arm.name for arm in trials.ARMS)
        raise InputError(f"arm {unknown[0]!r} was asked for; allowed are {known}")
    check_folder(out)
    place = whom(endpoint, model, local=local)
    judge = judge_of(specialist)
    with progress() as update:
        windows = labelled_windows(judge, data, part, update=update, kind=kind)
        samples, share = trials.drawn(judge, windows, n, alpha=alpha, seed=seed, progress=update)
    with consultant(place, keep=out or kept_folder()) as asked, progress() as update:
        result = trials.trial(
            judge, samples, share, asked.ask, arms=trials.chosen_arms(names), seed=seed, progress=update
        )
    result |= {
        "specialist": {"name": judge.manifest().name, "hash": judge.hash_},
        "server": asked.server.endpoint.name, "model": asked.abilities.model, "pictures": asked.abilities.pictures,
        "schemas": asked.abilities.schemas, "alpha": alpha, "seed": seed,
    }  # fmt: skip
    result["about"] = about(result)
    if local:
        result["caution"] = LOCAL
        note(LOCAL)
    present(result, "trial", out=out, json=json, draw=trials.figure, show=trials.table)
    if out:
        (out / "trial.md").write_text(trials.markdown(result), encoding="utf-8")
    return 0


LOCAL = (
    "A smoke test: the local model has 135 million parameters and never learned to read an ECG or EEG. The numbers "
    "show that the trial runs from end to end, and nothing about what a vision model adds."
)


def about(result: dict[str, object]) -> str:
    """Say in two sentences what was asked of whom."""
    specialist = result["specialist"]
    name = specialist["name"] if isinstance(specialist, dict) else ""
    sent = "pictures were sent" if result["pictures"] else "the server takes no pictures, so text stood in for them"
    return (
        f"`auricle trial {name} DATA --n {result['windows']}`: model {result['model']} at {result['server']}; {sent}. "
        f"Sets at alpha {result['alpha']:g}; the windows were drawn with seed {result['seed']}, as many of each state "
        "as there are."
    )
