"""Containers: how a task's command is started, watched and ended on one machine."""

from .posix import PosixContainerizer
from .supervised import SupervisedContainerizer

__all__ = ["PosixContainerizer", "SupervisedContainerizer"]
