"""H: what outlives masters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import happenings

from ..audit import agent_id_of, ledger_of
from ..checker import Checker

if TYPE_CHECKING:
    from mesoslite.model import AgentID
    from mesoslite.model.happenings import Happening

    from ..shadow import Shadow
    from ..world import World

STORE_SECONDS = 20.0  # that a store takes at most; after that the master ends
TOLERANCE_SECONDS = 1.0


class NothingAcknowledgedIsLost(Checker):
    """H2."""

    invariant = "H2"
    claim = (
        "what a master has acknowledged is in the registry: agents under their ids, and what operators were promised"
    )

    def __init__(self) -> None:
        self._over: set[AgentID] = set()  # agents that were removed, or are being

    def hear(self, world: World, shadow: Shadow, happening: Happening) -> None:
        """Take note of agents that are let go."""
        if isinstance(happening, (happenings.AgentRemoved, happenings.AgentGone)):
            self._over.add(happening.agent_id)

    def step(self, world: World) -> None:
        """Look for each in the registry."""
        rows = world.registry.rows
        for machine in world.agents:
            agent_id = agent_id_of(machine.actor) if machine.lives else None
            kinds = [kind for kind in ("agent", "unreachable", "gone") if (kind, agent_id) in rows]
            if agent_id is not None and not kinds and agent_id not in self._over:
                if world.is_being_removed(agent_id):
                    self._over.add(agent_id)
                    continue
                raise self.violation(f"{machine.name} was told that it is {agent_id}, which the registry does not know")
        for what, promised, found in world.operator.broken_promises():
            raise self.violation(f"an operator was promised {what} = {promised}, and the registry has {found}")


class AgentsAreAccountedFor(Checker):
    """H3."""

    invariant = "H3"
    claim = (
        "in the end each admitted agent is registered with the leader, or was marked unreachable in time; no master "
        "gives up more of them in a time than the limit lets it"
    )

    def __init__(self) -> None:
        self._last: dict[str, float] = {}  # when each master gave one up last

    def hear(self, world: World, shadow: Shadow, happening: Happening) -> None:
        """Look at the time since the one before; what the registry takes may shorten it."""
        limit = world.options.removal_limit
        if limit is None or not isinstance(happening, happenings.AgentUnreachable):
            return
        count, seconds = limit
        is_slow = "registry is slow" in dict(world.options.events)
        least = seconds / count - (STORE_SECONDS if is_slow else TOLERANCE_SECONDS)
        before, self._last[shadow.master_id] = self._last.get(shadow.master_id), happening.time
        if before is not None and happening.time - before < least:
            raise self.violation(
                f"agent {happening.agent_id} is given up {happening.time - before:.3f} s after another one; "
                f"the limit is {count:g} in {seconds:g} s"
            )

    def settled(self, world: World) -> None:
        """Compare the registry with the books."""
        assert world.leader is not None
        known = ledger_of(world.leader.actor).agents
        for kind, agent_id in world.registry.rows:
            if kind == "agent" and (agent_id not in known or not known[agent_id].connected):
                raise self.violation(f"agent {agent_id} is admitted, and neither registered nor given up")
