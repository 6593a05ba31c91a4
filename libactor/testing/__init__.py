"""Tools for testing actors: filters for what arrives, made-up ends, disks that fail."""

from libactor.testing.disk import FakeDisk
from libactor.testing.filters import EventFilter, filter_events, inject_exited
from libactor.testing.patterns import Seen

__all__ = ["EventFilter", "FakeDisk", "Seen", "filter_events", "inject_exited"]
