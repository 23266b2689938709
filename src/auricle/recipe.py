"""A recipe: one TOML file from labelled recordings to a specialist, and how it is followed."""

import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from auricle.card import card
from auricle.errors import FormatError, InputError
from auricle.evaluation import Progress, evaluate
from auricle.folder import Label, check_free, digest, first_fault
from auricle.network import Architecture
from auricle.signals import Preprocessing
from auricle.signals.archives import PARTS, LabelledWindows, Part, Split, open_archive
from auricle.specialist import Specialist
from auricle.specialist.windows import KeptWindows, Use
from auricle.toml import nearest, read_toml
from auricle.training import Epoch, TrainingSettings


class Data(BaseModel):
    """Where the labelled recordings lie and how they are split."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str | None = None
    """The kind of archive; None finds out."""
    path: str
    """Relative to the data folder."""
    split: str
    """File with the subjects of each part, relative to the recipe; drawn and written if it isn't there."""
    seed: int = 0
    """Of the draw."""
    shares: tuple[float, float, float, float] = (0.6, 0.1, 0.15, 0.15)
    """Of train, validation, calibration and test."""
    most: int | None = Field(default=None, ge=1)
    """At most this many windows of one recording and label are trained on, evenly spaced; None takes all."""
    rehearsal: int = Field(default=0, ge=0)
    """Windows of each recording and label of the train part that ship with the specialist for adaptations."""
    reference: int = Field(default=0, ge=0)
    """The same of the calibration part, to test adaptations on: locked, nothing is trained on them."""
    source: str = ""
    """What the data are and under which licence, for the card."""


class Recipe(BaseModel):
    """Everything that makes a specialist, but the recordings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str = "0"
    summary: str = ""
    scored: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    intended_use: str = ""
    not_for: tuple[str, ...] = ()
    data: Data
    labels: tuple[Label, ...] = Field(min_length=2)
    preprocessing: dict[str, Any]
    architecture: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def read(cls, path: str | Path) -> "Recipe":
        """Read and check a recipe.

        Raises
        ------
        FormatError
            The file is missing or no TOML; a key is unknown, missing or of the wrong kind; or labels contradict.
        """
        path = Path(path)
        content = read_toml(path, "recipe", hint="give a TOML file such as recipes/af.toml of auricle's repository")
        try:
            recipe = cls.model_validate(content)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = first["loc"]
            where = ".".join(map(str, place))
            if first["type"] == "extra_forbidden":
                tables: dict[str, type[BaseModel]] = {"data": Data, "labels": Label}
                table = tables.get(str(place[0]), cls) if len(place) > 1 else cls
                raise FormatError(
                    f"the recipe {path} has an unknown key {where}{nearest(str(place[-1]), table.model_fields)}"
                ) from error
            raise FormatError(f"the recipe {path}: {first_fault(error)}") from error
        recipe._check_labels(path)
        try:
            recipe.estimator()
        except InputError as error:
            raise FormatError(f"the recipe {path}: {error}") from error
        return recipe

    def _check_labels(self, path: Path) -> None:
        """Refuse what would be noticed only after the training."""
        known = [str(label.label) for label in self.labels]
        if twice := [label for label, n in Counter(known).items() if n > 1]:
            raise FormatError(f"the recipe {path}: [[labels]] names {', '.join(twice)} more than once")
        for key, given in (("scored", self.scored), ("leave_out", self.leave_out)):
            if strange := [label for label in given if label not in known]:
                raise FormatError(f"the recipe {path}: {key} names {strange[0]!r}{nearest(strange[0], known)}")
        if len(set(self.leave_out)) == len(known):
            raise FormatError(f"the recipe {path}: leave_out names every label; at least one must remain")

    def estimator(self, device: str = "cpu") -> Specialist:
        """Give the untrained specialist."""
        shape = {"channels": 1, "classes": len(self.labels), **self.architecture}
        return Specialist(
            preprocessing=_settings(Preprocessing, self.preprocessing, "preprocessing"),
            architecture=_settings(Architecture, shape, "architecture"),
            training=_settings(TrainingSettings, self.training, "training"),
            labels=[label.label for label in self.labels],
            leave_out=self.leave_out,
            device=device,
        )


def _settings(kind: Any, given: dict[str, Any], table: str) -> Any:
    """Make a settings dataclass of a table of the recipe, every value checked against the field's type."""
    types = get_type_hints(kind)
    values = {}
    for key, value in given.items():
        if key not in types:
            raise FormatError(f"[{table}] has an unknown key {key!r}{nearest(key, types)}")
        try:
            values[key] = TypeAdapter(types[key]).validate_python(value)
        except ValidationError as error:
            raise FormatError(f"[{table}] {key}: {first_fault(error)}") from error
    if missing := [field.name for field in fields(kind) if field.default is MISSING and field.name not in values]:
        raise FormatError(f"[{table}] lacks {', '.join(missing)}")
    return kind(**values)


