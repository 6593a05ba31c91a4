"""T: how statuses are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import Source, TaskState

from ..audit import agent_id_of, pending_statuses, pending_uuids
from ..checker import Checker

if TYPE_CHECKING:
    from mesoslite.model import TaskStatus

    from ..beliefs import TaskBelief
    from ..scheduler_machine import SchedulerMachine
    from ..world import World

ORDER = {TaskState.TASK_STARTING: 0, TaskState.TASK_RUNNING: 1, TaskState.TASK_KILLING: 2}
END = 3


class AcknowledgementsLast(Checker):
    """T7."""

    invariant = "T7"
    claim = "what an agent was acknowledged it never tells again, and what it was not it never forgets, killed or not"

    def __init__(self) -> None:
        self._pending: dict[str, dict[bytes, tuple[str, str]]] = {}  # by agent id
        self._over: dict[str, set[bytes]] = {}

    def step(self, world: World) -> None:
        """Compare each agent with what it was, be it in an earlier life."""
        for machine in world.agents:
            agent_id = agent_id_of(machine.actor) if machine.lives else None
            if agent_id is None:
                continue
            now, over = pending_uuids(machine.actor), self._over.setdefault(agent_id, set())
            for uuid in now.keys() & over:
                framework_id, task_id = now[uuid]
                raise self.violation(f"{machine.name} tells {task_id} of {framework_id} again what was acknowledged")
            for uuid, (framework_id, task_id) in self._pending.get(agent_id, {}).items():
                if uuid in now:
                    continue
                over.add(uuid)
                if framework_id not in world.removed | world.torn_down and _outlives(world, framework_id):
                    self._check(world, machine.name, task_id, uuid)
            self._pending[agent_id] = now

    def _check(self, world: World, name: str, task_id: str, uuid: bytes) -> None:
        if uuid not in world.tasks[task_id].acknowledged:
            raise self.violation(f"{name} has forgotten a status of {task_id} that was not acknowledged")


def _outlives(world: World, framework_id: str) -> bool:
    """Whether what is said of a framework outlives its agent."""
    return any(machine.checkpoint and machine.beliefs.framework_id == framework_id for machine in world.schedulers)


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
