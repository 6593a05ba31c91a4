"""Clusters: where the parts meet that may not import each other. The composition root."""

from .boot_id import boot_id
from .cluster import Cluster
from .nodes import AgentNode, MasterNode

__all__ = ["AgentNode", "Cluster", "MasterNode", "boot_id"]
