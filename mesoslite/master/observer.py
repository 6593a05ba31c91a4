"""Observer: pings every agent, and tells the master which of them do not answer."""

# Who calls: the master spawns one and tells it whom to watch; agents answer it.
# One actor for all agents, and not the master: answers do not wait behind the master's work, which would make agents
#   look lost that are not. Each agent has times of its own, so that pings are as spread over time as registrations
#   were. All wait equally long, so whose time comes next stands first in a queue, and one timer will do.
# An agent goes on being pinged after it has missed too many: it may answer again before it is marked unreachable, and
#   each further miss is told as well, since the master may have had something else under way with it. One that the
#   master has lost is pinged as well, and told so: then it registers again.
# Source: Mesos src/master/master.cpp (SlaveObserver); there it is one actor for each agent.

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec

import libactor as la
from mesoslite.model import AgentID, Ping, Pong, constants

AT_ONCE = 256  # agents that are looked at in a row, about a millisecond
EARLY_SECONDS = 1e-6  # that a timer may come early: times since the epoch are no more exact


class AgentSilent(msgspec.Struct, frozen=True, gc=False):
    """An agent has not answered as many pings in a row as it may leave unanswered, or one more."""

    agent_id: AgentID


class AgentHeard(msgspec.Struct, frozen=True, gc=False):
    """An agent that was told to be silent has answered a ping."""

    agent_id: AgentID


class _Watched(msgspec.Struct, eq=False, gc=False):
    """An agent that is pinged; ``due`` is when its time is up, in seconds since the epoch."""

    id: AgentID
    pid: la.PID[Any]
    connected: bool
    due: float
    awaits: bool = True  # a Pong
    missed: int = 0  # pings in a row that were not answered in time
    is_reported: bool = False  # as not answering, and not heard since
    has_ended: bool = False  # so it is not asked


class Observer(la.Actor):
    """Watches agents for the master at ``master``, which leads in ``epoch``; times in seconds."""

    def __init__(
        self,
        master: la.PID[Any],
        epoch: int,
        interval: float = constants.AGENT_PING_SECONDS,
        missed_max: int = constants.AGENT_PINGS_MISSED_MAX,
    ) -> None:
        super().__init__(la.generate_id("slave-observer"))
        self._master = master
        self._epoch = epoch
        self._interval = interval
        self._missed_max = missed_max
        self._watched: dict[AgentID, _Watched] = {}
        self._id_at: dict[la.PID[Any], AgentID] = {}
        self._queue: deque[_Watched] = deque()  # by when their time is up; some may be forgotten
        self._timer: la.Timer | None = None  # for the first of them

    def on_start(self) -> None:
        """End with the master."""
        la.link(self._master)

    def on_stop(self) -> None:
        """Leave no timer behind."""
        if self._timer is not None:
            self._timer.cancel()

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        """Without its master there is nothing to do."""
        la.terminate(self.pid)

    def watch(self, agent_id: AgentID, pid: la.PID[Any], connected: bool) -> None:
        """Ping the agent at ``pid`` from now on, and tell it whether it is connected."""
        known = self._watched.get(agent_id)
        if known is None:
            new = self._watched[agent_id] = _Watched(agent_id, pid, connected, 0.0)
            self._id_at[pid] = agent_id
            self._ping(new)
            return
        self._forget_address(agent_id, known.pid)
        known.pid, known.connected, known.has_ended = pid, connected, False
        self._id_at[pid] = agent_id
        if connected:  # it has just registered: that is an answer
            known.missed = 0

    def ended(self, agent_id: AgentID, pid: la.PID[Any]) -> None:
        """The agent at ``pid`` has stopped, and not for a broken connection: let its time run out unasked."""
        watched = self._watched.get(agent_id)
        if watched is not None and watched.pid == pid:
            watched.has_ended = True

    def forget(self, agent_id: AgentID) -> None:
        """Ping that agent no more."""
        watched = self._watched.pop(agent_id, None)
        if watched is not None:
            self._forget_address(agent_id, watched.pid)

    def _forget_address(self, agent_id: AgentID, pid: la.PID[Any]) -> None:
        if self._id_at.get(pid) == agent_id:  # and not another agent, which is there now
            del self._id_at[pid]

    @la.handles(Pong)
    def pong(self, message: Pong, sender: la.PID[Any] | None) -> None:
        """An agent lives."""
        agent_id = self._id_at.get(sender) if sender is not None else None
        if agent_id is None:
            return  # it was forgotten meanwhile
        watched = self._watched[agent_id]
        watched.awaits = False
        watched.missed = 0
        if watched.is_reported:
            watched.is_reported = False
            la.post(self._master, AgentHeard(agent_id))

    def time_up(self) -> None:
        """Look whether the last pings were answered, and send others: of some of those whose time is up."""
        self._timer = None
        now = self.runtime.clock.now()
        for _ in range(AT_ONCE):
            if not self._queue or self._queue[0].due > now + EARLY_SECONDS:
                break
            watched = self._queue.popleft()
            if self._watched.get(watched.id) is watched:
                self._look(watched)
        self._wait()

    def _look(self, watched: _Watched) -> None:
        if watched.awaits:
            watched.missed += 1
            if watched.missed >= self._missed_max:
                watched.is_reported = True
                la.post(self._master, AgentSilent(watched.id))
        self._ping(watched)

    def _ping(self, watched: _Watched) -> None:
        watched.awaits = True
        watched.due = self.runtime.clock.now() + self._interval
        self._queue.append(watched)
        if self._timer is None:
            self._wait()
        if not watched.has_ended:  # else the log would warn that nobody is there, as if that was news
            la.post(watched.pid, Ping(watched.connected, self._epoch))

    def _wait(self) -> None:
        if self._queue and self._timer is None:
            seconds = max(0.0, self._queue[0].due - self.runtime.clock.now())
            self._timer = la.delay(seconds, self.pid, Observer.time_up)
