"""H: who leads, and whom others obey."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import happenings

from ..audit import agent_id_of, ledger_of, obeyed_epoch
from ..checker import Checker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mesoslite.model.happenings import Happening
    from mesoslite.model.registry import Entry

    from ..shadow import Shadow
    from ..world import World

LEADER_SECONDS = 60.0  # after the heal, until somebody leads
AGENTS_SECONDS = 240.0  # until all agents are back: 75 s without a ping, and waits of a minute at most


class EpochsRise(Checker):
    """H1."""

    invariant = "H1"
    claim = "epochs rise; only the latest master writes, and no agent obeys one that is earlier than whom it obeyed"

    def __init__(self) -> None:
        self._begun = self._stored = 0
        self._obeyed: dict[tuple[str, int], int] = {}  # by agent and its start
        self._launched: dict[str, int] = {}  # the epoch of the master that launched a task
        self._seen = 0  # containers

    def hear(self, world: World, shadow: Shadow, happening: Happening) -> None:
        """Each master that begins has a later epoch."""
        if isinstance(happening, happenings.TaskLaunched):
            self._launched[happening.task.task_id] = shadow.epoch
        elif isinstance(happening, happenings.LeadershipBegun):
            if happening.epoch <= self._begun:
                raise self.violation(f"a master begins in epoch {happening.epoch}, after one in epoch {self._begun}")
            self._begun = happening.epoch

    def stored(self, world: World, epoch: int, entries: Sequence[Entry]) -> None:
        """Whoever writes is the latest that has begun to read."""
        if epoch < world.registry.epoch or epoch < self._stored:
            raise self.violation(f"the master of epoch {epoch} writes, in epoch {world.registry.epoch}")
        self._stored = epoch

    def step(self, world: World) -> None:
        """Whom agents obey, by what they say and by what they start."""
        for machine, container in world.containers[self._seen :]:
            epoch, before = self._launched[container.task_id], self._obeyed.get((machine.name, machine.starts), 0)
            if container.containerizer is machine.containerizer and epoch < before:
                raise self.violation(
                    f"{machine.name} starts {container.task_id} for the master of epoch {epoch}, after {before}"
                )
        self._seen = len(world.containers)
        for machine in world.agents:
            if machine.lives:
                epoch = obeyed_epoch(machine.actor)
                before = self._obeyed.get((machine.name, machine.starts), 0)
                if epoch < before:
                    raise self.violation(f"{machine.name} obeys epoch {epoch} after {before}")
                self._obeyed[machine.name, machine.starts] = epoch


class SomebodyLeads(Checker):
    """H4."""

    invariant = "H4"
    claim = f"within {LEADER_SECONDS:g} s after the heal a master leads, within {AGENTS_SECONDS:g} s it has all agents"

    def step(self, world: World) -> None:
        """Look at the time since the heal."""
        if world.healed_at is None:
            return
        seconds = world.runtime.clock.now() - world.healed_at
        leader = world.leader
        if leader is None:
            if seconds > LEADER_SECONDS:
                raise self.violation(f"nobody leads {seconds:.1f} s after the heal")
        elif seconds > AGENTS_SECONDS:
            known = ledger_of(leader.actor).agents
            for machine in world.agents:
                if machine.lives and not machine.is_serviced:
                    agent_id = agent_id_of(machine.actor)
                    if agent_id not in known or not known[agent_id].connected:
                        raise self.violation(f"{machine.name} is not registered {seconds:.1f} s after the heal")
