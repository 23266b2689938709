"""Forward-only training with reused small integers, for any PyTorch model. Nothing medical.

>>> import torch
>>> from auricle.zeroth import Pool, ZerothOrder
>>> model = torch.nn.Linear(3, 1)
>>> optimizer = ZerothOrder(model.parameters(), lr=1e-2, eps=2**-10, perturbation=Pool(size=8191, bits=8))
>>> loss = optimizer.step(lambda: model(torch.ones(1, 3)).square().mean())  # two forward passes, no gradients
"""

from auricle.zeroth.bank import LfsrBank
from auricle.zeroth.estimators import Estimator, OneSided, TwoSided
from auricle.zeroth.fresh import Gaussian, Signs, Uniform
from auricle.zeroth.grid import GridOverflowError
from auricle.zeroth.ledger import Ledger, LedgerDamagedError, LedgerError
from auricle.zeroth.optimizer import ZerothOrder
from auricle.zeroth.perturbation import Perturbation
from auricle.zeroth.pool import Pool
from auricle.zeroth.replay import pool_change, replay
from auricle.zeroth.specs import perturbation_from

__all__ = [
    "Estimator",
    "Gaussian",
    "GridOverflowError",
    "Ledger",
    "LedgerDamagedError",
    "LedgerError",
    "LfsrBank",
    "OneSided",
    "Perturbation",
    "Pool",
    "Signs",
    "TwoSided",
    "Uniform",
    "ZerothOrder",
    "perturbation_from",
    "pool_change",
    "replay",
]
