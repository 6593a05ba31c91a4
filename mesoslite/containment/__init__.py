"""Containers: how a task's command is started, watched and ended on one machine."""

from .fetching import FetcherOptions, FetchingContainerizer
from .posix import PosixContainerizer
from .relaying import RelayingContainerizer
from .supervised import SupervisedContainerizer

__all__ = [
    "FetcherOptions",
    "FetchingContainerizer",
    "PosixContainerizer",
    "RelayingContainerizer",
    "SupervisedContainerizer",
]
