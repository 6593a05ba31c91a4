"""Agent options: how long a master waits for its agents, and how fast it gives them up."""

# Who calls: composition roots make one; master.py reads it. Names and defaults are those of Mesos's flags.
# Source: Mesos src/master/flags.cpp, src/master/main.cpp.

from __future__ import annotations

import msgspec

from mesoslite.model import InvalidRequest, constants

PING_SECONDS = (1, 15 * 60)


class AgentOptions(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a master treats agents that it does not hear of; times in seconds.

    ``agent_removal_rate_limit`` is how many may be marked unreachable in how many seconds, None for any number.
    Agents that are unreachable or gone are forgotten after ``registry_max_agent_age``, and the oldest of them beyond
    ``registry_max_agent_count``; that is looked after every ``registry_gc_interval``.
    ``recovery_agent_removal_limit`` is the part of the agents known to the registry that may be missing.
    Raises: InvalidRequest, on construction.
    """

    agent_ping_timeout: float = constants.AGENT_PING_SECONDS
    max_agent_ping_timeouts: int = constants.AGENT_PINGS_MISSED_MAX
    agent_reregister_timeout: float = constants.AGENT_REREGISTER_SECONDS
    agent_removal_rate_limit: tuple[float, float] | None = None
    recovery_agent_removal_limit: float = constants.RECOVERY_AGENT_REMOVAL_LIMIT
    registry_gc_interval: float = constants.REGISTRY_GC_SECONDS
    registry_max_agent_age: float = constants.REGISTRY_AGENT_AGE_SECONDS
    registry_max_agent_count: int = constants.REGISTRY_AGENTS_MAX

    def __post_init__(self) -> None:
        least, most = PING_SECONDS
        if not least <= self.agent_ping_timeout <= most:
            raise _refused("agent_ping_timeout", self.agent_ping_timeout, f"{least} to {most} seconds")
        if self.max_agent_ping_timeouts < 1:
            raise _refused("max_agent_ping_timeouts", self.max_agent_ping_timeouts, "at least 1")
        if not constants.AGENT_REREGISTER_SECONDS <= self.agent_reregister_timeout <= constants.SECONDS_MAX:
            wanted = f"{constants.AGENT_REREGISTER_SECONDS} to {constants.SECONDS_MAX} seconds"
            raise _refused("agent_reregister_timeout", self.agent_reregister_timeout, wanted)
        if self.agent_removal_rate_limit is not None and not min(self.agent_removal_rate_limit) > 0:
            raise _refused("agent_removal_rate_limit", self.agent_removal_rate_limit, "numbers above 0")
        if not 0 <= self.recovery_agent_removal_limit <= 1:
            raise _refused("recovery_agent_removal_limit", self.recovery_agent_removal_limit, "a part between 0 and 1")
        if not 0 < self.registry_gc_interval <= constants.SECONDS_MAX:
            wanted = f"seconds, more than 0 and {constants.SECONDS_MAX} at most"
            raise _refused("registry_gc_interval", self.registry_gc_interval, wanted)
        if not 0 <= self.registry_max_agent_age <= constants.SECONDS_MAX:
            wanted = f"seconds, 0 to {constants.SECONDS_MAX}"
            raise _refused("registry_max_agent_age", self.registry_max_agent_age, wanted)
        if not self.registry_max_agent_count >= 0:
            raise _refused("registry_max_agent_count", self.registry_max_agent_count, "a whole number, 0 or more")

    @property
    def ping_timeout_seconds(self) -> float:
        """After how long without a ping an agent knows that its master has lost it."""
        return self.agent_ping_timeout * self.max_agent_ping_timeouts


def _refused(name: str, got: object, wanted: str) -> InvalidRequest:
    return InvalidRequest(f"{name}: got {got!r}, expected {wanted}")
