"""RemoteConnection: a framework and its master in programs of their own, over libactor's transport."""

# Who calls: the Framework actor opens it, sends calls and closes it, and all of it runs inside that actor.
# Invariants: 1. calls go to the master that leads, as far as is known, while a connection to it stands; else to nobody.
#   That one alone is heeded.    2. Connected and Disconnected are told in turn.    3. a Subscribe is repeated until it
#   is answered, after a second first and then twice as late, up to a minute: the master may not serve yet. A connection
#   that cannot be made waits as long, not twice: one wait for what is tried, however it fails.
# It is the link to the master that tells of a connection that breaks, or is silent (libactor's docs/remote.md). Then,
#   as when there was none, the master is looked for again: at its address another may begin.
# Source: Mesos src/sched/sched.cpp (detected, doReliableRegistration, exited).

from __future__ import annotations

import itertools
import logging
import re
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import Error, InvalidRequest, Leader, Subscribe, constants
from mesoslite.model.backoff import Backoff

from .connected import Connected, Disconnected
from .detection import Detection

if TYPE_CHECKING:
    from mesoslite.model import Call, Detector

log = logging.getLogger("mesoslite.framework")

NAMED = re.compile(r"(?=[^:]*[A-Za-z])[A-Za-z0-9_][A-Za-z0-9_.-]*:[1-9][0-9]{0,4}", re.ASCII)


class RemoteConnection:
    """Implements model.SchedulerConnection for a master of another program.

    ``master`` is where that listens, such as ``10.0.0.6:5055`` (``mesoslite master --address``), or a Detector, which
    the framework follows; if that fails, the framework hears an Error. A host that is named is looked up for each
    attempt; if the first one leads nowhere, the framework hears an Error, too. The framework's runtime is opened with
    ``remote=`` and the secret of the master. Raises: InvalidRequest, from ``open``, if the address is none.
    """

    def __init__(self, master: str | Detector) -> None:
        self._address = master if isinstance(master, str) else None
        self._detector = master if not isinstance(master, str) else None
        self._where: str | None = None  # the PID of who leads
        self._master: la.PID[Any] | None = None  # the same, while a connection to it stands, or is being made
        self._linked: set[la.PID[Any]] = set()  # all who led
        self._subscription: Subscribe | None = None  # that is not answered yet
        self._problem: str | None = None  # why the master could not be reached, the last time
        self._detection: Detection | None = None
        self._waiting: la.Future[Any] | None = None
        self._pool: la.Pool | None = None  # a thread that looks the master's host up, if that is named
        self._looking: la.Future[Any] | None = None  # what it is doing
        self._turns = itertools.count()

    def open(self, framework: la.PID[Any]) -> None:
        """Follow who leads."""
        self._framework = framework
        first, most = constants.REGISTRATION_RETRY_SECONDS, constants.REGISTRATION_RETRY_SECONDS_MAX
        self._backoff = Backoff(first, most, la.random_stream().random)
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

    def answered(self) -> None:
        """See SchedulerConnection."""
        if self._subscription is None:
            return
        self._subscription = None
        self._rest()
        self._backoff.reset()
        if self._problem is not None:  # who has read of it waits for this
            log.warning("master %s answers again", self._master)
        self._problem = None

    def heeds(self, sender: la.PID[Any]) -> bool:
        """See SchedulerConnection."""
        return sender == self._master

    def exited(self, pid: la.PID[Any], reason: BaseException | None) -> bool:
        """See SchedulerConnection."""
        if pid == self._master:
            why = str(reason or "it has ended")
            if why != self._problem:
                log.warning(
                    "master %s has gone, or cannot be reached (%s); it is looked for again; see whether it runs, "
                    "and is at that address",
                    pid,
                    why,
                )
            self._problem = why
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
        if problem != self._problem:
            log.warning("%s; it is looked up again", problem)
        self._problem = problem
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
        la.post(self._framework, Connected())

    def _lose(self) -> None:
        if self._master is not None:
            self._master = self._subscription = None
            la.post(self._framework, Disconnected())

    def _try_again(self) -> None:
        if self._master is None:
            self._connect()
        elif self._subscription is not None:
            self.send(self._subscription)

    # ---- time ----

    def _try_later(self) -> None:
        """Try again after the next wait, and not after another one."""
        self._rest()
        self._waiting = la.after(self._backoff.next())
        self._waiting.on_ready(la.defer(lambda _: self._try_again()))

    def _rest(self) -> None:
        """Wait for nothing; what is due already, and still in the mailbox, is done, so steps look again."""
        if self._waiting is not None:
            self._waiting.discard()
            self._waiting = None
