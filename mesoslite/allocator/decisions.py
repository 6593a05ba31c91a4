"""Decisions: what a run has decided so far, without what is about those who have left since."""

# Who calls: cycle.py.
# Invariant: that somebody leaves costs the same however much was decided; it is left out once, at the end. Whoever
#   comes back under the same name in the same run is somebody else: only what was decided since then is about them.
# Source: none; in Mesos nothing happens during a run.

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mesoslite.model import AgentID, FrameworkID, Grant, InverseGrant


class Decisions:
    """Grants, and who is asked to leave what, in the order decided."""

    def __init__(self) -> None:
        self.grants: list[Grant] = []
        self.inverse: list[InverseGrant] = []
        self._gone: dict[str, tuple[int, int]] = {}  # agents and frameworks: how much was decided when they left

    def forget(self, gone: AgentID | FrameworkID) -> None:
        """Leave out what was decided about an agent or a framework until now."""
        self._gone[gone] = (len(self.grants), len(self.inverse))

    def standing(self) -> tuple[tuple[Grant, ...], tuple[InverseGrant, ...]]:
        """Return what is not left out. Cost: O(decisions)."""
        grants, inverse, gone = self.grants, self.inverse, self._gone
        if gone:
            left = (0, 0)
            grants = [
                each
                for at, each in enumerate(grants)
                if at >= gone.get(each.agent_id, left)[0] and at >= gone.get(each.framework_id, left)[0]
            ]
            inverse = [
                each
                for at, each in enumerate(inverse)
                if at >= gone.get(each.agent_id, left)[1] and at >= gone.get(each.framework_id, left)[1]
            ]
        return tuple(grants), tuple(inverse)
