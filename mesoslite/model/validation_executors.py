"""Validation of executors: the rules that hold however one is launched."""

# Who calls: validation_tasks.py and validation_groups.py, which know further rules of their own.
# A problem is the end of a sentence whose beginning names the executor.
# Source: Mesos src/master/validation.cpp (executor::validate, executor::internal::validate).

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from .commands import command_problem
from .constants import SECONDS_MAX
from .containers import container_facts, container_problem
from .documents import document_problem
from .errors import InvalidRequest
from .executors import ExecutorInfo, ExecutorType
from .ids import ExecutorID, FrameworkID, validate_id
from .validation_resources import allocation_problem, resources_problem


@dataclass(frozen=True, slots=True)
class RunningExecutor:
    """An executor that runs on an agent, as the master completed its description.

    ``share_cgroups`` is what its tasks say of that, None as long as it has none.
    """

    info: ExecutorInfo
    share_cgroups: bool | None = None


def completed_executor(executor: ExecutorInfo, framework_id: FrameworkID, role: str) -> ExecutorInfo:
    """Return the executor with what its framework may leave out; what it says and is wrong stays."""
    roles = () if executor.allocation_roles == (role,) else executor.allocation_roles
    return msgspec.structs.replace(executor, framework_id=executor.framework_id or framework_id, allocation_roles=roles)


def executor_problem(
    executor: ExecutorInfo, framework_id: FrameworkID, role: str, running: Mapping[ExecutorID, RunningExecutor]
) -> str | None:
    """Return the first rule that a completed executor breaks, None if it breaks none."""
    for rule in _RULES:
        problem = rule(executor)
        if problem is not None:
            return problem
    if executor.framework_id != framework_id:
        return f"is of framework {str(executor.framework_id)[:80]}; name {framework_id}, or leave it out"
    problem = resources_problem(executor.resources) or allocation_problem(executor.allocation_roles, role)
    if problem is not None:
        return problem
    known = running.get(executor.executor_id)
    if known is not None and known.info != executor:
        names = [name for name in executor.__struct_fields__ if getattr(executor, name) != getattr(known.info, name)]
        return (
            f"runs on the agent already with another {', '.join(names)}; describe it as it is, or give it an id of "
            f"its own"
        )
    return None


def _type_problem(executor: ExecutorInfo) -> str | None:
    if executor.type is ExecutorType.CUSTOM and executor.command is None:
        return "is of type CUSTOM without a command; say how it is started"
    if executor.type is not ExecutorType.DEFAULT:
        return None
    if executor.command is not None:
        return "is of type DEFAULT with a command; leave that out, the program is the agent's own"
    try:
        facts = container_facts(executor.container)
    except InvalidRequest as error:
        return f"has a container that cannot be read: {error}"
    if executor.container is not None and facts.type != "MESOS":
        return f"is of type DEFAULT in a container of type {facts.type[:80]!r}; say MESOS"
    if facts.has_image:
        return "is of type DEFAULT with an image of its own; leave mesos.image out"
    return None


def _id_problem(executor: ExecutorInfo) -> str | None:
    try:
        validate_id("executor", executor.executor_id)
    except InvalidRequest as error:
        return f"is named wrongly: {error}"
    return None


def _grace_problem(executor: ExecutorInfo) -> str | None:
    grace = executor.shutdown_grace_seconds
    if grace is None or 0 <= grace <= SECONDS_MAX:
        return None
    return f"has a shutdown grace of {grace} s; give 0 to {SECONDS_MAX}"


_RULES: tuple[Callable[[ExecutorInfo], str | None], ...] = (
    _type_problem,
    _id_problem,
    _grace_problem,
    lambda executor: command_problem(executor.command) if executor.command is not None else None,
    lambda executor: container_problem(executor.container),
    lambda executor: document_problem("discovery", executor.discovery),
)
