"""The MESOS_* variables by which an executor learns who it is, and where its agent is."""

# Who calls: life.py, for each start. What the command sets itself comes on top (containment/).
# There are no variables of recovery: executors do not outlive their agent yet.
# Source: Mesos src/slave/containerizer/containerizer.cpp (executorEnvironment), docs/executor-http-api.md.

from collections.abc import Mapping

from mesoslite.model import AgentInfo, ExecutorInfo, FrameworkInfo
from mesoslite.model.durations import duration_text

from ..task_environment import place_environment


def executor_environment(
    executor: ExecutorInfo, framework: FrameworkInfo, agent: AgentInfo, agent_pid: str, sandbox: str, grace: float
) -> dict[str, str]:
    """Return the variables for one start; ``agent`` and ``framework`` carry their ids, ``grace`` is in seconds."""
    return {
        **place_environment(framework, agent, agent_pid, sandbox),
        "MESOS_EXECUTOR_ID": executor.executor_id,
        "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": duration_text(grace),
        "MESOS_HTTP_COMMAND_EXECUTOR": "0",
        "LIBPROCESS_PORT": "0",
    }


def is_executor(environment: Mapping[str, str]) -> bool:
    """Whether these variables are an executor's; those of a task say its id too."""
    return "MESOS_TASK_ID" not in environment
