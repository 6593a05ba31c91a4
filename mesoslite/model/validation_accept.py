"""Validation of the operations of an ACCEPT in order: each on what the ones before it have left and made."""

# Who calls: the master, for an ACCEPT whose offers are valid.
# Invariants: 1. what the offers held is, when all is done, what accepted tasks and executors take, what is ``declined``
#   and what is ``converted``, by amounts; further copies of shared volumes that tasks use are not from the offers.
#   2. an operation that is refused changes nothing; those after it are judged as if it had not been there.
# One copy of a shared volume is enough for all tasks of an ACCEPT that use it, as in Mesos.
# The result of a grown or shrunk volume cannot be used in the same call, as in Mesos: agents do those later.
# Source: Mesos src/master/master.cpp (Master::_accept).

import dataclasses
from collections import ChainMap
from collections.abc import Sequence
from typing import Any, TypeAlias, cast

import msgspec

from .conversions import Conversion, conversion
from .copies import once, without_used
from .ids import ExecutorID, OperationID, TaskID
from .operations import Destroy, Launch, LaunchGroup, Operation, ResourceOperation
from .resources import NOTHING, Resources
from .states import Reason
from .tasks import TaskInfo
from .validation_executors import RunningExecutor
from .validation_groups import GroupVerdict, shares_cgroups, validate_group
from .validation_operations import OperationSite, operation_problem, unfit_problem
from .validation_tasks import LaunchSite, TaskVerdict, validate_tasks


class LaunchVerdict(msgspec.Struct, frozen=True, gc=False):
    """What became of the tasks of a LAUNCH."""

    tasks: tuple[TaskVerdict, ...]


class OperationVerdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What became of an operation on resources: its ``conversion`` if it is accepted, else a ``message``."""

    operation: ResourceOperation
    conversion: Conversion | None = None
    message: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the operation may be done."""
        return self.conversion is not None


Step: TypeAlias = LaunchVerdict | GroupVerdict | OperationVerdict


class AcceptVerdict(msgspec.Struct, frozen=True, gc=False):
    """One step an operation, in order; ``declined`` is what nothing touched, ``converted`` what was made, unused."""

    steps: tuple[Step, ...]
    declined: Resources
    converted: Resources


def validate_accept(
    operations: Sequence[Operation], *, offered: Resources, launches: LaunchSite, site: OperationSite
) -> AcceptVerdict:
    """Judge operations in order against offers that hold ``offered``; the sites are as they are before the first."""
    course = AcceptCourse(offered, launches, site)
    steps = [course.step(operation) for operation in operations]
    made = offered.shortfall(course.left)
    return AcceptVerdict(tuple(steps), course.left - made, made + course.aside)


def validate_launch(operation: Launch, *, offered: Resources, site: LaunchSite) -> LaunchVerdict:
    """Judge a LAUNCH by itself, as most are."""
    problem = _launch_problem(operation)
    if problem is not None:
        return LaunchVerdict(_refused(operation.tasks, f"launch: it {problem}", Reason.REASON_TASK_INVALID))
    return LaunchVerdict(validate_tasks(operation.tasks, offered=offered, site=site))


