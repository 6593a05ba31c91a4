"""LocalConnection: a framework and its master in one program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libactor as la

if TYPE_CHECKING:
    from mesoslite.model import Call


class LocalConnection:
    """Posts calls to the master's actor; events come straight from it. Implements model.SchedulerConnection."""

    def __init__(self, master: la.PID[Any]) -> None:
        self._master = master

    def open(self, framework: la.PID[Any]) -> None:
        """Watch the master: when it stops, the framework hears on_exited."""
        la.link(self._master)

    def send(self, call: Call) -> None:
        """Post ``call``; inside the framework's handlers, so that the framework is its sender."""
        la.post(self._master, call)

    def close(self) -> None:
        """Nothing is held open."""
