"""The agent: runs the tasks of one machine and tells its master how they go."""

from .agent import Agent
from .recovery import RecoveryOptions

__all__ = ["Agent", "RecoveryOptions"]
