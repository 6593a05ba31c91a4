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

    from mesoslite.model import AgentID, FrameworkID, Unavailability

    from .agents import AgentBook
    from .clients import FrameworkBook


class Maintenance:
    """Who was asked to leave which agent, and what was answered."""

    def __init__(self) -> None:
        self.due: dict[AgentBook, None] = {}  # an ordered set; invariant 2
        self._scheduled: dict[AgentBook, None] = {}  # agents that are to be serviced
        self._asked: set[tuple[AgentID, FrameworkID]] = set()
        self._filters: dict[int, tuple[AgentBook, FrameworkID]] = {}
        self._answers: dict[AgentID, dict[FrameworkID, bool]] = {}

    def __contains__(self, filter_id: int) -> bool:
        return filter_id in self._filters

    def schedule(self, agent: AgentBook, unavailability: Unavailability | None) -> tuple[int, ...]:
        """Service an agent at another time, or not; everybody is asked anew. Filters that end."""
        ended = self.forget_agent(agent)
        agent.unavailability = unavailability
        if unavailability is not None:
            self._scheduled[agent] = self.due[agent] = None
        return ended

    def forget_agent(self, agent: AgentBook) -> tuple[int, ...]:
        """Ask nobody to leave an agent any more. Filters that end."""
        self.due.pop(agent, None)
        self._scheduled.pop(agent, None)
        self._answers.pop(agent.agent_id, None)
        self._asked = {asked for asked in self._asked if asked[0] != agent.agent_id}
        return self._end([number for number, (about, _) in self._filters.items() if about is agent])

    def forget_framework(self, framework_id: FrameworkID) -> tuple[int, ...]:
        """Forget a framework that is gone. Filters that end."""
        self._asked = {asked for asked in self._asked if asked[1] != framework_id}
        for answers in self._answers.values():
            answers.pop(framework_id, None)
        return self.end_filters(framework_id)

    def end_filters(self, framework_id: FrameworkID) -> tuple[int, ...]:
        """End a framework's filters, so that it is asked again. Filters that end."""
        return self._end([number for number, (_, by) in self._filters.items() if by == framework_id])

    def end_filter(self, filter_id: int) -> None:
        """End one filter."""
        self._end([filter_id])

    def look_again(self) -> None:
        """Take note that a framework that was away is back."""
        self.due.update(self._scheduled)

    def answer(self, agent: AgentBook, framework_id: FrameworkID, accepted: bool | None, filter_id: int | None) -> None:
        """Note an answer, or, with None, that there will be none. Raises: InternalError, if the number is taken."""
        self._asked.discard((agent.agent_id, framework_id))
        if accepted is not None:
            self._answers.setdefault(agent.agent_id, {})[framework_id] = accepted
        if filter_id is None:
            if agent in self._scheduled:
                self.due[agent] = None
            return
        if filter_id in self._filters:
            raise InternalError(f"allocator: filter {filter_id} is set twice; number filters anew each time")
        self._filters[filter_id] = (agent, framework_id)

    def answers(self) -> Mapping[AgentID, Mapping[FrameworkID, bool]]:
        """Return who has last accepted or declined to leave which agent."""
        return {agent_id: dict(answers) for agent_id, answers in self._answers.items()}

    def plan(self, frameworks: Mapping[FrameworkID, FrameworkBook]) -> tuple[InverseGrant, ...]:
        """Ask whoever has to be asked."""
        asked: list[InverseGrant] = []
        filtered = {(about.agent_id, by) for about, by in self._filters.values()} if self.due else set()
        for agent in list(self.due):
            if not agent.active or not agent.is_listed or agent.unavailability is None:
                continue  # it stays due until it may be offered
            del self.due[agent]
            for framework_id in dict.fromkeys([client.framework_id for client in agent.held]):
                framework = frameworks.get(framework_id)
                pair = (agent.agent_id, framework_id)
                if framework is None or not framework.active or pair in self._asked or pair in filtered:
                    continue
                self._asked.add(pair)
                asked.append(
                    InverseGrant(
                        framework_id=framework_id, agent_id=agent.agent_id, unavailability=agent.unavailability
                    )
                )
        return tuple(asked)

    def _end(self, filter_ids: list[int]) -> tuple[int, ...]:
        for filter_id in filter_ids:
            agent, _ = self._filters.pop(filter_id)
            if agent in self._scheduled:
                self.due[agent] = None
        return tuple(filter_ids)
