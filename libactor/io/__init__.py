"""Input and output by futures: descriptors that are read and written without blocking, files that are watched."""

# Who calls: users, in actors or anywhere; libactor/subprocess for the pipes to programs.
# A descriptor is any number the system knows, or an object with a ``fileno``: pipe, socket, terminal, file. Nothing is
#   changed about it: whether it blocks is a property that it shares with whoever else has it open, such as the shell
#   that has the same terminal.
# Source: libprocess io.hpp, io.cpp, watcher.hpp.

from typing import TYPE_CHECKING

from libactor.late import import_later

if TYPE_CHECKING:
    from libactor.io.operations import READ, WRITE, Readiness
    from libactor.io.stream import Stream
    from libactor.io.transfers import poll, read, read_all, redirect, write
    from libactor.io.watcher import Change, Event, Watcher

__all__ = [
    "READ",
    "WRITE",
    "Change",
    "Event",
    "Readiness",
    "Stream",
    "Watcher",
    "poll",
    "read",
    "read_all",
    "redirect",
    "write",
]

_LATER = {
    "Change": "watcher",
    "Event": "watcher",
    "READ": "operations",
    "Readiness": "operations",
    "Stream": "stream",
    "WRITE": "operations",
    "Watcher": "watcher",
    "poll": "transfers",
    "read": "transfers",
    "read_all": "transfers",
    "redirect": "transfers",
    "write": "transfers",
}

__getattr__ = import_later(__name__, _LATER)


def __dir__() -> list[str]:
    return __all__
