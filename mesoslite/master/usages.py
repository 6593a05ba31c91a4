"""Usages: who holds how much of an agent, under which role."""

# Who calls: agent_accounts.py, when an agent comes back, and the allocator is told all of it anew.

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import NOTHING, Usage

if TYPE_CHECKING:
    from mesoslite.model import FrameworkID, Resources

    from .agent_entry import AgentEntry
    from .operations import ExecutorEntry, OperationEntry
    from .tasks import TaskEntry


def usages(agent: AgentEntry) -> tuple[Usage, ...]:
    """What its live tasks, its executors and the operations under way hold, summed up."""
    held: dict[tuple[FrameworkID, str], Resources] = {}
    parts: list[tuple[TaskEntry | ExecutorEntry | OperationEntry, Resources]] = []
    parts += [(task, task.resources) for task in agent.tasks]
    parts += [(executor, executor.info.resources) for executor in agent.executors.values()]
    parts += [(one, one.held) for one in agent.operations.values() if one.held and not one.latest.is_terminal]
    for holder, resources in parts:
        key = (holder.framework_id, holder.role)
        held[key] = held.get(key, NOTHING) + resources
    return tuple([Usage(framework_id, role, resources) for (framework_id, role), resources in held.items()])
