"""Census: which actors of a runtime are children of supervisors, and at which PIDs those are known."""

# Who calls: Runtime owns one, and asks it whom to leave to their supervisors when it closes; supervisors keep it.
# A link to a child that has just failed is made to its next incarnation: a watcher that links again in on_exited would
#   be told of the end it knows of at once, again and again, until the child is back.
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

    # _children: those that are up, or will perhaps come again, with those who were linked since the last has ended.
    # _pids: by supervisor's and child's id.    restarts: so far.

    def __init__(self) -> None:
        self._lock = threading.RLock()  # re-entrant: a finalizer may run in any section
        self._children: dict[Process, dict[Process, None]] = {}
        self._pids: weakref.WeakValueDictionary[tuple[str, str], PID[Any]] = weakref.WeakValueDictionary()
        self.restarts = 0

    def find(self, supervisor: str, child: str) -> PID[Any] | None:
        """The PID at which the last child of that id was started by the supervisor of that id, if anybody holds it."""
        return self._pids.get((supervisor, child))

    def enter(self, supervisor: str, pid: PID[Any]) -> None:
        """A supervisor has started a child."""
        with self._lock:
            self._pids[supervisor, pid.id] = pid
            self._children[pid._process] = {}

    def keep_link(self, process: Process, watcher: Process) -> bool:
        """If ``process``, which has ended, may come again: link ``watcher`` to the next incarnation. Whether so."""
        with self._lock:
            watchers = self._children.get(process)
            if watchers is not None:
                watchers[watcher] = None
            return watchers is not None

    def leave(self, process: Process, following: Process | None = None) -> None:
        """A child is followed by the next incarnation; or it will not come again, or is left behind."""
        with self._lock:
            watchers = self._children.pop(process, {})
        for watcher in watchers:
            (process if following is None else following).link_here(watcher)

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
