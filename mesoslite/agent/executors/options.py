"""Options of an agent about executors: how long they have to subscribe, and to end."""

# Who calls: who starts an agent, and life.py. Names and defaults are those of Mesos's flags.
# Source: Mesos src/slave/flags.cpp (executor_registration_timeout, executor_shutdown_grace_period).

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mesoslite.model import InvalidRequest, constants

from ..runs import kill_grace

if TYPE_CHECKING:
    from mesoslite.model import ExecutorInfo


@dataclass(frozen=True, slots=True)
class ExecutorOptions:
    """How long executors have, in seconds, and where they find their agent.

    An executor has ``registration_seconds`` from its start to subscribe, else it is killed, and from when it is asked
    to end ``shutdown_grace_seconds``, unless it says itself how long it needs.
    ``endpoint`` is HOST:PORT of the agent's HTTP API for programs of its machine, commands too; empty, it is by its
    name. Raises: InvalidRequest.
    """

    registration_seconds: float = constants.EXECUTOR_REGISTRATION_SECONDS
    shutdown_grace_seconds: float = constants.EXECUTOR_SHUTDOWN_GRACE_SECONDS
    endpoint: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.registration_seconds < float("inf"):
            problem = f"got {self.registration_seconds} seconds, expected more than none"
            raise InvalidRequest(f"executor_registration_timeout: {problem}")
        if not 0 <= self.shutdown_grace_seconds < float("inf"):
            problem = f"got {self.shutdown_grace_seconds} seconds, expected a number from 0"
            raise InvalidRequest(f"executor_shutdown_grace_period: {problem}")

    def grace_of(self, info: ExecutorInfo) -> float:
        """How long that executor has to end."""
        grace = info.shutdown_grace_seconds
        return self.shutdown_grace_seconds if grace is None else kill_grace(grace)
