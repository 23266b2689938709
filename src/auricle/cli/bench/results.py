"""The result of a benchmark: into files, and onto the screen."""

import json as json_module
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType

from auricle.cli.terminal import plain, print_json


def present(
    result: dict[str, Any], name: str, *, out: Path | None, json: bool,
    draw: Callable[[dict[str, Any], Path], object], show: Callable[[dict[str, Any]], RenderableType],
) -> None:  # fmt: skip
    """Keep a result and its figure in a folder, if there is to be one, and print it as JSON or as a table.

    Parameters
    ----------
    result
        What the benchmark found, as JSON has it.
    name
        Of the two files, without their suffixes.
    out
        Folder of the files; None writes none.
    json
        Whether to print JSON instead of the table.
    draw
        Called with the result and the path of the figure.
    show
        Gives the table or text of a result.
    """
    if out:
        from auricle.signals.readers.files import appearing

        out.mkdir(parents=True, exist_ok=True)
        with appearing(out / f"{name}.json") as draft:
            draft.write_text(json_module.dumps(result, indent=1) + "\n", encoding="utf-8")
        draw(result, out / f"{name}.png")
    if json:
        print_json(result)
    else:
        shown = show(result)
        print("\n".join(map(plain, shown.splitlines()))) if isinstance(shown, str) else Console().print(shown)
