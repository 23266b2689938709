import pytest
import torch
from torch import nn

from auricle.network import Architecture, ConMIL

SHAPES = {
    "paper": Architecture(channels=1, classes=5, head="shared"),
    "device": Architecture(channels=1, classes=4, stem_stride=6, kernels=(9, 19, 39), modules=2),
    "additive at stride 1": Architecture(channels=1, classes=3),
    "twelve leads": Architecture(channels=12, classes=5, stem_stride=5, kernels=(3, 8), head="shared", heads=8),
    "three channels": Architecture(channels=3, classes=2, kernels=(4, 9), blocks=1, modules=1, heads=4),
}


def trained_like(architecture: Architecture, seed: int = 0) -> ConMIL:
    """A network in which nothing is at its start: zero biases and unit statistics would hide a wrong fold."""
    network = ConMIL(architecture)
    source = torch.Generator().manual_seed(seed)

    def draw(x: torch.Tensor, mean: float, spread: float) -> None:
        x.data.copy_(mean + spread * torch.randn(x.shape, generator=source))

    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            draw(module.running_mean, 0.0, 0.5)
            module.running_var.copy_(0.5 + torch.rand(module.running_var.shape, generator=source))
        if isinstance(module, nn.BatchNorm1d | nn.LayerNorm):
            draw(module.weight, 1.0, 0.3)
            draw(module.bias, 0.0, 0.3)
        elif isinstance(module, nn.Conv1d | nn.Linear):
            fan = module.weight[0].numel()
            draw(module.weight, 0.0, fan**-0.5)
            if module.bias is not None:
                draw(module.bias, 0.0, 0.3)
    draw(network.head.attention.tokens, 0.0, 4.0)
    if hasattr(network.head, "bias"):
        draw(network.head.bias, 0.0, 0.5)
    # The weights of the attention stand around 1 / T: a loud last layer makes the scores large enough to differ.
    last = network.head.opinion[-1] if hasattr(network.head, "opinion") else network.head.score[-1]
    last.weight.data.mul_(4)
    return network.eval()


@pytest.fixture(scope="session")
def networks():
    """Each shape once, with trained-like weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        return {name: trained_like(shape) for name, shape in SHAPES.items()}


@pytest.fixture(scope="session", params=SHAPES)
def network(request, networks):
    return networks[request.param]


def windows(network: ConMIL, batch: int, samples: int, seed: int = 1) -> torch.Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.randn(batch, network.architecture.channels, samples, generator=source)


@pytest.fixture(scope="session")
def make_windows():
    return windows


@pytest.fixture(autouse=True)
def single_thread():
    """Threads on a busy machine can make torch a hundred times slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
