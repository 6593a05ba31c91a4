"""Machines: what it means for the books that an agent comes, goes or changes."""

# Who calls: hierarchical.py, one method a delta; those that end filters return their numbers.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (addSlave, updateSlave, updateAllocation, updateAvailable,
#   updateUnavailability, updateWhitelist).

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from mesoslite.model import (
    NOTHING,
    AgentAdded,
    AgentID,
    AgentsWhitelisted,
    AgentUnavailable,
    AgentUpdated,
    AllocationConverted,
    AvailableConverted,
    InsufficientResources,
    InternalError,
    InverseOfferAnswered,
    Resources,
)

from . import eligibility
from .agents import AgentBook

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mesoslite.model.kinds import Kind

    from .books import Books
    from .clients import Key


class Machines:
    """The deltas about agents."""

    def __init__(self, books: Books, region: str | None, filter_gpus: bool) -> None:
        self._books = books
        self._region = region
        self._filter_gpus = filter_gpus
        self._whitelist: frozenset[str] | None = None  # None: all

    def add(self, delta: AgentAdded) -> None:
        """Raises: InternalError, if it is known already, or more is used on it than it has."""
        if delta.agent_id in self._books.agents:
            raise InternalError(f"allocator: agent {delta.agent_id} is added twice; remove it first")
        self._check_used(delta)
        agent = AgentBook(delta.agent_id, delta.hostname, delta.total)
        agent.attributes = delta.attributes
        agent.capabilities = frozenset(delta.capabilities)
        agent.region, agent.zone = delta.region, delta.zone
        agent.is_listed = self._whitelist is None or agent.hostname in self._whitelist
        self._books.add_agent(agent)
        used: dict[Key, Resources] = {}
        for usage in delta.used:
            key = (usage.framework_id, usage.role)
            used[key] = used.get(key, NOTHING) + usage.resources
        for (framework_id, role), resources in used.items():
            if resources:
                self._books.hold(agent, self._books.shares.client(framework_id, role), resources)
        self._judge(agent)
        if delta.unavailability is not None:
            self._books.maintenance.schedule(agent, delta.unavailability)
        assert agent.check()

    def remove(self, agent_id: AgentID) -> tuple[int, ...]:
        """All that is held on it is gone."""
        agent = self._books.agent(agent_id)
        ended = self._books.filters.end_of_agent(agent) + self._books.maintenance.forget_agent(agent)
        self._books.remove_agent(agent)
        return ended

    def activate(self, agent_id: AgentID) -> None:
        """It may be offered again."""
        agent = self._books.agent(agent_id)
        agent.active = True
        self._books.change(agent)

    def deactivate(self, agent_id: AgentID) -> None:
        """It must not be offered."""
        self._books.agent(agent_id).active = False

    def update(self, delta: AgentUpdated) -> tuple[int, ...]:
        """New attributes end the filters about it, for who refused it may want it now."""
        agent = self._books.agent(delta.agent_id)
        ended: tuple[int, ...] = ()
        if delta.attributes is not None and delta.attributes != agent.attributes:
            agent.attributes = delta.attributes
            ended = self._books.filters.end_of_agent(agent)
        if delta.capabilities is not None:
            agent.capabilities = frozenset(delta.capabilities)
        if delta.total is not None and delta.total != agent.total:
            self._books.resize(agent, delta.total)
        self._judge(agent)
        self._books.change(agent)
        return ended

    def schedule(self, delta: AgentUnavailable) -> tuple[int, ...]:
        """Frameworks there are asked anew to leave."""
        agent = self._books.agent(delta.agent_id)
        return self._books.maintenance.schedule(agent, delta.unavailability)

    def whitelist(self, delta: AgentsWhitelisted) -> None:
        """Agents that are listed now and were not before may be offered."""
        self._whitelist = None if delta.hostnames is None else frozenset(delta.hostnames)
        for agent in self._books.agents.values():
            was_listed = agent.is_listed
            agent.is_listed = self._whitelist is None or agent.hostname in self._whitelist
            if agent.is_listed and not was_listed:
                self._books.change(agent)

    def convert_allocation(self, delta: AllocationConverted) -> None:
        """Raises: InternalError, if the client does not hold it.

        InsufficientResources, if the agent is short, or a shared volume that would be lost is used by others.
        """
        agent = self._books.agents.get(delta.agent_id)
        client = self._books.shares.clients.get((delta.framework_id, delta.role))
        if agent is None or (client is None and delta.framework_id not in self._books.frameworks):
            return
        held = None if client is None else agent.held.get(client)
        if client is None or held is None or not held.contains(delta.before):
            raise InternalError(
                f"allocator: framework {delta.framework_id} converts {delta.before} as role {delta.role!r} on agent "
                f"{delta.agent_id}, where it holds {held or 'nothing'}; report this"
            )
        if agent.is_short:
            raise InsufficientResources(
                f"allocator: cannot convert {delta.before} of agent {agent.agent_id}, which has less now than is held "
                f"on it; take back what is offered of it first"
            )
        lost = _shared_beyond(delta.before, delta.after)
        self._check_unused(agent, lost, held_by_caller=delta.before)
        gone = delta.before.not_shared() + lost
        come = delta.after.not_shared() + _shared_beyond(delta.after, agent.total)
        subscribed, client.subscribed = client.subscribed, True  # it must not be forgotten between the two
        self._books.release(agent, client, delta.before)
        self._books.convert(agent, gone, come)
        self._books.hold(agent, client, delta.after, grants=0)
        client.subscribed = subscribed
        self._judge(agent)
        assert agent.check()

    def convert_available(self, delta: AvailableConverted) -> None:
        """Raises: InsufficientResources, if that is not available, or a shared volume that would be lost is used."""
        agent = self._books.agent(delta.agent_id)
        if not agent.available.contains(delta.before):
            raise InsufficientResources(
                f"allocator: cannot convert {delta.before} of agent {agent.agent_id}, of which "
                f"{agent.available or 'nothing'} is available; take back what is offered or used of it first"
            )
        self._check_unused(agent, _shared_beyond(delta.before, delta.after), held_by_caller=NOTHING)
        self._books.convert(agent, delta.before, delta.after)
        self._judge(agent)
        assert agent.check()

    def answer(self, delta: InverseOfferAnswered) -> None:
        """Raises: InternalError, if the number of the filter is taken."""
        agent = self._books.agents.get(delta.agent_id)
        if agent is None or delta.framework_id not in self._books.frameworks:
            return
        if delta.filter_id is not None and delta.filter_id in self._books.filters:
            raise InternalError(f"allocator: filter {delta.filter_id} is set twice; number filters anew each time")
        self._books.maintenance.answer(agent, delta.framework_id, delta.accepted, delta.filter_id)

    def _judge(self, agent: AgentBook) -> None:
        agent.needs = eligibility.needs(agent, self._region, self._filter_gpus)

    @staticmethod
    def _check_unused(agent: AgentBook, lost: Resources, held_by_caller: Resources) -> None:
        """Raises: InsufficientResources, if anybody but the caller holds a shared volume that would be lost."""
        kinds = [portion.kind for portion in lost.others]
        if _copies(kinds, agent.held.values()) > _copies(kinds, [held_by_caller]):
            raise InsufficientResources(
                f"allocator: cannot do away with {lost} of agent {agent.agent_id}, which is used or offered; take it "
                f"back first"
            )

    @staticmethod
    def _check_used(delta: AgentAdded) -> None:
        free = delta.total
        for usage in delta.used:
            try:
                free -= usage.resources.not_shared()
                if _shared_beyond(usage.resources, delta.total):
                    raise InsufficientResources("a shared volume is not there")
            except InsufficientResources as error:
                raise InternalError(
                    f"allocator: framework {usage.framework_id} is given more of agent {delta.agent_id} than is "
                    f"available; report this"
                ) from error


def _shared_beyond(resources: Resources, others: Resources) -> Resources:
    """The shared volumes that are not among others, each once."""
    known = {portion.kind for portion in others.others}
    return Resources.from_portions(
        [
            structs.replace(portion, copies=1)
            for portion in resources.others
            if portion.kind.shared and portion.kind not in known
        ]
    )


def _copies(kinds: list[Kind], holdings: Iterable[Resources]) -> int:
    if not kinds:
        return 0
    return sum([portion.copies for held in holdings for portion in held.others if portion.kind in kinds])
