"""Command executors: the executor that Mesos shows for each task that runs a command, with the task's own id."""

# Who calls: agent_executors.py.
# Source: Mesos src/slave/slave.cpp (Slave::getExecutorInfo).

from mesoslite.model import CommandInfo, ExecutorID, ExecutorInfo, TaskRecord

COMMAND_LENGTH_MAX = 15  # of a command in the name; of a longer one the first 12 characters are there, and three dots


def command_executor(task: TaskRecord) -> ExecutorInfo:
    """Return the executor of a task, which needs nothing beside what the task has."""
    info = task.info
    return ExecutorInfo(
        executor_id=ExecutorID(info.task_id),
        framework_id=task.framework_id,
        command=info.command,
        name=f"Command Executor (Task: {info.task_id}){_command_text(info.command)}",
        source=info.task_id,
    )


def _command_text(command: CommandInfo | None) -> str:
    if command is None:
        return ""
    if command.shell:
        return f" (Command: sh -c '{_shortened(command.value)}')"
    return f" (Command: [{_shortened(', '.join((command.value, *command.arguments)))}])"


def _shortened(text: str) -> str:
    return text if len(text) <= COMMAND_LENGTH_MAX else f"{text[: COMMAND_LENGTH_MAX - 3]}..."
