"""A framework and its master over the v1 scheduler API, ours or that of Mesos."""

from .addresses import master_url
from .connection import HttpConnection

__all__ = ["HttpConnection", "master_url"]
