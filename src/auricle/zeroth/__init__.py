"""Forward-only training with reused small integers, for any PyTorch model. Nothing medical.

>>> import torch
>>> from auricle.zeroth import Pool, ZerothOrder
>>> model = torch.nn.Linear(3, 1)
>>> optimizer = ZerothOrder(model.parameters(), lr=1e-2, eps=2**-10, perturbation=Pool(size=8191, bits=8))
>>> loss = optimizer.step(lambda: model(torch.ones(1, 3)).square().mean())  # two forward passes, no gradients
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auricle.zeroth.bank import LfsrBank
    from auricle.zeroth.distributed import DataParallel, WorkerLostError
    from auricle.zeroth.estimators import Estimator, OneSided, TwoSided
    from auricle.zeroth.fresh import Gaussian, Signs, Uniform
    from auricle.zeroth.grid import GridOverflowError
    from auricle.zeroth.ledger import Ledger, LedgerDamagedError, LedgerError
    from auricle.zeroth.no_slope import NoSlopeWarning
    from auricle.zeroth.optimizer import ZerothOrder
    from auricle.zeroth.perturbation import Perturbation
    from auricle.zeroth.pool import Pool
    from auricle.zeroth.reconstruction import pool_change, replay
    from auricle.zeroth.row_pool import RowPool
    from auricle.zeroth.specs import perturbation_from

__all__ = [
    "DataParallel",
    "Estimator",
    "Gaussian",
    "GridOverflowError",
    "Ledger",
    "LedgerDamagedError",
    "LedgerError",
    "LfsrBank",
    "NoSlopeWarning",
    "OneSided",
    "Perturbation",
    "Pool",
    "RowPool",
    "Signs",
    "TwoSided",
    "Uniform",
    "WorkerLostError",
    "ZerothOrder",
    "perturbation_from",
    "pool_change",
    "replay",
]

_HOMES = {
    "LfsrBank": "auricle.zeroth.bank",
    "DataParallel": "auricle.zeroth.distributed",
    "WorkerLostError": "auricle.zeroth.distributed",
    "Estimator": "auricle.zeroth.estimators",
    "OneSided": "auricle.zeroth.estimators",
    "TwoSided": "auricle.zeroth.estimators",
    "Gaussian": "auricle.zeroth.fresh",
    "Signs": "auricle.zeroth.fresh",
    "Uniform": "auricle.zeroth.fresh",
    "GridOverflowError": "auricle.zeroth.grid",
    "Ledger": "auricle.zeroth.ledger",
    "LedgerDamagedError": "auricle.zeroth.ledger",
    "LedgerError": "auricle.zeroth.ledger",
    "NoSlopeWarning": "auricle.zeroth.no_slope",
    "ZerothOrder": "auricle.zeroth.optimizer",
    "Perturbation": "auricle.zeroth.perturbation",
    "Pool": "auricle.zeroth.pool",
    "pool_change": "auricle.zeroth.reconstruction",
    "replay": "auricle.zeroth.reconstruction",
    "RowPool": "auricle.zeroth.row_pool",
    "perturbation_from": "auricle.zeroth.specs",
}


def __getattr__(name: str) -> object:
    # Loaded on first use: specs and ledgers need no torch.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'auricle.zeroth' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
