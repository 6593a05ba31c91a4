"""Groups: tasks of executors of type DEFAULT, which the agent runs by itself: each a command in its own container."""

# Who calls: life.py, inside the agent actor. Such an executor is an entry in the books, and no process.
# Invariant: ``groups`` of such an execution are those of which a task runs; when there is none any more, it ends.
# Rejected: a program beside the agent that starts containers by nested calls, as in Mesos: a process for each group.
# Source: Mesos src/launcher/default_executor.cpp (launchGroup, waited, killTaskGroup, shutdown).

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import TaskState

from ..container_ids import new_container_id
from ..runs import Run, kill_grace
from ..sandbox import task_sandbox_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mesoslite.model import TaskInfo

    from ..commands import Commands
    from ..runs import FrameworkEntry
    from .execution import Batch, Execution


def group_runs(execution: Execution, tasks: Sequence[TaskInfo]) -> list[Run]:
    """Return the runs of a group's tasks, each with a sandbox below its executor's. Raises: InvalidRequest."""
    runs = []
    for task in tasks:
        container_id = new_container_id()
        sandbox = task_sandbox_path(execution.sandbox, task.task_id, container_id)
        runs.append(Run(task, execution.framework_id, container_id, sandbox, execution.role, execution))
    return runs


class Groups:
    """The groups that one agent runs by itself.

    ``kill(run, framework, grace)`` asks a task to end. ``end(execution)`` is called when the last one has.
    """

    def __init__(
        self,
        commands: Commands,
        *,
        kill: Callable[[Run, FrameworkEntry, float | None], None],
        end: Callable[[Execution], None],
    ) -> None:
        self._commands = commands
        self._kill = kill
        self._end = end

    def launch(self, entry: FrameworkEntry, execution: Execution) -> None:
        """Start what waits to be."""
        waiting, execution.queued = execution.queued, []
        execution.groups += waiting
        for batch in waiting:
            for run in batch.runs:
                self._commands.launch(run, entry)
            self._go_on(entry, execution, batch)

    def ended(self, entry: FrameworkEntry, run: Run) -> None:
        """A task has ended: if not well, the rest of its group is to end."""
        execution = run.execution
        assert execution is not None
        self._go_on(entry, execution, next(batch for batch in execution.groups if run in batch.runs))

    def shut_down(self, entry: FrameworkEntry, execution: Execution, grace_seconds: float) -> None:
        """Ask all tasks of an executor to end, within the executor's grace and their own."""
        for run in [run for batch in execution.groups for run in batch.runs if run.is_alive]:
            self._kill(run, entry, min(grace_seconds, kill_grace(run.task.kill_grace_seconds)))

    def resume(self, entry: FrameworkEntry, execution: Execution) -> None:
        """Go on with the groups of an earlier life, whose tasks that are left have their containers."""
        for batch in list(execution.groups):
            if batch in execution.groups:
                self._go_on(entry, execution, batch)
        if not execution.groups and not execution.has_ended:
            self._end(execution)

    def _go_on(self, entry: FrameworkEntry, execution: Execution, batch: Batch) -> None:
        alive = [run for run in batch.runs if run.is_alive]
        if not alive:
            execution.groups.remove(batch)
        elif any(run.state.is_terminal and run.state is not TaskState.TASK_FINISHED for run in batch.runs):
            for run in alive:
                if not run.is_asked_to_end:
                    self._kill(run, entry, None)
        if not execution.groups:
            self._end(execution)
