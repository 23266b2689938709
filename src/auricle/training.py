"""First-order training of a ConMIL network: AdamW, early stopping on validation, resumable to the same bits."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from auricle.errors import InputError
from auricle.network import ConMIL

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How a network is trained.

    Parameters
    ----------
    epochs, batch
        Passes over the training part and windows per step.
    lr
        Peak learning rate of AdamW: reached after 5 % of the steps, then down to zero along a cosine.
    weight_decay, clip, label_smoothing
        As in the paper: 1e-3, gradient norm at most 1, targets 0.05 and 0.95 for a smoothing of 0.1.
    masking
        Share of each window's time that is set to zero, in five stretches.
    crop
        Shortest share of a window that a random crop keeps.
    flip
        Probability that a window is turned upside down (a lead put on the wrong way round).
    balance
        A class is drawn in proportion to n ** (1 - balance): 0 as it comes, 1 every class alike.
    averaging
        Decay of the running mean of the weights, which is what is validated and kept. 0 turns it off.
    patience
        Epochs without a better validation macro F1 after which training stops. 0 runs all epochs.
    precision
        "bfloat16" runs the forward pass under autocast; weights and updates stay in float32.
    seed
        Of initialisation, order, augmentation and dropout.
    """

    epochs: int = 20
    batch: int = 32
    lr: float = 2.5e-3
    weight_decay: float = 1e-3
    clip: float = 1.0
    label_smoothing: float = 0.1
    masking: float = 0.1
    crop: float = 1.0
    flip: float = 0.0
    balance: float = 0.5
    averaging: float = 0.0
    patience: int = 0
    precision: Literal["float32", "bfloat16"] = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)} was given; at least 1 is needed")
        for name in ("lr", "clip"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name}={getattr(self, name)} was given; it must be above 0")
        for name in ("weight_decay", "patience", "seed"):
            if getattr(self, name) < 0:
                raise InputError(f"{name}={getattr(self, name)} was given; it can't be negative")
        for name in ("label_smoothing", "masking", "flip", "balance", "averaging"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}={getattr(self, name)} was given; it must lie between 0 and 1")
        if not 0 < self.crop <= 1:
            raise InputError(f"crop={self.crop} was given; it is a share of the window, above 0 and up to 1")
        if self.precision not in {"float32", "bfloat16"}:
            raise InputError(f"precision={self.precision!r} was given; allowed are 'float32' and 'bfloat16'")


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """What one epoch came to."""

    epoch: int
    train_loss: float
    validation_loss: float
    validation_f1: float


@dataclass(frozen=True)
class Windows:
    """Conditioned windows (channels, time), each of its own length, and the index of each one's class."""

    samples: list[Floats]
    classes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.samples)


def pad(samples: list[Floats]) -> tuple[Tensor, Tensor | None]:
    """Stack windows into (B, C, T) and lengths (B,), or None when all are equally long."""
    lengths = [s.shape[-1] for s in samples]
    if len(set(lengths)) == 1:
        return torch.from_numpy(np.stack(samples)), None
    x = np.zeros((len(samples), samples[0].shape[0], max(lengths)), np.float32)
    for row, sample in zip(x, samples, strict=True):
        row[:, : sample.shape[-1]] = sample
    return torch.from_numpy(x), torch.tensor(lengths)


def macro_f1(predicted: NDArray[np.int64], true: NDArray[np.int64], classes: int) -> float:
    """Mean over the classes of 2 TP / (2 TP + FP + FN); a class that neither holds counts as 0."""
    values = []
    for c in range(classes):
        hits = np.sum((predicted == c) & (true == c))
        total = np.sum(predicted == c) + np.sum(true == c)
        values.append(2 * hits / total if total else 0.0)
    return float(np.mean(values))


def score(network: ConMIL, samples: list[Floats], *, batch: int = 32) -> Floats:
    """Scores (n, K) of windows, in batches of similar length; the network is put into evaluation mode."""
    network.eval()
    device = next(network.parameters()).device
    order = sorted(range(len(samples)), key=lambda i: samples[i].shape[-1])
    out = np.empty((len(samples), network.architecture.classes), np.float32)
    with torch.inference_mode():
        for first in range(0, len(order), batch):
            chosen = order[first : first + batch]
            x, lengths = pad([samples[i] for i in chosen])
            scores = network(x.to(device), None if lengths is None else lengths.to(device))
            out[chosen] = scores.float().cpu().numpy()
    return out


def _augment(sample: Floats, settings: TrainingSettings, rng: np.random.Generator) -> Floats:
    """Crop, flip and mask one window (channels, time). The masked stretches are drawn over its own time."""
    time = sample.shape[-1]
    keep = max(1, round(time * rng.uniform(settings.crop, 1.0)))
    first = int(rng.integers(0, time - keep + 1))
    sample = sample[:, first : first + keep].copy()
    if rng.random() < settings.flip:
        sample = -sample
    stretch = round(keep * settings.masking / 5)
    for start in rng.integers(0, keep - stretch + 1, 5) if stretch else ():
        sample[:, start : start + stretch] = 0.0
    return sample


