"""`auricle bench adaptation`: adapting to one patient, arm by arm."""

from pathlib import Path
from typing import Annotated

from auricle.cli.bench.results import present
from auricle.cli.options import Flag, Json, Lead, SavedSpecialist, Several, at_least
from auricle.cli.terminal import progress


def adaptation(
    *,
    data: Path | None = None,
    arms: Annotated[tuple[str, ...], Several] = (),
    seeds: Annotated[int, at_least(1)] = 1,
    specialist: SavedSpecialist = "beats",
    plan: Path | None = None,
    lead: Lead = None,
    out: Path | None = None,
    results: Path | None = None,
    workers: Annotated[int, at_least(1)] = 2,
    safety: Flag = False,
    json: Json = False,
) -> int:
    """Adapt to patients that no training has met, in several ways: five labelled minutes are used, the rest scored.

    The full comparison is --arms all --seeds 3 and takes hours; with --results a stopped one goes on where it was.

    Parameters
    ----------
    data
        Folder with WFDB records and their beat annotations; if not given, `mitdb` in the folder that the environment
        variable AURICLE_DATA names, or in ../shared/data.
    arms
        Ways to adapt: base, pool, lfsr, signs, mezo, adamw (all weights), pool-small, adamw-small (norms, class tokens
        and head), or all, separated by spaces or commas; base and pool if none is named.
    seeds
        Runs of each arm on each patient.
    plan
        Change-control plan, a TOML file; the one that comes with auricle if not given.
    out
        Folder for adaptation.json, adaptation.md and adaptation.png.
    results
        Folder of finished runs, which are not done again.
    workers
        Processes, each with one thread and one patient at a time.
    safety
        Spoil the labelled minutes as well, in four ways, and tell the harm with the plan and without it.
    """
    from auricle.adaptation.plan import Plan
    from auricle.bench import adaptation as benchmark
    from auricle.doctor import data_folder

    chosen = [name for given in arms for name in given.split(",") if name]
    if "all" in chosen:
        chosen = list(benchmark.ARMS)
    folder = data or (data_folder() or Path("../shared/data")) / "mitdb"
    with progress() as update:
        result = benchmark.run(
            folder, specialist=specialist, arms=chosen or benchmark.DEFAULT, seeds=seeds, workers=workers,
            plan=None if plan is None else Plan.read(plan), results=results, safety=safety, lead=lead, progress=update,
        )  # fmt: skip
    present(result, "adaptation", out=out, json=json, draw=benchmark.figure, show=benchmark.table)
    if out:
        (out / "adaptation.md").write_text(benchmark.markdown(result), encoding="utf-8")
    return 0
