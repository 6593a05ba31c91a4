"""Elections: which of several masters leads, and how everybody else learns of it."""

from .memory import MemoryElection, MemoryMember
from .standalone import StandaloneMember

__all__ = ["MemoryElection", "MemoryMember", "StandaloneMember"]
