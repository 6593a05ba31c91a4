"""Attendant: runs one framework and turns its end into a future."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import FrameworkEnded

if TYPE_CHECKING:
    from mesoslite.model import SchedulerConnection

    from .framework import Framework

log = logging.getLogger("mesoslite.framework")


def submit(runtime: la.Runtime, framework: Framework, connection: SchedulerConnection) -> la.Future[Any]:
    """Start ``framework`` in ``runtime``; the future of what it gives to ``stop``.

    It fails with the error that ended the framework, or with FrameworkEnded if it ended without calling ``stop``.
    A discard of it ends the framework.
    """
    framework.connection = connection
    promise: la.Promise[Any] = la.Promise()
    future = promise.future
    attendant = runtime.spawn(_Attendant(framework, promise))
    future.on_discard(lambda: la.terminate(attendant))
    return future


class _Attendant(la.Actor):
    """Spawns the framework, watches it, and ends with it."""

    def __init__(self, framework: Framework, promise: la.Promise[Any]) -> None:
        super().__init__(la.generate_id("attendant"))
        self._framework = framework
        self._promise = promise

    def on_start(self) -> None:
        la.link(self.runtime.spawn(self._framework))

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        if reason is not None:
            self._promise.fail(reason)
        elif self._framework.stopped:
            self._promise.set(self._framework.result)
        else:
            text = f"framework {self._framework.info.name} was ended before it called stop()"
            self._promise.fail(FrameworkEnded(text))
        la.terminate(self.pid)

    def on_stop(self) -> None:
        """Terminated from outside: the framework goes too."""
        if self._promise.future.has_discard():
            la.terminate(self._framework.pid)
            self._promise.discard()
