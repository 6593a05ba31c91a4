"""The transport: actors of other hosts, over TCP."""

from libactor.transport.configuration import Remote

__all__ = ["Remote"]
