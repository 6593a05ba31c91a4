"""What users subclass: a framework's scheduler, and its executors, and how they reach a master and an agent."""

from .attendant import attend, submit
from .executor import Executor, ExecutorSettings, LocalExecutorConnection, executor_settings, run_executor
from .framework import Framework
from .local import LocalConnection
from .remote import RemoteConnection

__all__ = [
    "Executor",
    "ExecutorSettings",
    "Framework",
    "LocalConnection",
    "LocalExecutorConnection",
    "RemoteConnection",
    "attend",
    "executor_settings",
    "run_executor",
    "submit",
]
