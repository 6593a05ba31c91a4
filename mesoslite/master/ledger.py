"""Ledger: the master's books: agents, frameworks, offers, tasks, and who holds what."""

# Who calls: master.py, inside the master actor; nothing here waits or reads a clock.
# Invariants: 1. per agent, used + offered + free is its total, shared volumes aside, which are always free: `used` is
#   the sum of the live tasks, the executors and the operations under way on it, `offered` of the outstanding offers of
#   it and what accepts under way hold (holdings.py). An agent that came to have less than that has free what is left
#   of each resource.
#   2. an offer stands in the ledger and in its framework and agent, or nowhere.
#   3. a task stands in its framework's `tasks` until its last status was acknowledged, then in `completed`.
# The allocator keeps books of its own over the same resources, from the deltas it is sent; tests compare the two.

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mesoslite.model import NOTHING, constants, happenings
from mesoslite.model.sums import total_of

from .consumption import Consumption
from .out_of_reach import OutOfReach
from .roster import Roster
from .shown.changes import Changes
from .tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import libactor as la
    from mesoslite.model import (
        AgentID,
        Conversion,
        FrameworkID,
        InverseOffer,
        Offer,
        OfferID,
        Resources,
        TaskID,
    )

    from .agent_entry import AgentEntry
    from .alike import Alike
    from .chronicle import Chronicle
    from .framework_entry import FrameworkEntry
    from .operations import ExecutorEntry, OperationEntry
    from .portions import Portion
    from .tasks import TaskEntry


