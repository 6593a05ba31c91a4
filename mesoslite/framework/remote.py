"""RemoteConnection: a framework and its master in programs of their own, over libactor's transport."""

# Who calls: the Framework actor opens it, sends calls and closes it, and all of it runs inside that actor.
# Invariants: 1. calls go to the master that leads, as far as is known, while a connection to it stands; else to nobody.
#   That one alone is heeded.    2. a Subscribe is repeated until it is answered, since the master may not serve yet. A
#   connection that cannot be made waits as long, not twice: one wait for what is tried, however it fails.
# It is the link to the master that tells of a connection that breaks, or is silent (libactor's docs/remote.md). Then,
#   as when there was none, the master is looked for again: at its address another may begin.
# Source: Mesos src/sched/sched.cpp (detected, doReliableRegistration, exited).

from __future__ import annotations

import itertools
import logging
import re
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import Error, InvalidRequest, Leader, Subscribe

from .detection import Detection
from .reconnection import Reconnection

if TYPE_CHECKING:
    from mesoslite.model import Call, Detector

log = logging.getLogger("mesoslite.framework")

NAMED = re.compile(r"(?=[^:]*[A-Za-z])[A-Za-z0-9_][A-Za-z0-9_.-]*:[1-9][0-9]{0,4}", re.ASCII)


class RemoteConnection(Reconnection):
    """Implements model.SchedulerConnection for a master of another program.

    ``master`` is where that listens, such as ``10.0.0.6:5055`` (``mesoslite master --address``), or a Detector, which
    the framework follows; if that fails, the framework hears an Error. A host that is named is looked up for each
    attempt; if the first one leads nowhere, the framework hears an Error, too. The framework's runtime is opened with
    ``remote=`` and the secret of the master. Raises: InvalidRequest, from ``open``, if the address is none.
    """

    def __init__(self, master: str | Detector) -> None:
        super().__init__()
        self._address = master if isinstance(master, str) else None
        self._detector = master if not isinstance(master, str) else None
        self._where: str | None = None  # the PID of who leads
        self._master: la.PID[Any] | None = None  # the same, while a connection to it stands, or is being made
        self._linked: set[la.PID[Any]] = set()  # all who led
        self._detection: Detection | None = None
        self._pool: la.Pool | None = None  # a thread that looks the master's host up, if that is named
        self._looking: la.Future[Any] | None = None  # what it is doing
        self._turns = itertools.count()

    def open(self, framework: la.PID[Any]) -> None:
        """Follow who leads."""
        self._begin(framework)
        if self._address is not None:
            is_named, where = NAMED.fullmatch(self._address) is not None, f"master@{self._address}"
            try:
                la.parse_pid(where if not is_named else str(framework))  # that others can be written at all
            except (ValueError, RuntimeError) as error:
                raise InvalidRequest(f"RemoteConnection: master {self._address!r}: {error}") from error
            if is_named:
                self._pool = la.Pool(1, name="look-up")
            else:
                self._where = where
            self._connect()
        else:
            assert self._detector is not None
            self._detection = Detection(self._detector, framework, self._detected)
            self._detection.begin()

    def send(self, call: Call) -> bool:
        """Post ``call``; inside the framework's handlers, so that the framework is its sender."""
        if self._master is None:
            return False
        la.post(self._master, call)
        if isinstance(call, Subscribe):
            self._subscription = call
            self._try_later()
        return True

    def heeds(self, sender: la.PID[Any]) -> bool:
        """See SchedulerConnection."""
        return sender == self._master

    def exited(self, pid: la.PID[Any], reason: BaseException | None) -> bool:
        """See SchedulerConnection."""
        if pid == self._master:
            self._note_problem(str(reason or "it has ended"))
            self._lose()
            if self._waiting is None or not self._waiting.is_pending():  # else what was tried has drawn its wait
                self._try_later()
        return pid in self._linked

    def close(self) -> None:
        """Follow nobody any more; what was sent goes its way."""
        self._rest()
        if self._detection is not None:
            self._detection.close()
        if self._pool is not None and self._looking is None:  # else it ends with the runtime
            self._pool.close()
        self._looking = None

    # ---- who leads ----

    def _detected(self, leader: Leader | None) -> None:
        self._lose()
        self._rest()
        self._backoff.reset()
        self._where = leader.info.pid if leader is not None else None
        self._connect()

    # ---- the connection ----

    def _connect(self) -> None:
        if self._master is not None:
            return
        if self._pool is None:
            self._dial()
        elif self._looking is None:
            assert self._address is not None
            self._looking = self._pool.submit(la.look_up, self._address)
            self._looking.on_ready(la.defer(self._found)).on_failed(la.defer(self._not_found))

    def _found(self, addresses: tuple[str, ...]) -> None:
        """The master's host has these addresses: try one of the own family, the next one each time."""
        is_six = self._framework.address.startswith("[")
        usable = [one for one in addresses if one.startswith("[") == is_six]
        if self._looking is None:  # the connection is closed
            return
        if not usable:
            self._not_found(OSError(f"it has no IPv{6 if is_six else 4} address, as this program has"))
            return
        self._looking = None
        self._where = f"master@{usable[next(self._turns) % len(usable)]}"
        self._dial()

    def _not_found(self, error: BaseException) -> None:
        if self._looking is None:
            return
        self._looking = None
        problem = f"master {self._address}: the name leads nowhere ({getattr(error, 'strerror', None) or error})"
        if self._where is None:  # it never has
            la.post(self._framework, Error(f"{problem}; correct the name, or give its address in numbers"))
            return
        if problem != self._problems.get(self._address):
            log.warning("%s; it is looked up again", problem)
        self._problems[self._address] = problem
        self._try_later()

    def _dial(self) -> None:
        if self._where is None:
            return
        try:
            self._master = la.parse_pid(self._where)
        except (ValueError, RuntimeError) as error:
            log.error("master %s leads, but that address leads nowhere: %s", self._where, error)
            return
        self._linked.add(self._master)
        la.link(self._master)
        self._tell_connected(self._master)

    def _lose(self) -> None:
        self._master = None
        self._tell_disconnected()

    def _try_again(self) -> None:
        if self._master is None:
            self._connect()
        elif self._subscription is not None:
            self.send(self._subscription)
