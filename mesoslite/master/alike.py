"""Alike: tasks of one framework in one role and state, which are told apart, entered and added up together."""

# Who calls: brought.py and returns.py tell so apart what agents bring; agent_accounts.py and ledger.py enter it,
#   accounts.py what is launched.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mesoslite.model import NOTHING
from mesoslite.model.sums import total_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mesoslite.model import FrameworkID, Resources, TaskID, TaskState

    from .framework_entry import FrameworkEntry
    from .tasks import TaskEntry

    ByKind = Mapping[tuple[FrameworkID, str, TaskState], dict[TaskID, TaskEntry]]


class Alike(NamedTuple):
    """Tasks that are alike, and what they hold together: nothing, once they have ended."""

    framework: FrameworkEntry
    role: str
    state: TaskState
    tasks: Mapping[TaskID, TaskEntry]
    held: Resources


def by_kind(tasks: Iterable[TaskEntry]) -> ByKind:
    """Tasks that are alike together, each kind in the order in which they come."""
    found: dict[tuple[FrameworkID, str, TaskState], dict[TaskID, TaskEntry]] = {}
    for task in tasks:
        kind = (task.framework_id, task.role, task.state)
        if kind in found:
            found[kind][task.task_id] = task
        else:
            found[kind] = {task.task_id: task}
    return found


def alike(framework: FrameworkEntry, role: str, state: TaskState, tasks: Mapping[TaskID, TaskEntry]) -> Alike:
    """Tasks of that framework, role and state."""
    held = NOTHING if state.is_terminal else total_of([task.resources for task in tasks.values()])
    return Alike(framework, role, state, tasks, held)
