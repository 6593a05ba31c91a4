"""LocalConnection: a framework and its masters in one program."""

# Who calls: the Framework actor opens it, sends calls and closes it, and all of it runs inside that actor.
# Invariants: 1. calls go to the master that leads, as far as the detector has told, and once that serves; else to
#   nobody. That one alone is heeded.    2. Connected and Disconnected are told in turn.
# It is the detector that tells of a master's end, not a link: one that was cut off lives on.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libactor as la
from libactor.context import current_runtime
from mesoslite.model import Leader, MasterPort

from .connected import Connected, Disconnected
from .detection import Detection

if TYPE_CHECKING:
    from mesoslite.model import Call, Detector


class LocalConnection:
    """Posts calls to the master's actor; events come straight from it. Implements model.SchedulerConnection.

    ``master`` is its address, and the framework hears on_exited when it stops; or it is a Detector of masters in this
    program, whom the framework follows. If that fails, the framework hears an Error.
    """

    def __init__(self, master: la.PID[Any] | Detector) -> None:
        self._fixed = master if isinstance(master, la.PID) else None
        self._detector = None if isinstance(master, la.PID) else master
        self._master: la.PID[Any] | None = None  # that serves
        self._leader: Leader | None = None
        self._detection: Detection | None = None

    def open(self, framework: la.PID[Any]) -> None:
        """Follow who leads."""
        self._framework = framework
        if self._fixed is not None:
            self._master = self._fixed
            la.link(self._fixed)
            la.post(framework, Connected())
        else:
            assert self._detector is not None
            self._detection = Detection(self._detector, framework, self._detected)
            self._detection.begin()

    def send(self, call: Call) -> bool:
        """Post ``call``; inside the framework's handlers, so that the framework is its sender."""
        if self._master is not None:
            la.post(self._master, call)
        return self._master is not None

    def heeds(self, sender: la.PID[Any]) -> bool:
        """See SchedulerConnection."""
        return self._fixed is not None or sender == self._master

    def answered(self) -> None:
        """See SchedulerConnection; nothing is repeated in one program."""

    def exited(self, pid: la.PID[Any], reason: BaseException | None) -> bool:
        """See SchedulerConnection; a master that is known by its address is not followed by another one."""
        return False

    def close(self) -> None:
        """Follow nobody any more."""
        self._leader = None
        if self._detection is not None:
            self._detection.close()

    def _detected(self, leader: Leader | None) -> None:
        if self._master is not None:
            self._master = None
            la.post(self._framework, Disconnected())
        self._leader = leader
        found = None
        if leader is not None:
            found = current_runtime("follow").find(leader.info.pid.partition("@")[0])
        if found is not None:
            serving = la.dispatch(found, MasterPort.wait_leading)
            serving.on_ready(la.defer(lambda _: self._serves(leader, found)))

    def _serves(self, leader: Leader | None, master: la.PID[Any]) -> None:
        """The master of ``leader`` serves, if that is not over yet."""
        if leader is not None and leader == self._leader:
            self._master = master
            la.post(self._framework, Connected())
