"""Hold-off: after a new master has begun to lead, nothing is offered until most agents are back."""

# Who calls: hierarchical.py only.
# Only if any role has a quota: a new master that knows few agents yet would take what roles are guaranteed for missing,
#   and could not tell what they hold on agents that are still to come.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (recover, addSlave).

AGENT_RECOVERY_FACTOR = 0.8


class HoldOff:
    """Counts agents until offers may be made."""

    def __init__(self) -> None:
        self._waited_for = 0  # agents that must be known; 0: nobody is waited for

    @property
    def holds(self) -> bool:
        """Whether offers must not be made yet."""
        return self._waited_for > 0

    def begin(self, expected_agents: int, known_agents: int) -> None:
        """Wait for so many agents, of which some may be back already."""
        self._waited_for = int(expected_agents * AGENT_RECOVERY_FACTOR)
        self.agent_came(known_agents)

    def agent_came(self, known_agents: int) -> None:
        """Take note of an agent; so many are known now, without those that have gone again."""
        if known_agents >= self._waited_for:
            self._waited_for = 0

    def end(self) -> None:
        """Wait no longer."""
        self._waited_for = 0
