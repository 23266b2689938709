"""The heads for inference: queries folded into the keys, a LayerNorm's scale and shift into what follows."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from auricle.network.folded import Linear, copied
from auricle.network.pooling import AdditiveHead, ClassAttention, SharedHead


def _behind(norm: nn.LayerNorm, weight: Tensor, bias: Tensor | None = None) -> Linear:
    """Fold a LayerNorm's scale and shift into the linear layer behind it."""
    shift = weight.double() @ norm.bias.double()
    return Linear(weight.double() * norm.weight.double(), shift if bias is None else shift + bias.double())


def _standardise(x: Tensor, eps: float) -> Tensor:
    """Zero mean and unit variance over the last axis."""
    return functional.layer_norm(x, x.shape[-1:], eps=eps)


class _Attention(nn.Module):
    """Attention of every head and class by one product: the queries are folded into the keys."""

    def __init__(self, attention: ClassAttention, norm: nn.LayerNorm) -> None:
        super().__init__()
        heads, width = attention.heads, attention.key.in_features
        depth = width // heads
        query = attention.query.weight.double() @ attention.tokens.double().T
        query = query.view(heads, depth, -1) / math.sqrt(depth)
        key = attention.key.weight.double().view(heads, depth, width)
        self.logits = _behind(norm, (query.mT @ key).reshape(-1, width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, heads K)."""
        instances = torch.full((1,), x.shape[1], dtype=x.dtype, device=x.device)
        return torch.sigmoid_(self.logits(x).sub_(instances.log()))


class FusedAdditive(nn.Module):
    """The additive head."""

    bias: Tensor
    mean: Tensor

    def __init__(self, head: AdditiveHead) -> None:
        super().__init__()
        hidden, out = head.opinion[0], head.opinion[-1]
        assert isinstance(hidden, nn.Linear)
        assert isinstance(out, nn.Linear)
        self.eps, heads = head.norm.eps, head.attention.heads
        self.attention = _Attention(head.attention, head.norm)
        self.hidden = _behind(head.norm, hidden.weight, hidden.bias)
        self.out = Linear(out.weight, out.bias)
        self.register_buffer("bias", copied(head.bias))
        self.register_buffer("mean", torch.eye(len(head.bias)).repeat(heads, 1) / heads)  # (heads K, K)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """(B, T, D) -> (B, K), (B, K, T)."""
        x = _standardise(x, self.eps)
        weights = self.attention(x) @ self.mean  # (B, T, K)
        opinions = self.out(functional.relu_(self.hidden(x)))  # (B, T, K)
        evidence = (weights * opinions).mT  # (B, K, T)
        return evidence.sum(2) + self.bias, evidence


class FusedShared(nn.Module):
    """The paper's head, with the instances pooled before they are projected to values."""

    value: Tensor
    shift: Tensor

    def __init__(self, head: SharedHead) -> None:
        super().__init__()
        self.eps, self.heads = head.norm.eps, head.attention.heads
        self.attention = _Attention(head.attention, head.norm)
        value = _behind(head.norm, head.value.weight)
        self.register_buffer("value", value.weight.view(self.heads, -1, value.weight.shape[1]).mT.contiguous())
        self.register_buffer("shift", value.bias.view(self.heads, 1, -1))
        projection, (norm, *rest) = head.projection, head.score
        self.projection = Linear(projection.weight, projection.bias)
        assert isinstance(norm, nn.LayerNorm)
        assert isinstance(rest[0], nn.Linear)
        assert isinstance(rest[-1], nn.Linear)
        self.hidden = _behind(norm, rest[0].weight, rest[0].bias)
        self.out = Linear(rest[-1].weight, rest[-1].bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """(B, T, D) -> (B, K), None."""
        x = _standardise(x, self.eps)
        weights = self.attention(x)  # (B, T, heads K)
        total = weights.sum(1).unflatten(1, (self.heads, -1))[..., None]  # (B, heads, K, 1)
        pooled = (weights.mT @ x).unflatten(1, (self.heads, -1))  # (B, heads, K, D)
        values = pooled @ self.value + total * self.shift  # (B, heads, K, depth)
        tokens = _standardise(self.projection(values.transpose(1, 2).flatten(2)), self.eps)  # (B, K, D)
        return self.out(functional.relu_(self.hidden(tokens)))[..., 0], None
