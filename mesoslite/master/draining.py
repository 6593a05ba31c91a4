"""Draining: agents that an operator wants left alone: offered no more, and, if wanted, emptied of what runs there."""

# Who calls: operator.py for operators, returns.py when an agent is back, inside the master actor.
# A deactivated agent is not offered, and its tasks go on. It stays so, whatever becomes of agent and master, until it
#   is reactivated: the registry knows.
# A draining one is deactivated, and told to end its tasks. It is drained when, by the books, no task is left of which
#   anything is to be acknowledged, and no operation; then it may be declared gone. When it comes back it is told again.
# Invariants: 1. nothing is done, and nobody answered, before it is durable.    2. what is to be looked up when the
#   answer has come is looked up then: the agent may have been lost, or have come back.
#   3. whether an agent is empty is looked at behind the step that took the last thing from it, not within.
# Source: Mesos src/master/http.cpp (_drainAgent, _deactivateAgent, _reactivateAgent), src/master/master.cpp
#   (checkAndTransitionDrainingAgent).

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from msgspec.structs import replace

import libactor as la
from mesoslite.model import Conflict, Drain, InvalidRequest, NotFound, constants, happenings
from mesoslite.model.registry import (
    DeactivateAgent,
    DrainAgent,
    DrainInfo,
    DrainState,
    MarkAgentDrained,
    ReactivateAgent,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import AgentID
    from mesoslite.model.registry import RegistryOperation

    from .accounts import Accounts
    from .agent_entry import AgentEntry
    from .durability import Durability
    from .ledger import Ledger
    from .offering import Offering
    from .removal import Removal

log = logging.getLogger("mesoslite.master")


class Draining:
    """What operators want left alone, over the books of one master.

    ``later(agent_id)`` has ``settle`` called with that behind the present step; ``now`` reads the master's clock.
    """

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        offering: Offering,
        removal: Removal,
        durability: Durability,
        later: Callable[[AgentID], object],
        now: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._roster = ledger.roster
        self._accounts = accounts
        self._offering = offering
        self._removal = removal
        self._durability = durability
        self._later = later
        self._now = now
        self._ending: set[AgentID] = set()  # of which the registry is being told that they are drained, or gone
        ledger.when_empty = self.look_again

    def deactivate(self, agent_id: AgentID) -> la.Future[None]:
        """Offer an agent no more; ready once that is durable and its offers are rescinded.

        Raises: NotFound, for one that nobody knows; Conflict, through the future, for one that has gone meanwhile.
        """
        self._check_known("deactivate", agent_id)
        return self._apply("deactivate", agent_id, DeactivateAgent(agent_id), lambda: self._deactivated(agent_id))

    def reactivate(self, agent_id: AgentID) -> la.Future[None]:
        """Offer a deactivated agent again; ready once that is durable.

        Raises: NotFound, for one that nobody knows; InvalidRequest, for one that is not deactivated, or that is
        draining and not empty yet; Conflict, through the future, for one that has gone meanwhile.
        """
        self._check_known("reactivate", agent_id)
        if agent_id not in self._roster.deactivated:
            raise InvalidRequest(f"reactivate: agent {agent_id} is not deactivated; nothing is left to do")
        if self._is_draining(agent_id):
            raise InvalidRequest(f"reactivate: agent {agent_id} is draining; wait until it is drained")
        return self._apply("reactivate", agent_id, ReactivateAgent(agent_id), lambda: self._reactivated(agent_id))

    def drain(self, agent_id: AgentID, max_grace_seconds: float | None, mark_gone: bool) -> la.Future[None]:
        """Deactivate an agent, and have it end its tasks, in at most that time each; ready once that is durable.

        Raises: NotFound, for one that nobody knows; InvalidRequest, if the grace is no time; Conflict, through the
        future, for one that has gone meanwhile.
        """
        self._check_known("drain", agent_id)
        grace = max_grace_seconds
        is_number = isinstance(grace, (int, float)) and not isinstance(grace, bool)
        if grace is not None and not (is_number and 0 <= grace <= constants.SECONDS_MAX):
            wanted = f"seconds, 0 to {constants.SECONDS_MAX}, or None"
            raise InvalidRequest(f"drain: got max_grace_seconds={grace!r:.80}, expected {wanted}")
        if not isinstance(mark_gone, bool):
            raise InvalidRequest(f"drain: got mark_gone={mark_gone!r:.80}, expected True or False")
        operation = DrainAgent(agent_id, grace, mark_gone)
        return self._apply("drain", agent_id, operation, lambda: self._draining(agent_id, grace, mark_gone))

    def resume(self, agent: AgentEntry) -> None:
        """An agent is back: if it is draining, tell it so again."""
        if self._is_draining(agent.id):
            drain = self._roster.draining[agent.id]
            agent.send(Drain(max_grace_seconds=drain.max_grace_seconds, mark_gone=drain.mark_gone))
            self._later(agent.id)

    def settle(self, agent_id: AgentID) -> None:
        """Look whether a draining agent is empty; then it is drained, or gone, once that is durable."""
        agent = self._ledger.agents.get(agent_id)
        if agent is None or not agent.is_empty or not self._is_draining(agent_id) or agent_id in self._ending:
            return
        if agent_id in self._roster.reregistering:  # what it brings is not in the books yet; it is looked at again then
            return
        self._ending.add(agent_id)
        if self._roster.draining[agent_id].mark_gone:
            gone = self._removal.mark_gone(agent_id)
            gone.on_any(la.defer(lambda _: self._ending.discard(agent_id)))
            gone.on_failed(lambda error: log.info("agent %s is drained, and not gone: %s", agent_id, error))
            return
        self._durability.apply(
            MarkAgentDrained(agent_id),
            lambda: self._drained(agent_id),
            lambda error: self._ending.discard(agent_id),
        )

    def _draining(self, agent_id: AgentID, grace: float | None, mark_gone: bool) -> None:
        before = self._roster.draining.get(agent_id)
        if grace is None and before is not None:  # as in the registry
            grace = before.max_grace_seconds
        self._roster.drain_times[agent_id] = self._now()
        self._roster.drain(agent_id, DrainInfo(DrainState.DRAINING, grace, mark_gone))
        self._deactivated(agent_id)
        self._ledger.chronicle.tell(happenings.AgentDraining, agent_id, mark_gone)
        agent = self._ledger.agents.get(agent_id)
        if agent is not None:
            self.resume(agent)

    def _drained(self, agent_id: AgentID) -> None:
        self._ending.discard(agent_id)
        if self._is_draining(agent_id):
            self._roster.drain(agent_id, replace(self._roster.draining[agent_id], state=DrainState.DRAINED))
            self._ledger.chronicle.tell(happenings.AgentDrained, agent_id)
            log.info("agent %s is drained", agent_id)

    def look_again(self, agent_id: AgentID) -> None:
        """An agent may be empty now: settle that behind the present step."""
        if self._is_draining(agent_id):
            self._later(agent_id)

    def _is_draining(self, agent_id: AgentID) -> bool:
        drain = self._roster.draining.get(agent_id)
        return drain is not None and drain.state is DrainState.DRAINING

    def _deactivated(self, agent_id: AgentID) -> None:
        self._roster.deactivate(agent_id)
        agent = self._ledger.agents.get(agent_id)
        if agent is not None:
            self._accounts.agents.allow_offers(agent, False)
            self._offering.rescind_all(agent)
        log.info("agent %s is deactivated", agent_id)

    def _reactivated(self, agent_id: AgentID) -> None:
        self._roster.forget(agent_id)
        agent = self._ledger.agents.get(agent_id)
        if agent is not None:
            self._accounts.agents.allow_offers(agent, True)
        log.info("agent %s is reactivated", agent_id)

    # ---- what they have in common ----

    def _is_known(self, agent_id: AgentID) -> bool:
        roster = self._roster
        if roster.has_left(agent_id):  # and is perhaps still being struck off
            return False
        return agent_id in self._ledger.agents or agent_id in roster.recovered or agent_id in roster.unreachable

    def _check_known(self, verb: str, agent_id: AgentID) -> None:
        if not self._is_known(agent_id):
            raise NotFound(f"{verb}: agent {str(agent_id)[:80]} is not known, or gone; look its id up")

    def _apply(
        self, verb: str, agent_id: AgentID, operation: RegistryOperation, then: Callable[[], None]
    ) -> la.Future[None]:
        """Change the registry, then call ``then`` if the agent is still known."""
        promise = la.Promise[None]()

        def durable() -> None:
            if self._is_known(agent_id):
                then()
                promise.set(None)
            else:
                promise.fail(Conflict(f"{verb}: agent {agent_id} has gone meanwhile; nothing is left to do"))

        def refused(error: Exception) -> None:
            promise.fail(error)

        self._durability.apply(operation, durable, refused)
        return promise.future
