"""Metrics: what a master counts about agents, messages and tasks, under Mesos's names."""

# Who calls: master.py makes it; whoever does something that is counted.
# Tasks are counted from what the chronicle tells; what is counted of what there is (gauges) is in census.py.
# `tasks_lost` and its like count how often a task has come to that state, for frameworks that are told it.
# Source: Mesos src/master/metrics.cpp.

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mesoslite.model import (
    Accept,
    AcceptInverseOffers,
    Acknowledge,
    AcknowledgeOperationStatus,
    Decline,
    DeclineInverseOffers,
    ExecutorExited,
    ExecutorToFramework,
    FrameworkInfo,
    Kill,
    OperationUpdate,
    Reconcile,
    ReconcileOperations,
    RegisterAgent,
    RequestResources,
    ReregisterAgent,
    Revive,
    Source,
    StatusUpdate,
    Subscribe,
    Suppress,
    TaskState,
    Teardown,
    TellExecutor,
    UnregisterAgent,
    UpdateFramework,
)
from mesoslite.model.happenings import TaskRefused, TaskUpdated

if TYPE_CHECKING:
    import libactor as la
    from mesoslite.model import Reason

    from .chronicle import Chronicle
    from .publication import Publication

log = logging.getLogger("mesoslite.master")

MESSAGES: dict[type, str] = {
    Subscribe: "register_framework",
    Teardown: "unregister_framework",
    UpdateFramework: "update_framework",
    Accept: "launch_tasks",
    Decline: "decline_offers",
    AcceptInverseOffers: "accept_inverse_offers",  # Mesos counts neither of these two
    DeclineInverseOffers: "decline_inverse_offers",
    Suppress: "suppress_offers",
    Revive: "revive_offers",
    RequestResources: "resource_request",
    Kill: "kill_task",
    Acknowledge: "status_update_acknowledgement",
    Reconcile: "reconcile_tasks",
    AcknowledgeOperationStatus: "operation_status_update_acknowledgement",
    ReconcileOperations: "reconcile_operations",
    RegisterAgent: "register_slave",
    ReregisterAgent: "reregister_slave",
    UnregisterAgent: "unregister_slave",
    StatusUpdate: "status_update",
    OperationUpdate: "operation_status_update",
    ExecutorExited: "exited_executor",
    TellExecutor: "framework_to_executor",
    ExecutorToFramework: "executor_to_framework",
}
UNSENT = (  # Mesos's names of what nobody sends to this master; they stay zero
    "messages_authenticate",
    "messages_deactivate_framework",
    "messages_update_slave",
)
STATUSES, OPERATIONS = "status_updates", "operation_status_updates"
ACKNOWLEDGEMENTS = "status_update_acknowledgements"
OPERATION_ACKNOWLEDGEMENTS = "operation_status_update_acknowledgements"
TO_EXECUTORS, FROM_EXECUTORS = "framework_to_executor_messages", "executor_to_framework_messages"
JUDGED = (STATUSES, OPERATIONS, ACKNOWLEDGEMENTS, OPERATION_ACKNOWLEDGEMENTS, TO_EXECUTORS, FROM_EXECUTORS)
JUDGED_AS: dict[type, str] = {
    StatusUpdate: STATUSES,
    OperationUpdate: OPERATIONS,
    Acknowledge: ACKNOWLEDGEMENTS,
    AcknowledgeOperationStatus: OPERATION_ACKNOWLEDGEMENTS,
    TellExecutor: TO_EXECUTORS,
    ExecutorToFramework: FROM_EXECUTORS,
}


