"""Scheduling: what the master does on the calls of a subscribed framework."""

# Who calls: master.py, once it knows that the call comes from the framework it names.
# Every call is answered by events: a framework's mistake is its own business, and the cluster carries on. An exception
#   means that the call was no such call (a text where a number belongs); the master removes the framework for it. What
#   was held by a refused call goes back to the allocator in the same step.
# Source: Mesos src/master/master.cpp (accept, decline, kill, acknowledge, reconcile); the order of the checks is in
#   mesoslite/model/validation.py.

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

import libactor as la
from mesoslite.model import (
    Accept,
    Acknowledge,
    Decline,
    Kill,
    KillTask,
    Reason,
    Reconcile,
    Revive,
    RunTask,
    StatusUpdateAcknowledgement,
    Suppress,
    TaskID,
    TaskState,
    TaskStatus,
    Update,
    offers_problem,
    unused,
    validate_tasks,
)

from .statuses import known_status, master_status, unknown_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import Offer

    from .accounts import Accounts
    from .ledger import FrameworkEntry, Ledger

log = logging.getLogger("mesoslite.master")


SchedulingCall: TypeAlias = Accept | Decline | Kill | Acknowledge | Reconcile | Suppress | Revive


class Scheduling:
    """The scheduler's calls, over the ledger and the accounts of one master; ``now`` reads the master's clock."""

    def __init__(self, ledger: Ledger, accounts: Accounts, now: Callable[[], float]) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._now = now

    def serve(self, framework: FrameworkEntry, call: SchedulingCall) -> None:
        """Do what ``call`` asks for."""
        match call:
            case Accept():
                self.accept(framework, call)
            case Decline():
                self.decline(framework, call)
            case Kill():
                self.kill(framework, call)
            case Acknowledge():
                self.acknowledge(framework, call)
            case Reconcile():
                self.reconcile(framework, call)
            case Suppress():
                self.suppress(framework, call.roles)
            case Revive():
                self.revive(framework, call.roles)
            case _:
                assert_never(call)

    def accept(self, framework: FrameworkEntry, call: Accept) -> None:
        """Launch tasks on offers: each is launched or told why not; what they leave of the offers goes back."""
        problem = offers_problem(framework.id, call.offer_ids, self._ledger.offers, self._ledger.agents)
        if problem is not None:
            self._refuse(framework, call, problem)
            return
        offers = [self._ledger.offers[offer_id] for offer_id in call.offer_ids]
        offered = sum([offer.resources for offer in offers[1:]], offers[0].resources)
        verdicts = validate_tasks(
            call.tasks, offered=offered, agent_id=offers[0].agent_id, known=framework.tasks.keys()
        )
        accepted = [verdict.task for verdict in verdicts if verdict.accepted]
        self._accounts.launch(offers, accepted, unused(offered, verdicts), call.filters)
        agent = self._ledger.agents[offers[0].agent_id]
        for task in accepted:
            la.post(agent.pid, RunTask(framework.info, task))
        for verdict in verdicts:
            if not verdict.accepted:
                self._tell(framework, verdict.task.task_id, TaskState.TASK_ERROR, verdict.reason, verdict.message)

    def decline(self, framework: FrameworkEntry, call: Decline) -> None:
        """Take offers back; those that do not stand any more are passed over."""
        for offer in self._standing(framework, call.offer_ids):
            self._accounts.decline(offer, call.filters)

    def kill(self, framework: FrameworkEntry, call: Kill) -> None:
        """Have the agent kill a task; an unknown one is answered as a reconciliation of it would be."""
        task = framework.tasks.get(call.task_id)
        if task is None:
            status = unknown_status(self._ledger, framework, call.task_id, call.agent_id, self._now())
            self._send(framework, status)
        elif call.agent_id is not None and call.agent_id != task.info.agent_id:
            log.warning("kill: task %s runs on %s, not on %s; ignored", call.task_id, task.info.agent_id, call.agent_id)
        elif not task.state.is_terminal:
            message = KillTask(framework_id=framework.id, task_id=call.task_id, grace_seconds=call.grace_seconds)
            la.post(self._ledger.agents[task.info.agent_id].pid, message)

    def acknowledge(self, framework: FrameworkEntry, call: Acknowledge) -> None:
        """Pass an acknowledgement on to the agent; that of a terminal status completes its task."""
        agent = self._ledger.agents.get(call.agent_id)
        task = framework.tasks.get(call.task_id)
        if agent is None or task is None or task.info.agent_id != call.agent_id:
            log.warning("acknowledge: task %s on agent %s is not known; ignored", call.task_id, call.agent_id)
            return
        la.post(
            agent.pid,
            StatusUpdateAcknowledgement(
                agent_id=call.agent_id, framework_id=framework.id, task_id=call.task_id, uuid=call.uuid
            ),
        )
        if any(status.uuid == call.uuid and status.state.is_terminal for status in task.statuses):
            self._ledger.complete_task(task)

    def reconcile(self, framework: FrameworkEntry, call: Reconcile) -> None:
        """Tell the states of the tasks that are named, or of all."""
        now = self._now()
        if not call.tasks:
            for task in framework.tasks.values():
                self._send(framework, known_status(task, now))
        for reference in call.tasks:
            known = framework.tasks.get(reference.task_id)
            if known is not None:
                self._send(framework, known_status(known, now))
            else:
                status = unknown_status(self._ledger, framework, reference.task_id, reference.agent_id, now)
                self._send(framework, status)

    def suppress(self, framework: FrameworkEntry, roles: tuple[str, ...]) -> None:
        """Make no more offers to these roles, or to all of the framework's."""
        if self._subscribed(framework, roles, "suppress"):
            self._accounts.suppress(framework.id, roles)

    def revive(self, framework: FrameworkEntry, roles: tuple[str, ...]) -> None:
        """Make offers to these roles, or to all of the framework's, again."""
        if self._subscribed(framework, roles, "revive"):
            self._accounts.revive(framework.id, roles)

    def _refuse(self, framework: FrameworkEntry, call: Accept, problem: str) -> None:
        """Offers that cannot be used together: those that stand go back, the tasks are lost."""
        for offer in self._standing(framework, call.offer_ids):
            self._accounts.take_back(offer)
        state = TaskState.TASK_DROPPED if framework.partition_aware else TaskState.TASK_LOST
        for task in call.tasks:
            text = f"Task launched with invalid offers: {problem}"
            self._tell(framework, task.task_id, state, Reason.REASON_INVALID_OFFERS, text)

    def _standing(self, framework: FrameworkEntry, offer_ids: Any) -> list[Offer]:
        """Those of the offers named that stand and are this framework's, each once."""
        return [framework.offers[offer_id] for offer_id in dict.fromkeys(offer_ids) if offer_id in framework.offers]

    def _subscribed(self, framework: FrameworkEntry, roles: tuple[str, ...], operation: str) -> bool:
        strangers = set(roles) - set(framework.info.roles)
        if strangers:
            log.warning("%s: framework %s is not in roles %s; ignored", operation, framework.id, sorted(strangers))
        return not strangers

    def _tell(
        self, framework: FrameworkEntry, task_id: TaskID, state: TaskState, reason: Reason | None, message: str
    ) -> None:
        self._send(framework, master_status(task_id, state, now=self._now(), reason=reason, message=message))

    def _send(self, framework: FrameworkEntry, status: TaskStatus) -> None:
        la.post(framework.pid, Update(status))
