"""Reports: each status of a task is recorded with its run and has a stream of its own; what is over is retired."""

# Who calls: agent.py and its parts, inside the agent actor, which also lends the clock, the uuids and the way out.
# Invariants: 1. every status goes through the StatusUpdateManager, except the refusal of a second task of an id that is
#   in use: it must not end the stream of the first.    2. what executors say, and nobody acknowledges, is bounded: for
#   each task, but for its end, and for all tasks of a framework together that were invented, the end included.
# Source: Mesos src/slave/slave.cpp (statusUpdate, removeFramework).

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from mesoslite.model import Reason, StatusUpdate, can_follow

from .checks.findings import with_findings
from .statuses import Report, dropped_state, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import libactor as la
    from mesoslite.model import FrameworkID, TaskID, TaskInfo, TaskStatus, UnconfirmedTask

    from .metrics import AgentMetrics
    from .runs import FrameworkEntry, Frameworks, Run
    from .status_updates import StatusUpdateManager

log = logging.getLogger("mesoslite")

PENDING_MAX = 1_000  # statuses of executors that are not acknowledged, of a task or of all that are invented
PENDING_BYTES_MAX = 16 << 20  # and how long these may be together, before the last one
STRANGERS_MAX = 1_000  # tasks of a framework that its executors invent, and that have not ended for it


class Reports:
    """What one agent says of tasks.

    ``make(report, task_id, uuid)`` is the status that says so. ``send`` posts an update to the master, past the
    streams. ``container_ip`` is where tasks are reached, empty if nobody knows.
    """

    def __init__(
        self,
        actor: la.Actor,
        frameworks: Frameworks,
        updates: StatusUpdateManager,
        *,
        make: Callable[[Report, TaskID, bytes | None], TaskStatus],
        new_uuid: Callable[[], bytes],
        metrics: AgentMetrics,
        send: Callable[[StatusUpdate], None],
        container_ip: str,
    ) -> None:
        self._actor = actor
        self._frameworks = frameworks
        self._updates = updates
        self._make = make
        self._new_uuid = new_uuid
        self._metrics = metrics
        self._send = send
        self._container_ip = container_ip

    def report(self, framework_id: FrameworkID, task_id: TaskID, report: Report) -> None:
        """Make a status, record it with its run, and have it delivered unless the framework is leaving."""
        entry = self._frameworks.active[framework_id]
        run = entry.runs.get(task_id)
        if run is not None:
            report = with_findings(report, run)
        status = self._make(report, task_id, self._new_uuid())
        if run is not None and run.execution is not None:
            status = msgspec.structs.replace(status, executor_id=run.execution.info.executor_id)
        self._record(framework_id, entry, run, status)

    def pass_on(self, framework_id: FrameworkID, status: TaskStatus) -> None:
        """As ``report``, of a status that an executor has made; one that cannot follow the last one is dropped.

        So is one for which others have to be acknowledged first.
        """
        entry = self._frameworks.active[framework_id]
        run = entry.runs.get(status.task_id)
        latest = run.state if run is not None else self._updates.latest_state(framework_id, status.task_id)
        if latest is not None and not can_follow(latest, status.state):
            self._metrics.invalid_updates.value += 1
            text = "%s: ignored %s of task %s, which is in %s already"
            log.warning(text, self._actor.pid, status.state.name, status.task_id, latest.name)
        elif self._are_too_many(framework_id, entry, run, status):
            self._metrics.invalid_updates.value += 1
            text = "%s: ignored %s of task %s: its framework %s has not acknowledged what it was told before"
            log.warning(text, self._actor.pid, status.state.name, status.task_id, framework_id)
        else:
            self._record(framework_id, entry, run, status)

    def _are_too_many(
        self, framework_id: FrameworkID, entry: FrameworkEntry, run: Run | None, status: TaskStatus
    ) -> bool:
        """Whether no more can be kept of what an executor says, of a task or of all that it has invented."""
        if run is not None:
            return not status.state.is_terminal and self._is_full(framework_id, (status.task_id,))
        strangers = entry.strangers
        if status.task_id not in strangers and len(strangers) >= STRANGERS_MAX:
            over = [one for one in strangers if self._updates.latest_state(framework_id, one) is None]
            strangers.difference_update(over)
            if not over:
                return True
        if self._is_full(framework_id, strangers):
            return True
        strangers.add(status.task_id)
        return False

    def _is_full(self, framework_id: FrameworkID, task_ids: Iterable[TaskID]) -> bool:
        pending = [status for task_id in task_ids for status in self._updates.pending(framework_id, task_id)]
        return len(pending) >= PENDING_MAX or sum(map(_size, pending)) >= PENDING_BYTES_MAX

    def _record(self, framework_id: FrameworkID, entry: FrameworkEntry, run: Run | None, status: TaskStatus) -> None:
        if run is not None:
            if status.container_status is None and not status.state.is_terminal:
                status = msgspec.structs.replace(status, container_status=run.container_status(self._container_ip))
            self._frameworks.record(entry, run, status)
        self._metrics.status(status)
        if not entry.is_leaving:
            self._updates.update(framework_id, status, run)
        elif status.state.is_terminal:
            self.complete(framework_id, status.task_id)

    def deny(self, task: UnconfirmedTask) -> None:
        """Say of a task that it is not here, unless its end is under way."""
        if self._updates.latest_state(task.framework_id, task.task_id) is None:
            report = refusal(task.state, Reason.REASON_RECONCILIATION, "Task is unknown to the agent")
            self._updates.update(task.framework_id, self._make(report, task.task_id, self._new_uuid()))

    def refuse_repeated(self, framework_id: FrameworkID, entry: FrameworkEntry, task: TaskInfo) -> bool:
        """Refuse a task whose id is in use, or whose framework is leaving; whether it was.

        The refusal is sent once and past the streams: with the newest state of the task that has the id, it leaves
        that task's record at the master as it is.
        """
        latest = self._updates.latest_state(framework_id, task.task_id)
        if entry.is_leaving:
            reason, text = Reason.REASON_FRAMEWORK_REMOVED, "its framework is being shut down on this agent"
        elif latest is not None:
            reason, text = Reason.REASON_TASK_INVALID, "its id is in use on this agent; wait for the end of that task"
        else:
            return False
        report = refusal(dropped_state(entry.info), reason, f"Task {task.task_id} was not launched: {text}")
        status = self._make(report, task.task_id, None)
        log.warning("%s: %s", self._actor.pid, report.message)
        self._send(StatusUpdate(framework_id=framework_id, status=status, latest_state=latest or report.state))
        return True

    def acknowledge(self, framework_id: FrameworkID, task_id: TaskID, uuid: bytes) -> None:
        """Go on with the next status of a task; after the last one the task is completed."""
        status = self._updates.acknowledge(framework_id, task_id, uuid)
        if status is not None and status.state.is_terminal:
            self.complete(framework_id, task_id)

    def complete(self, framework_id: FrameworkID, task_id: TaskID) -> None:
        """Nothing is left to do for a task; the refused ones never had a run, those of others no framework."""
        entry = self._frameworks.active.get(framework_id)
        if entry is None:
            return
        self._frameworks.end(entry, task_id)
        self.retire(framework_id)

    def retire(self, framework_id: FrameworkID) -> None:
        """Retire a framework of which nothing runs and nothing is under way."""
        entry = self._frameworks.active.get(framework_id)
        if entry is not None and not entry.runs and not entry.executors and not self._updates.has_streams(framework_id):
            self._frameworks.complete(framework_id)


def _size(status: TaskStatus) -> int:
    return len(status.data or b"") + len(status.message)
