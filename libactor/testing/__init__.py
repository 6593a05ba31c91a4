"""Tools for testing actors: runs that a seed repeats, filters for what arrives, made-up ends, disks that fail."""

# Imported with libactor, also by programs that test nothing: what a name needs is imported when it is first asked for.

from typing import TYPE_CHECKING

from libactor._core.errors import Stuck

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
    "Conditions": "libactor.testing.conditions",
    "DeterministicRuntime": "libactor.testing.deterministic",
    "EventFilter": "libactor.testing.filters",
    "EventLog": "libactor.testing.event_log",
    "FakeDisk": "libactor.testing.disk",
    "Host": "libactor.testing.deterministic",
    "Network": "libactor.testing.network",
    "Seen": "libactor.testing.patterns",
    "Stream": "libactor.testing.streams",
    "Streams": "libactor.testing.streams",
    "Tape": "libactor.testing.tape",
    "VirtualClock": "libactor.testing.virtual_clock",
    "filter_events": "libactor.testing.filters",
    "inject_exited": "libactor.testing.filters",
    "seeds": "libactor.testing.seeding",
    "shrink": "libactor.testing.shrinking",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_LATER[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
