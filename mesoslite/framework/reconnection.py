"""Reconnection: what the connections to masters of other programs have in common: they find their master again."""

# Who calls: remote.py and http/connection.py extend it; all of it runs inside the framework's actor.
# Invariants: 1. Connected and Disconnected are told in turn.    2. at most one wait is under way: a second first, each
#   next one twice as long, up to a minute, until a Subscribe is answered; then the next is short again.    3. why a
#   master cannot be reached is in the log once, until it answers or the reason is another.
# Source: Mesos src/sched/sched.cpp (doReliableRegistration).

from __future__ import annotations

import abc
import logging
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import constants
from mesoslite.model.backoff import Backoff

from .connected import Connected, Disconnected

if TYPE_CHECKING:
    from mesoslite.model import Subscribe

log = logging.getLogger("mesoslite.framework")


class Reconnection(abc.ABC):
    """The part of a connection that tells its framework of the master, and tries again."""

    def __init__(self) -> None:
        self._is_connected = False  # Connected was told last
        self._subscription: Subscribe | None = None  # that is not answered yet
        self._target: object = None  # whom it is, or was last, connected to
        self._problems: dict[object, str] = {}  # why which master could not be reached, the last time
        self._waiting: la.Future[Any] | None = None

    @abc.abstractmethod
    def _try_again(self) -> None:
        """The wait is over: connect, unless that is done, or repeat what is not answered."""

    def answered(self) -> None:
        """See SchedulerConnection."""
        if self._subscription is None:
            return
        self._subscription = None
        self._rest()
        self._backoff.reset()
        if self._problems:  # who has read of it waits for this
            log.warning("master %s answers again", self._target)
        self._problems.clear()

    def _begin(self, framework: la.PID[Any]) -> None:
        self._framework = framework
        first, most = constants.REGISTRATION_RETRY_SECONDS, constants.REGISTRATION_RETRY_SECONDS_MAX
        self._backoff = Backoff(first, most, la.random_stream().random)

    # ---- what is told ----

    def _tell_connected(self, master: object) -> None:
        self._target = master
        if not self._is_connected:
            self._is_connected = True
            la.post(self._framework, Connected())

    def _tell_disconnected(self) -> None:
        self._subscription = None
        if self._is_connected:
            self._is_connected = False
            la.post(self._framework, Disconnected())

    def _note_problem(self, why: str) -> None:
        if self._problems.get(self._target) != why:
            log.warning(
                "master %s has gone, or cannot be reached (%s); it is looked for again; see whether it runs, "
                "and is at that address",
                self._target,
                why,
            )
        self._problems[self._target] = why

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
