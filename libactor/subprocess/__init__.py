"""Programs: started, spoken to by pipes, and heard of when they end, all by futures and without polling."""

# Who calls: users. ``start`` belongs to a runtime, whose poller waits for the ends of programs and for their pipes;
#   Program is an actor around one program; the Reaper has a thread of its own and needs no runtime.
# Source: libprocess subprocess.hpp, reap.hpp.

from typing import TYPE_CHECKING

from libactor.late import import_later

if TYPE_CHECKING:
    from libactor.subprocess.child import Child, start
    from libactor.subprocess.children import reap
    from libactor.subprocess.process import Subprocess
    from libactor.subprocess.program import Program
    from libactor.subprocess.reaper import Reaper
    from libactor.subprocess.redirects import Append
    from libactor.subprocess.starting import DEVNULL, INHERIT, PIPE, STDOUT, Identity

__all__ = [
    "DEVNULL",
    "INHERIT",
    "PIPE",
    "STDOUT",
    "Append",
    "Child",
    "Identity",
    "Program",
    "Reaper",
    "Subprocess",
    "reap",
    "start",
]

_LATER = {
    "Append": "redirects",
    "Child": "child",
    "DEVNULL": "starting",
    "INHERIT": "starting",
    "Identity": "starting",
    "PIPE": "starting",
    "Program": "program",
    "Reaper": "reaper",
    "STDOUT": "starting",
    "Subprocess": "process",
    "reap": "children",
    "start": "child",
}

__getattr__ = import_later(__name__, _LATER)


def __dir__() -> list[str]:
    return __all__
