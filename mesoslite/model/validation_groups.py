"""Validation of a LAUNCH_GROUP: its tasks, its executor and both together, all or none."""

# Who calls: the master, by validation_accept.py.
# Invariants: 1. either all verdicts of a group accept, or none does.
#   2. the task that breaks a rule is told which; the others are told that they go with it.
# Source: Mesos src/master/validation.cpp (task::group::validate).

from collections.abc import Sequence

import msgspec

from .checks import CheckType
from .constants import EXECUTOR_CPUS_MILLI_MIN, EXECUTOR_MEM_MILLI_MIN, GROUP_TASKS_MAX
from .containers import container_facts
from .copies import once
from .executors import ExecutorInfo, ExecutorType
from .ids import TaskID
from .resource_text import MILLI
from .resources import NOTHING, Resources
from .states import Reason
from .task_groups import TaskGroup
from .tasks import TaskInfo
from .validation_executors import completed_executor, executor_problem
from .validation_resources import joint_problem, overlap_problem
from .validation_tasks import LaunchSite, TaskVerdict, completed_task, denial, root_problem, task_problem

_CHECKED_OVER_NETWORK = (CheckType.HTTP, CheckType.TCP)


class GroupVerdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What became of a group: ``message`` is "" if it is accepted.

    ``executor`` and the tasks are as the agent is to get them. ``charged`` is what all of it takes of the offers: with
    a new executor, that one's resources as well.
    """

    executor: ExecutorInfo
    tasks: tuple[TaskVerdict, ...]
    message: str = ""
    charged: Resources = NOTHING
    starts_executor: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the group may be launched."""
        return not self.message


class _Problem(Exception):
    """A rule is broken; ``culprit`` is the place of the task that breaks it, None if no single task does.

    ``reason`` is that of the whole group.
    """

    def __init__(
        self, text: str, culprit: int | None = None, reason: Reason = Reason.REASON_TASK_GROUP_INVALID
    ) -> None:
        super().__init__(text)
        self.text = text
        self.culprit = culprit
        self.reason = reason


def validate_group(executor: ExecutorInfo, group: TaskGroup, *, offered: Resources, site: LaunchSite) -> GroupVerdict:
    """Judge a group against offers that hold ``offered``; a task without an executor gets that of the group."""
    executor = completed_executor(executor, site.framework_id, site.role)
    tasks = [completed_task(_with_executor(task, executor), site, offered) for task in group.tasks]
    try:
        _check_tasks(tasks, site)
        _check_executor(executor, tasks, site)
        _check_users(tasks, site)
        charged = _checked_total(executor, tasks, offered, site)
        _check_cgroups(executor, tasks, site)
    except _Problem as problem:
        return _refused(executor, tasks, problem)
    return GroupVerdict(
        executor=executor,
        tasks=tuple([TaskVerdict(task=task, charged=task.resources) for task in tasks]),
        charged=charged,
        starts_executor=executor.executor_id not in site.running,
    )


def crowd_problem(count: int) -> str | None:
    """Return what is wrong with a group of so many tasks, as a sentence; None if nothing is."""
    if count <= GROUP_TASKS_MAX:
        return None if count else "it has no tasks; name at least one"
    return f"it has {count} tasks and is launched as a whole; name {GROUP_TASKS_MAX} at most"


def _with_executor(task: TaskInfo, executor: ExecutorInfo) -> TaskInfo:
    return task if task.executor is not None else msgspec.structs.replace(task, executor=executor)


def _refused(executor: ExecutorInfo, tasks: Sequence[TaskInfo], problem: _Problem) -> GroupVerdict:
    message = f"launch group: {problem.text}"
    verdicts = []
    for place, task in enumerate(tasks):
        reason, text = problem.reason, message
        if problem.culprit == place:
            reason = Reason.REASON_TASK_INVALID
        elif problem.culprit is not None:
            text = f"launch group: another task of the group is refused, and it is launched as a whole: {problem.text}"
        verdicts.append(TaskVerdict(task=task, reason=reason, message=text))
    return GroupVerdict(executor=executor, tasks=tuple(verdicts), message=message)


def _raise(text: str | None, culprit: int | None = None) -> None:
    if text is not None:
        raise _Problem(text, culprit)


# ---- rules, in Mesos's order ----


