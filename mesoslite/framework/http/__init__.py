"""A framework and its master over the v1 scheduler API, ours or that of Mesos."""

from .addresses import master_url, split_credential
from .connection import HttpConnection

__all__ = ["HttpConnection", "master_url", "split_credential"]
