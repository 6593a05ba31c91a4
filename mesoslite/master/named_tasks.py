"""Named tasks: which tasks people may mean by a name, where no id fits."""

# Who calls: lookups.py, inside the master actor, in slices: there may be a million, and of those that agents have
#   brought the name has to be read from their record.
# Newest first of each framework: those under way, then those on agents out of reach, then those that are over.

from __future__ import annotations

from typing import TYPE_CHECKING

from .slices import in_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mesoslite.model import FrameworkID, TaskID

    from .framework_entry import FrameworkEntry
    from .tasks import TaskEntry

NAMED_MAX = 100  # that are looked for
TASKS_IN_STEP = 100


def find_named(
    name: str, frameworks: Iterable[FrameworkEntry], found: list[tuple[FrameworkID, TaskID]]
) -> Iterator[None]:
    """Add to ``found`` the tasks of that name, each id of a framework once, up to NAMED_MAX."""
    known = set(found)

    def look(task: TaskEntry) -> None:
        key = (task.framework_id, task.task_id)
        if task.name == name and key not in known and len(found) < NAMED_MAX:
            known.add(key)
            found.append(key)

    for framework in frameworks:
        for tasks in (framework.tasks.values(), framework.unreachable.values(), framework.completed):
            if len(found) < NAMED_MAX:
                yield from in_steps(reversed(tuple(tasks)), look, TASKS_IN_STEP)
        yield
