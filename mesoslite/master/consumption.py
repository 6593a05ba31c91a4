"""Consumption: what of its quota each role consumes, as running totals by top-level role."""

# Who calls: the ledger, with every change of what agents have and of what is held of them; entitlements.py compares it
#   with limits.
# A role consumes what is reserved to it and to those below, on all registered agents, held or not, and what its
#   frameworks hold that is not reserved, revocable or shared. What is only offered does not count.
# Quotas are of top-level roles, so others have no total of their own. Of a role that consumes nothing there is none.
# Rejected: to add it up when an operator asks, as Mesos does: 50,000 agents are 50 ms of the master's time; to ask the
#   allocator, which counts offers as well, and is another actor, which knows of everything later.
# Source: Mesos src/master/master.cpp (RoleResourceBreakdown::consumedQuota).

from __future__ import annotations

from typing import TYPE_CHECKING

from .tally import Tally

if TYPE_CHECKING:
    from mesoslite.model import Resources


class Consumption:
    """Tallies by top-level role, of which ``firm`` counts."""

    __slots__ = ("_tallies",)

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}

    def consumed(self, role: str, name: str) -> int:
        """How many thousandths of a scalar a top-level role consumes."""
        tally = self._tallies.get(role)
        return tally.firm[name] if tally is not None else 0

    def provide(self, resources: Resources) -> None:
        """Count what an agent has come to have."""
        if resources.others:
            for role, reserved in resources.reserved_by_role().items():
                self._add(role, reserved)

    def withdraw(self, resources: Resources) -> None:
        """Count what an agent has no longer."""
        if resources.others:
            for role, reserved in resources.reserved_by_role().items():
                self._take(role, reserved)

    def hold(self, role: str, resources: Resources) -> None:
        """Count what a framework has come to hold in a role."""
        self._add(role, _unreserved(resources))

    def free(self, role: str, resources: Resources) -> None:
        """Count what a framework holds in a role no longer."""
        self._take(role, _unreserved(resources))

    def _add(self, role: str, resources: Resources) -> None:
        scalars = resources.only_scalars() if resources.others else resources
        if scalars:
            top_level = role.partition("/")[0]
            tally = self._tallies.get(top_level)
            if tally is None:
                tally = self._tallies[top_level] = Tally()
            tally.add(scalars)

    def _take(self, role: str, resources: Resources) -> None:
        scalars = resources.only_scalars() if resources.others else resources
        if scalars:
            top_level = role.partition("/")[0]
            tally = self._tallies[top_level]
            tally.take(scalars)
            if not tally:
                del self._tallies[top_level]  # frameworks and operators call roles as they like


def charged(resources: Resources) -> dict[str, int]:
    """What of an offer its role would consume by holding it, beside what is reserved to it: thousandths by name."""
    if resources.others:
        resources = _unreserved(resources).not_revocable().only_scalars()
    return resources.scalars()


def _unreserved(resources: Resources) -> Resources:
    return resources.unreserved().not_shared() if resources.others else resources
