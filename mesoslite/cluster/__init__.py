"""Clusters: where the parts meet that may not import each other. The composition root."""

from .cluster import Cluster
from .nodes import AgentNode, MasterNode

__all__ = ["AgentNode", "Cluster", "MasterNode"]
