"""V: what readers of a master see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..audit import see, unseen
from ..checker import Checker

if TYPE_CHECKING:
    from mesoslite.model.view import View

    from ..world import World


OFTEN = 4


class ReadersSeeTheBooks(Checker):
    """V1."""

    invariant = "V1"
    claim = "readers see what is in the master's books, and what they see later has a higher number"

    def __init__(self) -> None:
        self._seen: dict[str, View] = {}  # by master: the last one
        self._steps = 0

    def step(self, world: World) -> None:
        """Compare what each master that leads shows with what its books say: now and then, for that takes long."""
        self._steps += 1
        for machine in world.masters:
            if not machine.leads:
                continue
            view = see(machine.actor)
            for difference in unseen(machine.actor, view) if self._steps % OFTEN == 0 else ():
                raise self.violation(f"{machine.name}: readers see, and the books say: {difference}")
            before = self._seen.get(view.master.info.id)
            if before is not None and view is not before and view.number <= before.number:
                raise self.violation(f"{machine.name}: view {view.number} comes after view {before.number}")
            self._seen[view.master.info.id] = view
