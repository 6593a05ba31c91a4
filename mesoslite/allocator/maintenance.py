"""Maintenance: frameworks are asked, by inverse offers, to leave agents that are to be serviced."""

# Who calls: hierarchical.py as deltas tell; books.py when something on such an agent is held anew; cycle.py at its end.
# Invariants: 1. a framework has at most one unanswered inverse offer an agent.
#   2. ``due`` holds every agent of which somebody may have to be asked; so agents nobody asks about cost nothing.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (generateInverseOffers, updateInverseOffer,
#   updateUnavailability).

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import InternalError, InverseGrant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesoslite.model import FrameworkID, Unavailability

    from .agents import AgentBook
    from .clients import FrameworkBook


class Service:
    """What is known of one agent that is to be serviced: who was asked, who does not want to be."""

    __slots__ = ("asked", "filters")

    def __init__(self) -> None:
        self.asked: set[FrameworkID] = set()
        self.filters: dict[int, FrameworkID] = {}  # by number


class Maintenance:
    """Who was asked to leave which agent, and has not answered; what is answered the master keeps."""

    def __init__(self) -> None:
        self.due: dict[AgentBook, None] = {}  # an ordered set; invariant 2
        self._services: dict[AgentBook, Service] = {}
        self._filters: dict[int, AgentBook] = {}  # by number

    def __contains__(self, filter_id: int) -> bool:
        return filter_id in self._filters

    def schedule(self, agent: AgentBook, unavailability: Unavailability | None) -> tuple[int, ...]:
        """Service an agent at another time, or not; everybody is asked anew. Filters that end."""
        ended = self.forget_agent(agent)
        agent.unavailability = unavailability
        if unavailability is not None:
            self._services[agent] = Service()
            self.due[agent] = None
        return ended

    def forget_agent(self, agent: AgentBook) -> tuple[int, ...]:
        """Ask nobody to leave an agent any more. Filters that end."""
        self.due.pop(agent, None)
        service = self._services.pop(agent, None)
        if service is None:
            return ()
        for filter_id in service.filters:
            del self._filters[filter_id]
        return tuple(service.filters)

    def forget_framework(self, framework_id: FrameworkID) -> tuple[int, ...]:
        """Forget a framework that is gone. Filters that end."""
        for service in self._services.values():
            service.asked.discard(framework_id)
        return self.end_filters(framework_id)

    def end_filters(self, framework_id: FrameworkID) -> tuple[int, ...]:
        """End a framework's filters, so that it is asked again. Filters that end. Cost: O(agents to be serviced)."""
        ended: list[int] = []
        for service in self._services.values():
            ended += [number for number, by in service.filters.items() if by == framework_id]
        for filter_id in ended:
            self.end_filter(filter_id)
        return tuple(ended)

    def end_filter(self, filter_id: int) -> None:
        """End one filter."""
        agent = self._filters.pop(filter_id)
        del self._services[agent].filters[filter_id]
        self.due[agent] = None

    def look_again(self) -> None:
        """Take note that a framework that was away is back."""
        self.due.update(dict.fromkeys(self._services))

    def answer(self, agent: AgentBook, framework_id: FrameworkID, filter_id: int | None) -> bool:
        """Note that nobody waits for an answer any more; False if the agent is not to be serviced any more.

        Raises: InternalError, if the number is taken.
        """
        if filter_id in self._filters:
            raise InternalError(f"allocator: filter {filter_id} is set twice; number filters anew each time")
        service = self._services.get(agent)
        if service is None:
            return False
        service.asked.discard(framework_id)
        if filter_id is None:
            self.due[agent] = None
        else:
            service.filters[filter_id] = framework_id
            self._filters[filter_id] = agent
        return True

    def ask(self, agent: AgentBook, frameworks: Mapping[FrameworkID, FrameworkBook]) -> list[InverseGrant]:
        """Ask whoever has to be asked to leave an agent. Cost: O(who holds something there)."""
        if agent not in self.due or not agent.active or not agent.is_listed or agent.unavailability is None:
            return []  # it stays due until it may be offered
        del self.due[agent]
        asked: list[InverseGrant] = []
        service = self._services[agent]
        passed_over = service.asked.union(service.filters.values())
        for framework_id in dict.fromkeys([client.framework_id for client in agent.held]):
            framework = frameworks.get(framework_id)
            if framework is None or not framework.active or framework_id in passed_over:
                continue
            service.asked.add(framework_id)
            asked.append(
                InverseGrant(framework_id=framework_id, agent_id=agent.agent_id, unavailability=agent.unavailability)
            )
        return asked

    def take_back(self, agent: AgentBook, framework_id: FrameworkID) -> None:
        """Take note that a framework was not asked after all."""
        service = self._services.get(agent)
        if service is not None:
            service.asked.discard(framework_id)
            self.due[agent] = None
