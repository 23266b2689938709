"""What judges: the fused network in torch, or its graph in ONNX Runtime; windows go through it in batches."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from auricle.errors import FormatError, InputError, SpecialistError
from auricle.network import Architecture, ConMIL, Fused, OnnxNetwork, fuse, to_onnx
from auricle.network.attribution import attribute
from auricle.network.onnx_runtime import runnable
from auricle.specialist import graphs
from auricle.training import Floats, pad

Backend = Literal["auto", "torch", "onnxruntime"]

BATCH = 16

EVIDENCE = 0.25
"""About how long an instance of evidence is, in s."""


def piece_of(architecture: Architecture, fs: float) -> int:
    """Give the samples, at `fs` Hz, of an instance of evidence: about `EVIDENCE` s, and whole instances of the network.

    >>> piece_of(Architecture(stem_stride=6), 125.0)
    30
    """
    stride = architecture.stem_stride
    return max(1, round(EVIDENCE * fs / stride)) * stride


class Engine:
    """Scores and evidence of conditioned windows, whichever runtime computes them.

    Parameters
    ----------
    network
        The form of the network that runs.
    """

    def __init__(self, network: Fused | OnnxNetwork) -> None:
        self._network = network

    @classmethod
    def start(cls, network: ConMIL, backend: Backend, graph: bytes | None = None) -> "Engine":
        """Choose the runtime and get the network ready for it.

        Parameters
        ----------
        network
            The trained network; later changes of its weights do not reach the engine.
        backend
            "onnxruntime" makes the graph if there is none, which takes 10 to 30 s once; "auto" takes ONNX Runtime
            only where a graph is there already.
        graph
            The network for ONNX Runtime, if it is known; otherwise the user's cache is asked.

        Raises
        ------
        MissingExtraError
            "onnxruntime" was asked for, and the extra `onnx` is not installed.
        SpecialistError
            The graph can't be run, or is that of another network.
        """
        if backend == "torch" or (backend == "auto" and not runnable()):
            return cls(fuse(network))
        graph = graph or graphs.recall(network)
        if graph is None and backend == "auto":
            return cls(fuse(network))
        if graph is None:
            graph = to_onnx(network)
            graphs.keep(network, graph)
        return cls(_graph_of(network, graph))

    @property
    def runtime(self) -> Literal["torch", "onnxruntime"]:
        """What computes."""
        return "onnxruntime" if isinstance(self._network, OnnxNetwork) else "torch"

    def scores(self, rows: list[Floats]) -> Iterator[Floats]:
        """Give scores (b, K) of rows (C, samples) of any lengths, batch after batch and in order."""
        for first in range(0, len(rows), BATCH):
            yield self._judge(*pad(rows[first : first + BATCH]))

    def evidence(self, row: Floats, piece: int) -> Floats:
        """(K, instances): what each instance of `piece` samples adds to each score of one row (C, samples)."""
        return attribute(lambda x: self._judge(torch.from_numpy(x), None), row, piece, batch=BATCH)[0]

    def _judge(self, x: Tensor, lengths: Tensor | None) -> Floats:
        """Scores (B, K) of windows (B, C, samples) with valid samples (B,)."""
        if isinstance(self._network, OnnxNetwork):
            given = None if lengths is None else lengths.numpy()
            return np.asarray(self._network(x.numpy(), given).scores, np.float32)
        with torch.inference_mode():
            return np.asarray(self._network(x, lengths).scores.numpy(), np.float32)


def _graph_of(network: ConMIL, graph: bytes) -> OnnxNetwork:
    """Start a graph and hold it against its network: a graph of other weights would give other sets without a word."""
    advice = 'remove it and export it anew, or judge with backend="torch"'
    try:
        run = OnnxNetwork(graph, threads=torch.get_num_threads())
    except FormatError as error:
        reason = str(error).partition("\n")[0]
        raise SpecialistError(f"the specialist's graph for ONNX Runtime can't be run: {reason}; {advice}") from error
    architecture = network.architecture
    x = torch.sin(torch.arange(32.0 * architecture.stem_stride)).expand(1, architecture.channels, -1)
    training = network.training
    with torch.inference_mode():
        expected = network.eval()(x).numpy()
    network.train(training)
    try:
        found = run(x.numpy()).scores
    except InputError:
        found = None
    if found is None or found.shape != expected.shape or not np.allclose(found, expected, rtol=1e-3, atol=1e-3):
        raise SpecialistError(f"the specialist's graph for ONNX Runtime is that of another network; {advice}")
    return run
