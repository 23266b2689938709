"""Finished training runs, a JSON line each: what a stopped comparison does not do again."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from auricle.errors import InputError


class Runs:
    """The runs of one arm on one task, in a file that one process appends to.

    Parameters
    ----------
    path
        The file; it is made when the first run is kept. A line that a kill cut short is dropped.

    Raises
    ------
    InputError
        A file that holds something else.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "pool.jsonl"
    >>> Runs(path).keep({"lr": 0.1, "seed": 3}, {"loss": 0.5})
    >>> Runs(path).find({"lr": 0.1, "seed": 3})
    {'loss': 0.5}
    >>> Runs(path).keep({"widths": (11, 13)}, {"loss": 0.25})
    >>> Runs(path).find({"widths": (11, 13)})
    {'loss': 0.25}
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._found: list[dict[str, Any]] = []
        if path.exists():
            whole, _, cut = path.read_bytes().rpartition(b"\n")
            self._found = [_run(line, path) for line in whole.split(b"\n") if line]
            if cut:
                os.truncate(path, len(whole) + 1 if whole else 0)

    def find(self, settings: Mapping[str, Any]) -> dict[str, Any] | None:
        """Look up the result of the run with these settings; None if it is not there."""
        # As the file gives them back: a tuple comes as a list.
        wanted = json.loads(json.dumps(dict(settings)))
        for run in self._found:
            if run["settings"] == wanted:
                result: dict[str, Any] = run["result"]
                return result
        return None

    def keep(self, settings: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Append a run; it is on the disk when this returns."""
        run = json.loads(json.dumps({"settings": dict(settings), "result": dict(result)}, allow_nan=False))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(run) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._found.append(run)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._found)


def _run(line: bytes, path: Path) -> dict[str, Any]:
    try:
        run = json.loads(line)
        if set(run) == {"settings", "result"}:
            return dict(run)
    except (ValueError, TypeError):
        pass
    raise InputError(f"{path} holds a line that is no run; name another folder for the results, or remove the file")
