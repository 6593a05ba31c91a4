"""A small cluster manager on libactor that speaks the HTTP API of Mesos.

import mesoslite

with mesoslite.Cluster(agents=3) as cluster:
    cluster.run(MyFramework())
"""

from typing import TYPE_CHECKING

from mesoslite.agent import Agent, GarbageOptions, RecoveryOptions
from mesoslite.cluster import Cluster
from mesoslite.framework import Executor, Framework, run_executor
from mesoslite.master import Master
from mesoslite.model import (
    AllocatorFailed,
    ClusterState,
    CommandInfo,
    FrameworkEnded,
    InvalidRequest,
    InvalidResources,
    Label,
    MasterEnded,
    MesosliteError,
    Offer,
    Resources,
    TaskInfo,
    TaskState,
    TaskStatus,
)

__all__ = [
    "Agent",
    "AllocatorFailed",
    "Cluster",
    "ClusterState",
    "CommandInfo",
    "Executor",
    "Framework",
    "FrameworkEnded",
    "GarbageOptions",
    "InvalidRequest",
    "InvalidResources",
    "Label",
    "Master",
    "MasterEnded",
    "MesosliteError",
    "Offer",
    "RecoveryOptions",
    "Resources",
    "TaskInfo",
    "TaskState",
    "TaskStatus",
    "run_executor",
]

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name: str) -> str:
        """`__version__`, looked up only by who asks, since that takes longer than the import of this package."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from mesoslite.model.version import software_version

        return software_version()
