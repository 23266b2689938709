"""What several rooms' tests share."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from auricle import Specialist, folder
from auricle.recipe import follow
from auricle.signals.simulate import atrial_fibrillation, noise, sinus, with_ectopic_beats

# On a busy machine several threads in each of several workers can make torch a hundred times slower.
torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep a graph that somebody once exported out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def data() -> Path:
    """Give the folder of real data, or skip."""
    folder = Path(os.environ.get("AURICLE_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; AURICLE_DATA may name another place")
    return folder


@pytest.fixture(scope="session")
def af() -> Specialist:
    """Give the shipped specialist, or skip."""
    if "af" not in folder.shipped():
        pytest.skip("this checkout ships no specialist af")
    return Specialist.load("af")


TINY = """
name = "tiny"
version = "7"
summary = "Tells simulated rhythms apart, for tests."
scored = ["N", "A", "O"]
intended_use = "Tests."
not_for = ["people"]

[data]
kind = "cinc2017"
path = "packed.npz"
split = "tiny.split.json"
seed = 5
shares = [0.3, 0.1, 0.4, 0.2]
source = "simulated"

[[labels]]
label = "N"
name = "sinus rhythm"

[[labels]]
label = "A"
name = "atrial fibrillation"
definition = "irregular"

[[labels]]
label = "O"

[[labels]]
label = "~"

[preprocessing]
fs = 60.0
leads = [["I", "ECG"]]
window = 10.0
hop = 10.0
longest = 20.0

[architecture]
stem_stride = 6
kernels = [3, 5]
blocks = 1
modules = 1
heads = 4

[training]
epochs = 3
batch = 8
"""


def pack(path: Path, recordings: dict[str, tuple[str, np.ndarray]], fs: float = 300.0) -> Path:
    """Write recordings, given as id -> label and samples in mV, in the layout of cinc2017.npz."""
    digital = [np.round(1000 * samples).astype(np.int16) for _, samples in recordings.values()]
    np.savez(
        path,
        delta=np.concatenate([np.diff(one, prepend=np.int16(0)) for one in digital]),
        offset=np.cumsum([0, *map(len, digital)]),
        id=np.array(list(recordings)),
        label=np.array([label for label, _ in recordings.values()]),
        fs=fs,
        gain=1000.0,
    )
    return path


def rhythms(each: int, *, first: int = 0, duration: float = 8.0) -> dict[str, tuple[str, np.ndarray]]:
    """Simulate `each` recordings of four rhythms, of unequal length; seeds count from `first`."""
    found = {}
    for i in range(first, first + each):
        seconds = duration + 0.5 * (i % 3)
        made = {
            "N": sinus(seconds, seed=i),
            "A": atrial_fibrillation(seconds, seed=i),
            "O": with_ectopic_beats(seconds, at=(2.2, 4.9), seed=i),
            "~": noise(seconds, seed=i),
        }
        found |= {f"{label}{i}": (label, one.samples()[0]) for label, one in made.items()}
    return found


@dataclass(frozen=True)
class Made:
    """A recipe that was followed: where all lies, and the evaluation it ended with."""

    recipe: Path
    data: Path
    specialist: Path
    result: dict[str, Any]


@pytest.fixture
def one_thread():
    """Threads on a busy machine can make torch a hundred times slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Follow a tiny recipe on simulated ECGs: a specialist folder in seconds."""
    root = tmp_path_factory.mktemp("made")
    (root / "data").mkdir()
    pack(root / "data" / "packed.npz", rhythms(24))
    recipe = root / "tiny.toml"
    recipe.write_text(TINY, encoding="utf-8")
    result = follow(recipe, root / "data", root / "tiny")
    return Made(recipe, root / "data", root / "tiny", result)
