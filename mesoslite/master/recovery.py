"""Recovery: a master begins with what the registry knows, and waits for the agents that it names."""

# Who calls: master.py, inside the master actor, which also lends the timer.
# Invariants: 1. nothing is served before the registry was read.    2. agents that are not back when the time is over
#   are marked unreachable, as fast as the limit permits; if too many of them are missing the master ends instead: then
#   rather the network is broken than so many machines.
# Source: Mesos src/master/master.cpp (_recover, recoveredSlavesTimeout).

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

from mesoslite.model import MasterEnded, happenings

from .removal import Cause

if TYPE_CHECKING:
    from mesoslite.model import AgentID
    from mesoslite.model.registry import Recovered

    from .accounts import Accounts
    from .entitlements import Entitlements
    from .ledger import Ledger
    from .removal import Removal

log = logging.getLogger("mesoslite.master")

AGENTS_IN_STEP = 200  # that are marked, before others have their turn


class Recovery:
    """What a master finds, over its books; ``limit`` is the part of the agents that may be missing."""

    def __init__(
        self, ledger: Ledger, accounts: Accounts, entitlements: Entitlements, removal: Removal, limit: float
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._entitlements = entitlements
        self._removal = removal
        self._limit = limit
        self._expected = 0
        self._missing: deque[AgentID] | None = None  # that are to be given up, once the time is over

    def begin(self, found: Recovered) -> None:
        """Take over what the registry knows."""
        roster, state = self._ledger.roster, found.state
        roster.recover(state)
        self._expected = len(roster.recovered)
        self._entitlements.begin(state.quotas, state.weights)
        self._accounts.await_agents(self._expected)
        log.info(
            "the registry is read, epoch %d: %d agents are expected, %d are unreachable, %d gone",
            found.epoch,
            self._expected,
            len(roster.unreachable),
            len(roster.gone),
        )

    def go_on(self) -> bool:
        """The time to come back is over: give up some of the agents that are missing; whether any are left.

        Raises: MasterEnded, if too many agents are missing.
        """
        recovered = self._ledger.roster.recovered
        if self._missing is None:
            self._missing = deque(recovered)
            self._check(len(recovered))
            self._ledger.chronicle.tell(happenings.RecoveryEnded, len(recovered))
        for _ in range(min(AGENTS_IN_STEP, len(self._missing))):
            agent_id = self._missing.popleft()
            if agent_id in recovered:
                self._removal.schedule(agent_id, Cause.RETURN)
        return bool(self._missing)

    def _check(self, missing: int) -> None:
        if missing > self._limit * self._expected:
            raise MasterEnded(
                f"recovery: {missing} of {self._expected} agents have not come back, more than the limit of "
                f"{self._limit:.0%}; look for what keeps them away, or raise recovery_agent_removal_limit"
            )
