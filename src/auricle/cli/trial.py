"""`auricle trial`: what a language model's opinion adds to the specialist, on labelled windows."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from auricle.cli.options import (
    Alpha,
    ArchiveKind,
    EndpointUrl,
    Flag,
    Json,
    LabelledData,
    ModelName,
    Part,
    Several,
    SpecialistPlace,
    at_least,
    check_folder,
)
from auricle.cli.terminal import note, progress
from auricle.errors import InputError


def trial(
    specialist: SpecialistPlace,
    data: LabelledData,
    /,
    *,
    endpoint: EndpointUrl = None,
    model: ModelName = None,
    local: Flag = False,
    n: Annotated[int, at_least(1)] = 200,
    arms: Annotated[tuple[str, ...], Several] = (),
    part: Part = "test",
    kind: ArchiveKind = None,
    alpha: Alpha = 0.1,
    seed: int = 0,
    out: Path | None = None,
    json: Json = False,
) -> int:
    """Ask a language model about the same windows in six ways, and measure what its answers are worth.

    The arms: a plain picture and all labels; a plain picture and the set; pictures with evidence and the set; numbers
    only; a wrong set; evidence moved elsewhere. Beside them the specialist alone. A stopped trial goes on where it was.
    Needs the extra consult: pip install 'auricle[consult]'.

    Parameters
    ----------
    local
        Start the small local model, ask it, and stop it. It shows that all works; its opinions are worth nothing. Needs
        the extra local-llm and the model's weights: `make local-llm` in a checkout brings both.
    n
        Windows to ask about: equally many of each state, or as many as there are.
    arms
        Some of plain_all, plain_set, evidence_set, numbers, wrong_set, shuffled_evidence, separated by spaces or
        commas; all if none is named.
    seed
        Seed of the draw of windows, the wrong sets and the intervals.
    out
        Folder for trial.json, trial.md, trial.png and the answers; if not given, answers are kept in auricle/consult in
        the user's folder for data.
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
    # A server that can't be used is noticed before all windows are judged, which takes minutes.
    with consultant(place, keep=out or kept_folder()) as asked:
        with progress() as update:
            windows = labelled_windows(judge, data, part, update=update, kind=kind)
            samples, share = trials.drawn(judge, windows, n, alpha=alpha, seed=seed, progress=update)
        with progress() as update:
            result = trials.trial(
                judge, samples, share, asked.ask, arms=trials.chosen_arms(names), seed=seed, progress=update
            )
    result |= {
        "specialist": {"name": judge.manifest().name, "hash": judge.hash_},
        "server": asked.server.endpoint.name, "model": asked.abilities.model, "pictures": asked.abilities.pictures,
        "schemas": asked.abilities.schemas, "parameters": asdict(asked.abilities.parameters), "alpha": alpha,
        "seed": seed,
    }  # fmt: skip
    result["about"] = " ".join(filter(None, (about(result), asked.abilities.parameters.said)))
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
