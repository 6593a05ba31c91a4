"""R: who has which resources."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from ..audit import audit, ledger_of
from ..checker import Checker

if TYPE_CHECKING:
    from ..world import World


class BooksAreTrue(Checker):
    """R1."""

    invariant = "R1"
    claim = "per agent, used + offered + free is its total, in the master's books and in the allocator's"

    def step(self, world: World) -> None:
        """Audit each master that leads."""
        for machine in world.masters:
            if machine.leads:
                try:
                    audit(ledger_of(machine.actor), machine.policy)
                except AssertionError as error:
                    line = traceback.extract_tb(error.__traceback__)[-1]
                    raise self.violation(f"{machine.name}: {error} ({line.name}: {line.line})") from error


class NothingIsHeldTwice(Checker):
    """R2."""

    invariant = "R2"
    claim = "no resource is in two outstanding offers, nor both offered and used"

    def step(self, world: World) -> None:
        """Add up what happenings say is offered and used, of each agent of each master."""
        for machine in world.masters:
            if not machine.leads or machine.shadow is None:
                continue
            for agent_id, agent in ledger_of(machine.actor).agents.items():
                held = machine.shadow.used(agent_id)
                if not agent.total.contains(held):
                    continue  # it came back with less than it had: nothing of it may be offered, which R1 says
                for offer in machine.shadow.offered(agent_id):
                    held += offer.resources.not_shared()
                    if not agent.total.contains(held):
                        raise self.violation(
                            f"{machine.name}: offer {offer.id} is of {offer.resources}, and with all else that is "
                            f"offered and used of agent {agent_id} that makes {held}, of {agent.total}"
                        )
