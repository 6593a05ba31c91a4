"""Registration: the agent follows whoever leads, registers there, and knows whom to obey."""

# Who calls: agent.py, inside the agent actor, which also lends the timers and says what there is to tell a master.
# A new agent registers at once, one that has an id within a second, at random, since all of a cluster do so when a
#   master fails. Both repeat it until they are answered, after a second first and then twice as late, up to a minute,
#   each wait cut by up to half at random (model/backoff.py).
# An agent looks for its master anew when it was not pinged for as long as the master has said, and when the connection
#   to it breaks, or the master ends: at its address another may begin. Not so for a PID in this program, which nobody
#   gets again. Tasks run on all the while.
# Invariants: 1. only the master that leads, as far as the detector has told, is heeded.    2. nobody is heeded whose
#   epoch is lower than the highest that was obeyed, and of one epoch only one master ever.
# Source: Mesos src/slave/slave.cpp (detected, doReliableRegistration, ping, pingTimeout). Epochs are ours.

from __future__ import annotations

import logging
from enum import Enum
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import Leader, MasterInfo, constants
from mesoslite.model.backoff import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import Detector, MasterMessage, Ping, RegisterAgent, ReregisterAgent

log = logging.getLogger("mesoslite")


class Step(Enum):
    """What an agent does after a time."""

    REGISTER = "register, again"
    PING = "notice that no ping has come"
    LOOK = "look for a master"


class FixedMaster:
    """A master at a known address, which leads for as long as it lives; implements Detector."""

    def __init__(self, pid: la.PID[Any]) -> None:
        self.pid = pid
        self._leader = Leader(MasterInfo(id="", pid=str(pid)))

    def detect(self, previous: Leader | None = None) -> la.Future[Leader | None]:
        """See Detector."""
        promise: la.Promise[Leader | None] = la.Promise()
        if previous != self._leader:
            promise.set(self._leader)
        self._waiting = promise  # so that it is not abandoned
        return promise.future.on_discard(promise.discard)


