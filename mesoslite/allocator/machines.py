"""Machines: what it means for the books that an agent comes, goes or changes."""

# Who calls: hierarchical.py, one method a delta; those that end filters return their numbers.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (addSlave, updateSlave, updateAllocation, updateAvailable,
#   updateUnavailability, updateWhitelist).

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
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
    InvalidRequest,
    InverseOfferAnswered,
    Resources,
    once,
)
from mesoslite.model.kinds import Kind, ValueType
from mesoslite.model.sums import total_of

from . import eligibility
from .agents import AgentBook

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .books import Books
    from .clients import Key


class Machines:
    """The deltas about agents."""

    def __init__(self, books: Books, region: str | None, filter_gpus: bool) -> None:
        self._books = books
        self._region = region
        self._filter_gpus = filter_gpus
        self._whitelist: frozenset[str] | None = None  # None: all

    def add(self, deltas: Sequence[AgentAdded]) -> None:
        """With more in use than it has one is short, as one that shrank is. Raises: InternalError, if one is known."""
        new: set[AgentID] = set()
        for delta in deltas:
            if delta.agent_id in self._books.agents or delta.agent_id in new:
                raise InternalError(f"allocator: agent {delta.agent_id} is added twice; remove it first")
            new.add(delta.agent_id)
        for _, alike in groupby(deltas, lambda delta: id(delta.used)):
            self._add_alike(list(alike))

    def _add_alike(self, deltas: list[AgentAdded]) -> None:
        """Add agents of which the same is used by the same; it is counted once for all."""
        used = _used_by_client(deltas[0])
        held = once(total_of(list(used.values())))
        agents = [self._entered(delta, held) for delta in deltas]
        client = self._books.shares.client
        self._books.hold_first(agents, {client(*who): resources for who, resources in used.items() if resources}, held)
        for agent, delta in zip(agents, deltas, strict=True):
            total = once(delta.total)
            if agent.total != total:
                self._books.resize(agent, total)
            self._judge(agent)
            if delta.unavailability is not None:
                self._books.maintenance.schedule(agent, delta.unavailability)

    def _entered(self, delta: AgentAdded, held: Resources) -> AgentBook:
        """The book of a new agent, which for now has no less than is held."""
        total = once(delta.total)
        enough = total if total.contains(held) else total + total.shortfall(held)
        agent = AgentBook(delta.agent_id, delta.hostname, enough)
        agent.attributes = delta.attributes
        agent.capabilities = _set_of(delta.capabilities)
        agent.region, agent.zone = delta.region, delta.zone
        agent.is_listed = self._whitelist is None or agent.hostname in self._whitelist
        self._books.add_agent(agent)
        return agent

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
        """New attributes end the filters about it, and so does a new place, for who refused it may want it now."""
        agent = self._books.agent(delta.agent_id)
        ended: tuple[int, ...] = ()
        before = (agent.attributes, agent.region, agent.zone)
        if delta.attributes is not None:
            agent.attributes = delta.attributes
        agent.region, agent.zone = delta.region or agent.region, delta.zone or agent.zone
        if (agent.attributes, agent.region, agent.zone) != before:
            ended = self._books.filters.end_of_agent(agent)
        if delta.capabilities is not None:
            agent.capabilities = _set_of(delta.capabilities)
        total = None if delta.total is None else once(delta.total)
        if total is not None and total != agent.total:
            self._books.resize(agent, total)
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
        """Raises: InternalError, if the client does not hold it; InvalidRequest, if the amounts are not the same.

        InsufficientResources, unless forced, if the agent is short, or a shared volume that is lost is used by others.
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
        if agent.is_short and not delta.forced:
            raise InsufficientResources(
                f"allocator: cannot convert {delta.before} of agent {agent.agent_id}, which has less now than is held "
                f"on it; take back what is offered of it first"
            )
        gone, come = _exchanged(agent, delta.before, delta.after)
        if not delta.forced:
            self._check_unused(agent, gone.shared(), held_by_caller=delta.before)
        subscribed, client.subscribed = client.subscribed, True  # it must not be forgotten between the two
        if agent.is_short:
            self._books.exchange(agent, client, (delta.before, delta.after), (gone, come))
        else:
            self._books.release(agent, client, delta.before)
            self._books.convert(agent, gone, come)
            self._books.hold(agent, client, delta.after, grants=0)
        client.subscribed = subscribed
        self._judge(agent)

    def convert_available(self, delta: AvailableConverted) -> None:
        """Raises: InvalidRequest, if the amounts are not the same.

        InsufficientResources, unless forced, if that is not available, or a shared volume that would be lost is used.
        """
        agent = self._books.agent(delta.agent_id)
        is_available = agent.available.contains(delta.before)
        if not is_available and not delta.forced:
            raise InsufficientResources(
                f"allocator: cannot convert {delta.before} of agent {agent.agent_id}, of which "
                f"{agent.available or 'nothing'} is available; take back what is offered or used of it first"
            )
        gone, come = _exchanged(agent, delta.before, delta.after)
        if not delta.forced:
            self._check_unused(agent, gone.shared(), held_by_caller=NOTHING)
        if is_available and not gone.shared():
            self._books.convert(agent, gone, come)
        else:
            self._books.resize(agent, agent.total - gone + come)
        self._judge(agent)

    def answer(self, delta: InverseOfferAnswered) -> tuple[int, ...]:
        """The number of a filter that is not made counts as ended. Raises: InternalError, if the number is taken."""
        unmade = () if delta.filter_id is None else (delta.filter_id,)
        agent = self._books.agents.get(delta.agent_id)
        if agent is None or delta.framework_id not in self._books.frameworks:
            return unmade
        if delta.filter_id is not None and delta.filter_id in self._books.filters:
            raise InternalError(f"allocator: filter {delta.filter_id} is set twice; number filters anew each time")
        is_kept = self._books.maintenance.answer(agent, delta.framework_id, delta.filter_id)
        return () if is_kept else unmade

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


@lru_cache(maxsize=256)
def _set_of(capabilities: tuple[str, ...]) -> frozenset[str]:
    """The same set for all agents that can do the same, which are most."""
    return frozenset(capabilities)


def _used_by_client(delta: AgentAdded) -> dict[Key, Resources]:
    used: dict[Key, Resources] = {}
    for usage in delta.used:
        key = (usage.framework_id, usage.role)
        used[key] = used[key] + usage.resources if key in used else usage.resources
    return used


def _exchanged(agent: AgentBook, before: Resources, after: Resources) -> tuple[Resources, Resources]:
    """What the agent has less by a conversion, and what more; another copy of a shared volume is neither.

    Raises: InvalidRequest, unless it is as much of each name.
    """
    gone = before.not_shared() + _shared_beyond(before, after)
    come = after.not_shared() + _shared_beyond(after, agent.total)
    if _as_plain(gone) != _as_plain(come):
        raise InvalidRequest(
            f"allocator: cannot convert {before.brief} of agent {agent.agent_id} into {after.brief}: that is not as "
            f"much of each name; a conversion changes what resources are, not how many there are"
        )
    return gone, come


def _as_plain(resources: Resources) -> Resources:
    """As much of each name, without what sets the kinds of it apart."""
    if resources.is_plain:
        return resources
    others = [
        structs.replace(portion, kind=Kind(portion.kind.name, portion.kind.type))
        for portion in resources.others
        if portion.kind.type is not ValueType.SCALAR
    ]
    return Resources.from_milli(resources.scalars()) + Resources.from_portions(others)


def _shared_beyond(resources: Resources, others: Resources) -> Resources:
    """The shared volumes that are not among others, each once."""
    return others.shared().shortfall(once(resources.shared()))


def _copies(kinds: list[Kind], holdings: Iterable[Resources]) -> int:
    if not kinds:
        return 0
    return sum([portion.copies for held in holdings for portion in held.others if portion.kind in kinds])
