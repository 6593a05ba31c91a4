"""Reconciliation: a framework asks for the states of tasks, named ones or all, and hears of each as of now."""

# Who calls: scheduling.py, inside the master actor; slices.py drives it.
# A task is answered with the state that its framework was told last, which may be older than what the agent knows: what
#   came after it is still to be told, in its order.
# Of tasks that the master does not have, by what is known of the agent that was named: see statuses.py.
# Source: Mesos src/master/master.cpp (_reconcileTasks).

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import Update

from .statuses import known_status, unknown_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mesoslite.model import AgentID, Reconcile, TaskID

    from .framework_entry import FrameworkEntry
    from .ledger import Ledger

ANSWERS_IN_STEP = 64  # about a third of a millisecond


class Reconciliation:
    """Answers of one master; ``now`` reads its clock."""

    def __init__(self, ledger: Ledger, now: Callable[[], float]) -> None:
        self._ledger = ledger
        self._now = now

    def answer(self, framework: FrameworkEntry, call: Reconcile) -> Iterator[None]:
        """Tell the states of the tasks that are named, or of all, a few in a step."""
        scheduler, named = framework.pid, call.tasks
        every = () if named else tuple(framework.tasks)
        for first in range(0, len(named or every), ANSWERS_IN_STEP):
            if not framework.connected or framework.pid != scheduler:
                return
            for reference in named[first : first + ANSWERS_IN_STEP]:
                self.tell(framework, reference.task_id, reference.agent_id)
            for task_id in every[first : first + ANSWERS_IN_STEP]:
                if task_id in framework.tasks:  # else it was completed meanwhile
                    self.tell(framework, task_id, None)
            yield

    def tell(self, framework: FrameworkEntry, task_id: TaskID, agent_id: AgentID | None) -> None:
        """Tell the state of one task, known or not; ``agent_id`` is where its framework believes it to be."""
        task = framework.tasks.get(task_id)
        if task is not None:
            status = known_status(task, self._now())
        elif self._ledger.roster.may_return(agent_id):
            return  # it may be back with that task
        else:
            status = unknown_status(self._ledger, framework, task_id, agent_id, self._now())
        framework.send(Update(status))