class MasterMetrics:
    """The counters of one master, which is told of its tasks by ``chronicle``."""

    def __init__(self, chronicle: Chronicle, publication: Publication) -> None:
        self._counter = publication.counter
        self.dropped_messages = self._counter("dropped_messages")
        self._last_drop: tuple[type, object, str] | None = None  # of what, whose, and why
        self.registrations = self._counter("slave_registrations")
        self.reregistrations = self._counter("slave_reregistrations")
        self.recovery_removals = self._counter("recovery_slave_removals")
        self.unreachable_scheduled = self._counter("slave_unreachable_scheduled")
        self.unreachable_completed = self._counter("slave_unreachable_completed")
        self.unreachable_canceled = self._counter("slave_unreachable_canceled")
        self._removals = self._counter("slave_removals")
        kinds = ("unhealthy", "unregistered", "registered")
        self._removals_by_kind = {kind: self._counter(f"slave_removals/reason_{kind}") for kind in kinds}

        for name in UNSENT:
            self._counter(name)
        self._messages = {kind: self._counter(f"messages_{name}") for kind, name in MESSAGES.items()}
        self._returning_frameworks = self._counter("messages_reregister_framework")
        self._judged = {
            (name, valid): self._counter(f"{'valid' if valid else 'invalid'}_{name}")
            for name in JUDGED
            for valid in (True, False)
        }
        self._tasks = {state: self._counter(f"tasks_{_short(state)}") for state in TaskState if state.is_terminal}
        self._reasons: dict[str, la.metrics.SingleWriterCounter] = {}
        chronicle.listen(self._count_update, (TaskUpdated,))
        chronicle.listen(self._count_refusal, (TaskRefused,))

    def received(self, message: object) -> None:
        """Count a message, whatever becomes of it."""
        counter = self._messages.get(type(message))
        if type(message) is Subscribe and _returns(message.framework):
            counter = self._returning_frameworks
        if counter is not None:
            counter.value += 1

    def refuse(self, message: object, sender: object, why: str) -> None:
        """Count a message that is none, which counts as not valid as well."""
        name = JUDGED_AS.get(type(message))
        if name is not None:
            self.judge(name, valid=False)
        self.drop(message, sender, why)

    def judge(self, name: str, *, valid: bool) -> None:
        """Count one of what JUDGED names, as valid or not."""
        self._judged[name, valid].value += 1

    def _count_update(self, happening: TaskUpdated) -> None:
        if happening.new.is_terminal and not happening.old.is_terminal:
            self._count_end(happening.new, happening.status.source, happening.status.reason)

    def _count_refusal(self, happening: TaskRefused) -> None:
        self._count_end(happening.state, Source.SOURCE_MASTER, happening.reason)

    def _count_end(self, state: TaskState, source: Source | None, reason: Reason | None) -> None:
        self._tasks[state].value += 1
        if source is None or reason is None:
            return
        name = f"task_{_short(state)}/{source.name}/{reason.name}".lower().replace("_agent", "_slave")  # as in Mesos
        counter = self._reasons.get(name)
        if counter is None:
            counter = self._reasons[name] = self._counter(name)
        counter.value += 1

    def removed(self, kind: str) -> None:
        """Count an agent that was struck off: unhealthy, unregistered, or registered anew at its address."""
        self._removals.value += 1
        self._removals_by_kind[kind].value += 1

    def drop(self, message: object, sender: object, why: str, *, usual: bool = False) -> None:
        """Count a message that is not served, and say why not; ``usual``: nobody did anything wrong.

        That one leaves who is not here is nothing to look into either: its master has changed, or ends as well. Of
        hundreds alike, one after the other, the first is told: a client must not fill the log.
        """
        self.dropped_messages.value += 1
        drop = type(message), sender, why
        is_repeated, self._last_drop = drop == self._last_drop, drop
        is_told = not (usual or is_repeated or isinstance(message, UnregisterAgent))
        level = logging.WARNING if is_told else logging.DEBUG
        log.log(
            level, "dropped %s from %s: %.500s", type(message).__name__, sender, why
        )  # which may repeat what it is sent


def _returns(info: object) -> bool:
    """Whether a framework that says so of itself has been here; nobody has looked yet at what it says."""
    return isinstance(info, FrameworkInfo) and info.id is not None


def _short(state: TaskState) -> str:
    return state.name.removeprefix("TASK_").lower()
