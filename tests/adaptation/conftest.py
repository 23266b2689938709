"""A base specialist made in a second, ledgers that begin with its weights, and patients to go with it."""

import copy
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from auricle import Specialist
from auricle.adaptation.patient import Patient
from auricle.adaptation.patient.adapted import weights_sha256
from auricle.network import Architecture
from auricle.training import TrainingSettings
from auricle.zeroth import Pool, ZerothOrder
from waves import save_specialist


def bumps(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Give n windows of noise, (n, 1, 60), with a bump in those that are called so."""
    rng = np.random.default_rng(seed)
    x = (0.1 * rng.normal(size=(n, 1, 60))).astype(np.float32)
    y = np.array(["bump", "flat"])[np.arange(n) % 2]
    x[y == "bump", 0, 20:32] += 2.0
    return x, y


@pytest.fixture(scope="session")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base") / "base"
    small = Architecture(kernels=(3, 5), blocks=1, modules=1, heads=4, stem_stride=1)
    specialist = Specialist(architecture=small, training=TrainingSettings(epochs=1, batch=16, lr=1e-2))
    specialist.fit(*bumps(32, 0)).calibrate(*bumps(40, 1)).save(folder, name="tiny", version="1")
    return folder


@pytest.fixture(scope="session")
def base(base_folder: Path) -> Specialist:
    return Specialist.load(base_folder)


@pytest.fixture(scope="session")
def train(base: Specialist) -> Callable[..., str]:
    """Take forward-only steps on the base's weights with a ledger, and give the hash of the weights they end with."""
    x, y = bumps(16, 2)
    target = torch.from_numpy((y == "bump").astype(np.int64))

    def go(path: Path, steps: int) -> str:
        network = copy.deepcopy(base.network_)
        optimizer = ZerothOrder(network.named_parameters(), lr=1e-3, perturbation=Pool(size=255, bits=6), ledger=path)
        while optimizer.steps < steps:
            optimizer.step(lambda: torch.nn.functional.cross_entropy(network(torch.from_numpy(x)), target))
        optimizer.close()
        return weights_sha256(network)

    return go


@pytest.fixture(scope="session")
def ledgers(train, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """Two ledgers, the second of which begins with the first."""
    path = tmp_path_factory.mktemp("ledgers") / "ledger.zo"
    train(path, 3)
    first = path.read_bytes()
    train(path, 5)
    return first, path.read_bytes()


@pytest.fixture(scope="session")
def calibrations(base: Specialist) -> tuple[dict, dict]:
    """The base's, and one that a patient's own windows gave."""
    own = copy.deepcopy(base).calibrate(*bumps(30, 3))
    return base.calibration_.to_dict(), own.calibration_.to_dict()


@pytest.fixture(scope="session")
def specialist(tmp_path_factory: pytest.TempPathFactory) -> Specialist:
    """Give the specialist of waves."""
    return Specialist.load(save_specialist(tmp_path_factory.mktemp("waves") / "waves"), backend="torch")


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """Give a folder in memory, where there is one, for thousands of small files."""
    place = Path("/dev/shm")
    if not os.access(place, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


@pytest.fixture
def patient(base: Specialist, base_folder: Path, tmp_path: Path) -> Patient:
    return Patient.create(tmp_path / "anna", base, subject="anna", place=base_folder)


@pytest.fixture
def grown(patient: Patient, ledgers, calibrations) -> Patient:
    """A patient with an accepted version, a refused attempt, and a second version that goes on from the first."""
    with patient.attempt() as attempt:
        attempt.accept(ledgers[0], calibrations[0], {"why": "better"})
    with patient.attempt() as attempt:
        attempt.refuse({"checks": [{"passed": True, "text": "yes"}, {"passed": False, "text": "coverage fell"}]})
    with patient.attempt() as attempt:
        attempt.accept(ledgers[1], calibrations[1], {"why": "better still"})
    return patient
