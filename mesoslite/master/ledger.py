"""Ledger: the master's books: agents, frameworks, offers, tasks, and who holds what."""

# Who calls: master.py, inside the master actor; nothing here sends, waits or reads a clock.
# Invariants: 1. per agent, used + offered + free is its total: `used` is the sum of the live tasks on it, `offered` of
#   the outstanding offers of it.    2. an offer stands in the ledger and in its framework and agent, or nowhere.
#   3. a task stands in its framework's `tasks` until its last status was acknowledged, then in `completed`.
# The allocator keeps books of its own over the same resources, from the deltas it is sent; tests compare the two.

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mesoslite.model import (
    NOTHING,
    PARTITION_AWARE,
    AgentID,
    AgentInfo,
    AgentState,
    FrameworkID,
    FrameworkInfo,
    FrameworkState,
    Offer,
    OfferID,
    Resources,
    TaskID,
    constants,
    dominant_share,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import libactor as la

    from .tasks import TaskEntry


@dataclass(slots=True)
class AgentEntry:
    """A registered agent."""

    id: AgentID
    info: AgentInfo
    pid: la.PID[Any]
    registered_time: float  # seconds since the epoch
    used: Resources = NOTHING
    offered: Resources = NOTHING
    tasks: dict[tuple[FrameworkID, TaskID], TaskEntry] = field(default_factory=dict)  # those that hold resources
    offers: dict[OfferID, Offer] = field(default_factory=dict)

    @property
    def free(self) -> Resources:
        """What is neither used nor offered; raises InsufficientResources if the books are wrong."""
        return self.info.resources - self.used - self.offered

    def snapshot(self) -> AgentState:
        """What readers see."""
        return AgentState(
            info=self.info,
            pid=str(self.pid),
            active=True,
            registered_time=self.registered_time,
            used=self.used,
            offered=self.offered,
            free=self.free,
        )


@dataclass(slots=True)
class FrameworkEntry:
    """A framework that has subscribed, connected or not."""

    id: FrameworkID
    info: FrameworkInfo
    pid: la.PID[Any]
    registered_time: float  # seconds since the epoch
    connected: bool = True
    disconnections: int = 0  # tells a failover timer whether it is still about the present loss
    used: Resources = NOTHING  # scalars only: sums of ranges over agents grow, and are made for who reads them
    offered: Resources = NOTHING  # likewise
    tasks: dict[TaskID, TaskEntry] = field(default_factory=dict)
    completed: deque[TaskEntry] = field(default_factory=lambda: deque(maxlen=constants.COMPLETED_TASKS_MAX))
    offers: dict[OfferID, Offer] = field(default_factory=dict)

    @property
    def partition_aware(self) -> bool:
        """Whether it wants to be told TASK_DROPPED, _UNKNOWN and _GONE apart; else all of them are TASK_LOST."""
        return PARTITION_AWARE in self.info.capabilities

    def snapshot(self, total: Mapping[str, int]) -> FrameworkState:
        """What readers see; ``total`` is the thousandths of scalars that all agents have."""
        live = [task.info.resources for task in self.tasks.values() if not task.state.is_terminal]
        return FrameworkState(
            info=self.info,
            active=self.connected,
            connected=self.connected,
            registered_time=self.registered_time,
            roles=self.info.roles,
            dominant_share=dominant_share((self.used + self.offered).scalars(), total),
            used=self.used + _without_scalars(live),
            offered=self.offered + _without_scalars([offer.resources for offer in self.offers.values()]),
            tasks=tuple([task.snapshot() for task in self.tasks.values()]),
            completed_tasks=tuple([task.snapshot() for task in self.completed]),
            offers=tuple(self.offers.values()),
        )


def _without_scalars(parts: Iterable[Resources]) -> Resources:
    """The ranges and sets of all parts, in one go."""
    return Resources.from_portions([portion for part in parts for portion in part.without_scalars().others])


class Ledger:
    """All that the master knows."""

    def __init__(self) -> None:
        self.agents: dict[AgentID, AgentEntry] = {}
        self.frameworks: dict[FrameworkID, FrameworkEntry] = {}
        self.offers: dict[OfferID, Offer] = {}
        self.completed: deque[FrameworkEntry] = deque(maxlen=constants.COMPLETED_FRAMEWORKS_MAX)
        self._agent_at: dict[la.PID[Any] | None, AgentEntry] = {}  # the same agents, by actor
        self._framework_at: dict[la.PID[Any] | None, FrameworkEntry] = {}

    @property
    def total(self) -> dict[str, int]:
        """The thousandths of scalars that all agents have together."""
        total: Counter[str] = Counter()
        for agent in self.agents.values():
            total.update(agent.info.resources.scalars())
        return total

    def agent_at(self, pid: la.PID[Any] | None) -> AgentEntry | None:
        """The agent whose actor that is."""
        return self._agent_at.get(pid)

    def framework_at(self, pid: la.PID[Any] | None) -> FrameworkEntry | None:
        """The framework whose actor that is."""
        return self._framework_at.get(pid)

    def add_agent(self, agent: AgentEntry) -> None:
        """Enter an agent."""
        self.agents[agent.id] = self._agent_at[agent.pid] = agent

    def remove_agent(self, agent: AgentEntry) -> None:
        """Strike off an agent on which nothing is used or offered any more."""
        assert not agent.used
        assert not agent.offered
        del self.agents[agent.id], self._agent_at[agent.pid]

    def add_framework(self, framework: FrameworkEntry) -> None:
        """Enter a framework."""
        assert framework.id not in self.frameworks
        self.frameworks[framework.id] = self._framework_at[framework.pid] = framework

    def move_framework(self, framework: FrameworkEntry, pid: la.PID[Any]) -> None:
        """Take note that a framework now lives elsewhere."""
        del self._framework_at[framework.pid]
        framework.pid = pid
        self._framework_at[pid] = framework

    def add_offer(self, offer: Offer) -> None:
        """Enter an outstanding offer; its agent and framework are known."""
        agent, framework = self.agents[offer.agent_id], self.frameworks[offer.framework_id]
        self.offers[offer.id] = agent.offers[offer.id] = framework.offers[offer.id] = offer
        agent.offered += offer.resources
        framework.offered += offer.resources.only_scalars()

    def remove_offer(self, offer_id: OfferID) -> Offer:
        """Strike an offer off."""
        offer = self.offers.pop(offer_id)
        agent, framework = self.agents[offer.agent_id], self.frameworks[offer.framework_id]
        del agent.offers[offer_id], framework.offers[offer_id]
        agent.offered -= offer.resources
        framework.offered -= offer.resources.only_scalars()
        return offer

    def add_task(self, task: TaskEntry) -> None:
        """Enter a task that holds its resources from now on."""
        agent, framework = self.agents[task.info.agent_id], self.frameworks[task.framework_id]
        agent.tasks[task.framework_id, task.info.task_id] = task
        framework.tasks[task.info.task_id] = task
        agent.used += task.info.resources
        framework.used += task.info.resources.only_scalars()

    def release_task(self, task: TaskEntry) -> None:
        """Take note that a task holds nothing any more; it stays listed until it is completed."""
        agent, framework = self.agents[task.info.agent_id], self.frameworks[task.framework_id]
        del agent.tasks[task.framework_id, task.info.task_id]
        agent.used -= task.info.resources
        framework.used -= task.info.resources.only_scalars()

    def complete_task(self, task: TaskEntry) -> None:
        """Move a released task to its framework's history."""
        framework = self.frameworks[task.framework_id]
        del framework.tasks[task.info.task_id]
        framework.completed.append(task)

    def complete_tasks_of(self, agent: AgentEntry) -> None:
        """Complete the tasks of a lost agent that had ended and were not acknowledged: nobody can do it any more."""
        for framework in self.frameworks.values():
            for task in [task for task in framework.tasks.values() if task.info.agent_id == agent.id]:
                self.complete_task(task)

    def complete_framework(self, framework: FrameworkEntry) -> None:
        """Move a framework without offers and live tasks to the history."""
        assert not framework.offers
        assert not framework.used
        for task in list(framework.tasks.values()):
            self.complete_task(task)
        del self.frameworks[framework.id], self._framework_at[framework.pid]
        framework.connected = False
        self.completed.append(framework)
