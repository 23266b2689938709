"""On-device learning for one patient under a change-control plan: tested, recorded, and undone at will.

`adapt` makes one attempt; `Plan` says what may change and what must hold; `Patient` keeps the versions.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auricle.adaptation.adapting import Adaptation, Source, adapt
    from auricle.adaptation.impact import Impact
    from auricle.adaptation.patient import Patient
    from auricle.adaptation.plan import Plan

__all__ = ["Adaptation", "Impact", "Patient", "Plan", "Source", "adapt"]

_HOMES = {
    "Adaptation": "adapting", "Source": "adapting", "adapt": "adapting", "Impact": "impact", "Patient": "patient",
    "Plan": "plan",
}  # fmt: skip


def __getattr__(name: str) -> object:
    # Loaded on first use: a patient's history needs no torch.
    if name in _HOMES:
        return getattr(import_module(f"auricle.adaptation.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'auricle.adaptation' has no attribute {name!r}")
