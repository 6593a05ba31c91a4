"""Maintenance: frameworks are asked, by inverse offers, to leave agents that are to be serviced."""

# Who calls: hierarchical.py as deltas tell; books.py when something on such an agent is held anew; cycle.py at its end.
# Invariants: 1. a framework has at most one unanswered inverse offer an agent.
#   2. ``due`` has every agent of which somebody may have to be asked; so agents nobody asks about cost nothing.
#   3. what one framework does costs as much as it was asked and has answered, however many agents are to be serviced.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (generateInverseOffers, updateInverseOffer,
#   updateUnavailability).

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from mesoslite.model import InternalError, InverseGrant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesoslite.model import FrameworkID, Unavailability

    from .agents import AgentBook
    from .clients import FrameworkBook

T = TypeVar("T")


class Service:
    """What is known of one agent that is to be serviced: who was asked, who does not want to be."""

    __slots__ = ("asked", "filters")

    def __init__(self) -> None:
        self.asked: set[FrameworkID] = set()
        self.filters: dict[int, FrameworkID] = {}  # by number


class Maintenance:
    """Who was asked to leave which agent, and has not answered; what is answered the master keeps."""

    def __init__(self) -> None:
        self._due: dict[AgentBook, None] = {}  # an ordered set; invariant 2
        self._is_all_due = False  # every agent is, and is put there before the next look
        self._services: dict[AgentBook, Service] = {}
        self._filters: dict[int, AgentBook] = {}  # by number
        # The same by framework; none without one.
        self._asked_of: dict[FrameworkID, dict[AgentBook, None]] = {}
        self._filters_of: dict[FrameworkID, dict[int, None]] = {}

    def __contains__(self, filter_id: int) -> bool:
        return filter_id in self._filters

    def due(self) -> list[AgentBook]:
        """Every agent of which somebody may have to be asked."""
        if self._is_all_due:
            self._due.update(dict.fromkeys(self._services))
            self._is_all_due = False
        return list(self._due)

    def schedule(self, agent: AgentBook, unavailability: Unavailability | None) -> tuple[int, ...]:
        """Service an agent at another time, or not; everybody is asked anew. Filters that end."""
        ended = self.forget_agent(agent)
        agent.unavailability = unavailability
        if unavailability is not None:
            self._services[agent] = Service()
            self._due[agent] = None
        return ended

    def look_at(self, agent: AgentBook) -> None:
        """Take note that something on an agent that is to be serviced is held anew."""
        self._due[agent] = None

    def forget_agent(self, agent: AgentBook) -> tuple[int, ...]:
        """Ask nobody to leave an agent any more. Filters that end."""
        self._due.pop(agent, None)
        service = self._services.pop(agent, None)
        if service is None:
            return ()
        for framework_id in service.asked:
            _strike(self._asked_of, framework_id, agent)
        for filter_id, framework_id in service.filters.items():
            del self._filters[filter_id]
            _strike(self._filters_of, framework_id, filter_id)
        return tuple(service.filters)

    def forget_framework(self, framework_id: FrameworkID) -> tuple[int, ...]:
        """Forget a framework that is gone. Filters that end."""
        for agent in self._asked_of.pop(framework_id, ()):
            self._services[agent].asked.discard(framework_id)
        return self.end_filters(framework_id)

    def end_filters(self, framework_id: FrameworkID) -> tuple[int, ...]:
        """End a framework's filters, so that it is asked again. Filters that end. Cost: O(these)."""
        ended = tuple(self._filters_of.get(framework_id, ()))
        for filter_id in ended:
            self.end_filter(filter_id)
        return ended

    def end_filter(self, filter_id: int) -> None:
        """End one filter."""
        agent = self._filters.pop(filter_id)
        _strike(self._filters_of, self._services[agent].filters.pop(filter_id), filter_id)
        self._due[agent] = None

    def look_again(self) -> None:
        """Take note that a framework that was away is back."""
        self._is_all_due = True

    def answer(self, agent: AgentBook, framework_id: FrameworkID, filter_id: int | None) -> bool:
        """Note that nobody waits for an answer any more; False if the agent is not to be serviced any more.

        Raises: InternalError, if the number is taken.
        """
        if filter_id in self._filters:
            raise InternalError(f"allocator: filter {filter_id} is set twice; number filters anew each time")
        service = self._services.get(agent)
        if service is None:
            return False
        self._unask(agent, service, framework_id)
        if filter_id is None:
            self._due[agent] = None
        else:
            service.filters[filter_id] = framework_id
            self._filters[filter_id] = agent
            self._filters_of.setdefault(framework_id, {})[filter_id] = None
        return True

    def ask(self, agent: AgentBook, frameworks: Mapping[FrameworkID, FrameworkBook]) -> list[InverseGrant]:
        """Ask whoever has to be asked to leave an agent. Cost: O(who holds something there)."""
        if agent not in self._due or not agent.active or not agent.is_listed or agent.unavailability is None:
            return []  # it stays due until it may be offered
        del self._due[agent]
        asked: list[InverseGrant] = []
        service = self._services[agent]
        passed_over = service.asked.union(service.filters.values())
        for framework_id in dict.fromkeys([client.framework_id for client in agent.held]):
            framework = frameworks.get(framework_id)
            if framework is None or not framework.active or framework_id in passed_over:
                continue
            service.asked.add(framework_id)
            self._asked_of.setdefault(framework_id, {})[agent] = None
            asked.append(
                InverseGrant(framework_id=framework_id, agent_id=agent.agent_id, unavailability=agent.unavailability)
            )
        return asked

    def take_back(self, agent: AgentBook, framework_id: FrameworkID) -> None:
        """Take note that a framework was not asked after all."""
        service = self._services.get(agent)
        if service is not None:
            self._unask(agent, service, framework_id)
            self._due[agent] = None

    def audit(self) -> None:
        """Assert that what is known by framework is what is known by agent. Cost: O(everything); for tests."""
        asked = {(one, agent) for agent, service in self._services.items() for one in service.asked}
        filters = {(one, at) for service in self._services.values() for at, one in service.filters.items()}
        assert asked == {(one, agent) for one, agents in self._asked_of.items() for agent in agents}, "who was asked"
        assert filters == {(one, at) for one, numbers in self._filters_of.items() for at in numbers}, "inverse filters"
        assert all(self._asked_of.values()), "a framework that was asked nothing is kept"
        assert all(self._filters_of.values()), "a framework without filters is kept"
        assert {at for _, at in filters} == self._filters.keys(), "inverse filters by number"

    def _unask(self, agent: AgentBook, service: Service, framework_id: FrameworkID) -> None:
        if framework_id in service.asked:
            service.asked.discard(framework_id)
            _strike(self._asked_of, framework_id, agent)


def _strike(entries: dict[FrameworkID, dict[T, None]], framework_id: FrameworkID, entry: T) -> None:
    """Take one out of what is known of a framework."""
    of_framework = entries[framework_id]
    del of_framework[entry]
    if not of_framework:
        del entries[framework_id]
