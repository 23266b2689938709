"""The encoder for inference: stem, inception blocks and wavelets from fewer and larger steps.

No bias is added here but the last. As max(x + b, 0) = max(x, -b) + b, a ReLU takes the constant b as its threshold and
hands it on: what follows is linear, or a largest of neighbours, and turns a constant into another one. Each part
is therefore told what its input is `missing`, one constant per channel, and says what its own output is missing.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from auricle.network.encoder import InceptionBlock, InceptionModule, Stem
from auricle.network.folded import Linear, copied, extend, normalisation, recorded
from auricle.network.spectral import DirectConvolutions, Framing, SpectralConvolutions, framing
from auricle.network.wavelet import KERNEL, WaveletEncoding


class FusedStem(nn.Module):
    """Strided convolutions with their normalisations folded in."""

    def __init__(self, stem: Stem) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList()
        for conv, norm in zip(stem.convolutions, stem.norms, strict=True):
            assert isinstance(conv, nn.Conv1d)
            scale, shift = normalisation(cast("nn.BatchNorm1d", norm))
            length, stride = conv.kernel_size[0], conv.stride[0]
            # Two-dimensional, because only then does torch know a layout with the channels last.
            folded = nn.Conv2d(conv.in_channels, conv.out_channels, (1, length), stride=(1, stride))
            weight = (conv.weight * scale[:, None, None]).float().unsqueeze(2)
            folded.weight = nn.Parameter(weight.contiguous(memory_format=torch.channels_last))
            cast("Tensor", folded.bias).copy_(shift)
            self.convolutions.append(folded)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, samples) -> (B, T, D)."""
        x = x.mT
        for conv in self.convolutions:
            assert isinstance(conv, nn.Conv2d)
            reach = conv.kernel_size[1] - 1
            padded = extend(x, reach // 2, reach - reach // 2).mT.unsqueeze(2)  # (B, C, 1, samples)
            x = functional.relu_(conv(padded)).squeeze(2).mT  # (B, ceil(T / stride), D)
        return x.contiguous()


class FusedEncoder(nn.Module):
    """Inception blocks, and the wavelets behind them."""

    def __init__(self, blocks: nn.ModuleList, position: WaveletEncoding, channels: int) -> None:
        super().__init__()
        missing = torch.zeros(channels, dtype=torch.float64)
        self.blocks = nn.ModuleList()
        for block in blocks:
            assert isinstance(block, InceptionBlock)
            fused = _Block(block, missing)
            self.blocks.append(fused)
            missing = fused.missing
        first = cast("InceptionBlock", blocks[0]).inception[0]
        branches = cast("InceptionModule", first).branches
        self.longest = max(conv.kernel_size[0] for conv in branches if isinstance(conv, nn.Conv1d))
        self.position = _Position(position, missing)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, D)."""
        frames = framing(x, self.longest)
        for block in self.blocks:
            x = block(x, frames)
        out: Tensor = self.position(x)
        return out


class _Module(nn.Module):
    """An inception module whose normalisation is folded into its branches."""

    bottleneck: Tensor | None
    projection: Tensor

    def __init__(self, module: InceptionModule, missing: Tensor) -> None:
        super().__init__()
        branches = [conv for conv in module.branches if isinstance(conv, nn.Conv1d)]
        counts = [conv.out_channels for conv in branches]
        scale, shift = normalisation(module.norm)
        *scales, last = scale.split([*counts, module.pool_projection.out_channels])
        kernels = [conv.weight.double() * part[:, None, None] for conv, part in zip(branches, scales, strict=True)]
        projection = module.pool_projection.weight[..., 0].double() * last[:, None]

        narrow, bottleneck = missing, module.bottleneck
        if isinstance(bottleneck, nn.Conv1d):
            weight = bottleneck.weight[..., 0].double()
            narrow = weight @ missing + cast("Tensor", bottleneck.bias).double()
            self.register_buffer("bottleneck", copied(weight))  # (32, C)
            self.convolutions: nn.Module = SpectralConvolutions(kernels)
        else:
            self.bottleneck = None
            self.convolutions = DirectConvolutions(kernels)
        self.register_buffer("projection", copied(projection))  # (32, C)

        biases = [cast("Tensor", conv.bias).double() for conv in (*branches, module.pool_projection)]
        constants = [*(kernel.sum(2) @ narrow for kernel in kernels), projection @ missing]
        self.missing = torch.cat(constants) + torch.cat(biases) * scale + shift

    def forward(self, x: Tensor, frames: Framing) -> Tensor:
        """(B, T, C) -> (B, T, D), before the ReLU."""
        narrow = x if self.bottleneck is None else functional.linear(x, self.bottleneck)
        pooled = functional.linear(_largest_of_three(x), self.projection)
        return torch.cat([self.convolutions(narrow, frames), pooled], dim=2)


class _Block(nn.Module):
    """Modules and the residual connection around them."""

    residual: Tensor
    thresholds: Tensor

    def __init__(self, block: InceptionBlock, missing: Tensor) -> None:
        super().__init__()
        conv, norm = block.residual
        assert isinstance(conv, nn.Conv1d)
        assert isinstance(norm, nn.BatchNorm1d)
        scale, shift = normalisation(norm)
        residual = conv.weight[..., 0].double() * scale[:, None]
        around = residual @ missing + cast("Tensor", conv.bias).double() * scale + shift
        self.register_buffer("residual", copied(residual.T))  # (C, D)

        self.inception = nn.ModuleList()
        constants = []
        for module in block.inception:
            fused = _Module(cast("InceptionModule", module), missing)
            self.inception.append(fused)
            missing = fused.missing
            constants.append(missing)
        self.missing = constants[-1] = missing + around
        self.register_buffer("thresholds", copied(-torch.stack(constants)))  # (modules, D)

    def forward(self, x: Tensor, frames: Framing) -> Tensor:
        """(B, T, C) -> (B, T, D)."""
        entering = x.flatten(0, 1)
        last = len(self.inception) - 1
        for i, module in enumerate(self.inception):
            x = module(x, frames)
            if i == last:
                x.flatten(0, 1).addmm_(entering, self.residual)
            x.clamp_min_(self.thresholds[i])
        return x


def _largest_of_three(x: Tensor) -> Tensor:
    """Largest of each instance of (B, T, D) and its neighbours."""
    if recorded(x):
        return functional.max_pool2d(x.unsqueeze(1), (3, 1), stride=1, padding=(1, 0)).squeeze(1)
    if x.shape[1] == 1:
        return x
    pairs = torch.maximum(x[:, :-1], x[:, 1:])  # (B, T - 1, D)
    largest = torch.empty_like(x)
    torch.maximum(pairs[:, :-1], pairs[:, 1:], out=largest[:, 1:-1])
    largest[:, :1], largest[:, -1:] = pairs[:, :1], pairs[:, -1:]
    return largest


class _Position(nn.Module):
    """Add the wavelets, summed into one depth-wise kernel, and what the features are missing."""

    kernel: Tensor

    def __init__(self, position: WaveletEncoding, missing: Tensor) -> None:
        super().__init__()
        kernel = position.kernel().detach()[:, :, None]  # (D, 1, 1, 19)
        weight, bias = position.projection.weight.double(), position.projection.bias.double()
        self.register_buffer("kernel", kernel)
        self.projection = Linear(weight, bias + missing + weight @ (kernel.double().sum((1, 2, 3)) * missing))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        padded = extend(x, KERNEL // 2, KERNEL // 2).mT.unsqueeze(2)  # channels last as torch lays it out
        waves = functional.conv2d(padded, self.kernel, groups=x.shape[2])  # (B, D, 1, T)
        out: Tensor = x + self.projection(waves.squeeze(2).mT)
        return out
