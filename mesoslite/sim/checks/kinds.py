"""R: resources that are not just amounts: ranges, and what is reserved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import DEFAULT_ROLE, happenings

from ..audit import agent_id_of, ledger_of, obeyed_epoch, total_of
from ..checker import Checker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mesoslite.model import Resources
    from mesoslite.model.happenings import Happening

    from ..shadow import Shadow
    from ..world import World


class DisjointRanges(Checker):
    """R4."""

    invariant = "R4"
    claim = "no port is in two tasks or offers of an agent, but while those of a framework that was removed are ended"

    def step(self, world: World) -> None:
        """Look at what runs, and at what each master believes."""
        for machine in world.agents:
            staying = [each for each in machine.containers if each.framework_id not in world.removed]
            held = [(each.task_id, world.tasks[each.task_id].info.resources) for each in staying]
            self._check(machine.name, held)
        for master in world.masters:
            if master.shadow is not None and master.leads:
                for agent_id in ledger_of(master.actor).agents:
                    held = [(offer.id, offer.resources) for offer in master.shadow.offered(agent_id)]
                    held += [
                        (task.info.task_id, task.holds)
                        for (_, agent, _), task in master.shadow.tasks.items()
                        if agent == agent_id
                    ]
                    self._check(f"agent {agent_id} at {master.name}", held)

    def _check(self, where: str, held: Iterable[tuple[str, Resources]]) -> None:
        taken: dict[int, str] = {}
        for who, resources in held:
            for portion in resources.others:
                for first, last in portion.ranges:
                    for port in range(first, last + 1):
                        if port in taken:
                            raise self.violation(f"{where}: port {port} is held by {taken[port]} and by {who}")
                        taken[port] = who


class ReservationsAreKept(Checker):
    """R5."""

    invariant = "R5"
    claim = "what is reserved goes to its role only, and masters and agents believe the same of it"

    def hear(self, world: World, shadow: Shadow, happening: Happening) -> None:
        """Look at each offer and launch."""
        if isinstance(happening, happenings.OfferMade):
            self._check(happening.offer.role, happening.offer.resources, f"offer {happening.offer.id}")
        elif isinstance(happening, happenings.TaskLaunched):
            self._check(happening.role, happening.task.resources, f"task {happening.task.task_id}")

    def _check(self, role: str, resources: Resources, what: str) -> None:
        for portion in resources.others:
            owner = portion.kind.role
            if owner != DEFAULT_ROLE and role != owner and not role.startswith(f"{owner}/"):
                raise self.violation(f"{what} of role {role} has what is reserved for {owner}: {resources}")

    def step(self, world: World) -> None:
        """Compare what agents have with what the leader believes, where no operation is under way."""
        leader = world.leader
        if leader is None or leader.shadow is None:
            return
        known = ledger_of(leader.actor).agents
        for machine in world.agents:
            agent = known.get(agent_id_of(machine.actor)) if machine.lives else None
            if agent is None or not agent.connected or obeyed_epoch(machine.actor) != leader.shadow.epoch:
                continue  # it does what another master says, or has yet to hear of this one
            total = total_of(machine.actor)
            is_at_rest = all(one.latest.is_terminal for one in agent.operations.values())
            if is_at_rest and agent.total != total:
                raise self.violation(f"{machine.name} has {total}, and its master believes {agent.total}")
