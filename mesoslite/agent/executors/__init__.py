"""Executors on an agent: programs of frameworks that run tasks, and speak to the agent by the executor API."""

from .environment import is_executor
from .execution import Execution
from .life import Executors
from .line import ExecutorLine
from .options import ExecutorOptions

__all__ = ["Execution", "ExecutorLine", "ExecutorOptions", "Executors", "is_executor"]
