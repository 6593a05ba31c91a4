"""Validation of the tasks of a LAUNCH: each for itself, in Mesos's order."""

# Who calls: the master, for every Accept whose offers are valid. Plain data in, plain data out; no actor, no clock.
# Invariants: 1. each task is judged against what the accepted tasks before it left, so the accepted ones fit
#   together; the ones after it do not matter.
#   2. the first broken rule is the one reported.
# Problems are returned, not raised: a bad task is an ordinary answer (TASK_ERROR) and does not hold up the
#   next one.
# Source: Mesos src/master/validation.cpp (task::validate).

from collections import ChainMap
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from .acls import ALL_ALLOWED, Acls
from .agents import AGENT_TASK_RESOURCE_LIMITS
from .checks import check_problem
from .commands import CommandInfo, command_problem
from .constants import EXECUTOR_CPUS_MILLI_MIN, EXECUTOR_MEM_MILLI_MIN, SECONDS_MAX
from .containers import container_facts, container_problem
from .copies import once
from .documents import document_problem
from .errors import InvalidRequest
from .executors import ExecutorInfo, ExecutorType
from .ids import AgentID, ExecutorID, FrameworkID, TaskID, validate_id
from .permissions import refusal_of
from .resource_text import MILLI
from .resources import NOTHING, Resources
from .states import Reason
from .tasks import TaskInfo
from .validation_executors import RunningExecutor, completed_executor, executor_problem
from .validation_resources import (
    allocation_problem,
    joint_problem,
    limits_problem,
    overlap_problem,
    resources_problem,
)
from .volume_places import with_offered_volumes


@dataclass(slots=True, kw_only=True)  # not frozen, which takes three times as long to make, and one is made a launch
class LaunchSite:
    """What the master knows of where tasks are to run: offers of one agent, for one role of one framework.

    ``known`` and ``unreachable`` hold ids of the framework's tasks, on any agent, ``launched`` those that the same call
    launches already; ``running`` its executors on this agent. ``root_submissions``: tasks may run as root.
    ``acls`` say as whom those of ``principal`` may run; who says nothing runs as ``user``.
    """

    framework_id: FrameworkID
    agent_id: AgentID
    role: str
    capabilities: tuple[str, ...] = ()
    known: Container[TaskID] = ()
    unreachable: Container[TaskID] = ()
    launched: Container[TaskID] = ()
    running: Mapping[ExecutorID, RunningExecutor] = field(default_factory=dict)
    root_submissions: bool = True
    principal: str | None = None
    user: str = ""
    acls: Acls = ALL_ALLOWED


class TaskVerdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What became of one task: ``reason`` and ``message`` are None and "" if it is accepted.

    ``task`` is as the agent is to get it. ``charged`` is what it takes of the offers: with a new executor, that one's
    resources as well. ``warning`` is for the log.
    """

    task: TaskInfo
    reason: Reason | None = None
    message: str = ""
    charged: Resources = NOTHING
    starts_executor: bool = False
    warning: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the task may be launched."""
        return self.reason is None


def validate_tasks(tasks: Sequence[TaskInfo], *, offered: Resources, site: LaunchSite) -> tuple[TaskVerdict, ...]:
    """Judge tasks in order against offers that hold ``offered``. Result: one verdict a task, in order."""
    verdicts: list[TaskVerdict] = []
    left = offered
    seen: set[TaskID] = set()
    own: dict[ExecutorID, RunningExecutor] = {}
    running = cast("dict[ExecutorID, RunningExecutor]", ChainMap(own, cast(Any, site.running))) if site.running else own
    for each in tasks:
        task = completed_task(each, site, offered)
        problem = task_problem(task, site, seen) or _executor_problem(task, site, running)
        charged, is_new = _charge(task, running)
        denied = denial(task, site) if problem is None else None
        if denied is not None:
            reason = Reason.REASON_TASK_UNAUTHORIZED
            verdicts.append(TaskVerdict(task=task, reason=reason, message=f"launch: {denied}"))
            continue
        problem = problem or _total_problem(task, charged, left) or _cgroups_problem(task)
        if problem is not None:
            verdicts.append(TaskVerdict(task=task, reason=Reason.REASON_TASK_INVALID, message=f"launch: {problem}"))
            continue
        left -= charged.not_shared()  # shared volumes may be used by the next one as well
        seen.add(task.task_id)
        warning = ""
        if task.executor is not None:
            running.setdefault(task.executor.executor_id, RunningExecutor(task.executor))
            warning = _executor_warning(task, task.executor)
        verdicts.append(TaskVerdict(task=task, charged=charged, starts_executor=is_new, warning=warning))
    return tuple(verdicts)


