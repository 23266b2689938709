"""Asking a large language model, or a person, about a finding: the briefing, the request and the opinion."""

from auricle.consult.briefing import Briefing, Picture

__all__ = ["Briefing", "Picture"]
