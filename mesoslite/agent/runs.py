"""Runs: what an agent knows of its tasks, by framework."""

# Who calls: agent.py and its parts, inside the agent actor.
# Invariants: 1. a run is in ``runs`` of its framework until it is over and nobody waits for its last status any more,
#   then in ``completed``, of which the newest are kept.    2. a framework without runs and executors is completed.
#   3. what is used is what the runs and executors hold that are not over, those of leaving frameworks aside: their
#   master gave that away again.
# Source: Mesos src/slave/slave.hpp (Framework, Executor).

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from mesoslite.model import (
    NOTHING,
    AgentFramework,
    FrozenDocument,
    InsufficientResources,
    ReregisterAgent,
    TaskRecord,
    TaskRun,
    TaskState,
    append_status,
    can_follow,
    constants,
    once,
)
from mesoslite.model.messages import CompletedTasks
from mesoslite.model.packed_frameworks import pack_frameworks
from mesoslite.model.task_records import pack_tasks
from mesoslite.model.v1 import encode_container_status

from .checkpoints import Checkpoints, TaskCheckpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import libactor as la
    from mesoslite.model import (
        AgentInfo,
        Container,
        ContainerID,
        Drain,
        ExecutorID,
        FrameworkID,
        FrameworkInfo,
        Resources,
        TaskID,
        TaskInfo,
        TaskStatus,
    )

    from .checkpoints import TaskLog
    from .executors import Execution

log = logging.getLogger("mesoslite")


HISTORY_BYTES_MAX = 16 << 20  # that a master is told of tasks that are over, in one message with those that are not


def kill_grace(*wishes: object) -> float:
    """The seconds between asking a task to end and killing it: the first of ``wishes`` that is set, else the default.

    What is no number counts as not set: a task must be killable whatever its description says.
    """
    for wish in wishes:
        if isinstance(wish, (int, float)):
            return max(0.0, wish)
        if wish is not None:
            log.warning("agent: ignored the grace %r of a kill; expected a number of seconds", wish)
    return constants.KILL_GRACE_SECONDS


@dataclass(slots=True, eq=False)
class Run:
    """One launch of a task.

    ``container`` is None before the start and after the end, and of what a program of the framework runs.
    ``kill_timer`` is set once a command is asked to end, and fires when its grace is over. ``sent`` is the status that
    was sent to a master last. ``log`` is where all that becomes of it is written, if it is to outlive its agent.
    ``batch`` numbers what its executor was given together, as a group if it ``is_group``.
    """

    task: TaskInfo
    framework_id: FrameworkID
    container_id: ContainerID
    sandbox: str
    role: str = ""
    execution: Execution | None = None  # of the executor that runs it; None of a command
    container: Container | None = None
    is_asked_to_end: bool = False
    kill_timer: la.Timer | None = None
    drain: Drain | None = None  # that it was asked to end for
    has_overrun: bool = False  # what it may run at most, and was asked to end for that
    state: TaskState = TaskState.TASK_STAGING
    statuses: list[TaskStatus] = field(default_factory=list)  # the newest of each run of equal states
    sent: TaskStatus | None = None
    log: TaskLog | None = None
    batch: int = 0
    is_group: bool = False
    place_document: FrozenDocument | None = None  # ``container_status``, once that was asked for

    @property
    def executor_id(self) -> ExecutorID | TaskID:
        """Of the executor that runs it; that of a command bears the id of its task."""
        return self.execution.info.executor_id if self.execution is not None else self.task.task_id

    @property
    def place(self) -> tuple[ExecutorID | TaskID, ContainerID]:
        """Below which executor, and which start of that, its checkpoints are."""
        return self.executor_id, self.execution.container_id if self.execution is not None else self.container_id

    @property
    def begun(self) -> float:
        """When it was started, in seconds since the epoch; there is a status that says so."""
        return self.statuses[0].timestamp

    @property
    def is_alive(self) -> bool:
        """Whether it may still be asked to end."""
        return self.container is not None or (self.execution is not None and not self.state.is_terminal)

    def container_status(self, ip: str) -> FrozenDocument:
        """Mesos's ContainerStatus of the container that it runs in, by which others find and, at ``ip``, reach it."""
        if self.place_document is not None:
            return self.place_document
        outer = self.execution.container_id if self.execution is not None else self.container_id
        path = (self.container_id,) if outer == self.container_id else (outer, self.container_id)
        document = self.place_document = FrozenDocument.of(encode_container_status(path, ip))
        return document

    def report(self) -> TaskRecord:
        """What a master is told of it, and readers see: also how far its framework was told, for more may follow."""
        return TaskRecord(
            info=self.task,
            framework_id=self.framework_id,
            state=self.state,
            statuses=tuple(self.statuses),
            role=self.role,
            update_state=self.sent.state if self.sent is not None else TaskState.TASK_STAGING,
            update_uuid=self.sent.uuid if self.sent is not None else None,
        )

    def record(self, status: TaskStatus) -> None:
        """Take over the state that ``status`` reports."""
        assert can_follow(self.state, status.state)
        self.state = status.state
        append_status(self.statuses, status)

    def snapshot(self) -> TaskRun:
        """What readers see."""
        return TaskRun(
            task=self.report(),
            container_id=self.container_id,
            sandbox=self.sandbox,
            pid=self.container.pid if self.container is not None else None,
            executor_container_id=self.execution.container_id if self.execution is not None else None,
        )


