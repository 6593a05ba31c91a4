"""Holdings: what an ACCEPT that takes several slices has taken up, and has not used yet."""

# Who calls: accept.py holds; removal.py, returns.py, feedback.py and departures.py end it, inside the master actor.
# Invariant: between two slices what is held counts as offered, to the agent and to the framework. So the books are
#   true: used + offered + free is the agent's total, and the allocator's books, which know it as allocated, agree.
# Whatever would rescind all offers of an agent, or take back those of a framework that ends, makes holdings void: they
#   have gone back, and the ACCEPT tells of the rest as it would if its offers had been void from the start.
# Source: Mesos src/master/master.cpp (_accept: the agent or the framework may be gone since accept).

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mesoslite.model import NOTHING

from .allocator_line import NO_FILTER

if TYPE_CHECKING:
    from mesoslite.model import Offer, Resources

    from .accounts import Accounts
    from .agent_entry import AgentEntry
    from .framework_entry import FrameworkEntry
    from .ledger import Ledger


@dataclass(slots=True, eq=False)
class Holding:
    """What is left of what was taken up with ``source``."""

    source: Offer
    resources: Resources = NOTHING
    is_void: bool = False


class Holdings:
    """What is held, in the ledger of one master."""

    def __init__(self, ledger: Ledger, accounts: Accounts) -> None:
        self._ledger = ledger
        self._accounts = accounts

    def begin(self, source: Offer, resources: Resources) -> Holding:
        """Hold ``resources``, which were taken up with ``source``."""
        holding = Holding(source)
        for entry in self._holders(holding):
            entry.holdings[source.id] = holding
        self.keep(holding, resources)
        return holding

    def keep(self, holding: Holding, resources: Resources) -> None:
        """Hold ``resources`` and no more."""
        agent, framework = self._holders(holding)
        agent.offered = agent.offered - holding.resources + resources
        framework.offerings.take(holding.resources.only_scalars())
        framework.offerings.add(resources.only_scalars())
        holding.resources = resources
        changes = self._ledger.changes
        changes.agents[agent.id] = changes.frameworks[framework.id] = None

    def end(self, holding: Holding) -> None:
        """Hold nothing any more; where it goes is the caller's to say."""
        self.keep(holding, NOTHING)
        for entry in self._holders(holding):
            del entry.holdings[holding.source.id]

    def void(self, holding: Holding) -> None:
        """Take it back: what it was taken up for is not to go on."""
        resources = holding.resources
        self.end(holding)
        holding.is_void = True
        self._accounts.give_back(holding.source, resources, NOTHING, NO_FILTER, unused=False)

    def void_all(self, holder: AgentEntry | FrameworkEntry) -> None:
        """Take back all that is held of an agent, or by a framework."""
        for holding in list(holder.holdings.values()):
            self.void(holding)

    def _holders(self, holding: Holding) -> tuple[AgentEntry, FrameworkEntry]:
        source = holding.source
        return self._ledger.agents[source.agent_id], self._ledger.frameworks[source.framework_id]
