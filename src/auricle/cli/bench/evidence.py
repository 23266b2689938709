"""`auricle bench evidence`: ways to explain a specialist, compared."""

from pathlib import Path
from typing import Annotated

from auricle.cli.bench.results import present
from auricle.cli.labelled import labelled_windows
from auricle.cli.options import Json, LabelledData, SavedSpecialist, at_least, check_folder
from auricle.cli.terminal import progress


def evidence(
    specialist: SavedSpecialist,
    data: LabelledData,
    /,
    *,
    out: Path | None = None,
    most: Annotated[int, at_least(1)] = 200,
    json: Json = False,
) -> int:
    """Compare ways to explain a specialist on the test part of its data: deletion, and planted ectopic beats.

    Parameters
    ----------
    out
        Folder for evidence.json and evidence.png.
    most
        Most windows to explain.
    """
    check_folder(out)
    from auricle.bench import evidence as benchmark
    from auricle.specialist import Specialist

    judge = Specialist.load(specialist)
    with progress() as update:
        windows = labelled_windows(judge, data, "test", update=update)
        result = benchmark.run(judge, windows, most=most, progress=update)
    present(result, "evidence", out=out, json=json, draw=benchmark.figure, show=benchmark.table)
    return 0
