"""`Specialist`: a scikit-learn classifier of windows that can judge recordings, and be kept in a folder."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from auricle import folder
from auricle.conformal import LabelConditional, PredictionSets
from auricle.errors import InputError, NotCalibratedError
from auricle.finding import Finding
from auricle.folder import Manifest
from auricle.network import Architecture, to_onnx
from auricle.signals import Preprocessing, Recording, condition, cut
from auricle.specialist.arrays import classes_of, columns_of, conditioned, digests, rows_as_windows, warn_of_overlap
from auricle.specialist.engine import Backend, Engine, piece_of
from auricle.specialist.judging import judged
from auricle.specialist.keeping import described, manifest_of, name_of, network_of, untrained
from auricle.specialist.verdict import origin, shown
from auricle.specialist.windows import KeptWindows, Use, packed, unpacked
from auricle.training import Epoch, Floats, Trainer, TrainingSettings, Windows

ARRAYS = Preprocessing(fs=100.0, highpass=None, scaling="none")
"""Stands in where no preprocessing is given: arrays are taken as they are, at 100 Hz."""


class Specialist(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A small model for one kind of signal, with calibrated sets and evidence in time.

    A scikit-learn classifier whose X is (n, channels, time), or (n, time) for one channel, at `preprocessing.fs` Hz and
    in physical units. Rows may be of unequal length: pad them and say each one's own in `lengths`.

    Parameters
    ----------
    architecture
        Shape of the network; `channels` and `classes` follow from the data. None is the paper's encoder with the
        additive head.
    preprocessing
        How a recording becomes windows and a window becomes input. None takes arrays as they are, at 100 Hz.
    training
        How the network is trained. None is 20 epochs with the settings of `TrainingSettings`.
    labels
        The classes in the order that sets and scores shall have. None sorts them.
    leave_out
        Classes that are never put in a set; nothing is promised for them, and every finding says so.
    device
        Where torch trains: "cpu", "cuda", ...
    backend
        What judges: "torch"; "onnxruntime", which makes the network's graph on first use (10 to 30 s, once: it is kept
        in the user's cache) and needs the extra `onnx`; "auto" takes ONNX Runtime where the graph is there already, in
        the specialist's folder or in the cache, and torch elsewhere. Scores agree within 1e-4.

    Attributes
    ----------
    classes_
        (K,) the classes in order.
    network_
        The trained `ConMIL`.
    calibration_
        `LabelConditional`, after `calibrate`.
    manifest_
        Name, definitions, provenance and log, as `specialist.json` holds them.
    windows_
        Labelled windows that ship with the specialist, by what they are for: see `auricle.specialist.windows`.
    hash_
        SHA-256 of the saved folder; empty until saved or loaded.

    Examples
    --------
    >>> from auricle.signals.simulate import sinus
    >>> specialist = Specialist.load("af")
    >>> for finding in specialist.findings(sinus(30, 300, seed=1), alpha=0.1, explain=False):
    ...     print(finding)
    simulated-sinus-1, 0 to 30 s: {N}, confident at alpha 0.1
    """

    def __init__(
        self,
        *,
        architecture: Architecture | None = None,
        preprocessing: Preprocessing | None = None,
        training: TrainingSettings | None = None,
        labels: Sequence[Any] | None = None,
        leave_out: Sequence[Any] = (),
        device: str = "cpu",
        backend: Backend = "auto",
    ) -> None:
        self.architecture = architecture
        self.preprocessing = preprocessing
        self.training = training
        self.labels = labels
        self.leave_out = leave_out
        self.device = device
        self.backend = backend

    def fit(
        self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None, *, lengths: ArrayLike | None = None,
        validation: tuple[ArrayLike, ArrayLike, ArrayLike | None] | None = None, checkpoint: Path | None = None,
        on_step: Callable[[int, int], None] | None = None, on_epoch: Callable[[Epoch], None] | None = None,
    ) -> Self:  # fmt: skip
        """Train the network; any earlier calibration is dropped.

        Parameters
        ----------
        X
            (n, channels, time) or (n, time).
        y
            (n,) labels.
        groups
            (n,) subjects. Their digests are kept, so that `calibrate` and evaluation can warn when a subject returns.
        lengths
            (n,) valid samples of each row; None if all are.
        validation
            X, y and lengths of windows of other subjects, which decide when to stop; None trains all epochs.
        checkpoint
            Folder from which a stopped training goes on.
        on_step, on_epoch
            See `Trainer.fit`.
        """
        values, targets = validate_data(self, X, y, allow_nd=True, dtype=np.float32)
        check_classification_targets(targets)
        self.classes_ = classes_of(targets, self.labels)
        self._flat = values.ndim == 2
        self._channels = 1 if self._flat else values.shape[1]
        rows = conditioned(values, lengths, self._channels, self.windowing)
        windows = Windows(rows, columns_of(targets, self.classes_))
        held = None
        if validation is not None:
            held_x, held_y, held_lengths = validation
            values, held_y = validate_data(self, held_x, held_y, allow_nd=True, dtype=np.float32, reset=False)
            rows = conditioned(values, held_lengths, self._channels, self.windowing)
            held = Windows(rows, columns_of(held_y, self.classes_))
        settings = self.training or TrainingSettings()
        shape = replace(self.architecture or Architecture(), channels=self._channels, classes=len(self.classes_))
        network = untrained(shape, settings.seed).to(self.device)
        self.log_ = Trainer(network, settings, checkpoint=checkpoint).fit(
            windows, held, on_step=on_step, on_epoch=on_epoch
        )
        self.network_ = network.cpu()
        self.parts_: dict[str, tuple[str, ...]] = {}
        if groups is not None:
            self.parts_["train"] = digests(groups, len(targets))
        self.hash_ = ""
        for stale in ("calibration_", "manifest_", "_card", "_graph"):
            self.__dict__.pop(stale, None)
        self.windows_: dict[Use, KeptWindows] = {}
        # Ready at once, because a scikit-learn estimator must not change while it predicts.
        self._engine = Engine.start(self.network_, self.backend)
        return self

    def calibrate(
        self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None, *, lengths: ArrayLike | None = None
    ) -> Self:
        """Keep the scores of labelled windows that the network has never seen; a second call replaces the first.

        Warns
        -----
        OverlapWarning
            If `groups` shares subjects with the training or validation part: then the sets promise nothing.
        """
        scores = self.scores(X, lengths=lengths)
        targets = np.asarray(y)
        if targets.shape != (len(scores),):
            raise InputError(
                f"X holds {len(scores)} windows and y has shape {targets.shape}; one label per window is needed"
            )
        if groups is not None:
            mine = digests(groups, len(targets))
            warn_of_overlap(mine, self.parts_)
            self.parts_ = {**self.parts_, "calibration": mine}
        self.calibration_ = LabelConditional(self.classes_.tolist(), self.leave_out).calibrate(scores, targets)
        self.hash_ = ""
        return self

    def scores(self, X: ArrayLike, *, lengths: ArrayLike | None = None) -> Floats:
        """(n, K) float32: the score of each class, the logit of a sigmoid of its own."""
        return np.concatenate(list(self._started().scores(self._rows(X, lengths))))

    def explain(self, X: ArrayLike, *, lengths: ArrayLike | None = None) -> Floats:
        """(n, K, instances) float32: what each instance adds to each class's score, zero beyond a row's own length.

        An instance stands for `evidence_step` s. The values and `flat_scores` add up to the scores; see
        `auricle.network.attribution` for how, and `auricle bench evidence` for why.
        """
        engine = self._started()
        parts = [engine.evidence(row, self._piece) for row in self._rows(X, lengths)]
        out = np.zeros((len(parts), len(self.classes_), max(p.shape[1] for p in parts)), np.float32)
        for row, part in zip(out, parts, strict=True):
            row[:, : part.shape[1]] = part
        return out

    def flat_scores(self, X: ArrayLike, *, lengths: ArrayLike | None = None) -> Floats:
        """(n, K) float32: the scores of a flat line as long as each row, from which the evidence counts."""
        return np.concatenate(list(self._started().scores([np.zeros_like(row) for row in self._rows(X, lengths)])))

    @property
    def windowing(self) -> Preprocessing:
        """How recordings become windows: `preprocessing`, or what stands in for None."""
        return self.preprocessing or ARRAYS

    @property
    def evidence_step(self) -> float:
        """Length of an instance of evidence, in s."""
        return self._piece / self.windowing.fs

    @property
    def runtime(self) -> Literal["torch", "onnxruntime"]:
        """What judges: see `backend`."""
        return self._started().runtime

    @property
    def _piece(self) -> int:
        return piece_of(self._architecture, self.windowing.fs)

    @property
    def receptive_field(self) -> float:
        """How much signal, in s, one instance of the network sees."""
        return self._architecture.field / self.windowing.fs

    def predict(self, X: ArrayLike, *, lengths: ArrayLike | None = None) -> NDArray[Any]:
        """(n,) the label with the highest score. It carries no guarantee; `predict_set` does."""
        check_is_fitted(self, "network_")
        return np.asarray(self.classes_[self.scores(X, lengths=lengths).argmax(1)])

    def predict_proba(self, X: ArrayLike, *, lengths: ArrayLike | None = None) -> NDArray[np.float64]:
        """(n, K) sigmoids of the scores, scaled to add up to 1. They are not calibrated; `predict_set` is."""
        each = 1 / (1 + np.exp(-self.scores(X, lengths=lengths).astype(np.float64)))
        return np.asarray(each / each.sum(1, keepdims=True))

    def predict_set(self, X: ArrayLike, alpha: float = 0.1, *, lengths: ArrayLike | None = None) -> PredictionSets:
        """Give sets that miss a covered class's label with probability at most alpha."""
        check_is_fitted(self, "network_")
        return self._calibrated("predict_set").predict_set(self.scores(X, lengths=lengths), alpha)

    def findings(
        self, source: Recording | ArrayLike, *, alpha: float = 0.1, lengths: ArrayLike | None = None,
        leads: tuple[tuple[str, ...], ...] | None = None, explain: bool = True,
    ) -> Iterator[Finding]:  # fmt: skip
        """Judge the windows of a recording, or the rows of an array, one after the other.

        A recording is read as it is judged, so a day needs no more memory than a minute.

        Parameters
        ----------
        source
            A recording, or X as `predict` takes it.
        alpha
            Level of the sets.
        lengths
            Valid samples of each row of an array.
        leads
            Channels to judge in place of the specialist's own choice; see `Preprocessing.leads`.
        explain
            Whether to look for the evidence, which takes several times as long as the scores. Without it findings
            have no segments.

        Raises
        ------
        NotCalibratedError, InputError
            `calibrate` was not called; or the source can't be used: see `auricle.signals.cut` and `predict`.
        """
        calibration, engine = self._calibrated("findings"), self._started()
        chosen = self.windowing if leads is None else replace(self.windowing, leads=leads)
        if isinstance(source, Recording):
            about = origin(source.choose(chosen.leads, chosen.unit), self._channels - chosen.marks)
            windows = cut(source, chosen)
        else:
            self._rows(source, lengths)
            about, windows = {}, rows_as_windows(source, lengths, self.windowing)
        name, piece = name_of(self), self._piece if explain else None
        for found in judged(
            windows, engine, calibration, classes=self.classes_.tolist(), alpha=alpha, windowing=self.windowing,
            piece=piece,
        ):  # fmt: skip
            yield Finding(specialist=name, **about, **found)

    def explained(self, recording: Recording, finding: Finding) -> Finding:
        """Give the finding with its evidence and segments, for one that was made without."""
        chosen = replace(self.windowing, leads=tuple((name,) for name in finding.channels) or self.windowing.leads)
        (window,) = cut(recording, chosen, only=[finding.window.index])
        evidence = self._started().evidence(condition(window.samples, self.windowing), self._piece)
        scores = np.array([finding.scores[label] for label in finding.labels], np.float32)
        member = np.array([label in finding.set for label in finding.labels])
        update = shown(self.classes_.tolist(), evidence, scores, member, window, self.evidence_step)
        return finding.model_copy(update=update)

    def save(self, path: str | Path, *, graph: bool = False, **about: Any) -> Self:
        """Write the specialist into a folder, whole or not at all.

        Parameters
        ----------
        path
            A new folder, an empty one, or that of a specialist, which is replaced.
        graph
            Whether to add the network for ONNX Runtime, which needs the extra `onnx`. One that is there is kept.
        **about
            Fields of `Manifest` to set: name, version, summary, labels, intended_use, not_for, provenance, ...; and
            `card`, the text of the card.

        Raises
        ------
        InputError, SpecialistError
            A field can't be; or the folder can't be written, or holds something that is no specialist.
        """
        card = about.pop("card", None)
        manifest = self.manifest(**about)
        plain = f"# {manifest.name}\n\n{manifest.summary}\n"
        self._card = card if card is not None else self.__dict__.get("_card", plain)
        if graph:
            self._graph: bytes | None = to_onnx(self.network_)
        kept = self.__dict__.get("_graph")
        self.hash_ = folder.write(
            Path(path), manifest, self.network_.state_dict(), self._card, graph=kept,
            windows=packed(self.windows_, self.classes_.tolist()) if self.windows_ else None,
        )  # fmt: skip
        self.manifest_ = manifest
        return self

    def manifest(self, **about: Any) -> Manifest:
        """Everything but the weights, with some fields set anew: see `save`."""
        check_is_fitted(self, "network_")
        return manifest_of(self, about)

    @classmethod
    def load(cls, name: str | Path, *, device: str = "cpu", backend: Backend = "auto") -> Self:
        """Load a shipped specialist by name or any specialist by its folder; every byte is checked.

        Raises
        ------
        SpecialistError
            There is none of that name, a byte has changed, or its parts don't belong together.
        """
        manifest, weights, card, hash_, windows, graph = folder.read(name)
        settings, calibration, log = described(manifest, name)
        made = cls(**settings, device=device, backend=backend)
        architecture: Architecture = settings["architecture"]
        made.network_ = network_of(architecture, weights)
        made.classes_ = np.array(settings["labels"])
        made._channels, made._flat = architecture.channels, False
        made.n_features_in_ = architecture.channels
        if calibration is not None:
            made.calibration_ = calibration
        made.log_, made.parts_, made.manifest_, made.hash_ = log, dict(manifest.parts), manifest, hash_
        made._card, made._graph = card, graph
        made.windows_ = {} if windows is None else unpacked(windows, settings["labels"], name)
        return made

    @property
    def names(self) -> dict[str, str]:
        """A name in words for each label that has one."""
        return {str(label.label): label.name for label in self.manifest().labels if label.name}

    @property
    def card(self) -> str:
        """The card: what it was made from, what it is for and what it is not for. Markdown."""
        return str(self.__dict__.get("_card", ""))

    def part_of(self, subject: str) -> str | None:
        """Tell which part of the data a subject was in when the specialist was made."""
        mine = folder.digest(subject)
        return next((part for part, members in self.parts_.items() if mine in members), None)

    @property
    def _architecture(self) -> Architecture:
        check_is_fitted(self, "network_")
        return self.network_.architecture

    def _calibrated(self, asked: str) -> LabelConditional:
        check_is_fitted(self, "network_")
        if not hasattr(self, "calibration_"):
            raise NotCalibratedError(f"the specialist is not calibrated; call calibrate(X, y) before {asked}")
        return self.calibration_

    def _rows(self, X: ArrayLike, lengths: ArrayLike | None) -> list[Floats]:
        check_is_fitted(self, "network_")
        values = np.asarray(X)
        if not self._flat and values.ndim == 2 and self._channels == 1:
            values = values[:, None]  # a fitted 3-D estimator takes (n, time) too
        values = validate_data(self, values, allow_nd=True, dtype=np.float32, reset=False)
        return conditioned(values, lengths, self._channels, self.windowing)

    def _started(self) -> Engine:
        check_is_fitted(self, "network_")
        if "_engine" not in self.__dict__:
            self._engine = Engine.start(self.network_, self.backend, self.__dict__.get("_graph"))
        return self._engine

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {k: v for k, v in state.items() if k != "_engine"}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