# ---- rules that hold in groups as well ----


def completed_task(task: TaskInfo, site: LaunchSite, offered: Resources) -> TaskInfo:
    """Return the task with what its framework may leave out, and volumes as offered; what is wrong stays as it is."""
    executor, task = task.executor, with_offered_volumes(task, offered)
    if executor is None and not task.allocation_roles:
        return task
    if executor is not None:
        executor = completed_executor(executor, site.framework_id, site.role)
    roles = () if task.allocation_roles == (site.role,) else task.allocation_roles
    return msgspec.structs.replace(task, executor=executor, allocation_roles=roles)


def task_problem(task: TaskInfo, site: LaunchSite, seen: Container[TaskID]) -> str | None:
    """Return the first rule that a completed task breaks, executors aside, as a sentence; None if it breaks none."""
    problem = _identity_problem(task, site, seen)
    if problem is not None:
        return problem
    for rule in _USUAL_RULES if _is_usual(task) else _RULES:
        problem = rule(task, site)
        if problem is not None:
            return f"task {task.task_id} {problem}"
    return None


def root_problem(command: CommandInfo | None, site: LaunchSite) -> str | None:
    """Return what is wrong with who a command runs as, None if nothing is."""
    if site.root_submissions or command is None or command.user != "root":
        return None
    return "has a command that runs as root, which this master refuses; name another user"


def denial(task: TaskInfo, site: LaunchSite) -> str | None:
    """Return why a task of that framework may not run as whom it would, as a sentence; None if it may."""
    if site.acls is ALL_ALLOWED:
        return None
    commands = [task.command, task.executor.command if task.executor is not None else None]
    users = [command.user or site.user for command in commands if command is not None] or [site.user]
    denied = refusal_of([("run_tasks", user) for user in users], site.acls, site.principal)
    return None if denied is None else f"task {task.task_id} is not authorized: {denied}"


def _identity_problem(task: TaskInfo, site: LaunchSite, seen: Container[TaskID]) -> str | None:
    try:
        validate_id("task", task.task_id)
    except InvalidRequest as error:
        return str(error)
    if task.task_id in site.known or task.task_id in site.launched or task.task_id in seen:
        return f"task id {task.task_id} is already in use by this framework; give each task an id of its own"
    if task.task_id in site.unreachable:
        return (
            f"task id {task.task_id} is that of a task on an unreachable agent, which may come back; give each task an "
            f"id of its own"
        )
    if task.agent_id != site.agent_id:
        return (
            f"task {task.task_id} names agent {task.agent_id[:80]}, its offer is of agent {site.agent_id}; "
            f"name the agent of the offer"
        )
    return None


def _durations_problem(task: TaskInfo, site: LaunchSite) -> str | None:
    grace, longest = task.kill_grace_seconds, task.max_completion_seconds
    if grace is not None and not 0 <= grace <= SECONDS_MAX:
        return f"has a kill grace of {grace} s; give 0 to {SECONDS_MAX}"
    if longest is not None and not 0 <= longest <= SECONDS_MAX:
        return f"has a max_completion_time of {longest} s; give 0 to {SECONDS_MAX}"
    return None


def _checks_problem(task: TaskInfo, site: LaunchSite) -> str | None:
    problem = check_problem(task.check) if task.check is not None else None
    return problem or (check_problem(task.health_check) if task.health_check is not None else None)


def _resources_problem(task: TaskInfo, site: LaunchSite) -> str | None:
    if task.resources.is_empty:
        return "uses no resources; ask for some, such as cpus:0.1"
    return resources_problem(task.resources) or allocation_problem(task.allocation_roles, site.role)


