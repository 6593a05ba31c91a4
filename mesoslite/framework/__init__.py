"""What users subclass: the scheduler's side of a framework, and how it reaches a master."""

from .attendant import attend, submit
from .framework import Framework
from .local import LocalConnection
from .remote import RemoteConnection

__all__ = ["Framework", "LocalConnection", "RemoteConnection", "attend", "submit"]
