"""Checkpoints: what of an agent outlives it, in files below its work directory, written before it matters."""

from .checkpoints import Checkpoints
from .contents import (
    AskedToEnd,
    ExecutorCheckpoint,
    OperationCheckpoint,
    ResourcesCheckpoint,
    StandaloneCheckpoint,
    TaskCheckpoint,
    Verdict,
)
from .files import BadCheckpoint
from .reading import FoundFramework, FoundRun, FoundTask, Reader
from .task_log import TaskLog

__all__ = [
    "AskedToEnd",
    "BadCheckpoint",
    "Checkpoints",
    "ExecutorCheckpoint",
    "FoundFramework",
    "FoundRun",
    "FoundTask",
    "OperationCheckpoint",
    "Reader",
    "ResourcesCheckpoint",
    "StandaloneCheckpoint",
    "TaskCheckpoint",
    "TaskLog",
    "Verdict",
]
