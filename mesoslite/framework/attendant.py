"""Attendant: runs one framework and turns its end into a future."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import FrameworkEnded, InvalidRequest

from .framework import Framework

if TYPE_CHECKING:
    from mesoslite.model import SchedulerConnection

log = logging.getLogger("mesoslite.framework")


def submit(runtime: la.Runtime, framework: Framework, connection: SchedulerConnection) -> la.Future[Any]:
    """Start ``framework`` in ``runtime``; the future of what it gives to ``stop``. Raises: SpawnError, as spawn.

    It fails with the error that ended the framework, or with FrameworkEnded if it ended without calling ``stop``.
    A discard of it ends the framework.
    """
    return attend(runtime, framework, connection)[1]


def attend(
    runtime: la.Runtime, framework: Framework, connection: SchedulerConnection
) -> tuple[la.PID[Any], la.Future[Any]]:
    """As ``submit``, for who wants to end it: the actor whose end is the framework's, with FrameworkEnded, besides."""
    if not isinstance(framework, Framework):
        raise InvalidRequest(f"submit: got {framework!r}, expected an instance of a subclass of mesoslite.Framework")
    if framework.connection is not None:
        raise la.SpawnError(f"submit: framework {framework.info.name} was submitted before; make a new object")
    framework.connection = connection
    promise: la.Promise[Any] = la.Promise()
    attendant = runtime.spawn(_Attendant(framework, runtime.spawn(framework), promise))
    promise.future.on_discard(lambda: la.terminate(attendant))
    return attendant, promise.future


class _Attendant(la.Actor):
    """Watches a framework and ends with it; ended before it, takes it along."""

    def __init__(self, framework: Framework, pid: la.PID[Framework], promise: la.Promise[Any]) -> None:
        super().__init__(la.generate_id("attendant"))
        self._framework = framework
        self._framework_pid = pid
        self._promise = promise

    def on_start(self) -> None:
        la.link(self._framework_pid)

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        if reason is not None:
            self._promise.fail(reason)
        elif self._framework.stopped:
            self._promise.set(self._framework.result)
        else:
            self._promise.fail(self._ended())
        la.terminate(self.pid)

    def on_stop(self) -> None:
        la.execute(self._framework_pid, self._framework.leave)
        if self._promise.future.has_discard():
            self._promise.discard()
        else:
            self._promise.future.on_failed(_expected)
            self._promise.fail(self._ended())

    def _ended(self) -> FrameworkEnded:
        return FrameworkEnded(f"framework {self._framework.info.name} was ended before it called stop()")


def _expected(error: BaseException) -> None:
    """A framework that ends with its cluster is no failure that somebody has overlooked."""
