"""The networks whose steps are timed, each with a batch and a loss."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from auricle.bench.zeroth.minilm import encoder, folder, transformers
from auricle.errors import InputError, MissingExtraError
from auricle.network import Architecture, ConMIL

MODELS = ("minilm", "roberta_base", "conmil_1", "conmil_8")
SAMPLES = 3000
"""Of a ConMIL window: 30 s at 100 Hz."""


class Sentences(nn.Module):
    """A language model whose mean hidden state a linear head judges."""

    def __init__(self, body: nn.Module, width: int, classes: int = 2) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(width, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, L) to (B, K)."""
        logits: Tensor = self.head(self.body(input_ids=tokens).last_hidden_state.mean(1))
        return logits


@dataclass(frozen=True, kw_only=True, eq=False)
class Timed:
    """A network that a step is timed on.

    Parameters
    ----------
    name
        One of `MODELS`, or of a test.
    what
        Its shape in words.
    network
        In eval; its weights are real ones or random.
    x, y
        One batch.
    """

    name: str
    what: str
    network: nn.Module
    x: Tensor
    y: Tensor

    @property
    def weights(self) -> list[Tensor]:
        """All weights, each trained."""
        return list(self.network.parameters())

    @property
    def closure(self) -> Callable[[], Tensor]:
        """The loss of the batch."""
        return lambda: functional.cross_entropy(self.network(self.x), self.y)


def build(name: str, seed: int = 0) -> Timed:
    """Build a network by its name.

    Raises
    ------
    InputError
        An unknown name.
    MissingExtraError
        A language model without the packages that hold it.
    """
    if name not in MODELS:
        raise InputError(f"a model {name!r} was asked for; allowed are {', '.join(MODELS)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name == "minilm":
            body = encoder()
            tokens = torch.randint(1000, body.config.vocab_size, (16, 64))
            return _timed(name, "MiniLM, 22.6 M weights, 16 x 64 tokens", Sentences(body, 384), tokens)
        if name == "roberta_base":
            library = transformers()
            body = library.RobertaModel(library.RobertaConfig(), add_pooling_layer=False)
            tokens = torch.randint(1000, body.config.vocab_size, (8, 64))
            return _timed(name, "RoBERTa base, 124 M random weights, 8 x 64 tokens", Sentences(body, 768), tokens)
        windows = torch.randn(8, 1, SAMPLES)
        if name == "conmil_1":
            network = ConMIL(Architecture(channels=1, classes=5, head="shared"))
            return _timed(name, "ConMIL as in the paper, 8 windows of 3,000 samples", network, windows)
        network = ConMIL(Architecture(channels=1, classes=5, stem_stride=8))
        return _timed(name, "ConMIL with a stem of stride 8, 8 windows of 3,000 samples", network, windows)


def available(names: tuple[str, ...] = MODELS) -> tuple[list[str], list[dict[str, str]]]:
    """Tell which networks this machine can build, and what the others lack."""
    able, lacking = [], []
    needs = {"minilm": _needs_minilm, "roberta_base": transformers}
    for name in names:
        try:
            needs.get(name, lambda: None)()
        except MissingExtraError as error:
            lacking.append({"model": name, "reason": str(error)})
        else:
            able.append(name)
    return able, lacking


def _needs_minilm() -> None:
    folder()
    transformers()


def _timed(name: str, what: str, network: nn.Module, x: Tensor) -> Timed:
    y = torch.arange(len(x)) % 2
    return Timed(name=name, what=what, network=network.eval(), x=x, y=y)
