"""`auricle bench coverage`: the promise of the sets, held against its law over many splits."""

from pathlib import Path
from typing import Annotated

from auricle.cli.bench.results import present
from auricle.cli.options import Alpha, Json, at_least, check_folder


def coverage(
    scores: Path,
    /,
    *,
    alpha: Alpha = 0.1,
    out: Path | None = None,
    splits: Annotated[int, at_least(1)] = 300,
    json: Json = False,
) -> int:
    """Split a table of scores anew many times: coverage by sample against its exact law, and by subject.

    Parameters
    ----------
    scores
        NPZ file with the arrays scores (n, K), y (n,), labels (K,) and subject (n,).
    out
        Folder for coverage.json and coverage.png.
    splits
        Number of splits.
    """
    check_folder(out)
    from auricle.bench import coverage as benchmark

    result = benchmark.run(benchmark.ScoreTable.read(scores), alpha=alpha, splits=splits)
    present(result, "coverage", out=out, json=json, draw=benchmark.draw, show=benchmark.text)
    return 0
