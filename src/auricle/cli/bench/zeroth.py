"""`auricle bench zeroth`: what forward-only training costs, and where it leads."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from auricle.cli.bench.results import present
from auricle.cli.options import Flag, Json, Several
from auricle.cli.terminal import progress


def zeroth(
    *,
    out: Path | None = None,
    data: Annotated[Path, Parameter(env_var="AURICLE_DATA")] = Path("../shared/data"),
    results: Path = Path("docs/bench/zeroth-runs"),
    task: Annotated[tuple[str, ...], Several] = (),
    steps: int | None = None,
    seeds: int = 5,
    workers: int = 2,
    threads: int | None = None,
    quick: Flag = False,
    json: Json = False,
) -> int:
    """Cost and convergence of forward-only training, against plain MeZO in the same run.

    Parameters
    ----------
    out
        Folder for zeroth.json, zeroth.md and zeroth.png.
    data
        Folder of the real data that the networks of the convergence part are trained on.
    results
        Folder of finished training runs, which are not done again: a stopped benchmark goes on where it was.
    task
        Tasks of the convergence part: trec, sst2, shifted, separated by spaces; all if none is named.
    steps
        Training steps of a two-sided run; the tasks have defaults.
    seeds
        Runs of each arm that are reported.
    workers
        Training processes at a time, of one thread each.
    threads
        Threads while times are taken; all cores if not given.
    quick
        Few rounds, and convergence as the repository keeps it.
    """
    from auricle.bench import zeroth as benchmark

    with progress() as update:
        result = benchmark.run(
            quick=quick, threads=threads, data=data, results=results, tasks=task or benchmark.TASKS,
            training_steps=steps, seeds=seeds, workers=workers, progress=update,
        )  # fmt: skip
    present(result, "zeroth", out=out, json=json, draw=benchmark.figure, show=benchmark.table)
    if out:
        (out / "zeroth.md").write_text(benchmark.markdown(result), encoding="utf-8")
    return 0
