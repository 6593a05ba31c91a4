"""Clusters: where the parts meet that may not import each other. The composition root."""

from .cluster import Cluster

__all__ = ["Cluster"]
