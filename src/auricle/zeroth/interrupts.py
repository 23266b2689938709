"""Ctrl-C that waits until the weights are whole."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread


@contextmanager
def held_back() -> Iterator[None]:
    """Keep an interrupt of the keyboard waiting while something happens that must not stop half-way.

    Python raises `KeyboardInterrupt` between any two operations: between two tensors of one pass over the weights, or
    after a step was recorded and before it is taken. Only the main thread gets it; elsewhere nothing is done.
    """
    if current_thread() is not main_thread() or signal.getsignal(signal.SIGINT) is None:
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)
