"""Graphs for ONNX Runtime in the user's cache: tracing one takes seconds, so it is done once for each network.

A file is named after the network it belongs to and after its own SHA-256, so one from other weights, or a damaged one,
is never run. The folder may be removed at any time.
"""

import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import save

import auricle
from auricle.network import ConMIL


def cache_folder() -> Path:
    """Give the folder of the cache: `auricle` within XDG_CACHE_HOME, or within `.cache` of the user's home."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "auricle"


def recall(network: ConMIL) -> bytes | None:
    """Give the graph that was kept for exactly this network, or None."""
    with suppress(OSError, RuntimeError):  # a cache that can't be read, or no home to have one in, is an empty one
        for path in sorted(cache_folder().glob(f"{_name(network)}-*.onnx")):
            graph = path.read_bytes()
            if path.name == _file(network, graph):
                return graph
    return None


def keep(network: ConMIL, graph: bytes) -> Path | None:
    """Keep a network's graph; None where the cache can't be written, and then nothing is left behind."""
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=".", dir=folder)
    except (OSError, RuntimeError):
        return None
    path = folder / _file(network, graph)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(graph)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except OSError:
        return None
    finally:
        Path(draft).unlink(missing_ok=True)
    return path


def _file(network: ConMIL, graph: bytes) -> str:
    return f"{_name(network)}-{hashlib.sha256(graph).hexdigest()}.onnx"


def _name(network: ConMIL) -> str:
    """First 16 hexadecimal digits of a SHA-256 over the exporter's version, the architecture and the weights."""
    weights = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    described = repr((auricle.__version__, sorted(asdict(network.architecture).items()))).encode()
    return hashlib.sha256(described + save(weights)).hexdigest()[:16]
