"""A figure as a file: small, true to scale, and the same bytes for the same figure."""

import io
import os
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
import PIL.Image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from auricle.errors import InputError
from auricle.signals.readers.files import appearing

DOTS_PER_MM: Final = 5
"""A whole number, so that the lines of the paper are all equally sharp."""


def png(figure: Figure) -> bytes:
    """Render a figure as a PNG of at most 256 colours, true to scale, without anything that changes from run to run."""
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    packed = pixels.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
    colours, counts = np.unique(packed, return_counts=True)
    rgb = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1)
    # Of colours that look alike the most frequent stays as it is; the others become the nearest of those. An adaptive
    # palette would bend the hues of the rarer shades.
    rank = np.argsort(-counts, kind="stable")
    _, first = np.unique((rgb[rank] >> 3) @ np.array([1 << 10, 1 << 5, 1]), return_index=True)
    common = rgb[rank][np.sort(first)[:256]]
    number = np.zeros(1 << 24, np.uint8)
    for some in np.array_split(np.arange(len(rgb)), len(rgb) // 1024 + 1):
        number[colours[some]] = ((rgb[some, None] - common) ** 2).sum(axis=2).argmin(axis=1)
    image = PIL.Image.fromarray(number[packed])
    image.putpalette(common.astype(np.uint8).tobytes())
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True, dpi=(figure.dpi, figure.dpi))
    return out.getvalue()


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure as .png, .svg or .pdf, by the name; the file is whole or absent."""
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in {".png", ".svg", ".pdf"}:
        raise InputError(f"a figure can't be written to {target.name!r}; the name must end in .png, .svg or .pdf")
    if suffix == ".png":
        content = png(figure)
    else:
        out = io.BytesIO()
        dateless = {"Date": None} if suffix == ".svg" else {"CreationDate": None}
        with mpl.rc_context({"svg.hashsalt": "auricle"}):
            figure.savefig(out, format=suffix[1:], metadata=dateless)
        content = out.getvalue()
    with appearing(target) as draft:
        draft.write_bytes(content)
