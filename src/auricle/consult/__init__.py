"""Asking a large language model, or a person, about a finding: the briefing, the request and the opinion."""

from auricle.consult.briefing import Briefing, Picture, brief
from auricle.consult.guard import Guard, IdentifyingError
from auricle.consult.request import Request, request_of

__all__ = ["Briefing", "Guard", "IdentifyingError", "Picture", "Request", "brief", "request_of"]
