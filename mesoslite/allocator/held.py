"""Held back: agents of which quota kept something from somebody; and when a run has to come back to them."""

# Who calls: cycle.py notes and draws agents; quota.py says what has grown.
# An agent that is looked at in vain, or of which something is left, is looked at again when that may have become of
#   use, and no others are: when a role may have more than before, until it is served to its limit again; when there is
#   more beyond the guarantees, until that is given away, and then only agents of which the guarantees kept something.
# Invariants: 1. an agent that is held back has something free that is worth an offer, as it was looked at last.
#   2. drawing one costs the same however many there are: those of the run under way are kept apart until its end.
# Rejected: to look at all of them whenever anything is given back, as if each grew by it: one finished task of a
#   cluster that is shared out would cost a look at every agent.
# Source: none; Mesos looks at all agents in each periodic run.

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mesoslite.model import AgentID

    from .agents import AgentBook
    from .quota import Growth

    Pool: TypeAlias = dict[AgentID, None]  # an ordered set
    Pools: TypeAlias = tuple[Pool, Pool]


class HeldBack:
    """Agents by what keeps something of them from somebody: a role's limit, or the guarantees of others, or both."""

    def __init__(self) -> None:
        self._waiting: Pools = {}, {}  # by limits, by guarantees
        self._looked_at: Pools = {}, {}  # the same, in the run under way
        self._mixed: Pool = {}  # of all these, those that are not simple

    def __iter__(self) -> Iterator[AgentID]:
        return iter({agent_id: None for pool in (*self._waiting, *self._looked_at) for agent_id in pool})

    def note(self, agent: AgentBook, by_guarantees: bool) -> None:
        """Hold an agent back, which is being looked at."""
        self._looked_at[by_guarantees][agent.agent_id] = None
        if not agent.is_simple:
            self._mixed[agent.agent_id] = None

    def forget(self, agent_id: AgentID) -> None:
        """Hold an agent back no more: it is gone, or about to be looked at."""
        for pool in (*self._waiting, *self._looked_at, self._mixed):
            pool.pop(agent_id, None)

    def take(self) -> dict[AgentID, None]:
        """Return all, and hold none back any more. Cost: O(those)."""
        taken = dict.fromkeys(self)
        self._waiting, self._looked_at, self._mixed = ({}, {}), ({}, {}), {}
        return taken

    def draw(self, growth: Growth, guaranteed: bool) -> AgentID | None:
        """Return one that a run should come back to now, and hold it back no more; None if there is none."""
        by_limits, by_guarantees = self._waiting
        if (by_limits or by_guarantees) and growth.of_roles(guaranteed, bool(self._mixed)):
            return (by_guarantees or by_limits).popitem()[0]
        if by_guarantees and growth.of_surplus():
            return by_guarantees.popitem()[0]
        return None

    def end_run(self) -> None:
        """Join those that were looked at with the others. Cost: O(the fewer)."""
        joined = []
        for waiting, looked_at in zip(self._waiting, self._looked_at, strict=True):
            more, fewer = (waiting, looked_at) if len(waiting) > len(looked_at) else (looked_at, waiting)
            more.update(fewer)
            joined.append(more)
        self._waiting, self._looked_at = (joined[0], joined[1]), ({}, {})
