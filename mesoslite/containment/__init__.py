"""Containers: how a task's command is started, watched and ended on one machine."""

from .posix import PosixContainerizer

__all__ = ["PosixContainerizer"]