class Registration:
    """One agent's relation to its master.

    ``master`` is its address, or says who leads. ``greeting`` is what to register with. ``later(seconds, step)`` has
    ``due(step)`` called in so many seconds. ``pause`` is called when there is no master to tell anything any more.
    """

    def __init__(
        self,
        actor: la.Actor,
        master: la.PID[Any] | Detector,
        *,
        greeting: Callable[[], RegisterAgent | ReregisterAgent],
        later: Callable[[float, Step], la.Timer],
        pause: Callable[[], None],
    ) -> None:
        self._actor = actor
        self._fixed = master if isinstance(master, la.PID) else None
        self._detector: Detector = FixedMaster(master) if isinstance(master, la.PID) else master
        self._greeting = greeting
        self._later = later
        self._pause = pause
        self.master: la.PID[Any] | None = None  # None while nobody leads, or it cannot be reached
        self.epoch = 0  # the highest that was obeyed
        self.refused = 0  # messages, for their epoch
        self._obeyed: la.PID[Any] | None = None  # the master of that epoch
        self._is_registered = False  # with this master
        self._was_registered = False  # with any
        self._is_silent = False  # the master: so the connection to it may be dead, unnoticed
        self._loss: tuple[bool, str] | None = None  # of the connection to it, the last one: how it was, and why
        self._number = 0  # of the last question to the detector
        self._detecting: la.Future[Any] | None = None
        self._timers: dict[Step, la.Timer] = {}
        self._ping_timeout: float = constants.AGENT_PING_SECONDS * constants.AGENT_PINGS_MISSED_MAX

    # ---- who leads ----

    def start(self) -> None:
        """Look for a master."""
        self._random = la.random_stream()
        first, most = constants.REGISTRATION_RETRY_SECONDS, constants.REGISTRATION_RETRY_SECONDS_MAX
        self._backoff = Backoff(first, most, self._random.random)
        self._detect(None)

    def stop(self) -> None:
        """Look for none any more, and leave no timer behind."""
        self._number += 1
        if self._detecting is not None:
            self._detecting.discard()
        for timer in self._timers.values():
            timer.cancel()

    def _detected(self, number: int, leader: Leader | None) -> None:
        """``leader`` leads from now on, if that is the answer to the last question."""
        if number != self._number:
            return
        self._lose()
        if leader is None:
            log.warning("no master leads; tasks run on")
        else:
            self.master = self._fixed or self._resolve(leader.info.pid)
        if self.master is not None:
            la.link(self.master, reconnect=self._is_silent)
            self._is_silent = False
            self._backoff.reset()
            if self._was_registered:
                self._set(Step.REGISTER, self._random.random() * constants.REGISTRATION_RETRY_SECONDS)
            else:
                self._attempt()
        elif leader is not None:
            self._set(Step.LOOK, self._backoff.next())  # it may not have begun yet
        self._detect(leader)

    def exited(self, pid: la.PID[Any], reason: BaseException | None, tasks: int) -> None:
        """Maybe its master has gone, or the connection to it, while so many tasks run.

        It is looked for again, for it, or another one, may be there. That is logged once, and again if it is otherwise.
        """
        if pid != self.master:
            return
        why = str(reason or "it has ended")
        loss = (self._is_registered, why)
        if self._is_registered:
            log.warning("%s: master %s has gone (%s); tasks run on (%d)", self._actor.pid, pid, why, tasks)
        elif loss != self._loss:
            log.warning(
                "%s: master %s cannot be reached (%s); it is tried again; see whether it runs, and is at that address",
                self._actor.pid,
                pid,
                why,
            )
        self._loss = loss
        self._lose()
        if self._fixed is None or pid.address != self._actor.pid.address:
            self._set(Step.LOOK, self._backoff.next())

    def due(self, step: Step) -> None:
        """The time for a step has come."""
        match step:
            case Step.REGISTER:
                self._attempt()
            case Step.LOOK:
                self._detect(None)  # so that whoever leads, be it the same master, is taken for a new one
            case Step.PING:
                if self._is_registered:
                    log.warning("no ping from %s for %s s; looking for a master", self.master, self._ping_timeout)
                    self._is_silent = True
                    self._detect(None)

    def _resolve(self, text: str) -> la.PID[Any] | None:
        """The master that is written so, which may be in this program; None if that is no address."""
        name, _, address = text.rpartition("@")
        found: la.PID[Any] | None = None
        if address == self._actor.pid.address:
            found = self._actor.runtime.find(name)
        else:
            try:
                found = la.parse_pid(text)
            except (ValueError, RuntimeError) as error:
                log.error("%s", error)
        if found is None:
            log.error("master %s leads, but that address leads nowhere", text)
        return found

    def _detect(self, previous: Leader | None) -> None:
        if self._detecting is not None:
            self._detecting.discard()
        self._number += 1
        number = self._number
        self._detecting = self._detector.detect(previous)
        self._detecting.on_ready(la.defer(lambda leader: self._detected(number, leader)))
        self._detecting.on_failed(lambda error: log.info("nobody will lead any more: %s", error))

    def _lose(self) -> None:
        self.master = None
        self._is_registered = False
        for timer in self._timers.values():
            timer.cancel()
        self._pause()

    # ---- registration ----

    def _attempt(self) -> None:
        """Register, again and again until the answer has come."""
        if self.master is None or self._is_registered:
            return  # the answer, or the master's end, was ahead of this call in the mailbox
        try:
            la.post(self.master, self._greeting())
        except la.NotPassable as error:  # its tasks run on, and it may have fewer of them the next time
            log.error(
                "%s: has more to tell than its master can be told, and cannot register: %s", self._actor.pid, error
            )
        self._set(Step.REGISTER, self._backoff.next())

    def registered(self, ping_timeout: float) -> None:
        """The master has answered; it pings more often than that, in seconds."""
        if self._was_registered and self._loss is not None:  # who has read of the loss waits for this
            log.warning("%s: registered again with %s", self._actor.pid, self.master)
        self._is_registered = self._was_registered = True
        self._loss = None
        self._backoff.reset()
        self._ping_timeout = ping_timeout
        self._timers[Step.REGISTER].cancel()
        self._set(Step.PING, ping_timeout)

    def _set(self, step: Step, seconds: float) -> None:
        old = self._timers.get(step)
        if old is not None:
            old.cancel()
        self._timers[step] = self._later(seconds, step)

    @property
    def is_registered(self) -> bool:
        """Whether the master that leads has answered."""
        return self._is_registered

    @property
    def was_registered(self) -> bool:
        """Whether any master has answered in this life: until then what comes was meant for an earlier one."""
        return self._was_registered

    # ---- pings ----

    def pinged(self, message: Ping, sender: la.PID[Any] | None) -> bool:
        """Whether to answer a ping; one that says that the master has lost this agent has it register again."""
        master = self.master
        if master is None or sender is None or sender.address != master.address or message.epoch < self.epoch:
            log.info("ignored a ping from %s; the master is %s, of epoch %s", sender, master, self.epoch)
            return False
        if self._is_registered:
            self._set(Step.PING, self._ping_timeout)
            if not message.connected:
                log.warning("master %s has lost this agent; it registers again", master)
                self._is_registered = False
                self._pause()
                self._attempt()
        return True

    # ---- whom to obey ----

    def heeds(self, message: MasterMessage, sender: la.PID[Any] | None) -> bool:
        """Whether ``message`` comes from the master, in an epoch that is to be obeyed; else it is logged."""
        epoch = message.epoch
        if sender is None or sender != self.master:
            log.warning("ignored %s from %s; the master is %s", type(message).__name__, sender, self.master)
            return False
        if epoch < self.epoch or (epoch == self.epoch and self._obeyed not in (None, sender)):
            self.refused += 1
            text, name = "refused %s of epoch %s from %s; obeyed %s in %d", type(message).__name__
            log.warning(text, name, epoch, sender, self._obeyed, self.epoch)
            return False
        self.epoch, self._obeyed = epoch, sender
        return True
