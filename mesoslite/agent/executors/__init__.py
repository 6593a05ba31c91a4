"""Executors on an agent: programs of frameworks that run tasks, and speak to the agent by the executor API."""

from .environment import is_executor
from .execution import Execution
from .life import Executors
from .line import ExecutorLine

__all__ = ["Execution", "ExecutorLine", "Executors", "is_executor"]
