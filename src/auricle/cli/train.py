"""`auricle train`: from a recipe to a specialist."""

from pathlib import Path
from typing import Annotated

from auricle.cli.evaluate import evaluation_text
from auricle.cli.options import Json, at_least
from auricle.cli.terminal import note, plain, print_json, progress
from auricle.errors import InputError


def train(
    recipe: Path, /, *, data: Path | None = None, out: Path | None = None, device: str = "cpu",
    threads: Annotated[int | None, at_least(1)] = None, json: Json = False,
) -> int:  # fmt: skip
    """Train, calibrate and evaluate a specialist as a recipe says. A stopped run goes on after its last whole epoch.

    Parameters
    ----------
    recipe
        The recipe, a TOML file; recipes/af.toml in the repository is one.
    data
        Folder that the recipe's data path begins in; the one that the environment variable AURICLE_DATA names if not
        given.
    out
        Folder for the specialist; one of the recipe's name if not given.
    device
        Where torch trains: cpu, cuda, mps, ...
    threads
        Threads of the processor; all cores if not given.
    """
    import torch

    from auricle.doctor import data_folder
    from auricle.recipe import Recipe, follow

    if threads is not None:
        torch.set_num_threads(threads)
    root = data or data_folder()
    if root is None:
        raise InputError("where are the recordings? give --data FOLDER, or set the environment variable AURICLE_DATA")
    try:
        torch.zeros(1, device=device)
    except (
        RuntimeError,
        AssertionError,
        NotImplementedError,
    ) as error:  # an unknown name, or a torch built without the device
        raise InputError(f"device {device!r} can't be used here; cpu always can") from error
    target = out or Path(Recipe.read(recipe).name)
    with progress() as update:
        result = follow(
            recipe, root, target, device=device, progress=update,
            on_epoch=lambda e: note(
                f"epoch {e.epoch + 1}: loss {e.train_loss:.4f}, validation loss {e.validation_loss:.4f}, "
                f"macro F1 {e.validation_f1:.3f}"
            ),
        )  # fmt: skip
    if json:
        print_json(result)
    else:
        print(evaluation_text(result) if result else "trained and calibrated; the split has no test part")
        print(plain(f"specialist: {target}"))
    return 0
