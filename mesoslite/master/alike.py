"""Alike: tasks of one framework in one role, which are entered and added up together."""

# Who calls: returns.py tells so apart what agents bring; agent_accounts.py and ledger.py enter it.

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mesoslite.model import FrameworkID

    from .framework_entry import FrameworkEntry
    from .tasks import TaskEntry

Alike: TypeAlias = "tuple[FrameworkEntry, Sequence[TaskEntry]]"


def by_framework(tasks: Iterable[TaskEntry]) -> Iterator[tuple[FrameworkID, list[TaskEntry]]]:
    """Tasks that stand together by framework, a framework's at a time."""
    for framework_id, several in groupby(tasks, attrgetter("framework_id")):
        yield framework_id, list(several)


def by_role(framework: FrameworkEntry, tasks: list[TaskEntry]) -> list[Alike]:
    """Tasks of a framework by role."""
    roles = dict.fromkeys([task.role for task in tasks])
    if len(roles) == 1:
        return [(framework, tasks)]
    return [(framework, [task for task in tasks if task.role == role]) for role in roles]
