"""`auricle bench consult`: what asking a language model costs before it answers."""

from pathlib import Path
from typing import Annotated

from auricle.cli.bench.results import present
from auricle.cli.options import Json, SavedSpecialist, at_least, check_folder
from auricle.cli.terminal import progress


def consult(
    specialist: SavedSpecialist = "af",
    /,
    *,
    n: Annotated[int, at_least(1)] = 24,
    delay: float = 0.5,
    out: Path | None = None,
    json: Json = False,
) -> int:
    """Time briefings and pictures on simulated ECG, and how well a slow server is kept busy. No model is asked.

    Parameters
    ----------
    n
        Strips of 30 s.
    delay
        How long the stand-in for a server takes for an answer, in s.
    out
        Folder for consult.json, consult.md and consult.png.
    """
    check_folder(out)
    from auricle.bench import consult as benchmark
    from auricle.specialist import Specialist

    judge = Specialist.load(specialist)
    with progress() as update:
        result = benchmark.run(judge, windows=n, delay=delay, progress=update)
    present(result, "consult", out=out, json=json, draw=benchmark.figure, show=benchmark.table)
    if out:
        command = f"auricle bench consult {specialist} --n {n} --delay {delay:g}"
        (out / "consult.md").write_text(benchmark.markdown(result, command), encoding="utf-8")
    return 0
