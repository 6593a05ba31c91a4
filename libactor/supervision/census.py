"""Census: which actors of a runtime are children of supervisors, and at which PIDs those are known."""

# Who calls: Runtime owns one, and asks it whom to leave to their supervisors when it closes; supervisors keep it.
# A PID is remembered here for as long as anybody holds it: so a supervisor that was itself started anew starts its
#   children at the PIDs that others know them by.

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from libactor.pid import PID
    from libactor.process import Process


class Census:
    """The supervised actors of one runtime."""

    __slots__ = ("_children", "_lock", "_pids", "restarts")

    # _pids: by supervisor's and child's id.    restarts: so far.

    def __init__(self) -> None:
        self._lock = threading.RLock()  # re-entrant: a finalizer may run in any section
        self._children: set[Process] = set()
        self._pids: weakref.WeakValueDictionary[tuple[str, str], PID[Any]] = weakref.WeakValueDictionary()
        self.restarts = 0

    def find(self, supervisor: str, child: str) -> PID[Any] | None:
        """The PID at which the last child of that id was started by the supervisor of that id, if anybody holds it."""
        return self._pids.get((supervisor, child))

    def enter(self, supervisor: str, pid: PID[Any]) -> None:
        """A supervisor has started a child."""
        with self._lock:
            self._pids[supervisor, pid.id] = pid
            self._children.add(pid._process)

    def leave(self, process: Process) -> None:
        """A child has ended, or was left behind."""
        with self._lock:
            self._children.discard(process)

    def count_restart(self) -> None:
        """A supervisor starts a child anew."""
        with self._lock:
            self.restarts += 1

    def divide(self, processes: Iterable[Process]) -> tuple[list[Process], list[Process]]:
        """Those of ``processes`` that nobody supervises, and the others, each in their order."""
        listed = list(processes)
        with self._lock:
            children = {process for process in listed if process in self._children}
        return [process for process in listed if process not in children], [
            process for process in listed if process in children
        ]
