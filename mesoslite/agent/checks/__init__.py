"""Checks: whether a task is well, and what it says of itself, asked again and again while it runs."""

from .checks import Checks
from .findings import with_findings
from .prober import PortProber, Prober

__all__ = ["Checks", "PortProber", "Prober", "with_findings"]
