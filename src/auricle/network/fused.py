"""The network for inference: the same scores from fewer and larger steps."""

from collections.abc import Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from auricle.errors import InputError
from auricle.network.conmil import ConMIL
from auricle.network.fused_encoder import FusedEncoder, FusedStem
from auricle.network.fused_head import FusedAdditive, FusedShared
from auricle.network.pooling import AdditiveHead

CHUNK = 2048
"""Instances in one pass: with more, the features no longer fit a core's cache and each window takes longer."""

Array = TypeVar("Array")


class Judgement(NamedTuple, Generic[Array]):
    """What the network says of a batch of windows.

    Attributes
    ----------
    scores
        (B, K) logits.
    evidence
        (B, K, T) signed parts of each score, which add up to it with the head's bias; None for the shared head.
    """

    scores: Array
    evidence: Array | None


def fuse(network: ConMIL) -> "Fused":
    """Copy a network into its form for inference; later changes of its weights do not reach the copy.

    Examples
    --------
    >>> from auricle.network import Architecture
    >>> network = ConMIL(Architecture(channels=1, classes=3, stem_stride=6, kernels=(5, 11, 23))).eval()
    >>> window = torch.sin(torch.arange(1200.0)).view(1, 1, -1)
    >>> with torch.inference_mode():
    ...     scores, evidence = fuse(network)(window)
    ...     torch.allclose(scores, network(window), atol=1e-4), evidence.shape
    (True, torch.Size([1, 3, 200]))
    """
    # Weights made in inference mode could not be used outside of it.
    with torch.inference_mode(mode=False), torch.no_grad():
        return Fused(network).eval().requires_grad_(requires_grad=False)


def passes(samples: int, lengths: Sequence[int] | None, batch: int, stride: int) -> Iterator[tuple[list[int], int]]:
    """Rows that go through the network together, and the length to which they are cut.

    Rows of one length share a pass, so that no row is computed beyond its own end and none needs a mask: the network
    continues every row with its last instance, whether it is padded or not.

    Examples
    --------
    >>> list(passes(3600, [3600, 900, 3600], batch=3, stride=6))
    [([0, 2], 3600), ([1], 900)]

    Raises
    ------
    InputError
        Lengths that do not match the rows, or lie outside 1 to `samples`.
    """
    if samples < 1:
        raise InputError("windows without samples were given; at least one sample per window is needed")
    lengths = [samples] * batch if lengths is None else lengths
    if len(lengths) != batch or any(not 1 <= length <= samples for length in lengths):
        raise InputError(
            f"lengths {list(lengths)} were given for {batch} windows of {samples} samples; one length per window is "
            f"needed, from 1 to {samples}"
        )
    rows: dict[int, list[int]] = {}
    for row, length in enumerate(lengths):
        rows.setdefault(length, []).append(row)
    for length, members in rows.items():
        size = max(1, CHUNK * stride // length)
        for start in range(0, len(members), size):
            yield members[start : start + size], length


class Fused(nn.Module):
    """ConMIL for inference only: scores and evidence in one pass, equal to ConMIL's within 1e-4.

    What is different: batch normalisations are folded into the convolutions in front of them, and biases wait for the
    next ReLU, whose threshold they become; the parallel convolutions are one product of spectra; features lie as
    (B, T, D), so that every 1 x 1 convolution is a matrix product; the wavelets are one kernel; the class queries are
    folded into the keys and the LayerNorm's scale and shift into what follows; values are pooled before they are
    projected; rows of one length run together and are cut to it, and a large batch runs in passes that fit the cache.

    The weights do not follow the network that they were copied from, and there is nothing to train.
    """

    def __init__(self, network: ConMIL) -> None:
        super().__init__()
        self.architecture = network.architecture
        self.stem = FusedStem(network.stem)
        self.encoder = FusedEncoder(network.encoder, network.position, network.stem.out_channels)
        head = network.head
        self.head = FusedAdditive(head) if isinstance(head, AdditiveHead) else FusedShared(head)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Judgement[Tensor]:
        """Judge windows.

        Parameters
        ----------
        x
            (B, C, samples), conditioned as the network was trained.
        lengths
            (B,) valid samples of each row; None if all are. Evidence beyond a row's end is zero.
        """
        batch, _, samples = x.shape
        stride = self.architecture.stem_stride
        groups = list(passes(samples, None if lengths is None else lengths.tolist(), batch, stride))
        if len(groups) == 1 and groups[0][1] == samples:
            return self.windows(x)
        scores = x.new_empty(batch, self.architecture.classes)
        evidence = x.new_zeros(batch, self.architecture.classes, -(-samples // stride))
        additive = self.architecture.head == "additive"
        for rows, length in groups:
            part = self.windows(x[rows, :, :length])
            scores[rows] = part.scores
            if part.evidence is not None:
                evidence[rows, :, : part.evidence.shape[2]] = part.evidence
        return Judgement(scores, evidence if additive else None)

    def windows(self, x: Tensor) -> Judgement[Tensor]:
        """(B, C, samples), all valid, in one pass: the graph that is exported."""
        scores, evidence = self.head(self.encoder(self.stem(x)))
        return Judgement(scores, evidence)
