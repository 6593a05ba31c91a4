"""Containers: how a task's command is started, watched and ended on one machine."""

from .launcher import PosixLauncher

__all__ = ["PosixLauncher"]
