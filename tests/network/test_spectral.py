import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from auricle.network.spectral import DirectConvolutions, SpectralConvolutions, block_length, framing


def directly(x, kernels):
    """Each kernel with its own replicate padding, in float64."""
    x = x.double().mT
    parts = []
    for kernel in kernels:
        reach = kernel.shape[2] - 1
        padded = functional.pad(x, (reach // 2, reach - reach // 2), mode="replicate")
        parts.append(functional.conv1d(padded, kernel.double()))
    return torch.cat(parts, 1).mT


def by_spectra(x, kernels):
    return SpectralConvolutions(kernels)(x, framing(x, max(kernel.shape[2] for kernel in kernels)))


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 41), min_size=1, max_size=3),
    channels=st.integers(1, 3),
    outputs=st.integers(1, 3),
    batch=st.integers(1, 3),
    time=st.integers(1, 130),
    seed=st.integers(0, 2**31),
)
def test_equals_the_direct_convolutions(lengths, channels, outputs, batch, time, seed):
    source = torch.Generator().manual_seed(seed)
    kernels = [torch.randn(outputs, channels, k, generator=source) for k in lengths]
    x = torch.randn(batch, time, channels, generator=source)
    torch.testing.assert_close(
        by_spectra(x, kernels).double(), directly(x, kernels), rtol=1e-5, atol=2e-5 * max(lengths) ** 0.5
    )


@pytest.mark.parametrize("kernels", [(10, 20, 40), (7, 15, 31)])
def test_error_is_that_of_float32(kernels):
    source = torch.Generator().manual_seed(3)
    weights = [torch.randn(32, 32, k, generator=source) / (32 * k) ** 0.5 for k in kernels]
    x = torch.randn(1, 300, 32, generator=source)
    assert (by_spectra(x, weights) - directly(x, weights)).abs().max() < 2e-5  # outputs of about 1


def test_an_impulse_gives_the_kernel_back_turned_round():
    kernel = torch.arange(1.0, 6.0).view(1, 1, 5)
    x = torch.zeros(1, 31, 1)
    x[0, 15] = 1
    out = by_spectra(x, [kernel])[0, :, 0]
    expected = torch.zeros(31)
    expected[13:18] = torch.arange(5.0, 0.0, -1.0)
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=0)


def test_rows_of_a_batch_do_not_mix():
    source = torch.Generator().manual_seed(4)
    kernels = [torch.randn(2, 2, 7, generator=source)]
    x = torch.randn(3, 20, 2, generator=source)
    alone = torch.cat([by_spectra(row[None], kernels) for row in x])
    torch.testing.assert_close(by_spectra(x, kernels), alone)


@pytest.mark.parametrize("time", [1, 39, 40, 41, 80, 81])
def test_at_the_edges_of_blocks(time):
    source = torch.Generator().manual_seed(5)
    kernels = [torch.randn(3, 2, k, generator=source) for k in (9, 20, 39, 40)]
    x = torch.randn(2, time, 2, generator=source)
    torch.testing.assert_close(by_spectra(x, kernels).double(), directly(x, kernels), rtol=1e-5, atol=1e-4)


def test_the_lowest_and_the_highest_frequency_do_not_mix():
    kernel = torch.tensor([1.0, 1.0, 0.0]).view(1, 1, 3)
    steady, alternating = torch.ones(1, 64, 1), torch.tensor([1.0, -1.0]).repeat(32).view(1, 64, 1)
    torch.testing.assert_close(by_spectra(steady, [kernel]), 2 * steady, atol=1e-5, rtol=0)
    inner = by_spectra(alternating, [kernel])[:, 1:-1]
    torch.testing.assert_close(inner, torch.zeros_like(inner), atol=1e-5, rtol=0)


@settings(max_examples=20, deadline=None)
@given(batch=st.integers(1, 3), time=st.integers(1, 90), longest=st.integers(1, 41))
def test_frames_hold_each_instance_and_its_surroundings(batch, time, longest):
    block = block_length(longest)
    frames, order = framing(torch.empty(batch, time, 1), longest)
    instances = torch.arange(time)
    for row in range(batch):
        # The place of an instance in its block is the first place that its kernel touches in the frame.
        for tap in range(longest):
            touched = (instances - (longest - 1) // 2 + tap).clamp(0, time - 1)
            held = frames[instances % block + tap, row, instances // block]
            assert torch.equal(held, row * time + touched)
    count = -(-time // block)
    rows = torch.arange(block * batch * count).view(block, batch, count)
    back = rows.permute(1, 2, 0).reshape(batch, -1)[:, :time]
    assert torch.equal(order, back)


@pytest.mark.parametrize("lengths", [(10, 20, 40), (1,), (4, 9)])
@pytest.mark.parametrize(("batch", "time"), [(1, 1), (1, 100), (3, 7)])
def test_a_single_channel_goes_directly(lengths, batch, time):
    source = torch.Generator().manual_seed(6)
    kernels = [torch.randn(2, 1, k, generator=source) for k in lengths]
    x = torch.randn(batch, time, 1, generator=source)
    out = DirectConvolutions(kernels)(x, framing(x, max(lengths)))
    torch.testing.assert_close(out.double(), directly(x, kernels), rtol=1e-5, atol=1e-5)
