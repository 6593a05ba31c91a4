"""Accounts of agents: how they come, with what, whether they may be offered, and how they go."""

# Who calls: registration.py, returns.py and whoever else decides about agents, through `agents` of accounts.py. Each
#   change is entered in the ledger and told to the allocator in one step.
# An agent that brings tasks is entered a part at a time: `begin_entry`, `enter_tasks` as often as need be, `end_entry`.

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import (
    AgentActivated,
    AgentAdded,
    AgentDeactivated,
    AgentInfo,
    AgentRemoved,
    AgentUnavailable,
    AgentUpdated,
    AvailableConverted,
    Resources,
    Usage,
    happenings,
)

from .figures import TASKS
from .usages import usages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mesoslite.model import Conversion, Unavailability

    from .agent_entry import AgentEntry
    from .alike import Alike
    from .allocator_line import AllocatorLine
    from .ledger import Ledger
    from .operations import ExecutorEntry
    from .portions import Portion


class AgentAccounts:
    """The agents in a master's ledger, and what its allocator is told of them."""

    def __init__(self, ledger: Ledger, line: AllocatorLine) -> None:
        self._ledger = ledger
        self._tell, self._changes = ledger.chronicle.tell, ledger.changes
        self._line = line
        self._apply = line.apply

    def admit(self, agent: AgentEntry) -> None:
        """Enter a new agent."""
        self._ledger.add_agent(agent)
        self._tell_entry(agent)
        self._tell(happenings.AgentAdded, agent.id, agent.info, str(agent.pid))

    # ---- agents that bring tasks: many, perhaps, so they are entered one after the other ----

    def begin_entry(self, agent: AgentEntry) -> None:
        """Enter an agent that comes back; it counts as away until all its tasks are in."""
        agent.connected = False
        self._ledger.add_agent(agent)
        self._tell_return(agent, True)
        self._begin(agent, ())

    def begin_reentry(self, agent: AgentEntry) -> None:
        """Have a registered agent, of which nothing is offered, bring more tasks."""
        agent.connected = False
        self._changes.agents[agent.id] = None
        self._apply(AgentRemoved(agent.id))
        self._begin(agent, usages(agent))

    def _begin(self, agent: AgentEntry, used: tuple[Usage, ...]) -> None:
        agent.entered = self._line.deltas + 1  # what was granted of it before is void
        self._line.begin(agent.id, used)

    def enter_tasks(self, agent: AgentEntry, groups: Sequence[Alike]) -> None:
        """Enter tasks that their agent has brought."""
        self._ledger.add_tasks(agent, groups, brought=True)
        self._line.use(agent.id, groups)
        self._tell_tasks(groups)

    def enter_together(self, entries: Sequence[tuple[AgentEntry, Portion]], groups: Sequence[Alike]) -> None:
        """Enter agents that come back with all that they bring, which ``groups`` are together."""
        self._ledger.add_agents(entries, groups)
        for agent, _ in entries:
            self._tell_return(agent, True)
        self._tell_tasks(groups)
        self._line.add_agents([self._added(agent, portion.layout.usages) for agent, portion in entries])
        entered = self._line.deltas
        for agent, _ in entries:
            agent.entered = entered
            if not agent.active:
                self._apply(AgentDeactivated(agent.id))

    def _tell_tasks(self, groups: Sequence[Alike]) -> None:
        for framework, _, state, tasks, _ in groups:
            framework.figures[TASKS[state]] += len(tasks)
        for framework, _, _, tasks, _ in groups if self._ledger.chronicle.wants(happenings.TaskReturned) else ():
            for task in tasks.values():
                told = (framework.id, task.info, task.role, task.state, task.statuses, task.source.user)
                self._tell(happenings.TaskReturned, *told)

    def enter_executors(self, agent: AgentEntry, executors: Sequence[ExecutorEntry]) -> None:
        """Enter executors that their agent has brought."""
        for executor in executors:
            self._ledger.add_executor(executor)
            if executor.info.resources:
                self._line.hold(agent.id, executor.framework_id, executor.role, executor.info.resources)

    def is_untold(self, agent: AgentEntry) -> bool:
        """Whether an agent is being entered."""
        return self._line.is_untold(agent.id)

    def end_entry(self, agent: AgentEntry, *, connected: bool) -> None:
        """All its tasks are in: the allocator hears of the agent, with what they hold."""
        agent.connected = connected
        self._changes.agents[agent.id] = None
        self._tell_entry(agent, self._line.end(agent.id))
        if not (agent.active and agent.connected):
            self._apply(AgentDeactivated(agent.id))

    def _tell_entry(self, agent: AgentEntry, used: tuple[Usage, ...] = ()) -> None:
        self._apply(self._added(agent, used))
        agent.entered = self._line.deltas

    def _added(self, agent: AgentEntry, used: tuple[Usage, ...]) -> AgentAdded:
        info = agent.info
        agent.unavailability = self._ledger.roster.unavailability(info, agent.pid.address)
        return AgentAdded(
            agent_id=agent.id,
            hostname=info.hostname,
            total=agent.total,
            used=used,
            attributes=info.attributes,
            region=info.domain.region if info.domain is not None else None,
            zone=info.domain.zone if info.domain is not None else None,
            unavailability=agent.unavailability,
        )

    def update(self, agent: AgentEntry, info: AgentInfo, total: Resources) -> None:
        """Take over what an agent, of which nothing is offered, now says of itself, and has."""
        agent.info = info
        self._changes.agents[agent.id] = None
        self._ledger.resize_agent(agent, total)
        self._apply(
            AgentUpdated(
                agent_id=agent.id,
                total=total,
                attributes=info.attributes,
                region=info.domain.region if info.domain is not None else None,
                zone=info.domain.zone if info.domain is not None else None,
            )
        )
        agent.resized = self._line.deltas
        self._tell(happenings.AgentUpdated, agent.id, info, total)

    def resize(self, agent: AgentEntry, total: Resources) -> None:
        """Take note that an agent has other resources than it had; what is used or offered of it stays so."""
        self._ledger.resize_agent(agent, total)
        self._apply(AgentUpdated(agent_id=agent.id, total=total))
        agent.resized = self._line.deltas
        self._tell(happenings.AgentUpdated, agent.id, agent.info, total)

    def convert(self, agent: AgentEntry, done: Conversion) -> None:
        """Take note of what was made of what nobody holds of an agent, as far as the ledger knows."""
        self._ledger.convert(agent, done)
        self._apply(AvailableConverted(agent_id=agent.id, before=done.before, after=done.after, forced=True))
        agent.resized = self._line.deltas

    def connect(self, agent: AgentEntry) -> None:
        """Let an agent that is back be offered, if it is to be."""
        self._set_standing(agent, True, agent.active)
        self._tell_return(agent, False)

    def _tell_return(self, agent: AgentEntry, is_anew: bool) -> None:
        if self._ledger.chronicle.wants(happenings.AgentReturned):
            self._tell(happenings.AgentReturned, agent.id, agent.info, str(agent.pid), is_anew)

    def disconnect(self, agent: AgentEntry, why: str) -> None:
        """Keep an agent that is not there from being offered."""
        agent.disconnections += 1
        self._set_standing(agent, False, agent.active)
        self._tell(happenings.AgentDisconnected, agent.id, why)

    def allow_offers(self, agent: AgentEntry, active: bool) -> None:
        """Let an agent be offered, as long as it is connected, or not."""
        self._set_standing(agent, agent.connected, active)
        self._tell(happenings.AgentReactivated if active else happenings.AgentDeactivated, agent.id)

    def _set_standing(self, agent: AgentEntry, connected: bool, active: bool) -> None:
        was, is_offered = agent.connected and agent.active, connected and active
        agent.connected, agent.active = connected, active
        self._changes.agents[agent.id] = None
        if was != is_offered:
            self._apply(AgentActivated(agent.id) if is_offered else AgentDeactivated(agent.id))

    def withdraw(self, agent: AgentEntry) -> None:
        """Keep an agent that is about to be struck off from being offered."""
        if agent.connected:
            agent.connected = False
            self._changes.agents[agent.id] = None
            self._apply(AgentDeactivated(agent.id))

    def schedule(self, agent: AgentEntry, unavailability: Unavailability | None) -> None:
        """Take note that an agent is to be serviced at that time, or not."""
        agent.unavailability = unavailability
        self._apply(AgentUnavailable(agent.id, unavailability))
        agent.scheduled = self._line.deltas

    def remove(self, agent: AgentEntry) -> None:
        """Strike off an agent of which nothing is used or offered any more."""
        self._ledger.remove_agent(agent)
        self._apply(AgentRemoved(agent.id))
        self._line.forget_agent(agent.id)
