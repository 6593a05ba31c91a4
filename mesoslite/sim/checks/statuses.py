"""T: how statuses are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import Source, TaskState

from ..audit import pending_statuses
from ..checker import Checker

if TYPE_CHECKING:
    from mesoslite.model import TaskStatus

    from ..beliefs import TaskBelief
    from ..scheduler_machine import SchedulerMachine
    from ..world import World

ORDER = {TaskState.TASK_STARTING: 0, TaskState.TASK_RUNNING: 1, TaskState.TASK_KILLING: 2}
END = 3


class StatusesAreInOrder(Checker):
    """T2."""

    invariant = "T2"
    claim = (
        "an agent's statuses of a task come in order, each after the one before was acknowledged; in the end, all have"
    )

    def told(self, world: World, machine: SchedulerMachine, task: TaskBelief | None, status: TaskStatus) -> None:
        """Compare a new one with those before."""
        if task is None or status.uuid is None or status.source is Source.SOURCE_MASTER:
            return
        before = [earlier for _, earlier in task.heard[:-1] if earlier.uuid is not None]
        if any(earlier.uuid == status.uuid for earlier in before):
            return  # it is repeated
        for earlier in before:
            if earlier.uuid not in task.acknowledged:
                raise self.violation(
                    f"{machine.name} hears that {status.task_id} is {status.state.name}, and has not acknowledged yet "
                    f"that it was {earlier.state.name}"
                )
            if ORDER.get(earlier.state, END) >= ORDER.get(status.state, END):
                raise self.violation(
                    f"{machine.name} hears that {status.task_id} is {status.state.name}, after {earlier.state.name}"
                )

    def settled(self, world: World) -> None:
        """Nothing is left to tell."""
        for machine in world.agents:
            if machine.lives:
                for framework_id, task_id in pending_statuses(machine.actor):
                    raise self.violation(f"{machine.name} has yet to tell framework {framework_id} of {task_id}")