class AcceptCourse:
    """Where an ACCEPT is: what is ``left`` to use, what is put ``aside``, and how the sites look by now.

    A LAUNCH may be judged as several, a few tasks each: the verdicts are the same.
    """

    def __init__(self, offered: Resources, launches: LaunchSite, site: OperationSite) -> None:
        self.left = offered
        self.aside = NOTHING
        self._shared = once(offered.shared())  # that tasks may use
        self._launched: set[TaskID] = set()
        self._named: set[OperationID] = set()
        self.go_on(launches, site)

    def go_on(self, launches: LaunchSite, site: OperationSite) -> None:
        """Judge from now on by how the sites have become, what the steps before this have done included."""
        self._running: ChainMap[ExecutorID, RunningExecutor] = ChainMap({}, cast(Any, launches.running))
        self._launches = dataclasses.replace(launches, launched=self._launched, running=self._running)
        self._site = site

    def step(self, operation: Operation) -> Step:
        """Judge the next operation, and go on from what it does."""
        if isinstance(operation, Launch):
            return self._launch(operation)
        if isinstance(operation, LaunchGroup):
            return self._launch_group(operation)
        return self._convert(operation)

    def _launch(self, operation: Launch) -> LaunchVerdict:
        judged = validate_launch(operation, offered=self._usable, site=self._launches)
        self._use(sum([verdict.charged for verdict in judged.tasks if verdict.accepted], NOTHING))
        for verdict in judged.tasks:
            if verdict.accepted:
                self._launched.add(verdict.task.task_id)
                if verdict.starts_executor and verdict.task.executor is not None:
                    executor = verdict.task.executor
                    self._running[executor.executor_id] = RunningExecutor(executor, share_cgroups=True)
        return judged

    def _launch_group(self, operation: LaunchGroup) -> GroupVerdict:
        problem = _launch_problem(operation)
        if problem is not None:
            message = f"launch group: it {problem}"
            tasks = _refused(operation.group.tasks, message, Reason.REASON_TASK_GROUP_INVALID)
            return GroupVerdict(executor=operation.executor, tasks=tasks, message=message)
        verdict = validate_group(operation.executor, operation.group, offered=self._usable, site=self._launches)
        if verdict.accepted:
            self._use(verdict.charged)
            self._launched.update([each.task.task_id for each in verdict.tasks])
            shares = shares_cgroups(verdict.tasks[0].task)
            self._running[verdict.executor.executor_id] = RunningExecutor(verdict.executor, shares)
        return verdict

    @property
    def _usable(self) -> Resources:
        """What tasks may use: also volumes of which the tasks before have used the last copy."""
        return self.left + self.left.shared().shortfall(self._shared)

    def _use(self, charged: Resources) -> None:
        self._site = dataclasses.replace(self._site, used=self._site.used + charged)
        self.left = without_used(self.left, charged)

    def _convert(self, operation: ResourceOperation) -> OperationVerdict:
        name = type(operation).__name__.lower()
        problem = operation_problem(operation, self._site)
        if problem is None and operation.id in self._named:
            problem = f"has the id {operation.id} of another in the same call; give each operation an id of its own"
        if problem is None:
            done = conversion(operation)
            problem = self._holding_problem(operation, done.before)
            if problem is None:
                self._apply(operation, done)
                return OperationVerdict(operation=operation, conversion=done)
        return OperationVerdict(operation=operation, message=f"{name}: it {problem}")

    def _holding_problem(self, operation: ResourceOperation, before: Resources) -> str | None:
        if not self.left.contains(before):
            return f"needs {before.brief}, its offers still hold {self.left.brief}; name what they hold"
        if not self._site.total.contains(before):
            return f"needs {before.brief}, which the agent has no longer; wait for the next offers"
        if (
            isinstance(operation, Destroy)
            and (self.left - before).shared().contains(before.shared())
            and before.shared()
        ):
            return f"names {before.shared().brief}, of which there are more copies in these offers; decline the others"
        return None

    def _apply(self, operation: ResourceOperation, done: Conversion) -> None:
        if operation.id is not None:
            self._named.add(operation.id)
        self._site = dataclasses.replace(self._site, total=self._site.total - done.before + done.after)
        self.left -= done.before
        self._shared = once(done.before.shared()).shortfall(self._shared) + done.after.shared()
        if done.reusable:
            self.left += done.after
        else:
            self.aside += done.after


def _launch_problem(operation: Launch | LaunchGroup) -> str | None:
    if operation.unfit:
        return unfit_problem(operation.unfit)
    if operation.id is not None:
        return "has an operation id, and tasks are told of by their statuses; leave the id out"
    return None


def _refused(tasks: Sequence[TaskInfo], message: str, reason: Reason) -> tuple[TaskVerdict, ...]:
    return tuple([TaskVerdict(task=task, reason=reason, message=message) for task in tasks])
