"""Viewing: what readers see of a master, as methods of its actor."""

# Who calls: whoever serves readers dispatches them to the master's PID; master.py inherits them. Nothing changes by it.

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from mesoslite.model.view import NotModified

from .candidate import Candidate, led
from .shown.changes import Changes
from .shown.comparison import differences
from .shown.shown import Shown

if TYPE_CHECKING:
    from mesoslite.model.view import View

    from .ledger import Ledger


class Viewing(Candidate):
    """The part of a master that readers look at."""

    _ledger: Ledger
    _seen: View | None = None  # the last one

    @led
    def view(self, known_number: int | None = None) -> View | NotModified:
        """What readers see at this moment; if that has ``known_number``, only that."""
        changes = Changes()
        changes.everything(self._ledger)
        shown = Shown(self._ledger, changes)
        for _ in shown.packing():
            pass
        new, seen = shown.seal(self._tenure()), self._seen
        if seen is None or differences(seen, new):
            self._seen = seen = replace(new, number=1 if seen is None else seen.number + 1)
        return NotModified(seen.number) if seen.number == known_number else seen
