"""Tools for testing actors: runs that a seed repeats, filters for what arrives, made-up ends, disks that fail."""

# Imported with libactor, also by programs that test nothing: what a name needs is imported when it is first asked for.

from typing import TYPE_CHECKING

from libactor._core.errors import Stuck
from libactor.late import import_later

if TYPE_CHECKING:
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

_LATER = {
    "Conditions": "conditions",
    "DeterministicRuntime": "deterministic",
    "EventFilter": "filters",
    "EventLog": "event_log",
    "FakeDisk": "disk",
    "Host": "deterministic",
    "Network": "network",
    "Seen": "patterns",
    "Stream": "streams",
    "Streams": "streams",
    "Tape": "tape",
    "VirtualClock": "virtual_clock",
    "filter_events": "filters",
    "inject_exited": "filters",
    "seeds": "seeding",
    "shrink": "shrinking",
}

__getattr__ = import_later(__name__, _LATER)


def __dir__() -> list[str]:
    return __all__