@dataclass(slots=True)
class FrameworkEntry:
    """A framework that has, or had, tasks here; ``is_leaving`` once its master has said that it is gone."""

    info: FrameworkInfo
    is_leaving: bool = False
    runs: dict[TaskID, Run] = field(default_factory=dict)
    strangers: set[TaskID] = field(default_factory=set)  # tasks that its executors speak of, and that are none of these
    completed: deque[Run] = field(default_factory=lambda: deque(maxlen=constants.AGENT_COMPLETED_TASKS_MAX))
    executors: dict[ExecutorID, Execution] = field(default_factory=dict)
    ended_executors: deque[Execution] = field(
        default_factory=lambda: deque(maxlen=constants.AGENT_COMPLETED_EXECUTORS_MAX)
    )

    def snapshot(self) -> AgentFramework:
        """What readers see."""
        return AgentFramework(
            info=self.info,
            tasks=tuple([run.snapshot() for run in self.runs.values()]),
            completed_tasks=tuple([run.snapshot() for run in self.completed]),
            executors=tuple([execution.snapshot() for execution in self.executors.values()]),
            completed_executors=tuple([execution.snapshot() for execution in self.ended_executors]),
        )


class Frameworks:
    """The frameworks of an agent: those with tasks here, and the newest of those that had some.

    ``checkpoints`` are kept of what outlives the agent. ``over(sandbox)`` is called when nobody uses that any more.
    """

    def __init__(self, checkpoints: Checkpoints, over: Callable[[str], None]) -> None:
        self.checkpoints = checkpoints
        self._over = over
        self.active: dict[FrameworkID, FrameworkEntry] = {}
        self.completed: dict[FrameworkID, FrameworkEntry] = {}  # oldest first
        self._used = NOTHING

    def open(self, framework_id: FrameworkID, info: FrameworkInfo) -> FrameworkEntry:
        """The active framework of that id with its newest description, made or brought back if need be."""
        entry = self.active.get(framework_id)
        if entry is None:
            entry = self.completed.pop(framework_id, None) or FrameworkEntry(info)
            entry.is_leaving = False
            self.active[framework_id] = entry
            self.checkpoints.framework(info)
        elif entry.info != info:
            self.checkpoints.framework(info)
        entry.info = info
        return entry

    def update(self, framework_id: FrameworkID, info: FrameworkInfo) -> None:
        """Take over what an active framework now says of itself."""
        entry = self.active.get(framework_id)
        if entry is not None and entry.info != info:
            entry.info = info
            self.checkpoints.framework(info)

    def complete(self, framework_id: FrameworkID) -> None:
        """Retire a framework; beyond COMPLETED_FRAMEWORKS_MAX the one that was retired first is forgotten."""
        entry = self.completed[framework_id] = self.active.pop(framework_id)
        self.checkpoints.framework_over(entry.info)
        if len(self.completed) > constants.COMPLETED_FRAMEWORKS_MAX:
            del self.completed[next(iter(self.completed))]

    def has(self, framework_id: FrameworkID, task_id: TaskID) -> bool:
        """Whether a run of that task is not over and done with."""
        entry = self.active.get(framework_id)
        return entry is not None and task_id in entry.runs

    def reregistration(self, info: AgentInfo, total: Resources) -> ReregisterAgent:
        """What a master is to know that has not followed it all; of frameworks that are leaving, nothing."""
        staying = [(framework_id, entry) for framework_id, entry in self.active.items() if not entry.is_leaving]
        executors = [one for _, entry in staying for one in entry.executors.values()]
        return ReregisterAgent(
            info=info,
            total=total,
            tasks=pack_tasks([run.report() for _, entry in staying for run in entry.runs.values()]),
            frameworks=pack_frameworks([msgspec.structs.replace(entry.info, id=key) for key, entry in staying]),
            completed_tasks=_history([*staying, *self.completed.items()]),
            executors=tuple([one.presence() for one in executors if not one.has_ended]),
        )

    def check_room(self, what: str, wanted: Resources, total: Resources) -> None:
        """Raise InsufficientResources if ``what`` does not fit in ``total``; its master should have seen that."""
        used = self.used()
        if not total.contains(once(used + wanted)):
            raise InsufficientResources(
                f"launch: {what} wants {wanted.brief}, but of the {total.brief} of the agent {used.brief} is in use; "
                "shrink it or wait for others to end"
            )

    def used(self) -> Resources:
        """What the tasks and executors hold that have not ended."""
        return self._used

    def begin(self, entry: FrameworkEntry, run: Run) -> None:
        """Take note of a run, which holds resources until it is over."""
        if self.checkpoints.keeps(entry.info):
            checkpoint = TaskCheckpoint(
                task=run.task,
                role=run.role,
                container_id=run.container_id if run.container_id != run.place[1] else None,
                batch=run.batch,
                is_group=run.is_group,
            )
            run.log = self.checkpoints.task(entry.info, *run.place, checkpoint)
        self.restore(entry, run)

    def restore(self, entry: FrameworkEntry, run: Run) -> None:
        """As ``begin``, of one whose checkpoints there are; it may be over."""
        entry.runs[run.task.task_id] = run
        if not run.state.is_terminal:
            self._used += run.task.resources

    def end(self, entry: FrameworkEntry, task_id: TaskID) -> None:
        """Nobody waits for the last status of a run any more; of a task that was refused there is none."""
        run = entry.runs.pop(task_id, None)
        if run is None:
            return
        entry.completed.append(run)
        self.checkpoints.task_over(entry.info, *run.place, task_id)
        if run.execution is None:
            self.checkpoints.executor_over(entry.info, *run.place)
            self._over(run.sandbox)
        else:
            del run.execution.runs[task_id]
            self.retire_execution(entry, run.execution)

    def record(self, entry: FrameworkEntry, run: Run, status: TaskStatus) -> None:
        """Take over the state that ``status`` reports of a run."""
        was_over = run.state.is_terminal
        run.record(status)
        if run.state.is_terminal and not was_over and not entry.is_leaving:
            self._used -= run.task.resources

    def begin_execution(self, entry: FrameworkEntry, execution: Execution) -> None:
        """Take note of an executor, which holds resources until it has ended."""
        self.checkpoints.executor(entry.info, execution.container_id, execution.info, execution.role)
        self.restore_execution(entry, execution)

    def restore_execution(self, entry: FrameworkEntry, execution: Execution) -> None:
        """As ``begin_execution``, of one whose checkpoints there are; it may have ended."""
        entry.executors[execution.info.executor_id] = execution
        if not execution.has_ended:
            self._used += execution.info.resources

    def end_execution(self, entry: FrameworkEntry, execution: Execution) -> None:
        """Take note that an executor has ended, once its tasks were told: whoever begins anew tells them no more."""
        if execution.runs:
            place = (execution.info.executor_id, execution.container_id)
            self.checkpoints.executor_ended(entry.info, *place, execution.exit_status)
        if not entry.is_leaving:
            self._used -= execution.info.resources

    def retire_execution(self, entry: FrameworkEntry, execution: Execution) -> None:
        """Retire an executor, unless it lives, or the end of a task of it is yet to be acknowledged."""
        is_listed = entry.executors.get(execution.info.executor_id) is execution
        if is_listed and execution.has_ended and not execution.runs:
            del entry.executors[execution.info.executor_id]
            self.checkpoints.executor_over(entry.info, execution.info.executor_id, execution.container_id)
            self._over(execution.sandbox)
            entry.ended_executors.append(execution)

    def exit_status(self, framework_id: FrameworkID, executor_id: ExecutorID) -> int | None:
        """How the last executor of that id has ended; None, if nobody knows, or it has not."""
        entry = self.active.get(framework_id) or self.completed.get(framework_id)
        if entry is None:
            return None
        last = entry.executors.get(executor_id)
        ended = [one for one in entry.ended_executors if one.info.executor_id == executor_id]
        return last.exit_status if last is not None else ended[-1].exit_status if ended else None

    def leave(self, entry: FrameworkEntry) -> None:
        """Take note that a framework is gone for its master."""
        entry.is_leaving = True
        for execution in entry.executors.values():
            if not execution.has_ended:
                self._used -= execution.info.resources
        for run in entry.runs.values():
            if not run.state.is_terminal:
                self._used -= run.task.resources


def _history(frameworks: Iterable[tuple[FrameworkID, FrameworkEntry]]) -> tuple[CompletedTasks, ...]:
    """What a master is told of tasks that are over: the newest of each framework, as far as one message takes it."""
    left, told = HISTORY_BYTES_MAX, []
    for framework_id, entry in frameworks:
        portions: list[bytes] = []
        for portion in reversed(pack_tasks([run.report() for run in entry.completed])):
            left -= len(portion)
            if left < 0:
                break
            portions.append(portion)
        if portions:
            told.append(CompletedTasks(framework_id, tuple(reversed(portions))))
    return tuple(told)
