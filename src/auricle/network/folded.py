"""What a layer of the network becomes once the layers that are linear in evaluation are folded into it."""

import torch
from torch import Tensor, nn
from torch.nn import functional


def copied(weight: Tensor) -> Tensor:
    """Copy to float32, also where there was nothing to fold and the network's own weight came in."""
    return weight.detach().to(torch.float32, copy=True, memory_format=torch.contiguous_format)


class Linear(nn.Module):
    """x W + b over the last axis, both computed in float64 by whoever folds something into them."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", copied(weight))  # (out, in)
        self.register_buffer("bias", copied(bias))  # (out,)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, in) -> (B, T, out)."""
        rows = functional.linear(x.flatten(0, 1), self.weight, self.bias)  # in ONNX, only two axes take the bias along
        out: Tensor = rows.unflatten(0, (-1, x.shape[1]))
        return out


def normalisation(norm: nn.BatchNorm1d) -> tuple[Tensor, Tensor]:
    """Scale and shift (D,) in float64 that a batch normalisation amounts to in evaluation."""
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    scale = norm.weight.double() / (variance.double() + norm.eps).sqrt()
    return scale, norm.bias.double() - mean.double() * scale


def extend(x: Tensor, left: int, right: int) -> Tensor:
    """Replicate padding of (B, T, D) in time."""
    return torch.cat([x[:, :1].expand(-1, left, -1), x, x[:, -1:].expand(-1, right, -1)], dim=1)


def recorded(x: Tensor) -> bool:
    """Whether what is done with x is written down, for an export or for its gradient: no results into given places."""
    return x.requires_grad or torch.compiler.is_exporting()
