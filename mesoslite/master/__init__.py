"""The master: who is in the cluster, who is offered what, and what became of every task."""

from .agent_options import AgentOptions
from .allocation import Allocator, checked_interval
from .master import Master
from .options import MasterOptions

__all__ = ["AgentOptions", "Allocator", "Master", "MasterOptions", "checked_interval"]
