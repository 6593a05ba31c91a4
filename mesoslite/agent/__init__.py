"""The agent: runs the tasks of one machine and tells its master how they go."""

from .agent import Agent
from .executors import ExecutorOptions
from .garbage import GarbageOptions
from .recovery import RecoveryOptions

__all__ = ["Agent", "ExecutorOptions", "GarbageOptions", "RecoveryOptions"]
