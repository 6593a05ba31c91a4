"""Abilities: what the agents of this version cannot do yet, so that it is refused and never passed over."""

# Who calls: agents judge tasks by ``task_inability``; the master, which may be of another version, leaves it to them. A
#   composition root checks what an agent is configured with.
# What an agent has isolators for is not known here: its containerizer judges containers and limits, at the launch.
# A line here goes when agents have learnt what it says.

from .checks import check_problem
from .commands import CommandInfo
from .errors import InvalidRequest, InvalidResources
from .executors import ExecutorInfo, ExecutorType
from .kinds import DiskType, Kind, ReservationType
from .resource_text import portion_text
from .resources import Resources
from .tasks import TaskInfo
from .validation_resources import shown


def task_inability(task: TaskInfo) -> str | None:
    """Return why no agent can run a task that breaks no rule, as the end of a sentence; None if agents can."""
    if task.executor is not None:
        problem = _executor_inability(task.executor)
        if problem is not None:
            return f"has an executor that {problem}"
    has_own_executor = task.executor is not None and task.executor.type is not ExecutorType.DEFAULT
    if task.command is None and not has_own_executor:
        return "has no command; give it one" if task.executor else "has neither a command nor an executor; give it one"
    problem = None if has_own_executor else _check_problem(task)  # else that is its executor's business
    return problem or _resources_problem(task.resources)


def _check_problem(task: TaskInfo) -> str | None:
    for check in (task.check, task.health_check):
        if check is None:
            continue
        problem = check_problem(check)
        if problem is not None:
            return problem
        if check.command is not None and check.command.uris:
            return "has a check whose command has URIs, and files are fetched before a task starts; give them to that"
    return None


def _executor_inability(executor: ExecutorInfo) -> str | None:
    if executor.command is None and executor.type is not ExecutorType.DEFAULT:
        return "has no command; say how it is started"
    if executor.container is not None and executor.type is ExecutorType.DEFAULT:
        return "has a container and is no program, so that nothing would be in it; give its tasks containers"
    if executor.type is ExecutorType.DEFAULT and any(one.kind.persistence for one in executor.resources.others):
        return "has a volume and is no program, so that nobody would see it; give it to a task"
    return _resources_problem(executor.resources)


def _resources_problem(resources: Resources) -> str | None:
    for portion in resources.others:
        problem = _kind_problem(portion.kind)
        if problem is not None:
            return f"wants {shown(portion)}, {problem}"
    return None


def runnable_command(task: TaskInfo) -> CommandInfo:
    """Return the command that a task is. Raises: InvalidRequest, if it is, or needs, what agents cannot do yet."""
    problem = task_inability(task)
    if problem is not None or task.command is None:
        raise InvalidRequest(f"launch: task {task.task_id} {problem or 'has an executor'}")
    return task.command


def executor_command(executor: ExecutorInfo) -> CommandInfo | None:
    """Return the command that starts an executor; None of type DEFAULT, whose tasks agents run by themselves.

    Raises: InvalidRequest, if agents cannot run it.
    """
    problem = _executor_inability(executor)
    if problem is not None:
        raise InvalidRequest(f"launch: executor {executor.executor_id} {problem}")
    return executor.command


def validate_agent_resources(resources: Resources) -> None:
    """Refuse what an agent cannot be configured with.

    Raises: InvalidResources, if there is nothing at all, or anything revocable, dynamically reserved, a volume, on a
    disk without a directory or from a provider: such come about later, by calls and estimates, or are not known here.
    """
    if resources.is_empty:
        raise InvalidResources("agents without resources run nothing; give some, as in cpus:2;mem:1024")
    for portion in resources.others:
        kind = portion.kind
        problem = _kind_problem(kind)
        if kind.revocable:
            problem = "which is revocable; an agent starts with what it can keep"
        elif any(layer.type is not ReservationType.STATIC for layer in kind.reservations):
            problem = "which is reserved by a call; reserve it as cpus(role):2"
        if kind.persistence is not None:
            problem = "a volume, which is made by a call; give the disk that it is to be on"
        if problem is not None:
            raise InvalidResources(f"an agent cannot be given {portion_text(portion)}, {problem}")


def _kind_problem(kind: Kind) -> str | None:
    """What nobody can be given yet, because no agent could keep it apart from the rest."""
    source = kind.disk.source if kind.disk is not None else None
    if source is not None and (source.type not in (DiskType.PATH, DiskType.MOUNT) or source.root is None):
        return "a disk without a directory, which no agent gives yet; name one of type PATH or MOUNT with a root"
    if kind.provider_id is not None:
        return "which comes from a resource provider; no agent has any yet"
    return None