def _batches(windows: Windows, settings: TrainingSettings, rng: np.random.Generator) -> Iterator[list[int]]:
    """One epoch of batches: classes balanced, windows of similar length together, batches in random order."""
    counts = np.bincount(windows.classes)
    weight = counts[windows.classes].astype(np.float64) ** -settings.balance
    drawn = rng.choice(len(windows), len(windows), p=weight / weight.sum()) if settings.balance else rng.permutation(len(windows))  # fmt: skip # noqa: E501
    batches: list[list[int]] = []
    for first in range(0, len(drawn), 16 * settings.batch):
        chunk = sorted(drawn[first : first + 16 * settings.batch], key=lambda i: windows.samples[i].shape[-1])
        batches += [[int(i) for i in chunk[j : j + settings.batch]] for j in range(0, len(chunk), settings.batch)]
    if len(batches) > 1:
        batches = [b for b in batches if len(b) > 1]  # batch normalisation can't learn from one window
    for i in rng.permutation(len(batches)):
        yield batches[i]


def binary_loss(scores: Tensor, classes: Tensor, smoothing: float) -> Tensor:
    """Mean cross-entropy of one sigmoid per class: scores (B, K), the place of each label (B,), its smoothing."""
    target = torch.nn.functional.one_hot(classes, scores.shape[1]).to(scores.dtype)
    target = target * (1 - smoothing) + smoothing / 2
    return torch.nn.functional.binary_cross_entropy_with_logits(scores, target)


