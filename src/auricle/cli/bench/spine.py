"""`auricle bench spine`: the speed of the networks, and a day of ECG end to end."""

from pathlib import Path
from typing import Annotated

from auricle.cli.bench.results import present
from auricle.cli.options import Flag, Json, at_least, check_folder
from auricle.cli.terminal import progress


def spine(
    *,
    out: Path | None = None,
    threads: Annotated[int, at_least(1)] = 1,
    quick: Flag = False,
    json: Json = False,
) -> int:
    """Speed of the networks against a plain implementation of the paper, and a day of ECG end to end.

    Parameters
    ----------
    out
        Folder for spine.json and spine.png.
    threads
        Threads of every way to judge a window. The day takes all that the machine has.
    quick
        Few repeats, no day-long record.
    """
    check_folder(out)
    from auricle.bench import day
    from auricle.bench import spine as benchmark
    from auricle.specialist import Specialist

    judge = Specialist.load("af")
    with progress() as update:
        result = benchmark.run(quick=quick, threads=threads, shipped=judge.network_, progress=update)
    result["day"] = None if quick else day.run()
    present(result, "spine", out=out, json=json, draw=benchmark.figure, show=benchmark.table)
    if result["day"] and not json:
        print(day.text(result["day"]))
    return 0
