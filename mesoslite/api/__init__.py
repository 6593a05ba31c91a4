"""The HTTP API of a master and of its agents, as ASGI applications: Mesos's own endpoints, to the letter."""

from .agent import agent_app
from .authentication import NOBODY, Authentication, parse_credentials
from .executor_tokens import ExecutorTokens
from .hosts import loopback_hosts
from .master import master_app

__all__ = [
    "NOBODY",
    "Authentication",
    "ExecutorTokens",
    "agent_app",
    "loopback_hosts",
    "master_app",
    "parse_credentials",
]