class Trainer:
    """One training run that can be stopped after any epoch and taken up again from its checkpoint.

    Parameters
    ----------
    network
        Trained in place; in the end it holds the best (averaged) weights.
    settings
        See `TrainingSettings`.
    checkpoint
        Folder for `checkpoint.safetensors` and `log.json`, written after every epoch; None keeps nothing.
    """

    def __init__(self, network: ConMIL, settings: TrainingSettings, *, checkpoint: Path | None = None) -> None:
        self.network = network
        self.settings = settings
        self.checkpoint = checkpoint
        self.log: list[Epoch] = []
        self._optimizer = torch.optim.AdamW(network.parameters(), lr=settings.lr, weight_decay=settings.weight_decay)
        self._averaged = {k: v.detach().clone() for k, v in network.state_dict().items()}
        self._best = {k: v.clone() for k, v in self._averaged.items()}
        self._steps = 0

    def fit(
        self, train: Windows, validation: Windows | None, *, on_step: Callable[[int, int], None] | None = None,
        on_epoch: Callable[[Epoch], None] | None = None,
    ) -> list[Epoch]:  # fmt: skip
        """Train to the end, or until the validation macro F1 stops rising.

        Parameters
        ----------
        train, validation
            Without a validation part the last weights are kept.
        on_step
            Called with the steps done in all and the steps planned.
        on_epoch
            Called with each finished epoch.

        Returns
        -------
        list of Epoch
            The whole log, earlier sessions of the run included.
        """
        self._resume()
        batches = max(1, -(-len(train) // self.settings.batch))
        planned = batches * self.settings.epochs
        for number in range(len(self.log), self.settings.epochs):
            if self._exhausted():
                break
            loss = self._epoch(number, train, planned, on_step)
            epoch = self._validate(number, loss, validation)
            best = max((e.validation_f1 for e in self.log), default=-1.0)
            if validation is None or not len(validation) or epoch.validation_f1 > best:
                self._best = {k: v.clone() for k, v in self._averaged.items()}
            self.log.append(epoch)
            self._save()
            if on_epoch:
                on_epoch(epoch)
        self.network.load_state_dict(self._best)
        self.network.eval()
        return self.log

    def _exhausted(self) -> bool:
        if not self.settings.patience or not self.log:
            return False
        best = max(range(len(self.log)), key=lambda i: self.log[i].validation_f1)
        return len(self.log) - 1 - best >= self.settings.patience

    def _epoch(self, number: int, train: Windows, planned: int, on_step: Callable[[int, int], None] | None) -> float:
        settings, network = self.settings, self.network
        device = next(network.parameters()).device
        rng = np.random.default_rng([settings.seed, number])
        total, seen = 0.0, 0
        network.train()
        # Dropout draws from torch's global generator: it is lent a state that the epoch alone decides, then given back.
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(int(np.random.SeedSequence([settings.seed, number, 1]).generate_state(1)[0]))
            for chosen in _batches(train, settings, rng):
                x, lengths = pad([_augment(train.samples[i], settings, rng) for i in chosen])
                classes = torch.from_numpy(train.classes[chosen]).to(device)
                for group in self._optimizer.param_groups:
                    group["lr"] = settings.lr * self._schedule(planned)
                with torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
                    scores = network(x.to(device), None if lengths is None else lengths.to(device))
                loss = binary_loss(scores.float(), classes, settings.label_smoothing)
                self._optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
                self._optimizer.step()
                self._steps += 1
                self._average()
                total, seen = total + loss.item() * len(chosen), seen + len(chosen)
                if on_step:
                    on_step(self._steps, planned)
        return total / max(1, seen)

    def _schedule(self, planned: int) -> float:
        warm = max(1, planned // 20)
        if self._steps < warm:
            return (self._steps + 1) / warm
        return 0.5 * (1 + float(np.cos(np.pi * min(1.0, (self._steps - warm) / max(1, planned - warm)))))

    def _average(self) -> None:
        # The decay grows with the steps, so that the first random weights are soon forgotten.
        decay = min(self.settings.averaging, (1 + self._steps) / (10 + self._steps)) if self.settings.averaging else 0.0
        for name, value in self.network.state_dict().items():
            if value.dtype.is_floating_point:
                self._averaged[name].lerp_(value.detach(), 1 - decay)
            else:
                self._averaged[name].copy_(value)

    def _validate(self, number: int, loss: float, validation: Windows | None) -> Epoch:
        if validation is None or not len(validation):
            return Epoch(epoch=number, train_loss=loss, validation_loss=float("nan"), validation_f1=float("nan"))
        current = {k: v.detach().clone() for k, v in self.network.state_dict().items()}
        self.network.load_state_dict(self._averaged)
        scores = score(self.network, validation.samples)
        self.network.load_state_dict(current)
        held = binary_loss(
            torch.from_numpy(scores), torch.from_numpy(validation.classes), self.settings.label_smoothing
        )
        f1 = macro_f1(scores.argmax(1).astype(np.int64), validation.classes, scores.shape[1])
        return Epoch(epoch=number, train_loss=loss, validation_loss=held.item(), validation_f1=f1)

    def _save(self) -> None:
        if self.checkpoint is None:
            return
        self.checkpoint.mkdir(parents=True, exist_ok=True)
        tensors: dict[str, Tensor] = {"steps": torch.tensor(self._steps)}
        for prefix, state in (("now", self.network.state_dict()), ("mean", self._averaged), ("best", self._best)):
            tensors |= {f"{prefix}.{k}": v.detach().cpu().contiguous() for k, v in state.items()}
        for i, slots in self._optimizer.state_dict()["state"].items():
            tensors |= {f"adamw.{i}.{k}": torch.as_tensor(v).detach().cpu().contiguous() for k, v in slots.items()}
        # One file, replaced at once: a kill leaves the state after the last epoch or after the one before.
        log = json.dumps({"settings": asdict(self.settings), "log": [asdict(e) for e in self.log]})
        temporary = self.checkpoint / "checkpoint.safetensors.part"
        save_file(tensors, temporary, metadata={"log": log})
        os.replace(temporary, self.checkpoint / "checkpoint.safetensors")  # noqa: PTH105

    def _resume(self) -> None:
        path = None if self.checkpoint is None else self.checkpoint / "checkpoint.safetensors"
        if path is None or not path.exists():
            return
        metadata = _metadata(path)
        if metadata["settings"] != asdict(self.settings):
            raise InputError(f"{path} belongs to a run with other settings; name another folder or remove it")
        self.log = [Epoch(**e) for e in metadata["log"]]
        tensors = load_file(path)
        self._steps = int(tensors["steps"])

        def part(prefix: str) -> dict[str, Tensor]:
            return {k.removeprefix(prefix + "."): v for k, v in tensors.items() if k.startswith(prefix + ".")}

        device = next(self.network.parameters()).device
        try:
            self.network.load_state_dict(part("now"))
        except RuntimeError as error:
            raise InputError(f"{path} holds a network of another shape; name another folder or remove it") from error
        self._averaged = {k: v.to(device) for k, v in part("mean").items()}
        self._best = {k: v.to(device) for k, v in part("best").items()}
        slots: dict[int, dict[str, Tensor]] = {}
        for key, value in part("adamw").items():
            i, slot = key.split(".")
            slots.setdefault(int(i), {})[slot] = value
        state = self._optimizer.state_dict()
        self._optimizer.load_state_dict({"state": slots, "param_groups": state["param_groups"]})


def _metadata(path: Path) -> dict[str, Any]:
    try:
        with safe_open(path, "pt") as file:
            content: dict[str, Any] = json.loads(file.metadata()["log"])
            return content
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is no checkpoint ({error}); remove it to start the training anew") from error
