"""The allocator: shares the agents of a cluster among its frameworks. Pure: no clock, no actor, no I/O."""

# Only re-exports. The actor around it, which keeps time and randomness, lives in master/.

from .deltas import (
    AgentActivated,
    AgentAdded,
    AgentDeactivated,
    AgentRemoved,
    Delta,
    FilterExpired,
    FrameworkActivated,
    FrameworkAdded,
    FrameworkDeactivated,
    FrameworkRemoved,
    Grant,
    Plan,
    ResourcesRecovered,
    Revived,
    Suppressed,
    Usage,
    WeightChanged,
)
from .drf import DRFAllocator
from .sorter import ClusterTotal, DRFSorter, Sorter

__all__ = [
    "AgentActivated",
    "AgentAdded",
    "AgentDeactivated",
    "AgentRemoved",
    "ClusterTotal",
    "DRFAllocator",
    "DRFSorter",
    "Delta",
    "FilterExpired",
    "FrameworkActivated",
    "FrameworkAdded",
    "FrameworkDeactivated",
    "FrameworkRemoved",
    "Grant",
    "Plan",
    "ResourcesRecovered",
    "Revived",
    "Sorter",
    "Suppressed",
    "Usage",
    "WeightChanged",
]
