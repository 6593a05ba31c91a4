"""What users subclass to run tasks of a framework on an agent, and how it reaches that agent."""

from .executor import Executor
from .local import LocalExecutorConnection
from .run import run_executor
from .settings import ExecutorSettings, executor_settings

__all__ = ["Executor", "ExecutorSettings", "LocalExecutorConnection", "executor_settings", "run_executor"]
