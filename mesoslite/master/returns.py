"""Returns: what an agent that comes back has brought along, and what the master makes of it."""

# Who calls: registration.py, inside the master actor, once the registry knows of the return.
# An agent comes back to a master that has it in its books (``reconcile``), or to one that has not (``enter``), since it
#   leads only now, or has given the agent up.
# Tasks of frameworks that were removed are not entered: the agent is told to end them. Tasks that the agent does not
#   name, and the master has, may have been launched while its message was under way; so the agent is asked about them.
# What it has of executors is none, since no agent runs any; operations that it may not have heard of it is asked about.
# What its framework has acknowledged as over, and the agent does not count as that: the acknowledgement was lost, and
#   is sent again. Mesos lets such an agent repeat its last status for ever.
# Source: Mesos src/master/master.cpp (__reregisterSlave, reconcileKnownSlave, updateSlaveFrameworks).

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import libactor as la
from mesoslite.model import (
    AgentReregistered,
    KillTask,
    OperationsExpected,
    Reason,
    ShutdownFramework,
    StatusUpdateAcknowledgement,
    TaskState,
    UnconfirmedTask,
    Update,
    UpdateFrameworkInfo,
)

from .removal import Cause
from .statuses import master_status
from .tasks import TaskEntry

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import AgentID, FrameworkID, ReregisterAgent, TaskRecord

    from .accounts import Accounts
    from .draining import Draining
    from .ledger import AgentEntry, FrameworkEntry, Ledger
    from .offering import Offering
    from .removal import Removal
    from .subscription import Subscriptions

log = logging.getLogger("mesoslite.master")


class _Brought(NamedTuple):
    """What an agent has brought that the master did not have."""

    tasks: list[TaskEntry]  # to be entered
    duplicates: list[TaskEntry]  # whose id their framework uses on another agent
    ended_frameworks: list[FrameworkID]


