"""Accounts: every change of who holds what, entered in the ledger and told to the allocator in one step."""

# Who calls: master.py and scheduling.py, inside the master actor. Nobody else posts deltas, so the allocator's books
#   follow the ledger's: same changes, same order.
# What a plan granted counts as allocated at the allocator until it comes back through here, whatever became of the
#   framework or the agent meanwhile.

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import (
    AgentAdded,
    AgentRemoved,
    Delta,
    Filters,
    FrameworkActivated,
    FrameworkAdded,
    FrameworkDeactivated,
    FrameworkID,
    FrameworkRemoved,
    FrameworkUpdated,
    Grant,
    Offer,
    OfferUsed,
    Resources,
    Revived,
    Suppressed,
    TaskInfo,
    format_offer_id,
)

from .allocation import Applied, Recovered
from .tasks import TaskEntry

if TYPE_CHECKING:
    from .ledger import AgentEntry, FrameworkEntry, Ledger


NO_FILTER = Filters(0.0)


class Accounts:
    """The master's ledger and the line to its allocator."""

    def __init__(self, ledger: Ledger, allocator: la.PID[Any], master_id: str) -> None:
        self._ledger = ledger
        self._allocator = allocator
        self._master_id = master_id
        self._offer_numbers = itertools.count()

    def admit_agent(self, agent: AgentEntry) -> None:
        """Enter a new agent."""
        self._ledger.add_agent(agent)
        info = agent.info
        self._apply(
            AgentAdded(agent_id=agent.id, hostname=info.hostname, total=info.resources, attributes=info.attributes)
        )

    def remove_agent(self, agent: AgentEntry) -> None:
        """Strike off an agent whose offers and tasks are gone from the ledger."""
        self._ledger.remove_agent(agent)
        self._apply(AgentRemoved(agent.id))

    def admit_framework(self, framework: FrameworkEntry) -> None:
        """Enter a new framework."""
        self._ledger.add_framework(framework)
        info = framework.info
        self._apply(FrameworkAdded(framework_id=framework.id, roles=info.roles, capabilities=info.capabilities))

    def activate_framework(self, framework: FrameworkEntry) -> None:
        """Let a framework that is back be offered resources, as it now wants them."""
        framework.connected = True
        info = framework.info
        self._apply(FrameworkUpdated(framework_id=framework.id, roles=info.roles, capabilities=info.capabilities))
        self._apply(FrameworkActivated(framework.id))

    def deactivate_framework(self, framework: FrameworkEntry) -> None:
        """Keep offers from a framework that is not connected."""
        framework.connected = False
        framework.disconnections += 1
        self._apply(FrameworkDeactivated(framework.id))

    def remove_framework(self, framework: FrameworkEntry) -> None:
        """Move a framework whose offers and tasks hold nothing any more to the history."""
        self._ledger.complete_framework(framework)
        self._apply(FrameworkRemoved(framework.id))

    def suppress(self, framework_id: FrameworkID, roles: tuple[str, ...]) -> None:
        """Make no offers to these roles of a framework."""
        self._apply(Suppressed(framework_id, roles))

    def revive(self, framework_id: FrameworkID, roles: tuple[str, ...]) -> None:
        """Make offers to these roles of a framework again, filters or not."""
        self._apply(Revived(framework_id, roles))

    def offer(self, grant: Grant) -> Offer | None:
        """Turn a grant into an outstanding offer; None, and back it goes, if its framework or agent has gone."""
        agent = self._ledger.agents.get(grant.agent_id)
        framework = self._ledger.frameworks.get(grant.framework_id)
        if agent is None or framework is None or not framework.connected:
            self._recover(grant, grant.resources)
            return None
        offer = Offer(
            id=format_offer_id(self._master_id, next(self._offer_numbers)),
            framework_id=framework.id,
            agent_id=agent.id,
            hostname=agent.info.hostname,
            resources=grant.resources,
            role=grant.role,
            port=agent.info.port,
        )
        self._ledger.add_offer(offer)
        return offer

    def take_back(self, offer: Offer) -> None:
        """Strike off an offer that no longer stands, whatever its framework would have done with it."""
        self._ledger.remove_offer(offer.id)
        self._recover(offer, offer.resources)

    def decline(self, offer: Offer, filters: Filters) -> None:
        """Strike off an offer of which its framework uses nothing."""
        self._ledger.remove_offer(offer.id)
        self._recover(offer, offer.resources, filters, declined=True)

    def launch(self, offers: list[Offer], tasks: list[TaskInfo], left: Resources, filters: Filters) -> None:
        """Turn ``offers``, all of one agent and role, into ``tasks``; what is ``left`` goes back under ``filters``."""
        for offer in offers:
            self._ledger.remove_offer(offer.id)
        first = offers[0]
        for task in tasks:
            self._ledger.add_task(TaskEntry(info=task, framework_id=first.framework_id, role=first.role))
        if tasks:
            used = sum([task.resources for task in tasks[1:]], tasks[0].resources)
            self._apply(
                OfferUsed(framework_id=first.framework_id, role=first.role, agent_id=first.agent_id, resources=used)
            )
        self._recover(first, left, filters, declined=not tasks)

    def release(self, task: TaskEntry) -> None:
        """Take back what a task held that has ended."""
        self._ledger.release_task(task)
        la.post(
            self._allocator,
            Recovered(
                framework_id=task.framework_id,
                role=task.role,
                agent_id=task.info.agent_id,
                resources=task.info.resources,
            ),
        )

    def _recover(
        self, source: Offer | Grant, resources: Resources, filters: Filters = NO_FILTER, declined: bool = False
    ) -> None:
        if resources:
            la.post(
                self._allocator,
                Recovered(
                    framework_id=source.framework_id,
                    role=source.role,
                    agent_id=source.agent_id,
                    resources=resources,
                    refuse_seconds=filters.duration_seconds(),
                    declined=declined,
                ),
            )

    def _apply(self, delta: Delta) -> None:
        la.post(self._allocator, Applied(delta))
