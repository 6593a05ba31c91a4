"""History: the grants of the last runs, for explanations."""

# Who calls: hierarchical.py after each run, explain.py when somebody asks.

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mesoslite.model import Grant

if TYPE_CHECKING:
    from mesoslite.model import AgentID

GRANTS_KEPT = 10_000  # at least the last run's, whatever their number


class History:
    """The grants of the last runs that made any."""

    def __init__(self) -> None:
        self.run = 0  # the number of the last one
        self._runs: deque[tuple[int, tuple[Grant, ...]]] = deque()
        self._kept = 0
        self._index: dict[AgentID, list[tuple[int, Grant]]] | None = None  # by agent, the latest first; made on demand

    def add(self, grants: tuple[Grant, ...]) -> None:
        """Note a run."""
        if not grants:
            return
        self.run += 1
        self._index = None
        self._runs.append((self.run, grants))
        self._kept += len(grants)
        while self._kept > GRANTS_KEPT and len(self._runs) > 1:
            self._kept -= len(self._runs.popleft()[1])

    def of_agent(self, agent_id: AgentID) -> Sequence[tuple[int, Grant]]:
        """Return run and grant, the latest first. Cost: the first time after a run O(all that is kept)."""
        if self._index is None:
            self._index = {}
            for run, grants in reversed(self._runs):
                for grant in reversed(grants):
                    self._index.setdefault(grant.agent_id, []).append((run, grant))
        return self._index.get(agent_id, ())
