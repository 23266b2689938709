"""Asking a large language model, or a person, about a finding: the briefing, the request and the opinion."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auricle.consult.briefing import Briefing, Picture, brief
    from auricle.consult.consultation import Consultation
    from auricle.consult.consulting import Consultant
    from auricle.consult.endpoint import Endpoint
    from auricle.consult.guard import Guard, IdentifyingError
    from auricle.consult.heard import Heard
    from auricle.consult.opinion import Opinion
    from auricle.consult.preflight import Abilities
    from auricle.consult.request import Request, request_of
    from auricle.consult.server import Server

__all__ = [
    "Abilities",
    "Briefing",
    "Consultant",
    "Consultation",
    "Endpoint",
    "Guard",
    "Heard",
    "IdentifyingError",
    "Opinion",
    "Picture",
    "Request",
    "Server",
    "brief",
    "request_of",
]

_HOMES = {
    "Abilities": "preflight", "Briefing": "briefing", "Consultant": "consulting", "Consultation": "consultation",
    "Endpoint": "endpoint", "Guard": "guard", "Heard": "heard", "IdentifyingError": "guard", "Opinion": "opinion",
    "Picture": "briefing", "Request": "request", "Server": "server", "brief": "briefing", "request_of": "request",
}  # fmt: skip


def __getattr__(name: str) -> object:
    # Loaded on first use: to read an opinion takes neither pictures nor a network.
    if name in _HOMES:
        return getattr(import_module(f"auricle.consult.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'auricle.consult' has no attribute {name!r}")
