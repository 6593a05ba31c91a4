"""A small cluster manager on libactor that speaks the HTTP API of Mesos.

import mesoslite

with mesoslite.Cluster(agents=3) as cluster:
    cluster.run(MyFramework())
"""

from mesoslite.agent import Agent
from mesoslite.cluster import Cluster
from mesoslite.framework import Framework
from mesoslite.master import Master
from mesoslite.model import (
    ClusterState,
    CommandInfo,
    FrameworkEnded,
    InvalidRequest,
    InvalidResources,
    Label,
    MesosliteError,
    Offer,
    Resources,
    TaskInfo,
    TaskState,
    TaskStatus,
)

__all__ = [
    "Agent",
    "Cluster",
    "ClusterState",
    "CommandInfo",
    "Framework",
    "FrameworkEnded",
    "InvalidRequest",
    "InvalidResources",
    "Label",
    "Master",
    "MesosliteError",
    "Offer",
    "Resources",
    "TaskInfo",
    "TaskState",
    "TaskStatus",
]
