"""Settings: what an agent, ours or one of Mesos, tells an executor in its environment."""

# Who calls: run.py, once, in the executor's program; the one place of this package that reads the environment.
# Source: Mesos src/executor/executor.cpp (MesosProcess), docs/executor-http-api.md.

import os
from collections.abc import Mapping

import msgspec

from mesoslite.model import ExecutorID, FrameworkID, InvalidRequest, constants
from mesoslite.model.durations import parse_duration

RECOVERY_SECONDS = 15 * 60  # where the agent does not say
BACKOFF_SECONDS = 2.0


class ExecutorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Who an executor is, and where its agent.

    Units: seconds. One that ``checkpoints`` tries to reach a lost agent for ``recovery_timeout``, each time after a
    wait of at most ``backoff_max``; any other ends. ``grace`` is what it has to end in when it is told to. It may write
    in ``sandbox``. ``token`` proves who it is to an agent that asks.
    """

    url: str
    framework_id: FrameworkID
    executor_id: ExecutorID
    sandbox: str = ""
    token: str = ""
    checkpoints: bool = False
    grace: float = constants.EXECUTOR_SHUTDOWN_GRACE_SECONDS
    recovery_timeout: float = RECOVERY_SECONDS
    backoff_max: float = BACKOFF_SECONDS


def executor_settings(environment: Mapping[str, str] | None = None) -> ExecutorSettings:
    """Read them from the environment of this program, or another. Raises: InvalidRequest that names the variable."""
    variables = os.environ if environment is None else environment

    def required(name: str) -> str:
        if not variables.get(name):
            raise InvalidRequest(f"executor: {name} is not set; executors are started by an agent, which sets it")
        return variables[name]

    def seconds(name: str, default: float) -> float:
        try:
            return parse_duration(variables[name]) if name in variables else default
        except InvalidRequest as error:
            raise InvalidRequest(f"executor: {name}: {error}") from error

    return ExecutorSettings(
        url=f"http://{required('MESOS_AGENT_ENDPOINT')}",
        framework_id=FrameworkID(required("MESOS_FRAMEWORK_ID")),
        executor_id=ExecutorID(required("MESOS_EXECUTOR_ID")),
        sandbox=variables.get("MESOS_SANDBOX", ""),
        token=variables.get("MESOS_EXECUTOR_AUTHENTICATION_TOKEN", ""),
        checkpoints=variables.get("MESOS_CHECKPOINT") == "1",
        grace=seconds("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", constants.EXECUTOR_SHUTDOWN_GRACE_SECONDS),
        recovery_timeout=seconds("MESOS_RECOVERY_TIMEOUT", RECOVERY_SECONDS),
        backoff_max=seconds("MESOS_SUBSCRIPTION_BACKOFF_MAX", BACKOFF_SECONDS),
    )
