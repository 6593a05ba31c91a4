"""Forgotten ends: tasks whose end an agent has told of, but not to the end, and of which it knows nothing any more."""

# Who calls: returns.py, inside the master actor.
# An agent that was restarted comes back without the tasks of frameworks that do not checkpoint. Of one that had ended,
#   and whose end was not acknowledged, it says nothing more: so its framework is told by the master, once.
# Source: none; Mesos forgets such tasks when the agent is disconnected, told or not.

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import Reason, Update

from .slices import in_steps
from .statuses import master_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .agent_entry import AgentEntry
    from .brought import Ids
    from .ledger import Ledger
    from .tasks import TaskEntry

ENDS_IN_STEP = 64


def conclude_ends(ledger: Ledger, agent: AgentEntry, ids: Ids, now: Callable[[], float]) -> Iterator[None]:
    """Complete the tasks that have ended on an agent, and that are not in ``ids``, those that it names."""

    def conclude(task: TaskEntry) -> None:
        if task not in agent.ended or task.is_in(ids):
            return
        framework = ledger.frameworks[task.framework_id]
        if framework.connected and not task.told_state.is_terminal:
            status = master_status(
                task.task_id,
                task.state,
                now=now(),
                reason=Reason.REASON_AGENT_RESTARTED,
                message=f"Agent {agent.id} came back without it; it had ended so",
                agent_id=agent.id,
            )
            framework.send(Update(status))
        ledger.complete_task(task)

    return in_steps(agent.ended, conclude, ENDS_IN_STEP)
