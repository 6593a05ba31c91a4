"""Shadow: what one master's cluster is by its happenings alone: kept apart from its books, to compare the two."""

# Who calls: world.py hands it each happening, after the checkers, which so see it as it was before.
# It is deliberately simple: dictionaries, and sums made anew whenever somebody asks.

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mesoslite.model import NOTHING, Resources, TaskState, happenings

if TYPE_CHECKING:
    from mesoslite.model import AgentID, FrameworkID, FrameworkInfo, Offer, OfferID, TaskID, TaskInfo


@dataclass
class ShadowTask:
    """A task that is not over; ``state`` is the newest that the master knows."""

    info: TaskInfo
    role: str
    state: TaskState

    @property
    def holds(self) -> Resources:
        """What it has of its agent."""
        return NOTHING if self.state.is_terminal else self.info.resources


@dataclass
class ShadowFramework:
    """A framework; ``lost_at`` is when its scheduler went, None while that is here, or never came."""

    info: FrameworkInfo
    suppressed: set[str]
    lost_at: float | None = None
    failover_timeout: float = 0.0


@dataclass
class ShadowAgent:
    """An agent, and all that it has."""

    total: Resources
    connected: bool = True
    active: bool = True


@dataclass
class Shadow:
    """One master that leads, or has led."""

    master_id: str
    epoch: int = 0
    agents: dict[AgentID, ShadowAgent] = field(default_factory=dict)
    frameworks: dict[FrameworkID, ShadowFramework] = field(default_factory=dict)
    offers: dict[OfferID, Offer] = field(default_factory=dict)
    ended_offers: dict[OfferID, str] = field(default_factory=dict)  # how each ended first
    tasks: dict[tuple[FrameworkID, AgentID, TaskID], ShadowTask] = field(default_factory=dict)

    def apply(self, happening: Any) -> None:
        """Take a happening over."""
        name = type(happening).__name__
        for prefix, part in (("Agent", self._agent), ("Framework", self._framework), ("Offer", self._offer)):
            if name.startswith(prefix):
                part(happening)
        if name.startswith("Task"):
            self._task(happening)
        elif isinstance(happening, happenings.LeadershipBegun):
            self.epoch = happening.epoch

    def offered(self, agent_id: AgentID) -> list[Offer]:
        """The offers of an agent that stand."""
        return [offer for offer in self.offers.values() if offer.agent_id == agent_id]

    def used(self, agent_id: AgentID) -> Resources:
        """What tasks on an agent hold."""
        return sum([task.holds for (_, agent, _), task in self.tasks.items() if agent == agent_id], NOTHING)

    def _agent(self, happening: Any) -> None:
        agent = self.agents.get(happening.agent_id)
        match happening:
            case happenings.AgentAdded():
                self.agents[happening.agent_id] = ShadowAgent(happening.info.resources)
            case happenings.AgentReturned() if agent is None:
                self.agents[happening.agent_id] = ShadowAgent(happening.info.resources)
            case happenings.AgentUpdated() if agent is not None:
                agent.total = happening.total
            case happenings.AgentReturned() if agent is not None:
                agent.connected = True
            case happenings.AgentDisconnected() if agent is not None:
                agent.connected = False
            case happenings.AgentDeactivated() | happenings.AgentReactivated() if agent is not None:
                agent.active = isinstance(happening, happenings.AgentReactivated)
            case happenings.AgentUnreachable() | happenings.AgentGone() | happenings.AgentRemoved():
                self.agents.pop(happening.agent_id, None)

    def _framework(self, happening: Any) -> None:
        framework_id = happening.framework_id
        framework = self.frameworks.get(framework_id)
        match happening:
            case happenings.FrameworkAdded():
                self.frameworks[framework_id] = ShadowFramework(happening.info, _suppressed(happening))
            case happenings.FrameworkRemoved():
                self.frameworks.pop(framework_id, None)
            case happenings.FrameworkUpdated() if framework is not None:
                framework.info, framework.suppressed = happening.info, _suppressed(happening)
            case happenings.FrameworkConnected() if framework is not None:
                framework.lost_at = None
            case happenings.FrameworkDisconnected() if framework is not None:
                framework.lost_at, framework.failover_timeout = happening.time, happening.failover_timeout
            case happenings.FrameworkSuppressed() if framework is not None:
                framework.suppressed |= set(happening.roles or framework.info.roles)
            case happenings.FrameworkRevived() if framework is not None:
                framework.suppressed -= set(happening.roles or framework.info.roles)

    def _offer(self, happening: Any) -> None:
        if isinstance(happening, happenings.OfferMade):
            self.offers[happening.offer.id] = happening.offer
            return
        single = isinstance(happening, (happenings.OfferRescinded, happenings.OfferExpired))
        for offer in (happening.offer,) if single else happening.offers:
            self.offers.pop(offer.id, None)
            self.ended_offers.setdefault(offer.id, type(happening).__name__)

    def _task(self, happening: Any) -> None:
        match happening:
            case happenings.TaskLaunched():
                key = (happening.framework_id, happening.task.agent_id, happening.task.task_id)
                self.tasks[key] = ShadowTask(happening.task, happening.role, TaskState.TASK_STAGING)
            case happenings.TaskReturned():
                key = (happening.framework_id, happening.task.agent_id, happening.task.task_id)
                self.tasks[key] = ShadowTask(happening.task, happening.role, happening.state)
            case happenings.TaskUpdated() | happenings.TaskRemoved():
                key = (happening.framework_id, happening.agent_id, happening.task_id)
                task = self.tasks.get(key)
                if task is not None and isinstance(happening, happenings.TaskUpdated):
                    task.state = happening.new
                elif isinstance(happening, happenings.TaskRemoved):
                    self.tasks.pop(key, None)


def _suppressed(happening: Any) -> set[str]:
    return set(happening.suppressed_roles)
