"""The allocator: shares the agents of a cluster among its frameworks. Pure: no clock, no actor, no I/O."""

# Only re-exports. The actor around it, which keeps time and randomness, lives in master/.

from .cycle import Cycle
from .drf import DRFSorter
from .hierarchical import HierarchicalAllocator
from .lottery import LotterySorter
from .plugins import DEFAULT_POLICY, PolicyFactory, PolicySource, named_policy, named_sorter
from .sorter import ClusterTotal, Sorter, SorterFactory, Standing, StandingOf

__all__ = [
    "DEFAULT_POLICY",
    "ClusterTotal",
    "Cycle",
    "DRFSorter",
    "HierarchicalAllocator",
    "LotterySorter",
    "PolicyFactory",
    "PolicySource",
    "Sorter",
    "SorterFactory",
    "Standing",
    "StandingOf",
    "named_policy",
    "named_sorter",
]
