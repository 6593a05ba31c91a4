"""Parts of an ACCEPT: what is done of one in a step of the master, if it is much."""

# Who calls: accept.py. An offer may be used for thousands of tasks, and who else waits for the master is not to wait
#   for all of them. What is much, and where it is divided, is said here; what is done, and told, is the caller's.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from mesoslite.model import Launch, LaunchGroup, constants

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mesoslite.model import Operation, TaskInfo

TASKS_IN_STEP = 32  # about half a millisecond
OPERATION_WEIGHT = 4  # in tasks
LAUNCHES = (Launch, LaunchGroup)  # a tuple: a union of types takes four times as long to ask
LAUNCH_KINDS = frozenset(LAUNCHES)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Some tasks of a group that has too many, so many in all: all are refused, and none is looked at."""

    tasks: Sequence[TaskInfo]
    count: int


HOLDERS = (*LAUNCHES, Crowd)  # of tasks

Part: TypeAlias = "Operation | Crowd"


def is_much(operations: Sequence[Operation]) -> bool:
    """Whether it is to be done in parts."""
    if len(operations) == 1:  # mostly
        return weight_of(operations[0]) > TASKS_IN_STEP
    return sum([weight_of(operation) for operation in operations]) > TASKS_IN_STEP


def tasks_of(operation: Part) -> Sequence[TaskInfo]:
    """The tasks to be launched."""
    if isinstance(operation, (Launch, Crowd)):
        return operation.tasks
    return operation.group.tasks if isinstance(operation, LaunchGroup) else ()


def weight_of(operation: Part) -> int:
    """How long it takes, in tasks."""
    return len(tasks_of(operation)) if isinstance(operation, HOLDERS) else OPERATION_WEIGHT


def parts_of(operations: Sequence[Operation]) -> Iterator[Part]:
    """The same operations, with launches of many tasks, and groups of too many, as several of a few each."""
    for operation in operations:
        tasks = tasks_of(operation)
        most = constants.GROUP_TASKS_MAX if isinstance(operation, LaunchGroup) else TASKS_IN_STEP
        if len(tasks) <= most:
            yield operation
            continue
        for first in range(0, len(tasks), TASKS_IN_STEP):
            some = tasks[first : first + TASKS_IN_STEP]
            yield replace(operation, tasks=some) if isinstance(operation, Launch) else Crowd(some, len(tasks))
