"""O and F: that those who want something get it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..audit import ledger_of, quotas_of
from ..checker import Checker

if TYPE_CHECKING:
    from ..scheduler_machine import SchedulerMachine
    from ..world import World


def agents_for(world: World, machine: SchedulerMachine) -> list[str]:
    """The agents of which a scheduler could have what it wants for one more task; none, if a quota may forbid it."""
    assert world.leader is not None
    if quotas_of(world.leader.actor):
        return []  # a limit, or what is held back for the guarantees of others
    return [
        agent.id
        for agent in ledger_of(world.leader.actor).agents.values()
        if agent.active and agent.connected and agent.free.allocatable_to(machine.role).contains(machine.size)
    ]


class NobodyStarves(Checker):
    """O4."""

    invariant = "O4"
    claim = "in the end, whoever asks for offers gets one within half a minute"

    def settled(self, world: World) -> None:
        """Look whether whoever asked was answered (Life asks in the end)."""
        for machine in world.schedulers:
            if not machine.was_offered and (agents := agents_for(world, machine)):
                raise self.violation(f"{machine.name} was offered nothing, while {', '.join(agents)} had room for it")


class NothingIsLeftUnused(Checker):
    """F4."""

    invariant = "F4"
    claim = "in the end, no room is left for a task that its framework wants to run"

    def settled(self, world: World) -> None:
        """Look at what schedulers want, and at what is free."""
        for machine in world.schedulers:
            wanted = machine.appetite - len(machine.beliefs.living)
            if wanted > 0 and (agents := agents_for(world, machine)):
                raise self.violation(
                    f"{machine.name} wants {wanted} more tasks of {machine.size}; {', '.join(agents)} had room for one"
                )
