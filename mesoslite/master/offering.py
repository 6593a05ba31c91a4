"""Offering: grants become offers a piece at a time, and each framework hears of all of a plan's in one message."""

# Who calls: master.py, in its own actor: ``take`` with each plan, then ``go_on`` until nothing is left, other messages
#   in between.
# Invariants: 1. a step makes GRANTS_IN_STEP offers at most, about 2 ms; so a plan of 50,000 keeps nobody waiting.
#   2. an offer stands in the ledger from the step that makes it; frameworks hear of it once the last one of its plan
#   is made (telling.py). Then whoever is to leave an agent is asked (inverse_offering.py).
# Source: Mesos src/master/master.cpp (Master::offer).

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

from mesoslite.model import Filters, Offer, Offers, Rescind

from .allocator_line import NO_FILTER
from .figures import OFFERS_RESCINDED
from .holdings import Holdings
from .inverse_offering import InverseOffering
from .slices import THROUGH, in_steps
from .telling import Telling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mesoslite.model import Grant, OfferID, Resources

    from .accounts import Accounts
    from .agent_entry import AgentEntry
    from .allocator_messages import Granted
    from .framework_entry import FrameworkEntry
    from .ledger import Ledger
    from .offer_timeouts import OfferTimeouts

log = logging.getLogger("mesoslite.master")

GRANTS_IN_STEP = 400
TOO_LARGE = Filters(60.0)  # not in each run: all of it has to be written to find that out


class Offering:
    """Plans that wait to be offered, over the ledger and the accounts of one master; ``now`` reads its clock."""

    def __init__(self, ledger: Ledger, accounts: Accounts, timeouts: OfferTimeouts, now: Callable[[], float]) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._timeouts = timeouts
        self.holdings = Holdings(ledger, accounts)
        self.inverse = InverseOffering(ledger, accounts, timeouts, now)
        self._telling = Telling(ledger.frameworks, ledger.offers, Offers, timeouts, self._take_back_large)
        self._plans: deque[Iterator[None]] = deque()

    def take(self, plan: Granted) -> bool:
        """Wait with a plan until those before it are offered; return whether ``go_on`` is to be called for that."""
        self._plans.append(self._offer(plan))
        return len(self._plans) == 1

    def go_on(self) -> bool:
        """Make some offers, or tell some frameworks; return whether anything is left."""
        if next(self._plans[0], THROUGH) is THROUGH:
            self._plans.popleft()
        return bool(self._plans)

    def rescind(self, offer: Offer, *, expired: bool = False, filters: Filters = NO_FILTER) -> None:
        """Strike off an offer that no longer stands, and tell its framework, if that has heard of it.

        ``filters``: for how long it is not offered that again.
        """
        self._accounts.take_back(offer, expired=expired, filters=filters)
        framework = self._ledger.frameworks[offer.framework_id]
        if self._telling.is_told(offer):
            framework.figures[OFFERS_RESCINDED] += 1
            framework.send(Rescind(offer.id))

    def rescind_offers(self, agent: AgentEntry) -> None:
        """Leave nobody an offer of ``agent``, nor what is held of such a one."""
        for offer in list(agent.offers.values()):
            self.rescind(offer)
        self.holdings.void_all(agent)

    def rescind_users(self, agent: AgentEntry, volumes: Resources, source_id: OfferID | None = None) -> None:
        """Take from all but who holds that offer the offers of shared volumes that are about to be destroyed."""
        kinds = {portion.kind for portion in volumes.shared().others}
        for offer in list(agent.offers.values()) if kinds else ():
            if not kinds.isdisjoint([portion.kind for portion in offer.resources.others]):
                self.rescind(offer)
        for holding in list(agent.holdings.values()) if kinds else ():
            is_own = holding.source.id == source_id
            if not is_own and not kinds.isdisjoint([portion.kind for portion in holding.resources.others]):
                self.holdings.void(holding)

    def rescind_all(self, agent: AgentEntry) -> None:
        """Leave nobody an offer of ``agent``, and ask nobody any more to leave it."""
        self.rescind_offers(agent)
        self.inverse.rescind_all(agent)

    def take_back_all(self, framework: FrameworkEntry) -> None:
        """All that was offered to a framework, and all that it was asked, is void; nobody is told."""
        for offer in list(framework.offers.values()):
            self._accounts.take_back(offer)
        for inverse in list(framework.inverse_offers.values()):
            self.inverse.take_back(inverse)

    def _take_back_large(self, offer: Offer) -> None:
        """Take back an offer of which its framework cannot hear; others are offered that meanwhile."""
        log.error(
            "offer %s of agent %s is more than a message to framework %s takes: it is taken back, and the framework "
            "is not offered that again for %g seconds; have the agent say less, or raise frame_bytes_max",
            offer.id,
            offer.agent_id,
            offer.framework_id,
            TOO_LARGE.refuse_seconds,
        )
        self._accounts.take_back(offer, filters=TOO_LARGE)

    def expire(self) -> bool:
        """Rescind some offers that nobody has answered in time; return whether there may be more of them."""
        due = self._timeouts.due()
        for offer_id in due:
            if offer_id in self._ledger.offers:
                self.rescind(self._ledger.offers[offer_id], expired=True)
            elif offer_id in self._ledger.inverse_offers:
                self.inverse.rescind(self._ledger.inverse_offers[offer_id], expired=True)
        return bool(due)

    def _offer(self, plan: Granted) -> Iterator[None]:
        def make(grant: Grant) -> None:
            offer = self._accounts.offer(grant, plan.policy, plan.seen, plan.begun)
            if offer is not None:
                self._telling.note(offer)

        yield from in_steps(plan.grants, make, GRANTS_IN_STEP)
        yield from self._telling.all_told()
        yield from self.inverse.ask(plan.inverse, plan.seen)
