"""What commands show a person: notes and progress on stderr, JSON on stdout."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Update = Callable[[int, int, str], None]
"""Called with what is done, of how much, and a word for it."""

err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def progress(show: bool = True) -> Iterator[Update]:
    """Draw one bar for each word that is reported, while a person watches; elsewhere nothing."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with Progress(*columns, console=err, transient=True, disable=not (show and err.is_terminal)) as bars:
        tasks: dict[str, Any] = {}

        def update(done: int, total: int, what: str) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield update


def counting(update: Update, what: str) -> Callable[[int, int], None]:
    """Give the bar of one word to a function that reports only what is done, of how much."""
    return lambda done, total: update(done, total, what)


def print_json(value: Any) -> None:
    """Print strict JSON on stdout."""
    print(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False))
