"""The master: who is in the cluster, who is offered what, and what became of every task."""

from .allocation import Allocator, checked_interval
from .master import Master

__all__ = ["Allocator", "Master", "checked_interval"]
