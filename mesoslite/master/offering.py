"""Offering: grants become offers a piece at a time, and each framework hears of all of a plan's in one message."""

# Who calls: master.py, in its own actor: ``take`` with each plan, then ``go_on`` until nothing is left, other messages
#   in between.
# Invariants: 1. a step makes GRANTS_IN_STEP offers at most, about 2 ms; so a plan of 50,000 keeps nobody waiting.
#   2. an offer stands in the ledger from the step that makes it; frameworks hear of it once the last one of its plan
#   is made, one message a framework, in the order decided. Of what was taken back until then nobody hears anything.
# Rejected: pieces of a plan, posted one after the other: they would stand behind one another in the master's mailbox,
#   and a framework would get several messages where Mesos sends one.
# Source: Mesos src/master/master.cpp (Master::offer).

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

import libactor as la
from mesoslite.model import Offer, Offers, Rescind

from .holdings import Holdings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mesoslite.model import FrameworkID, Grant, OfferID

    from .accounts import Accounts
    from .ledger import AgentEntry, Ledger
    from .offer_timeouts import OfferTimeouts

GRANTS_IN_STEP = 400
FRAMEWORKS_IN_STEP = 100  # that are told


class Offering:
    """Plans that wait to be offered, over the ledger and the accounts of one master."""

    def __init__(self, ledger: Ledger, accounts: Accounts, timeouts: OfferTimeouts) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._timeouts = timeouts
        self.holdings = Holdings(ledger, accounts)
        self._plans: deque[tuple[Iterator[Grant], str, int | None]] = deque()  # whose they are, and by what knowledge
        self._made: dict[FrameworkID, dict[OfferID, Offer]] = {}  # of the first plan, and not told yet

    def take(self, grants: tuple[Grant, ...], policy: str = "", seen: int | None = None) -> bool:
        """Wait with a plan until those before it are offered; return whether ``go_on`` is to be called for that."""
        self._plans.append((iter(grants), policy, seen))
        return len(self._plans) == 1

    def go_on(self) -> bool:
        """Make some offers, or tell them once all of their plan are made; return whether anything is left."""
        if self._make() < GRANTS_IN_STEP and self._tell():
            self._plans.popleft()
        return bool(self._plans)

    def is_told(self, offer: Offer) -> bool:
        """Whether its framework has heard of an offer."""
        return offer.id not in self._made.get(offer.framework_id, ())

    def rescind(self, offer: Offer, *, expired: bool = False) -> None:
        """Strike off an offer that no longer stands, and tell its framework, if that has heard of it."""
        self._accounts.take_back(offer, expired=expired)
        framework = self._ledger.frameworks[offer.framework_id]
        if self.is_told(offer):
            la.post(framework.pid, Rescind(offer.id))

    def rescind_all(self, agent: AgentEntry) -> None:
        """Leave nobody an offer of ``agent``, nor what is held of such a one."""
        for offer in list(agent.offers.values()):
            self.rescind(offer)
        self.holdings.void_all(agent)

    def expire(self) -> bool:
        """Rescind some offers that nobody has answered in time; return whether there may be more of them."""
        due = self._timeouts.due()
        for offer_id in due:
            if offer_id in self._ledger.offers:
                self.rescind(self._ledger.offers[offer_id], expired=True)
        return bool(due)

    def _make(self) -> int:
        count = 0
        grants, policy, seen = self._plans[0]
        for grant in islice(grants, GRANTS_IN_STEP):
            count += 1
            offer = self._accounts.offer(grant, policy, seen)
            if offer is not None:
                self._made.setdefault(offer.framework_id, {})[offer.id] = offer
        return count

    def _tell(self) -> bool:
        standing = self._ledger.offers
        for framework_id in list(islice(self._made, FRAMEWORKS_IN_STEP)):
            made = self._made.pop(framework_id)
            offers = tuple([offer for offer_id, offer in made.items() if offer_id in standing])
            if offers:
                la.post(self._ledger.frameworks[framework_id].pid, Offers(offers))
                self._timeouts.watch([offer.id for offer in offers])
        return not self._made
