"""Tools for testing actors: runs that a seed repeats, filters for what arrives, made-up ends, disks that fail."""

from libactor._core.errors import Stuck
from libactor.testing.conditions import Conditions
from libactor.testing.deterministic import DeterministicRuntime, Host
from libactor.testing.disk import FakeDisk
from libactor.testing.event_log import EventLog
from libactor.testing.filters import EventFilter, filter_events, inject_exited
from libactor.testing.network import Network
from libactor.testing.patterns import Seen
from libactor.testing.seeding import seeds
from libactor.testing.shrinking import shrink
from libactor.testing.streams import Stream, Streams
from libactor.testing.tape import Tape
from libactor.testing.virtual_clock import VirtualClock

__all__ = [
    "Conditions",
    "DeterministicRuntime",
    "EventFilter",
    "EventLog",
    "FakeDisk",
    "Host",
    "Network",
    "Seen",
    "Stream",
    "Streams",
    "Stuck",
    "Tape",
    "VirtualClock",
    "filter_events",
    "inject_exited",
    "seeds",
    "shrink",
]
