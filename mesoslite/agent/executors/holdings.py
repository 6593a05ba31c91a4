"""Holdings: what the container of an executor may use, which is what it and its tasks have been given."""

# Who calls: life.py, whenever an executor is given a task or one of its tasks ends.
# A bound on a name is of the container as a whole: as soon as one task has one, that of each other is its request.
# Source: Mesos src/slave/slave.cpp (Executor::allocatedResources, computeExecutorLimits).

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model.volume_places import said_resources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mesoslite.model import Resources, TaskInfo

    from ..runs import Run
    from .execution import Execution


def holdings(execution: Execution, more: Sequence[Run] = ()) -> tuple[Resources, tuple[tuple[str, float], ...]]:
    """The resources of an executor with its tasks that have not ended, and its limits in the form of a TaskInfo's.

    ``more`` are tasks that it is to be given.
    """
    tasks, own = _tasks(execution, more), execution.info.resources
    names = sorted({name for task in tasks for name, _ in task.limits})
    limits = [(name, sum([dict(task.limits).get(name, task.resources.get(name)) for task in tasks])) for name in names]
    total = sum([task.resources for task in tasks], own)
    return total, tuple([(name, limit + own.get(name)) for name, limit in limits])


def said(execution: Execution, more: Sequence[Run] = ()) -> Resources:
    """Likewise, with each volume where a task said that it wants to see it."""
    return sum([said_resources(task) for task in _tasks(execution, more)], execution.info.resources)


def _tasks(execution: Execution, more: Sequence[Run]) -> list[TaskInfo]:
    return [run.task for run in (*execution.runs.values(), *more) if not run.state.is_terminal]
