"""A: that what runs does not break."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import Fenced, LeadershipLost, RegistryFailed

from ..checker import Checker

if TYPE_CHECKING:
    from ..world import World

MEANT = (LeadershipLost, Fenced, RegistryFailed)  # masters, and their registrars, end with these


class NobodyBreaks(Checker):
    """A1."""

    invariant = "A1"
    claim = "no actor is stopped by an error, but masters that may not lead on, or whose registry fails"

    def step(self, world: World) -> None:
        """Look at who was stopped since the last time."""
        for pid, error in world.take_crashes():
            if not isinstance(error, MEANT):
                raise self.violation(f"{pid} was stopped by {error!r}") from error
