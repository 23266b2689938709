"""Long parallel convolutions as products of spectra: a third of the arithmetic, all of it matrix products."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from auricle.network.folded import extend, recorded


class Framing(NamedTuple):
    """Where frames of a batch come from, and where what was computed for them goes.

    Attributes
    ----------
    frames
        (2S, B, n): for each place in each frame, a row of the features (B T, C).
    order
        (B, T): for each instance, a row of the outputs (S B n, D).
    """

    frames: Tensor
    order: Tensor


def stack_kernels(kernels: list[Tensor]) -> tuple[Tensor, int]:
    """Kernels (D_i, C, k_i) as one in float64 (D, C, longest k), and its padding on the left.

    Each keeps its own replicate padding, ((k-1)//2, k//2), relative to the instance that it is computed for.
    """
    longest = max(kernel.shape[2] for kernel in kernels)
    left = (longest - 1) // 2
    counts = [len(kernel) for kernel in kernels]
    stacked = torch.zeros(sum(counts), kernels[0].shape[1], longest, dtype=torch.float64)
    for rows, kernel in zip(torch.split(stacked, counts), kernels, strict=True):
        start = left - (kernel.shape[2] - 1) // 2
        rows[:, :, start : start + kernel.shape[2]] = kernel.detach()
    return stacked, left


def block_length(longest: int) -> int:
    """Instances of a block, S: at least as many as the longest kernel has, and whole vectors of a processor."""
    return 8 * math.ceil(longest / 8)


def framing(x: Tensor, longest: int) -> Framing:
    """Cut the T instances of (B, T, C) into blocks of S; a frame holds a block's 2S inputs for kernels up to `longest`.

    Places before the first instance and behind the last are those instances: the replicate padding.
    """
    batch, time, _ = x.shape
    block = block_length(longest)
    count = (time + block - 1) // block
    row, instance = torch.arange(batch, device=x.device)[:, None], torch.arange(time, device=x.device)
    first = block * torch.arange(count, device=x.device) - (longest - 1) // 2
    places = (first + torch.arange(2 * block, device=x.device)[:, None]).clamp(0, time - 1)  # (2S, n)
    frames = places[:, None] + time * row  # (2S, B, n)
    order = (instance % block * batch + row) * count + instance // block  # (B, T)
    return Framing(frames, order)


class DirectConvolutions(nn.Module):
    """Parallel convolutions of a single channel with replicate padding: too little arithmetic to be worth a transform.

    Parameters
    ----------
    kernels
        Weights of the convolutions, each (D_i, 1, k_i); the outputs come in this order.
    """

    kernel: Tensor

    def __init__(self, kernels: list[Tensor]) -> None:
        super().__init__()
        kernel, self.left = stack_kernels(kernels)
        self.register_buffer("kernel", kernel[:, 0].float())  # (D, k)

    def forward(self, x: Tensor, _framing: Framing) -> Tensor:
        """(B, T, 1) -> (B, T, D)."""
        longest = self.kernel.shape[1]
        padded = extend(x, self.left, longest - 1 - self.left)
        if recorded(x):
            return functional.conv1d(padded.mT, self.kernel[:, None]).mT
        stretches = padded.squeeze(2).unfold(1, longest, 1)  # (B, T, k), without a copy
        return torch.bmm(stretches, self.kernel.T.expand(len(x), -1, -1))


class SpectralConvolutions(nn.Module):
    """Parallel convolutions with replicate padding, by overlap-save in blocks at least as long as the longest kernel.

    The T instances are cut into blocks of S. A frame of N = 2S instances (a block and the one behind it) is turned
    into its spectrum, each frequency is multiplied by a matrix (input channels to output channels of every kernel),
    and the first S instances of the way back are the block's output: the other S are wrapped around, and dropped.

    The transforms are products with fixed matrices, not fast Fourier transforms: at N = 64 or 80 they are under half
    of the work and run at the speed of a matrix product, in torch and as a plain ONNX graph alike. With a frame cut
    into halves a and b, the even frequencies are the spectrum of a + b over S instances and the odd ones that of
    a - b, so that the way in costs half. Frequencies 0 and N/2 are real and share one slot as its two parts.

    Multiplications per instance, 32 to 3 x 32 channels, kernels (10, 20, 40): 71,680 directly, 22,528 here.

    The place in the block is the outermost axis and the parts of a spectrum are apart, so that each step's result is
    what the next one takes, without a transposition in between.

    Parameters
    ----------
    kernels
        Weights of the convolutions, each (D_i, C, k_i); the outputs come in this order.

    Notes
    -----
    Source: overlap-save with a real discrete Fourier transform, e.g. Oppenheim & Schafer, Discrete-Time Signal
    Processing, section 8.7. The matrices are computed in float64 once; the error is that of a float32 product.

    Examples
    --------
    >>> from torch.nn import functional
    >>> kernel, x = torch.ones(3, 2, 5), torch.arange(22.0).view(1, 11, 2)
    >>> direct = functional.conv1d(functional.pad(x.mT, (2, 2), mode="replicate"), kernel).mT
    >>> torch.allclose(SpectralConvolutions([kernel])(x, framing(x, longest=5)), direct, rtol=1e-5)
    True
    """

    analysis: Tensor
    product: Tensor
    synthesis: Tensor

    def __init__(self, kernels: list[Tensor]) -> None:
        super().__init__()
        stacked, _ = stack_kernels(kernels)
        self.outputs, self.channels, longest = stacked.shape
        self.block = block_length(longest)
        matrices = _matrices(stacked, self.block)
        for name, matrix in zip(("analysis", "product", "synthesis"), matrices, strict=True):
            self.register_buffer(name, matrix.float().contiguous())

    def forward(self, x: Tensor, framing: Framing) -> Tensor:
        """(B, T, C) -> (B, T, D)."""
        frames = functional.embedding(framing.frames, x.flatten(0, 1))  # (2S, B, n, C)
        multiply = self._as_graph if recorded(x) else self._in_place
        out = multiply(frames.view(2, self.block, -1))  # (S, B n D)
        return functional.embedding(framing.order, out.view(-1, self.outputs))

    def _in_place(self, frames: Tensor) -> Tensor:
        """(2, S, B n C) -> (S, B n D), one half of the frequencies after the other, so that they stay in the cache."""
        a, b = frames
        rows = frames.shape[2] // self.channels
        out = frames.new_empty(self.block, rows * self.outputs)
        products = frames.new_empty(2, self.block // 2, rows, self.outputs)
        real, imaginary = products
        for half, folded in enumerate((a + b, a - b)):
            x, y = torch.mm(self.analysis[half], folded).view(2, -1, rows, self.channels)  # real, imaginary
            cosine, sine = self.product[half, :, :, : self.channels]
            torch.bmm(x, cosine, out=real).baddbmm_(y, sine, alpha=-1)
            torch.bmm(x, sine, out=imaginary).baddbmm_(y, cosine)
            if half == 0:
                torch.mm(y[0], self.product[0, 1, 0, self.channels :], out=imaginary[0])
            torch.addmm(out, self.synthesis[half], products.view(self.block, -1), beta=half, out=out)
        return out

    def _as_graph(self, frames: Tensor) -> Tensor:
        """Compute the same in three products, in which ONNX Runtime is quickest: (2, S, B n C) -> (S, B n D)."""
        even, odd = self.analysis
        analysis = torch.cat([torch.cat([even, even], dim=1), torch.cat([odd, -odd], dim=1)])  # (2S, 2S)
        spectra = (analysis @ frames.flatten(0, 1)).view(2, 2, self.block // 2, -1, self.channels)
        spectra = spectra.permute(0, 2, 3, 1, 4).flatten(3).unsqueeze(1)  # (2, 1, S / 2, B n, 2C)
        products = spectra @ self.product  # (2, 2, S / 2, B n, D)
        return torch.cat([*self.synthesis], dim=1) @ products.view(2 * self.block, -1)


def _matrices(kernels: Tensor, block: int) -> tuple[Tensor, Tensor, Tensor]:
    """Analysis (2, S, S), product (2, 2, S/2, 2C, D), synthesis (2, S, S) for kernels (D, C, k), k <= S, S even.

    The first axis is the half of the frequencies: 0, 2, 4, ... or 1, 3, 5, ... Each half has its real parts and then
    its imaginary parts; N/2 takes the place of the imaginary part of 0.
    """
    channels, frame = kernels.shape[1], 2 * block
    time = torch.arange(block, dtype=torch.float64)
    frequencies = torch.arange(block).view(-1, 2).T  # (2, S/2)
    angle = 2 * math.pi / frame * frequencies[:, :, None] * time
    waves = torch.stack([angle.cos(), -angle.sin()], dim=1)  # (2, 2, S/2, S): half, part, frequency, instance
    waves[0, 1, 0] = torch.cos(math.pi * time)

    # The network's convolutions are correlations: the spectrum of the kernels is conjugated.
    spectrum = torch.fft.rfft(kernels, n=frame).conj().permute(2, 1, 0)  # (S + 1, C, D)
    real, imaginary = spectrum.real[frequencies], spectrum.imag[frequencies]  # (2, S/2, C, D)
    product = torch.stack([torch.cat([real, -imaginary], dim=2), torch.cat([imaginary, real], dim=2)], dim=1)
    product[0, 1, 0, channels:] = spectrum.real[block]

    weight = torch.full((2, 1, block // 2, 1), 2 / frame, dtype=torch.float64)
    weight[0, :, 0] = 1 / frame
    return waves.view(2, block, block), product, (weight * waves).view(2, block, block).mT
