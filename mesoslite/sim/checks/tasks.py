"""T: what becomes of tasks, and who knows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import TaskState

from ..audit import agent_id_of, ledger_of
from ..beliefs import OUT_OF_SIGHT
from ..checker import Checker

if TYPE_CHECKING:
    from mesoslite.model import TaskStatus

    from ..beliefs import TaskBelief
    from ..scheduler_machine import SchedulerMachine
    from ..world import World


class TerminalIsFinal(Checker):
    """T1."""

    invariant = "T1"
    claim = "a terminal state that was told, in whatever way, is never left, and each launch has at most one"

    def told(self, world: World, machine: SchedulerMachine, task: TaskBelief | None, status: TaskStatus) -> None:
        """Compare with what the scheduler was told before."""
        if task is None or (status.uuid is None and status.state in OUT_OF_SIGHT):
            return  # a master that does not have it any more
        before = task.heard[:-1]
        if status.uuid is not None and any(earlier.uuid == status.uuid for _, earlier in before):
            return  # it is repeated
        for when, earlier in before:
            is_final = earlier.state.is_terminal and earlier.state not in OUT_OF_SIGHT
            is_late = status.uuid is None and status.timestamp <= when  # it was said before that, and straggled
            if is_final and status.state is not earlier.state and not is_late:
                raise self.violation(
                    f"{machine.name} heard at {when - world.began:.3f} s that {status.task_id} is {earlier.state.name} "
                    f"({earlier.message}), and now that it is {status.state.name} ({status.message})"
                )


class EverybodyAgrees(Checker):
    """T6."""

    invariant = "T6"
    claim = "in the end the master, the agents and the schedulers believe the same of all tasks that are in reach"

    def settled(self, world: World) -> None:
        """Compare all three."""
        running: dict[tuple[str | None, str], str] = {
            (container.framework_id, container.task_id): machine.name
            for machine in world.agents
            for container in machine.containers
        }
        leader = world.leader
        assert leader is not None
        assert leader.shadow is not None
        known = {
            (framework_id, task_id)
            for (framework_id, _, task_id), task in leader.shadow.tasks.items()
            if not task.state.is_terminal
        }
        believed = {
            (machine.beliefs.framework_id, task.info.task_id)
            for machine in world.schedulers
            for task in machine.beliefs.living
            if task.state is not TaskState.TASK_UNREACHABLE or task.info.agent_id in leader.shadow.agents
        }
        for who, what in (("the master", known), ("the schedulers", believed)):
            for task in sorted(what ^ running.keys(), key=str):
                where = running.get(task)
                raise self.violation(
                    f"task {task[1]} of framework {task[0]} runs on {where}, and {who} does not know it"
                    if where is not None
                    else f"task {task[1]} of framework {task[0]} runs nowhere, and {who} believes that it does"
                )


class NoOrphans(Checker):
    """T3."""

    invariant = "T3"
    claim = "in the end, whatever runs is of a framework that the leader has, on an agent that it has"

    def settled(self, world: World) -> None:
        """Look at what runs."""
        assert world.leader is not None
        ledger = ledger_of(world.leader.actor)
        for machine in world.agents:
            for container in machine.containers:
                if container.framework_id not in ledger.frameworks:
                    raise self.violation(
                        f"{container.task_id} runs on {machine.name}, of framework {container.framework_id}, which is "
                        f"gone"
                    )
                if agent_id_of(machine.actor) not in ledger.agents:
                    raise self.violation(f"{container.task_id} runs on {machine.name}, which is not registered")


class KillsAreDone(Checker):
    """T4."""

    invariant = "T4"
    claim = "in the end, no task runs whose end was asked for"

    def settled(self, world: World) -> None:
        """Look at what runs."""
        for machine in world.agents:
            for container in machine.containers:
                if world.tasks[container.task_id].is_to_end:
                    raise self.violation(f"{container.task_id} was to be killed, and runs on {machine.name}")


class NoSecondCopy(Checker):
    """T5."""

    invariant = "T5"
    claim = "no task is started twice"

    def step(self, world: World) -> None:
        """Count what was ever started."""
        seen: dict[str, str] = {}
        for machine, container in world.containers:
            if container.task_id in seen:
                raise self.violation(
                    f"{container.task_id} was started on {seen[container.task_id]}, and again on {machine.name}"
                )
            seen[container.task_id] = machine.name