def parts_of(recipe: Recipe, recipe_path: Path, windows: LabelledWindows) -> dict[Part, LabelledWindows]:
    """Split windows by the recipe's split file; a missing one is drawn and written first."""
    path = recipe_path.parent / recipe.data.split
    if path.exists():
        split = Split.load(path)
    else:
        split = Split.draw(
            windows.subjects.tolist(), windows.labels.tolist(), seed=recipe.data.seed, shares=recipe.data.shares
        )
        split.save(path)
    if strange := len(windows) - sum(int(split.mask(windows.subjects.tolist(), part).sum()) for part in PARTS):
        warnings.warn(
            f"{strange} of {len(windows)} windows are of subjects that {path} doesn't name; they are left out",
            stacklevel=2,
        )
    parts = {part: windows.select(split.mask(windows.subjects.tolist(), part)) for part in PARTS}
    for part in ("train", "calibration"):
        if not len(parts[part]):
            raise InputError(f"the {part} part of {path} holds none of the recordings; is it the split of other data?")
    return parts


def thinned(windows: LabelledWindows, most: int) -> LabelledWindows:
    """Keep at most so many windows of each label in each recording, evenly spaced: hours of one kind teach little."""
    kept = []
    for recording in np.unique(windows.recordings):
        for label in np.unique(windows.labels):
            there = np.flatnonzero((windows.recordings == recording) & (windows.labels == label))
            kept.append(there[np.unique(np.linspace(0, len(there) - 1, min(most, len(there))).round().astype(int))])
    return windows.select(np.sort(np.concatenate(kept)))


def follow(
    recipe_path: str | Path, data: Path, out: Path, *, device: str = "cpu", progress: Progress | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Train, calibrate and evaluate as a recipe says, and save the specialist.

    A stopped run goes on after its last whole epoch: its state lies in `OUT.run`. The test part is read once, last.

    Parameters
    ----------
    recipe_path
        The TOML file.
    data
        Folder that `data.path` is relative to.
    out
        Folder of the specialist.
    progress
        Called with done, all, and what is being done.

    Returns
    -------
    dict
        The evaluation on the test part, as `evaluate` gives it.
    """
    recipe_path = Path(recipe_path)
    recipe = Recipe.read(recipe_path)
    check_free(out.absolute())
    specialist = recipe.estimator(device)
    assert isinstance(specialist.preprocessing, Preprocessing)
    windows = open_archive(
        data / recipe.data.path,
        specialist.preprocessing,
        kind=recipe.data.kind,
        labels=[str(label.label) for label in recipe.labels],
        progress=(lambda done, total: progress(done, total, "reading")) if progress else None,
    )
    parts = parts_of(recipe, recipe_path, windows)
    if recipe.data.most is not None:
        parts["train"] = thinned(parts["train"], recipe.data.most)
    train, held, calibration, test = (parts[part] for part in PARTS)
    specialist.fit(
        train.samples,
        train.labels,
        train.subjects,
        lengths=train.lengths,
        validation=(held.samples, held.labels, held.lengths) if len(held) else None,
        checkpoint=out.with_name(out.name + ".run"),
        on_step=(lambda done, planned: progress(done, planned, "training")) if progress else None,
        on_epoch=on_epoch,
    )
    specialist.parts_ |= {
        part: tuple(map(digest, np.unique(parts[part].subjects).tolist())) for part in ("validation", "test")
    }
    specialist.calibrate(calibration.samples, calibration.labels, calibration.subjects, lengths=calibration.lengths)
    kept: dict[Use, KeptWindows] = {}
    uses: tuple[tuple[Use, Part, int], ...] = (
        ("rehearsal", "train", recipe.data.rehearsal), ("reference", "calibration", recipe.data.reference),
    )  # fmt: skip
    for use, part, most in uses:
        if most:
            kept[use] = KeptWindows.of(thinned(parts[part], most), specialist.classes_.tolist())
    if kept:
        specialist.windows_ = kept
    about: dict[str, Any] = {
        "name": recipe.name,
        "version": recipe.version,
        "summary": recipe.summary,
        "labels": recipe.labels,
        "scored": recipe.scored,
        "intended_use": recipe.intended_use,
        "not_for": recipe.not_for,
        "provenance": {
            **specialist.manifest().provenance,
            "simulated": windows.simulated,
            "recipe": recipe_path.name,
            "data": recipe.data.source or recipe.data.path,
            "windows": {part: len(parts[part]) for part in PARTS},
            "per_class": {
                part: {str(label.label): int((parts[part].labels == str(label.label)).sum()) for label in recipe.labels}
                for part in PARTS
            },
        },
    }
    specialist.manifest_ = specialist.manifest(**about)
    result = evaluate(specialist, test, progress=progress) if len(test) else {}
    specialist.save(out, card=card(specialist, result))
    if result:
        result["specialist"]["hash"] = specialist.hash_
    return result
