"""The change-control plan: what may change, how it is done, and what must be proved first."""

from auricle.adaptation.plan.plan import FORMAT, Assessment, CheckKind, Description, Plan, plan_schema
from auricle.adaptation.plan.protocol import Protocol

__all__ = ["FORMAT", "Assessment", "CheckKind", "Description", "Plan", "Protocol", "plan_schema"]