class Ledger:
    """All that the master knows."""

    def __init__(
        self, chronicle: Chronicle, max_completed_frameworks: int = constants.COMPLETED_FRAMEWORKS_MAX
    ) -> None:
        self.chronicle = chronicle
        self._max_completed_frameworks = max_completed_frameworks
        self.agents: dict[AgentID, AgentEntry] = {}
        self.frameworks: dict[FrameworkID, FrameworkEntry] = {}
        self.offers: dict[OfferID, Offer] = {}
        self.inverse_offers: dict[OfferID, InverseOffer] = {}
        self._completed: dict[FrameworkID, FrameworkEntry] = {}  # oldest first
        self.changes = changes = Changes()  # of what readers are to see
        self.roster, self.out_of_reach = Roster(changes), OutOfReach(changes)
        self.frameworks_until = math.inf  # those that are not here are awaited: set once the master leads
        self.launches = 0  # that all agents were sent: the number of the last one
        self.total_tally, self.used_tally = Tally(), Tally()  # of all agents
        self.consumption = Consumption()
        self.when_empty: Callable[[AgentID], None] | None = None  # told of each agent that has become empty
        self._agent_at: dict[la.PID[Any] | None, AgentEntry] = {}  # the same agents, by actor
        self._framework_at: dict[la.PID[Any] | None, FrameworkEntry] = {}

    @property
    def completed(self) -> tuple[FrameworkEntry, ...]:
        """The frameworks that were removed and are remembered, oldest first."""
        return tuple(self._completed.values())

    def completed_framework(self, framework_id: FrameworkID) -> FrameworkEntry | None:
        """The one of them with that id."""
        return self._completed.get(framework_id)

    def is_completed(self, framework_id: FrameworkID) -> bool:
        """Whether that framework is remembered as removed, or is being removed."""
        framework = self.frameworks.get(framework_id)
        return framework_id in self._completed or (framework is not None and framework.is_ending)

    def is_over(self, framework_id: FrameworkID, now: float) -> bool:
        """Whether a framework is removed, or has not come for so long that it will not; ``now`` as master's clock."""
        return (framework_id not in self.frameworks and now >= self.frameworks_until) or self.is_completed(framework_id)

    def agent_at(self, pid: la.PID[Any] | None) -> AgentEntry | None:
        """The agent whose actor that is."""
        return self._agent_at.get(pid)

    def framework_at(self, pid: la.PID[Any] | None) -> FrameworkEntry | None:
        """The framework whose actor that is."""
        return self._framework_at.get(pid)

    def connected_frameworks(self) -> list[FrameworkEntry]:
        """Those that hear what they are told."""
        return [framework for framework in self.frameworks.values() if framework.connected]

    def add_agent(self, agent: AgentEntry) -> None:
        """Enter an agent."""
        self.agents[agent.id] = self._agent_at[agent.pid] = agent
        self.changes.agents[agent.id] = None
        self._provide(agent.total)

    def remove_agent(self, agent: AgentEntry) -> None:
        """Strike off an agent on which nothing is used or offered any more."""
        assert not agent.used
        assert not agent.offered
        assert not agent.inverse_offers
        del self.agents[agent.id]
        self.changes.agents[agent.id] = None
        self._withdraw(agent.total)
        self._leave_address(agent)

    def resize_agent(self, agent: AgentEntry, total: Resources) -> None:
        """Take note that an agent has other resources than it had."""
        self._withdraw(agent.total)
        self._provide(total)
        agent.total = total
        self.changes.agents[agent.id] = None

    def convert(self, agent: AgentEntry, done: Conversion) -> None:
        """Take note of what an operation has made of what an agent has."""
        agent.total = agent.total - done.before + done.after
        self.changes.agents[agent.id] = None
        self._withdraw(done.before)
        self._provide(done.after)

    def _provide(self, resources: Resources) -> None:
        """Count what an agent has come to have."""
        self.total_tally.add(resources)
        self.consumption.provide(resources)

    def _withdraw(self, resources: Resources) -> None:
        """Count what an agent has no longer."""
        self.total_tally.take(resources)
        self.consumption.withdraw(resources)

    def move_agent(self, agent: AgentEntry, pid: la.PID[Any]) -> None:
        """Take note that an agent is reached elsewhere now."""
        self._leave_address(agent)
        agent.pid = pid
        self._agent_at[pid] = agent
        self.changes.agents[agent.id] = None

    def _leave_address(self, agent: AgentEntry) -> None:
        if self._agent_at.get(agent.pid) is agent:  # and not another one that has its address now
            del self._agent_at[agent.pid]

    def add_framework(self, framework: FrameworkEntry) -> None:
        """Enter a framework."""
        assert framework.id not in self.frameworks
        self.frameworks[framework.id] = framework
        self.changes.frameworks[framework.id] = None
        if framework.address is not None:
            self._framework_at[framework.address] = framework

    def move_framework(self, framework: FrameworkEntry, pid: la.PID[Any]) -> None:
        """Take note that a framework now lives elsewhere."""
        if framework.address is not None:
            del self._framework_at[framework.address]
        framework.address = pid
        self._framework_at[pid] = framework
        self.changes.frameworks[framework.id] = None

    def add_offer(self, offer: Offer) -> None:
        """Enter an outstanding offer; its agent and framework are known."""
        agent, framework = self.agents[offer.agent_id], self.frameworks[offer.framework_id]
        self.offers[offer.id] = agent.offers[offer.id] = framework.offers[offer.id] = offer
        agent.offered += offer.resources
        framework.offerings.add(offer.resources.only_scalars())
        self.changes.add_offer(offer)

    def remove_offer(self, offer_id: OfferID) -> Offer:
        """Strike an offer off."""
        offer = self.offers.pop(offer_id)
        agent, framework = self.agents[offer.agent_id], self.frameworks[offer.framework_id]
        del agent.offers[offer_id], framework.offers[offer_id]
        agent.offered -= offer.resources
        framework.offerings.take(offer.resources.only_scalars())
        self.changes.remove_offer(offer)
        return offer

    def add_inverse_offer(self, inverse: InverseOffer) -> None:
        """Enter an inverse offer; its agent and framework are known, and there is no other of the two."""
        agent, framework = self.agents[inverse.agent_id], self.frameworks[inverse.framework_id]
        self.inverse_offers[inverse.id] = inverse
        agent.inverse_offers[framework.id] = framework.inverse_offers[agent.id] = inverse
        self.changes.frameworks[framework.id] = None

    def remove_inverse_offer(self, inverse: InverseOffer) -> None:
        """Strike an inverse offer off."""
        del self.inverse_offers[inverse.id]
        del self.agents[inverse.agent_id].inverse_offers[inverse.framework_id]
        del self.frameworks[inverse.framework_id].inverse_offers[inverse.agent_id]
        self.changes.frameworks[inverse.framework_id] = None

    def add_tasks(self, agent: AgentEntry, groups: Sequence[Alike], *, brought: bool = False) -> None:
        """Enter tasks on an agent, which has ``brought`` them along, or to which they are sent."""
        for _, _, state, tasks, _ in groups:
            (agent.ended if state.is_terminal else agent.tasks).update(dict.fromkeys(tasks.values()))
        self._list(groups, brought)
        self._hold_of(agent, total_of([group.held for group in groups]))

    def add_agents(self, entries: Sequence[tuple[AgentEntry, Portion]], groups: Sequence[Alike]) -> None:
        """Enter agents with all that they have brought, which ``groups`` are together."""
        for agent, portion in entries:
            self.add_agent(agent)
            agent.tasks.update(dict.fromkeys(portion.living))
            agent.ended.update(dict.fromkeys(portion.ended))
            self._hold_of(agent, portion.layout.held)
        self._list(groups, brought=True)

    def _list(self, groups: Sequence[Alike], brought: bool) -> None:
        """Enter tasks that their agents have already."""
        for framework, role, _, tasks, held in groups:
            framework.tasks.update(tasks)
            if brought:
                self.changes.bring(framework.id, tasks.values())
            else:
                self.changes.tasks.update(dict.fromkeys(tasks.values()))
            framework.holds.add(held.only_scalars() if held.others else held)
            self.consumption.hold(role, held)
            self.changes.frameworks[framework.id] = None

    def release_task(self, task: TaskEntry) -> None:
        """Take note that a task holds nothing any more; it stays listed until it is completed."""
        agent, framework = self.agents[task.agent_id], self.frameworks[task.framework_id]
        agent.ended[task] = agent.tasks.pop(task)
        agent.kills.pop((task.framework_id, task.task_id), None)
        self._free(agent, framework, task.role, task.resources)

    def add_executor(self, executor: ExecutorEntry) -> None:
        """Enter an executor that holds its resources from now on."""
        agent, framework = self.agents[executor.agent_id], self.frameworks[executor.framework_id]
        executor_id = executor.info.executor_id
        agent.executors[executor.framework_id, executor_id] = executor
        framework.executors[executor.agent_id, executor_id] = executor
        self.changes.executors[framework.id, agent.id, executor_id] = None
        self._hold(agent, framework, executor.role, executor.info.resources)

    def remove_executor(self, executor: ExecutorEntry) -> None:
        """Strike an executor off."""
        agent, framework = self.agents[executor.agent_id], self.frameworks[executor.framework_id]
        executor_id = executor.info.executor_id
        del agent.executors[executor.framework_id, executor_id], framework.executors[executor.agent_id, executor_id]
        self.changes.executors[framework.id, agent.id, executor_id] = None
        self._free(agent, framework, executor.role, executor.info.resources)

    def add_operation(self, operation: OperationEntry) -> None:
        """Enter an operation, and what it holds."""
        agent, framework = self.agents[operation.agent_id], self.frameworks[operation.framework_id]
        agent.operations[operation.uuid] = framework.operations[operation.uuid] = operation
        self.changes.operations[operation.uuid] = agent.id
        if operation.operation.id is not None:
            framework.operation_uuids[operation.operation.id] = operation.uuid
        self._hold(agent, framework, operation.role, operation.held)

    def add_orphan(self, operation: OperationEntry) -> None:
        """Enter an operation that is no framework's, and holds nothing."""
        self.agents[operation.agent_id].operations[operation.uuid] = operation
        self.changes.operations[operation.uuid] = operation.agent_id

    def release_operation(self, operation: OperationEntry) -> None:
        """Take note that an operation is over and holds nothing any more; it stays listed until that was told."""
        agent, framework = self.agents[operation.agent_id], self.frameworks.get(operation.framework_id)
        self._free(agent, framework, operation.role, operation.held)

    def _hold(self, agent: AgentEntry, framework: FrameworkEntry, role: str, resources: Resources) -> None:
        framework.holds.add(resources.only_scalars())
        self.changes.frameworks[framework.id] = None
        self.consumption.hold(role, resources)
        self._hold_of(agent, resources)

    def _hold_of(self, agent: AgentEntry, resources: Resources) -> None:
        """Count what is held of an agent, by whomever."""
        self.changes.agents[agent.id] = None
        if not resources.others:
            agent.used += resources
            self.used_tally.add(resources)
            return
        shared = agent.used.shared()
        agent.used += resources
        self.used_tally.add(resources.not_shared())
        self._tally_shared(agent, shared)

    def _free(self, agent: AgentEntry, framework: FrameworkEntry | None, role: str, resources: Resources) -> None:
        shared = agent.used.shared() if resources.others else NOTHING
        agent.used -= resources
        self.changes.agents[agent.id] = None
        if framework is not None:
            self.changes.frameworks[framework.id] = None
            framework.holds.take(resources.only_scalars())
        self.consumption.free(role, resources)
        self.used_tally.take(resources.not_shared())
        if resources.others:
            self._tally_shared(agent, shared)

    def _tally_shared(self, agent: AgentEntry, before: Resources) -> None:
        """Count the shared volumes that are used on an agent, of which these were."""
        self.used_tally.take(before)
        self.used_tally.add(agent.used.shared())

    def remove_operation(self, operation: OperationEntry) -> None:
        """Forget an operation that holds nothing any more."""
        agent = self.agents[operation.agent_id]
        del agent.operations[operation.uuid]
        self.changes.operations[operation.uuid] = agent.id
        framework = self.frameworks.get(operation.framework_id)
        if framework is not None and not operation.is_orphan:
            del framework.operations[operation.uuid]
            if operation.operation.id is not None:
                del framework.operation_uuids[operation.operation.id]
        self._note_empty(agent)

    def orphan_operation(self, operation: OperationEntry) -> None:
        """Take note that an operation's framework goes, with what it holds; what it does to the agent is awaited."""
        self.release_operation(operation)
        self.remove_operation(operation)
        operation.is_orphan = True
        self.add_orphan(operation)

    def complete_task(self, task: TaskEntry) -> None:
        """Move a released task to its framework's history."""
        self._unlist(task).completed.add(task)
        self.changes.remove_task(task)
        self._tell_removal(task, lost_sight=False)

    def lose_sight_of(self, task: TaskEntry) -> None:
        """Move a released task, whose agent cannot be reached, to where it is found again when that comes back."""
        framework = self._unlist(task)
        self.changes.tasks[task] = None
        self.out_of_reach.add(framework, task)
        self._tell_removal(task, lost_sight=True)

    def complete_unreachable(self, task: TaskEntry) -> None:
        """Move a task that was out of reach, and will not come back, to its framework's history."""
        framework = self.frameworks[task.framework_id]
        self.out_of_reach.take(framework, task.task_id)
        framework.completed.add(task)
        self.changes.frameworks[framework.id] = None
        self._tell_removal(task, lost_sight=False)

    def _tell_removal(self, task: TaskEntry, lost_sight: bool) -> None:
        self.chronicle.tell(
            happenings.TaskRemoved, task.framework_id, task.agent_id, task.task_id, task.state, lost_sight
        )

    def holds(self, task: TaskEntry) -> bool:
        """Whether a task holds resources of its agent."""
        agent = self.agents.get(task.agent_id)
        return agent is not None and task in agent.tasks

    def _unlist(self, task: TaskEntry) -> FrameworkEntry:
        framework, agent = self.frameworks[task.framework_id], self.agents[task.agent_id]
        del framework.tasks[task.task_id], agent.ended[task]
        self.changes.frameworks[framework.id] = None
        self._note_empty(agent)
        return framework

    def _note_empty(self, agent: AgentEntry) -> None:
        if agent.is_empty and self.when_empty is not None:
            self.when_empty(agent.id)

    def forget_tasks(self, framework: FrameworkEntry, tasks: Mapping[TaskID, TaskEntry]) -> None:
        """Take tasks out of all history: an agent has brought them back."""
        for task_id in tasks if framework.remembers_any(tasks) else ():
            self.out_of_reach.take(framework, task_id)
            framework.completed.forget(task_id)
            self.changes.frameworks[framework.id] = None

    def end_framework(self, framework: FrameworkEntry) -> None:
        """Take note that a framework is being removed: whoever is at its address now is not it any more."""
        framework.is_ending = True
        if framework.address is not None:
            del self._framework_at[framework.address]

    def complete_framework(self, framework: FrameworkEntry) -> None:
        """Move a framework without offers and tasks to the history."""
        assert not framework.offers
        assert not framework.inverse_offers
        assert not framework.used
        assert not framework.tasks
        for task in list(framework.unreachable.values()):
            self.out_of_reach.take(framework, task.task_id)
            framework.completed.add(task)
        del self.frameworks[framework.id]
        self._completed[framework.id] = framework
        self.changes.frameworks[framework.id] = None
        while len(self._completed) > self._max_completed_frameworks:
            oldest = next(iter(self._completed))
            del self._completed[oldest]
            self.changes.frameworks[oldest] = None
