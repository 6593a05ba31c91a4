"""Books: what was written of frameworks, executors and tasks becomes entries of the agent's books again."""

# Who calls: recovery.py, once, before containers are looked for.
# What an earlier life had dealt with to the end, but had not removed yet, is removed now.
# A task of an executor that had not subscribed waits to be sent; any other counts as sent: if it was not, its executor
#   will not name it when it subscribes again (executors/line.py).

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import Source, TaskID, append_status

from ..executors.execution import Batch, Execution, Phase
from ..runs import Run
from ..sandbox import sandbox_path, task_sandbox_path

if TYPE_CHECKING:
    from mesoslite.model import AgentID, FrameworkID

    from ..checkpoints import AskedToEnd, FoundFramework, FoundRun, FoundTask
    from ..runs import FrameworkEntry, Frameworks
    from ..status_updates import StatusUpdateManager


class Books:
    """Fills the books of an agent; ``runs`` and ``executions`` are those that were entered and live on.

    ``kills`` are those of these runs that were asked to end.
    """

    def __init__(self, work_directory: str, frameworks: Frameworks, updates: StatusUpdateManager) -> None:
        self._work_directory = work_directory
        self._frameworks = frameworks
        self._updates = updates
        self.runs: list[Run] = []  # commands, alone or of a group
        self.executions: list[Execution] = []
        self.kills: list[tuple[Run, AskedToEnd]] = []

    def enter(self, found: FoundFramework, agent_id: AgentID) -> None:
        """Enter a framework of that agent with all of its runs."""
        framework_id = found.info.id
        assert framework_id is not None
        entry = self._frameworks.open(framework_id, found.info)
        for run in found.runs:
            place = (self._work_directory, agent_id, framework_id, run.executor_id)
            sandbox = sandbox_path(*place, run.container_id)
            if run.executor is None:
                self._enter_command(entry, framework_id, run, sandbox)
            else:
                self._enter_executor(entry, framework_id, run, sandbox)

    def _enter_command(self, entry: FrameworkEntry, framework_id: FrameworkID, found: FoundRun, sandbox: str) -> None:
        for task in found.tasks:
            run = Run(task.checkpoint.task, framework_id, found.container_id, sandbox, task.checkpoint.role)
            self._enter_task(entry, run, task)

    def _enter_executor(self, entry: FrameworkEntry, framework_id: FrameworkID, found: FoundRun, sandbox: str) -> None:
        assert found.executor is not None
        info = found.executor.info
        execution = Execution(info, framework_id, found.executor.role, found.container_id, sandbox)
        execution.was_sent = execution.is_returning = found.has_subscribed
        if found.has_ended:
            execution.phase, execution.exit_status = Phase.TERMINATED, found.exit_status
        elif found.verdict is not None:
            execution.phase, execution.verdict = Phase.TERMINATING, found.verdict
        elif execution.is_default:
            execution.phase = Phase.RUNNING
        self._frameworks.restore_execution(entry, execution)
        for task in found.tasks:
            self._enter_task(entry, self._run_of(execution, task), task)
        batches = [Batch(tuple(runs), runs[0].is_group) for runs in _together(execution)]
        execution.batches = max([run.batch for run in execution.runs.values()], default=0)
        if execution.is_default:
            execution.groups = [batch for batch in batches if any(not run.state.is_terminal for run in batch.runs)]
        elif not found.has_ended and not found.has_subscribed:
            execution.queued = batches
        if found.has_ended:
            self._frameworks.retire_execution(entry, execution)
        else:
            self.executions.append(execution)

    def _run_of(self, execution: Execution, found: FoundTask) -> Run:
        checkpoint = found.checkpoint
        container_id, sandbox = execution.container_id, execution.sandbox
        if checkpoint.container_id is not None:
            container_id = checkpoint.container_id
            sandbox = task_sandbox_path(sandbox, checkpoint.task.task_id, container_id)
        run = Run(checkpoint.task, execution.framework_id, container_id, sandbox, checkpoint.role, execution)
        run.batch, run.is_group = checkpoint.batch, checkpoint.is_group
        return run

    def _enter_task(self, entry: FrameworkEntry, run: Run, found: FoundTask) -> None:
        run.log = found.log
        for status in found.statuses:
            append_status(run.statuses, status)
            run.state = status.state
        if found.statuses:  # the first that is pending may have been told, and whoever asks must not be told older ones
            run.sent = found.statuses[-max(1, found.pending)]
        self._frameworks.restore(entry, run)
        task_id, execution = TaskID(run.task.task_id), run.execution
        if execution is not None:
            execution.runs[task_id] = run
            told = [status for status in found.statuses if status.source is Source.SOURCE_EXECUTOR]
            execution.uuids.extend([status.uuid for status in told if status.uuid is not None])
        if found.is_over:
            self._frameworks.end(entry, task_id)
            return
        if found.statuses:
            pending = found.statuses[len(found.statuses) - found.pending :]
            self._updates.restore(run, pending)
        if found.kill is not None:
            self.kills.append((run, found.kill))
        if (execution is None or execution.is_default) and not run.state.is_terminal:
            self.runs.append(run)


def _together(execution: Execution) -> list[list[Run]]:
    """The tasks of an executor that are not over, as it was given them, in that order."""
    batches: dict[int, list[Run]] = {}
    for run in execution.runs.values():
        batches.setdefault(run.batch, []).append(run)
    return [batches[number] for number in sorted(batches)]
