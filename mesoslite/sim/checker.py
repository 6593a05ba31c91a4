"""Checker: what watches over one invariant of a run."""

# Who calls: world.py. Each checker is made anew for each run, and may remember what it has seen.
# ``hear``, ``told`` and ``stored`` are called in the middle of things, inside actors; ``step`` when nothing is left to
#   do at that moment; ``settled`` once, when all is healed and has come to rest.

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .violation import Violation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mesoslite.model import TaskStatus
    from mesoslite.model.happenings import Happening
    from mesoslite.model.registry import Entry

    from .beliefs import TaskBelief
    from .scheduler_machine import SchedulerMachine
    from .shadow import Shadow
    from .world import World


class Checker:
    """Watches over ``invariant``, which says what ``claim`` says; raises Violation. By itself it finds nothing."""

    invariant: ClassVar[str]
    claim: ClassVar[str]

    def violation(self, witness: str) -> Violation:
        """That it does not hold."""
        return Violation(self.invariant, witness)

    def hear(self, world: World, shadow: Shadow, happening: Happening) -> None:
        """A master says that something has happened; ``shadow`` is as it was before."""

    def told(self, world: World, machine: SchedulerMachine, task: TaskBelief | None, status: TaskStatus) -> None:
        """A scheduler has been told a status, and believes it already."""

    def stored(self, world: World, epoch: int, entries: Sequence[Entry]) -> None:
        """A master of that epoch has changed the registry."""

    def step(self, world: World) -> None:
        """Nothing is left to do at this moment."""

    def settled(self, world: World) -> None:
        """All is healed and has come to rest."""