def _limits_problem(task: TaskInfo, site: LaunchSite) -> str | None:
    if not task.limits:
        return None
    if AGENT_TASK_RESOURCE_LIMITS not in site.capabilities:
        return "has limits, and its agent lacks the capability TASK_RESOURCE_LIMITS; leave them out"
    return limits_problem(task.limits, task.resources)


def _command_problem(task: TaskInfo, site: LaunchSite) -> str | None:
    return command_problem(task.command) if task.command is not None else None


def _root_problem(task: TaskInfo, site: LaunchSite) -> str | None:
    return root_problem(task.command, site)


_RULES: tuple[Callable[[TaskInfo, LaunchSite], str | None], ...] = (
    _durations_problem,
    _checks_problem,
    _resources_problem,
    _command_problem,
    _root_problem,
    lambda task, site: container_problem(task.container),
    lambda task, site: document_problem("discovery", task.discovery),
    _limits_problem,
)
# Those that a task may break which says nothing else.
_USUAL_RULES = (_resources_problem, _command_problem, _root_problem)


def _is_usual(task: TaskInfo) -> bool:
    """Whether it says nothing of what only the other rules look at."""
    return not (
        task.check is not None
        or task.health_check is not None
        or task.container is not None
        or task.discovery is not None
        or task.kill_grace_seconds is not None
        or task.max_completion_seconds is not None
        or task.limits
    )


# ---- rules of LAUNCH alone ----


def _executor_problem(task: TaskInfo, site: LaunchSite, running: Mapping[ExecutorID, RunningExecutor]) -> str | None:
    executor = task.executor
    if (executor is None) == (task.command is None):
        return f"task {task.task_id} has {'both' if executor else 'neither'} command and executor; set one of them"
    if executor is None:
        return None
    problem = executor_problem(executor, site.framework_id, site.role, running) or _own_executor_problem(executor)
    problem = problem or root_problem(executor.command, site)
    return None if problem is None else f"task {task.task_id} has an executor that {problem}"


def _own_executor_problem(executor: ExecutorInfo) -> str | None:
    if executor.type not in (None, ExecutorType.CUSTOM):
        return f"is of type {executor.type.name}; launch a group with it, or say CUSTOM"
    if executor.command is None:
        return "has no command; say how it is started"
    if executor.resources.shared():
        return "wants shared volumes; give those to its tasks"
    if container_facts(executor.container).share_cgroups:
        return "has share_cgroups set in its own container; leave it out"
    return None


def _charge(task: TaskInfo, running: Mapping[ExecutorID, RunningExecutor]) -> tuple[Resources, bool]:
    """What a task takes of the offers, and whether its executor is new."""
    executor = task.executor
    if executor is None or executor.executor_id in running:
        return task.resources, False
    return task.resources + executor.resources, True


def _total_problem(task: TaskInfo, charged: Resources, left: Resources) -> str | None:
    name = f"task {task.task_id}"
    if task.executor is not None:
        name += " with its executor"
        both = task.resources + task.executor.resources
        overlap = overlap_problem(both)
        if overlap is not None:
            return f"task {task.task_id} and its executor {overlap}"
        problem = joint_problem(both)
        if problem is not None:
            return f"{name} {problem}"
    if not left.contains(once(charged)):
        return (
            f"{name} wants {charged.brief}, its offers still hold {left.brief}; "
            f"shrink the task or wait for a larger offer"
        )
    return None


def _cgroups_problem(task: TaskInfo) -> str | None:
    if task.container is not None and container_facts(task.container).share_cgroups is False:
        return f"task {task.task_id} sets share_cgroups to false; only tasks of groups may"
    return None


def _executor_warning(task: TaskInfo, executor: ExecutorInfo) -> str:
    cpus, mem = executor.resources.milli("cpus"), executor.resources.milli("mem")
    if cpus >= EXECUTOR_CPUS_MILLI_MIN and mem >= EXECUTOR_MEM_MILLI_MIN:
        return ""
    return (
        f"launch: task {task.task_id} has an executor with {cpus / MILLI} cpus and {mem / MILLI} MiB of memory, which "
        f"is little; give it 0.01 cpus and 32 MiB at least"
    )
