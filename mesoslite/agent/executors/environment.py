"""The MESOS_* variables by which an executor learns who it is, and where its agent is."""

# Who calls: life.py, for each start. What the command sets itself comes on top (containment/).
# Source: Mesos src/slave/containerizer/containerizer.cpp (executorEnvironment), docs/executor-http-api.md.

from collections.abc import Mapping

from mesoslite.model import AgentInfo, ExecutorInfo, FrameworkInfo
from mesoslite.model.durations import duration_text

from ..task_environment import place_environment
from .options import ExecutorOptions

SUBSCRIPTION_BACKOFF_SECONDS_MAX = 2  # between two times that an executor tries to reach its agent


def executor_environment(
    executor: ExecutorInfo,
    framework: FrameworkInfo,
    agent: AgentInfo,
    agent_pid: str,
    sandbox: str,
    options: ExecutorOptions,
    recovery: float | None,
) -> dict[str, str]:
    """Return the variables for one start; ``agent`` and ``framework`` carry their ids.

    For ``recovery`` seconds it tries to reach its agent, if its framework checkpoints.
    """
    persistence = {}
    if framework.checkpoint and recovery is not None:
        persistence = {
            "MESOS_RECOVERY_TIMEOUT": duration_text(recovery),
            "MESOS_SUBSCRIPTION_BACKOFF_MAX": duration_text(SUBSCRIPTION_BACKOFF_SECONDS_MAX),
        }
    return {
        **persistence,
        **place_environment(framework, agent, agent_pid, sandbox, options.endpoint),
        "MESOS_EXECUTOR_ID": executor.executor_id,
        "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": duration_text(options.grace_of(executor)),
        "MESOS_HTTP_COMMAND_EXECUTOR": "0",
        "LIBPROCESS_PORT": "0",
    }


def is_executor(environment: Mapping[str, str]) -> bool:
    """Whether these variables are an executor's; those of a task say its id too."""
    return "MESOS_TASK_ID" not in environment
