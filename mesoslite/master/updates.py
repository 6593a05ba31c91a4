"""Updates: what agents report of tasks goes to their frameworks, and what these acknowledge goes back."""

# Who calls: master.py and scheduling.py, inside the master actor.
# The master keeps no update: the agent repeats it until its framework has acknowledged it. So what cannot be passed on,
#   because the framework is away, is only recorded.
# An update says two states: its own, which is the one to acknowledge, and the newest that the agent knows, which the
#   task is in from now on: its resources are free as soon as that is terminal, whatever is still to be acknowledged.
# A framework that the master does not know may come yet: its agents repeat what they have to say until it does, for a
#   day after the master began to lead, as Mesos waits for those of operations. Agents name the frameworks of which they
#   run anything, so it is one of which they only deny tasks, to a former master; after that they are told to end it.
#   Mesos has them repeat it for ever. A scheduler that comes later hears by reconciliation that the tasks are gone.
# A task that the master does not have is its framework's business all the same: it hears the update, and what it
#   acknowledges reaches the agent, which would repeat itself for ever otherwise. Not so a task that runs on another
#   agent: the status would be taken for that one's, so the master acknowledges it.
# Source: Mesos src/master/master.cpp (statusUpdate, updateTask, statusUpdateAcknowledgement).

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import (
    ShutdownFramework,
    StatusUpdate,
    StatusUpdateAcknowledgement,
    Update,
    happenings,
    status_problem,
)

from .metrics import ACKNOWLEDGEMENTS, STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import Acknowledge, TaskID

    from .accounts import Accounts
    from .agent_entry import AgentEntry
    from .framework_entry import FrameworkEntry
    from .ledger import Ledger
    from .metrics import MasterMetrics

log = logging.getLogger("mesoslite.master")

UUID_BYTES = 16


class Updates:
    """What agents report, over the ledger and the accounts of one master; ``now`` reads its clock."""

    def __init__(self, ledger: Ledger, accounts: Accounts, metrics: MasterMetrics, now: Callable[[], float]) -> None:
        self._now = now
        self._ledger = ledger
        self._metrics = metrics
        self._accounts = accounts

    def take(self, update: StatusUpdate, sender: la.PID[Any] | None) -> None:
        """Record a status, free what an ended task held, and pass the status on; the agent repeats it until then."""
        agent = self._ledger.agent_at(sender)
        if agent is None:
            self._drop(update, sender, "it is no agent of this master")
            return
        problem = _problem(update, agent)
        framework = self._ledger.frameworks.get(update.framework_id)
        if problem is not None:
            self._drop(update, sender, problem)
        elif framework is not None:
            self._take(update, agent, framework)
        elif self._ledger.is_over(update.framework_id, self._now()):
            # it was on its way as the framework was torn down
            self._drop(update, agent.id, f"framework {update.framework_id} is over; the agent is to end it", usual=True)
            agent.send(ShutdownFramework(update.framework_id))
        else:
            self._drop(update, agent.id, f"framework {update.framework_id} is not here yet; the agent repeats it")

    def _take(self, update: StatusUpdate, agent: AgentEntry, framework: FrameworkEntry) -> None:
        status, latest = update.status, update.latest_state
        task = framework.tasks.get(status.task_id)
        if task is not None and task.agent_id != agent.id:
            log.warning("status: agent %s has task %s, which runs elsewhere; untold", agent.id, status.task_id)
            self._acknowledge_to(agent, framework, status.task_id, status.uuid)
            return
        if task is None:
            log.warning("status: agent %s has no task %s by the books; it is passed on", agent.id, status.task_id)
            self._metrics.judge(STATUSES, valid=False)
        else:
            self._metrics.judge(STATUSES, valid=True)
            self._accounts.record(task, status, latest)
            if status.uuid is None and status.state.is_terminal and latest is status.state is task.state:
                self._ledger.complete_task(task)  # nobody will acknowledge it
        if framework.connected:
            framework.send(Update(status))

    def acknowledge(self, framework: FrameworkEntry, call: Acknowledge) -> None:
        """Pass an acknowledgement on to the agent; that of a terminal status completes its task."""
        agent = self._ledger.agents.get(call.agent_id)
        problem = None
        if agent is None:
            problem = f"agent {str(call.agent_id)[:80]} is not registered"
        elif not agent.connected:  # it repeats the status when it is back
            problem = f"agent {agent.id} is not connected"
        elif len(call.uuid) != UUID_BYTES:
            problem = f"the uuid is no {UUID_BYTES} bytes"
        if agent is None or problem is not None:
            self._refuse(call, framework, problem)
            return
        task = framework.tasks.get(call.task_id)
        if task is not None and task.agent_id != call.agent_id:
            task = None  # another one of that name
        expected = task.update_uuid if task is not None else None
        if task is not None and expected is None:
            self._refuse(call, framework, f"nothing of task {call.task_id} is to be acknowledged")
            return
        self._metrics.judge(ACKNOWLEDGEMENTS, valid=True)
        self._acknowledge_to(agent, framework, call.task_id, call.uuid)
        if task is None:
            return
        self._ledger.chronicle.tell(happenings.TaskAcknowledged, framework.id, call.agent_id, call.task_id, call.uuid)
        if expected == call.uuid and task.has_ended_for_framework:
            task.acknowledge()
            self._ledger.complete_task(task)

    def _drop(self, message: StatusUpdate, sender: object, why: str, *, usual: bool = False) -> None:
        self._metrics.judge(STATUSES, valid=False)
        self._metrics.drop(message, sender, why, usual=usual)

    def _refuse(self, call: Acknowledge, framework: FrameworkEntry, why: str | None) -> None:
        self._metrics.judge(ACKNOWLEDGEMENTS, valid=False)
        self._metrics.drop(call, framework.id, f"task {str(call.task_id)[:80]}: {why}")

    def _acknowledge_to(
        self, agent: AgentEntry, framework: FrameworkEntry, task_id: TaskID, uuid: bytes | None
    ) -> None:
        if uuid is not None:
            agent.send(
                StatusUpdateAcknowledgement(
                    agent_id=agent.id, framework_id=framework.id, task_id=task_id, uuid=uuid, epoch=agent.epoch
                )
            )


def _problem(update: StatusUpdate, agent: AgentEntry) -> str | None:
    status = update.status
    if status.agent_id != agent.id:
        return f"it reports task {status.task_id} as on agent {status.agent_id}"
    if status.uuid is not None and len(status.uuid) != UUID_BYTES:
        return f"task {status.task_id} has a status with a uuid of {len(status.uuid)} bytes; expected {UUID_BYTES}"
    if status.state.is_terminal and not update.latest_state.is_terminal:
        return f"task {status.task_id} has ended in {status.state.name} and goes on in {update.latest_state.name}"
    problem = status_problem(status)
    return f"a status of task {status.task_id} {problem}" if problem is not None else None