def _check_tasks(tasks: Sequence[TaskInfo], site: LaunchSite) -> None:
    _raise(crowd_problem(len(tasks)))
    seen: set[TaskID] = set()
    for place, task in enumerate(tasks):
        _raise(task_problem(task, site, seen), place)
        problem = _member_problem(task)
        _raise(None if problem is None else f"task {task.task_id} {problem}", place)
        seen.add(task.task_id)


def _check_users(tasks: Sequence[TaskInfo], site: LaunchSite) -> None:
    for task in tasks:
        denied = denial(task, site)
        if denied is not None:
            raise _Problem(denied, reason=Reason.REASON_TASK_GROUP_UNAUTHORIZED)


def _member_problem(task: TaskInfo) -> str | None:
    facts = container_facts(task.container)
    if facts.has_networks and task.health_check is not None and task.health_check.type in _CHECKED_OVER_NETWORK:
        return (
            f"has a network of its own and a health check of type {task.health_check.type.name}, which goes over that "
            f"of its executor; check by a command"
        )
    if facts.is_docker:
        return "is in a Docker container; tasks of groups are in containers of type MESOS"
    if task.limits and facts.share_cgroups is not False:
        return "has limits, which need cgroups of its own; set linux_info.share_cgroups to false"
    return None


def _check_executor(executor: ExecutorInfo, tasks: Sequence[TaskInfo], site: LaunchSite) -> None:
    name = f"executor {executor.executor_id[:80]}"
    problem = executor_problem(executor, site.framework_id, site.role, site.running) or _own_problem(executor)
    problem = problem or root_problem(executor.command, site)
    _raise(None if problem is None else f"{name} {problem}")
    for place, task in enumerate(tasks):
        if task.executor != executor:
            raise _Problem(f"task {task.task_id} has another executor than its group; leave it out", place)
    problem = _size_problem(executor.resources)
    _raise(None if problem is None else f"{name} {problem}")


def _own_problem(executor: ExecutorInfo) -> str | None:
    if executor.type in (None, ExecutorType.UNKNOWN):
        return "is of no known type; say DEFAULT or CUSTOM"
    if container_facts(executor.container).is_docker:
        return "is in a Docker container; those of groups are in containers of type MESOS"
    return None


def _size_problem(resources: Resources) -> str | None:
    cpus, mem = resources.milli("cpus"), resources.milli("mem")
    if cpus < EXECUTOR_CPUS_MILLI_MIN:
        return f"has {cpus / MILLI} cpus; give it {EXECUTOR_CPUS_MILLI_MIN / MILLI} at least"
    if mem < EXECUTOR_MEM_MILLI_MIN:
        return f"has {mem / MILLI} MiB of memory; give it {EXECUTOR_MEM_MILLI_MIN / MILLI} at least"
    if not resources.milli("disk"):
        return "has no disk; give it some for its sandbox"
    return None


def _checked_total(
    executor: ExecutorInfo, tasks: Sequence[TaskInfo], offered: Resources, site: LaunchSite
) -> Resources:
    wanted = sum([task.resources for task in tasks], NOTHING)
    both = wanted + executor.resources
    problem = joint_problem(both)
    _raise(None if problem is None else f"with its executor it {problem}")
    problem = overlap_problem(both)
    _raise(None if problem is None else f"its tasks and executor {problem}")
    charged = wanted if executor.executor_id in site.running else both
    if not offered.contains(once(charged)):
        raise _Problem(
            f"with its executor it wants {charged.brief}, its offers still hold {offered.brief}; shrink it or wait for "
            f"a larger offer"
        )
    return charged


def _check_cgroups(executor: ExecutorInfo, tasks: Sequence[TaskInfo], site: LaunchSite) -> None:
    if container_facts(executor.container).share_cgroups:
        raise _Problem(f"executor {executor.executor_id} has share_cgroups set in its own container; leave it out")
    running = site.running.get(executor.executor_id)
    common = running.share_cgroups if running is not None else None
    for place, task in enumerate(tasks):
        shares = shares_cgroups(task)
        if common is None:
            common = shares
        if shares is not common:
            raise _Problem(
                f"task {task.task_id} says share_cgroups {str(shares).lower()}, others of its executor say "
                f"{str(common).lower()}; say the same for all",
                place,
            )


def shares_cgroups(task: TaskInfo) -> bool:
    """Return whether a valid task shares the cgroups of its executor, as it does if it says nothing."""
    return container_facts(task.container).share_cgroups is not False
