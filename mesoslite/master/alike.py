"""Alike: tasks of one framework in one role and state, which are entered and added up together."""

# Who calls: returns.py tells so apart what agents bring; agent_accounts.py and ledger.py enter it, accounts.py what is
#   launched.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mesoslite.model import NOTHING
from mesoslite.model.sums import total_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mesoslite.model import FrameworkID, Resources, TaskState

    from .framework_entry import FrameworkEntry
    from .tasks import TaskEntry


class Alike(NamedTuple):
    """Tasks that are alike, and what they hold together: nothing, once they have ended."""

    framework: FrameworkEntry
    role: str
    state: TaskState
    tasks: Sequence[TaskEntry]
    held: Resources


def by_kind(tasks: Iterable[TaskEntry]) -> dict[tuple[FrameworkID, str, TaskState], list[TaskEntry]]:
    """Tasks that are alike together, each kind in the order in which they come."""
    found: dict[tuple[FrameworkID, str, TaskState], list[TaskEntry]] = {}
    for task in tasks:
        kind = (task.framework_id, task.role, task.state)
        if kind in found:
            found[kind].append(task)
        else:
            found[kind] = [task]
    return found


def alike(framework: FrameworkEntry, role: str, state: TaskState, tasks: Sequence[TaskEntry]) -> Alike:
    """Tasks of that framework, role and state."""
    held = NOTHING if state.is_terminal else total_of([task.resources for task in tasks])
    return Alike(framework, role, state, tasks, held)
