"""The allocator: shares the agents of a cluster among its frameworks. Pure: no clock, no actor, no I/O."""

# Only re-exports. The actor around it, which keeps time and randomness, lives in master/.

from .drf import DRFAllocator
from .sorter import ClusterTotal, DRFSorter, Sorter

__all__ = [
    "ClusterTotal",
    "DRFAllocator",
    "DRFSorter",
    "Sorter",
]
