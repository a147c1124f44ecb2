"""Run a submission behind a pipe: the parent never runs a line of it, the child never holds anything secret."""

from grading.isolation.parent import IsolatedImplementation, Limits
from grading.isolation.sandbox import CHOICES, TIERS, close_servers, server

__all__ = ["CHOICES", "TIERS", "IsolatedImplementation", "Limits", "close_servers", "server"]