class Returns:
    """Enters what agents bring in the books of one master; ``now`` reads its clock, ``watch`` has an agent pinged."""

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        offering: Offering,
        subscriptions: Subscriptions,
        removal: Removal,
        draining: Draining,
        *,
        now: Callable[[], float],
        watch: Callable[[AgentEntry | AgentID], None],
        ping_timeout: float,
    ) -> None:
        self._ledger = ledger
        self._roster = ledger.roster
        self._accounts = accounts
        self._offering = offering
        self._subscriptions = subscriptions
        self._removal = removal
        self._draining = draining
        self._now = now
        self._watch = watch
        self._ping_timeout = ping_timeout

    def enter(self, agent: AgentEntry, message: ReregisterAgent) -> None:
        """Take an agent into the books, with its tasks; frameworks hear of those that were given up."""
        roster = self._roster
        was_given_up = roster.recovered.pop(agent.id, None) is None
        roster.unreachable.pop(agent.id, None)
        roster.removed.pop(agent.id, None)
        agent.reregistered_time = self._now()
        brought = self._sort(agent, message)
        self._forget_lost(agent.id, message)
        for task in brought.tasks:
            self._ledger.forget_task(self._ledger.frameworks[task.framework_id], task.info.task_id)
        la.link(agent.pid, reconnect=was_given_up)
        self._accounts.readmit_agent(agent, brought.tasks)
        self._remember_completed(message)
        self._welcome(agent, brought, ())
        self._tell_frameworks(agent, message)
        if was_given_up:
            for task in brought.tasks:
                self._tell_return(task)
        log.info("agent %s at %s is back with %d tasks", agent.id, agent.pid, len(brought.tasks))

    def reconcile(self, agent: AgentEntry, message: ReregisterAgent, pid: la.PID[Any]) -> None:
        """Compare what an agent says that it runs with the books."""
        if pid != agent.pid:
            self._ledger.move_agent(agent, pid)
        la.link(pid, reconnect=True)  # the connection that there was may be dead, and its end be told late
        named = {(record.framework_id, record.info.task_id) for record in message.tasks}
        unconfirmed = tuple([self._unconfirmed(task) for key, task in agent.tasks.items() if key not in named])
        brought = self._sort(agent, message)
        under_way = [(one.framework_id, one.uuid) for one in agent.operations.values() if not one.latest.is_terminal]
        total = agent.total if under_way else message.total or message.info.resources
        has_changed = message.info != agent.info or total != agent.total
        if brought.tasks or has_changed:
            self._offering.rescind_all(agent)
        if has_changed:
            self._accounts.update_agent(agent, message.info, total)
        for executor in list(agent.executors.values()):
            self._accounts.release_executor(executor)
        if brought.tasks:
            self._enter_tasks(agent, brought.tasks)
        agent.reregistered_time = self._now()
        self._accounts.connect_agent(agent)
        self._welcome(agent, brought, unconfirmed)
        self._tell_frameworks(agent, message)
        if under_way:
            agent.send(OperationsExpected(tuple(under_way)))
        for kill in agent.kills.values():
            agent.send(kill)
        log.info("agent %s at %s has registered again; of %d tasks it is asked", agent.id, pid, len(unconfirmed))

    # ---- tasks ----

    def _sort(self, agent: AgentEntry, message: ReregisterAgent) -> _Brought:
        """Tell apart what to enter, what to end, and what is over; frameworks that nobody knew are entered."""
        brought = _Brought([], [], [])
        frameworks: dict[FrameworkID, FrameworkEntry] = {}
        for info in message.frameworks:
            assert info.id is not None
            if self._ledger.is_completed(info.id):
                brought.ended_frameworks.append(info.id)
            else:
                frameworks[info.id] = self._ledger.frameworks.get(info.id) or self._subscriptions.recover(info)
        for record in message.tasks:
            framework = frameworks.get(record.framework_id)
            if framework is None:
                continue
            known = framework.tasks.get(record.info.task_id)
            if known is None:
                if not self._acknowledge_again(agent, framework, record):
                    brought.tasks.append(_entry(record, framework))
            elif known.info.agent_id != agent.id and not record.state.is_terminal:
                brought.duplicates.append(_entry(record, framework))
        return brought

    def _acknowledge_again(self, agent: AgentEntry, framework: FrameworkEntry, record: TaskRecord) -> bool:
        """Whether the last status of a task was acknowledged; then the agent is told so once more."""
        if not record.state.is_terminal or not record.statuses:
            return False
        last = record.statuses[-1].uuid
        for task in reversed(framework.completed):
            if task.info.task_id == record.info.task_id and task.info.agent_id == agent.id:
                if not task.is_acknowledged or last is None or task.update_uuid != last:
                    return False
                agent.send(
                    StatusUpdateAcknowledgement(
                        agent_id=agent.id, framework_id=framework.id, task_id=record.info.task_id, uuid=last
                    )
                )
                return True
        return False

    def _enter_tasks(self, agent: AgentEntry, tasks: list[TaskEntry]) -> None:
        """Enter tasks that a registered agent runs: they were lost when its connection broke."""
        for task in tasks:
            self._ledger.forget_task(self._ledger.frameworks[task.framework_id], task.info.task_id)
        self._accounts.reenter_agent(agent, tasks)
        for task in tasks:
            self._tell_return(task)

    def _unconfirmed(self, task: TaskEntry) -> UnconfirmedTask:
        framework = self._ledger.frameworks[task.framework_id]
        state = TaskState.TASK_DROPPED if framework.partition_aware else TaskState.TASK_LOST
        return UnconfirmedTask(task.framework_id, task.info.task_id, state)

    def _forget_lost(self, agent_id: AgentID, message: ReregisterAgent) -> None:
        """Tasks that were out of reach, and that their agent does not have, never got there: they are over."""
        named = {(record.framework_id, record.info.task_id) for record in message.tasks}
        for framework in self._ledger.frameworks.values():
            lost = [task for task in framework.unreachable.values() if task.info.agent_id == agent_id]
            for task in lost:
                if (framework.id, task.info.task_id) not in named:
                    status = master_status(
                        task.info.task_id,
                        TaskState.TASK_GONE,
                        now=self._now(),
                        reason=Reason.REASON_RECONCILIATION,
                        message=f"Agent {agent_id} came back without it",
                        agent_id=agent_id,
                    )
                    self._accounts.record(task, status, TaskState.TASK_GONE)
                    self._ledger.complete_unreachable(task)

    def _remember_completed(self, message: ReregisterAgent) -> None:
        """Take over what the agent knows of tasks that are over; only of frameworks that are there, as in Mesos."""
        for record in message.completed_tasks:
            framework = self._ledger.frameworks.get(record.framework_id)
            if framework is None or record.info.task_id in framework.tasks:
                continue
            if all(task.info.task_id != record.info.task_id for task in framework.completed):
                framework.completed.append(_entry(record, framework))

    # ---- what is said ----

    def _welcome(self, agent: AgentEntry, brought: _Brought, unconfirmed: tuple[UnconfirmedTask, ...]) -> None:
        self._removal.cancel(agent.id, *Cause)
        self._watch(agent)
        agent.send(
            AgentReregistered(agent_id=agent.id, unconfirmed=unconfirmed, ping_timeout_seconds=self._ping_timeout)
        )
        for framework_id in brought.ended_frameworks:
            agent.send(ShutdownFramework(framework_id))
        for task in brought.duplicates:
            log.warning("agent %s: task %s runs elsewhere as well; it is killed", agent.id, task.info.task_id)
            agent.send(KillTask(framework_id=task.framework_id, task_id=task.info.task_id))
        self._draining.resume(agent)

    def _tell_frameworks(self, agent: AgentEntry, message: ReregisterAgent) -> None:
        """Tell an agent what frameworks have said of themselves meanwhile; of one that is yet to come it knows best."""
        for info in message.frameworks:
            framework = self._ledger.frameworks.get(info.id) if info.id is not None else None
            if framework is not None and not framework.recovered and framework.info != info:
                agent.send(UpdateFrameworkInfo(framework.info))

    def _tell_return(self, task: TaskEntry) -> None:
        """Tell a framework that a task lives that it took for lost; of the end of one it hears from the agent."""
        framework = self._ledger.frameworks[task.framework_id]
        if framework.connected and not task.state.is_terminal:
            status = master_status(
                task.info.task_id,
                task.state,
                now=self._now(),
                reason=Reason.REASON_AGENT_REREGISTERED,
                message=f"Agent {task.info.agent_id} has registered again",
                agent_id=task.info.agent_id,
            )
            la.post(framework.pid, Update(status))


def _entry(record: TaskRecord, framework: FrameworkEntry) -> TaskEntry:
    return TaskEntry(
        info=record.info,
        framework_id=framework.id,
        role=record.role or framework.info.roles[0],
        state=record.state,
        statuses=list(record.statuses),
    )
