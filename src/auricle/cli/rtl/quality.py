"""`auricle rtl quality`: the numbers that engines send, held against chance and against Gaussian directions."""

from pathlib import Path

from auricle.cli.bench.results import present
from auricle.cli.options import Json
from auricle.cli.terminal import progress


def quality(*, weights: int | None = None, out: Path | None = None, json: Json = False) -> int:
    """Equidistribution, correlations at every lag, and likeness and span of directions, of six engines of 8 bits.

    Parameters
    ----------
    weights
        Of a direction; those of the network of `auricle bench zeroth` if nothing is said.
    out
        Folder for rtl-quality.json, rtl-quality.md and rtl-quality.png.
    """
    from auricle.rtl.quality import DIMENSION, examine
    from auricle.rtl.quality.show import figure, markdown, table

    with progress() as update:
        result = examine(dimension=DIMENSION if weights is None else weights, progress=update)
    present(result, "rtl-quality", out=out, json=json, draw=figure, show=table)
    if out:
        (out / "rtl-quality.md").write_text(markdown(result), encoding="utf-8")
    return 0
