"""What commands show a person: notes and progress on stderr, JSON on stdout."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Update = Callable[[int, int, str], None]
"""Called with what is done, of how much, and a word for it."""

err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

QUIET = 30.0
"""Seconds between two lines of progress in a log."""
_MOST = 2000
"""Characters of a line; one that is longer was made by a file, not for a person."""


@contextmanager
def progress(show: bool = True) -> Iterator[Update]:
    """Draw one bar for each word that is reported, while a person watches; elsewhere write a line now and then."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with Progress(*columns, console=err, transient=True, disable=not (show and err.is_terminal)) as bars:
        tasks: dict[str, Any] = {}
        said = time.monotonic()

        def update(done: int, total: int, what: str) -> None:
            nonlocal said
            if show and not err.is_terminal and time.monotonic() - said >= QUIET:
                note(f"{what}: {done} of {total}")
                said = time.monotonic()
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield update


def counting(update: Update, what: str) -> Callable[[int, int], None]:
    """Give the bar of one word to a function that reports only what is done, of how much."""
    return lambda done, total: update(done, total, what)


def plain(text: str) -> str:
    """Give a line that a terminal shows and does not obey, whatever file, path or argument it quotes; see `visible`."""
    if text.isprintable() and len(text) <= _MOST:
        return text  # most are, and `signals` takes its time to import
    from auricle.signals.visible import visible

    return visible(text, _MOST)


def note(text: str) -> None:
    """Say one thing in one line on stderr."""
    err.print(plain(text))


def print_json(value: Any) -> None:
    """Print strict JSON on stdout, in ASCII: so it is the same on every terminal and in every locale."""
    print(json.dumps(value, indent=1, allow_nan=False))


def print_line(line: str) -> None:
    """Print a line of JSON on stdout at once, in ASCII where stdout is in no Unicode."""
    if not (sys.stdout.encoding or "").lower().startswith("utf"):
        line = json.dumps(json.loads(line), separators=(",", ":"))
    print(line, flush=True)
