"""Few-shot text classification: the upper layers of a sentence encoder and a linear head, on 16 texts a class."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from auricle.bench.zeroth.minilm import encoder, tokenizer
from auricle.bench.zeroth.problem import Problem
from auricle.errors import InputError

SHOTS = 16
"""Training texts a class."""
BATCH = 32
LONGEST = 32
"""Tokens of a text that are read."""
LAYERS = 2
"""Of the six, from the top, that are trained with the head; what the lower ones give is computed once."""
SHARPNESS = 0.02
"""Of the head that training begins with: nearer class means by 1 / this in squared distance are e times as likely."""
JUDGED = 500
"""Test texts, the same for all runs."""
WATCHED = 128
"""Texts of the training part that choose the learning rate; no run trains on them."""
SPLIT_SEED = 20161

Tokens = NDArray[np.int64]
Batch = tuple[Tensor, Tensor]
"""Hidden states (B, L, D), and which of them belong to a text (B, L)."""


@dataclass(frozen=True, kw_only=True)
class TextTask:
    """A task of the text benchmark.

    Parameters
    ----------
    name
        Of the task.
    training, test
        Files: a label and a text a line, latin-1.
    classes
        How many; labels count from 0.
    """

    name: str
    training: str
    test: str
    classes: int


TREC = TextTask(name="trec", training="TREC.train.all", test="TREC.test.all", classes=6)
SST2 = TextTask(name="sst2", training="stsa.binary.train", test="stsa.binary.test", classes=2)


class Reader(nn.Module):
    """Upper layers of an encoder, the mean of the last one's states, centred and scaled, and a linear head."""

    def __init__(self, layers: Sequence[nn.Module], width: int, classes: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.head = nn.Linear(width, classes)
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("spread", torch.ones(()))

    @torch.no_grad()
    def begin(self, batch: Batch, labels: Tensor) -> None:
        """Fix centre and scale of the features, one scale for all, and let the head know the means of the classes.

        Forward-only training needs a start that knows something, which is what prompts are to MeZO.
        """
        features = self._pooled(batch)  # (B, D)
        variance, mean = torch.var_mean(features, 0)
        self.mean, self.spread = mean, variance.mean().sqrt()
        known = (features - self.mean) / self.spread
        means = torch.stack([known[labels == label].mean(0) for label in range(self.head.out_features)])  # (K, D)
        self.head.weight.copy_(SHARPNESS * means)
        self.head.bias.copy_(-SHARPNESS / 2 * means.square().sum(1))

    def _pooled(self, batch: Batch) -> Tensor:
        hidden, mask = batch
        for layer in self.layers:
            hidden = layer(hidden, mask[:, None, None, :])  # (B, L, D)
        pooled: Tensor = (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)  # (B, D)
        return pooled

    def forward(self, batch: Batch) -> Tensor:
        """States below the trained layers to logits (B, K)."""
        logits: Tensor = self.head((self._pooled(batch) - self.mean) / self.spread)
        return logits


def problem(task: TextTask, data: Path, seed: int) -> Problem:
    """Draw 16 training texts a class and the order of the batches by the seed, which all arms share."""
    tokens, labels = _read(data / "text" / task.training)
    test_tokens, test_labels = _read(data / "text" / task.test)
    fixed = np.random.default_rng(SPLIT_SEED)
    order = fixed.permutation(len(labels))
    watched, pool = order[:WATCHED], order[WATCHED:]
    judged = fixed.permutation(len(test_labels))[:JUDGED]
    rng = np.random.default_rng(seed)
    shots = np.concatenate(
        [rng.choice(pool[labels[pool] == label], SHOTS, replace=False) for label in range(task.classes)]
    )
    parts = {
        "train": ([tokens[i] for i in shots], labels[shots]),
        "watched": ([tokens[i] for i in watched], labels[watched]),
        "judged": ([test_tokens[i] for i in judged], test_labels[judged]),
    }
    body = encoder()
    upper = list(body.encoder.layer)[-LAYERS:]
    states = {name: _lower(body, texts) for name, (texts, _) in parts.items()}
    truth = {name: torch.from_numpy(y) for name, (_, y) in parts.items()}
    model = Reader(upper, body.config.hidden_size, task.classes).eval()
    model.begin(_padded(states["train"]), truth["train"])
    stream = np.concatenate([rng.permutation(len(shots)) for _ in range(64)])

    def closure(step: int) -> Callable[[], Tensor]:
        chosen = np.take(stream, np.arange(step * BATCH, (step + 1) * BATCH), mode="wrap")
        batch, y = _padded([states["train"][i] for i in chosen]), truth["train"][torch.from_numpy(chosen)]
        return lambda: functional.cross_entropy(model(batch), y)

    def judge(part: str) -> dict[str, float]:
        with torch.no_grad():
            logits = torch.cat([model(_padded(states[part][i : i + 32])) for i in range(0, len(states[part]), 32)])
        right = (logits.argmax(1) == truth[part]).float().mean()
        return {"accuracy": float(right), "loss": float(functional.cross_entropy(logits, truth[part]))}

    return Problem(
        weights=list(model.parameters()),
        closure=closure,
        watched=lambda: judge("watched")["loss"],
        tested=lambda: judge("judged"),
    )


@torch.no_grad()
def _lower(body: Any, texts: Sequence[Tokens]) -> list[Tensor]:
    """States of each text, (L, D), below the layers that are trained."""
    out = []
    for text in texts:
        hidden = body.embeddings(input_ids=torch.from_numpy(text)[None])
        for layer in list(body.encoder.layer)[:-LAYERS]:
            hidden = layer(hidden)
        out.append(hidden[0])
    return out


@cache
def _read(path: Path) -> tuple[list[Tokens], NDArray[np.int64]]:
    """Tokens and label of every line."""
    try:
        lines = path.read_text(encoding="latin-1").splitlines()
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror}); --data or AURICLE_DATA names its folder") from None
    made = tokenizer()
    made.enable_truncation(LONGEST)
    made.no_padding()
    encoded = made.encode_batch([line[2:] for line in lines])
    return [np.array(one.ids, np.int64) for one in encoded], np.array([int(line[0]) for line in lines])


def _padded(states: Sequence[Tensor]) -> Batch:
    """As long as the longest text."""
    hidden = nn.utils.rnn.pad_sequence(list(states), batch_first=True)  # (B, L, D)
    lengths = torch.tensor([len(one) for one in states])
    return hidden, torch.arange(hidden.shape[1]) < lengths[:, None]
