"""Inverse offering: frameworks are asked to leave agents that are to be serviced; what they have answered is kept."""

# Who calls: offering.py with each plan and when what stands is void, scheduling.py with answers, maintenance.py when
#   agents are to be serviced at another time, inside the master actor.
# An inverse offer holds nothing, so the books of resources know nothing of it. The allocator knows who was asked, and
#   asks again once it hears that nothing of that stands any more; whoever answers is left alone as its filter says.
# Invariants: 1. one stands in the ledger, in its agent and in its framework, or nowhere; of an agent and a framework at
#   most one.    2. all that stand of an agent, and all answers about it, are of the time at which it is to be serviced
#   as the allocator knows it.    3. a question that the allocator has forgotten, since the agent or the framework was
#   struck off meanwhile, or the time has changed, is not asked: it asks anew.
# Source: Mesos src/master/master.cpp (inverseOffer, acceptInverseOffers, declineInverseOffers, removeInverseOffer),
#   where the allocator keeps the answers (getInverseOfferStatuses); ours knows no time.

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mesoslite.model import AcceptInverseOffers, InverseOffer, InverseOffers, RescindInverseOffer, happenings
from mesoslite.model.maintenance import InverseAnswer

from .slices import in_steps
from .telling import Telling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mesoslite.model import DeclineInverseOffers, InverseGrant, OfferID, Unavailability

    from .accounts import Accounts
    from .agent_entry import AgentEntry
    from .framework_entry import FrameworkEntry
    from .ledger import Ledger
    from .offer_timeouts import OfferTimeouts

log = logging.getLogger("mesoslite.master")

GRANTS_IN_STEP = 400
ANSWERS_IN_STEP = 200


class InverseOffering:
    """Who is asked to leave what, over the ledger and the accounts of one master; ``now`` reads the master's clock."""

    def __init__(self, ledger: Ledger, accounts: Accounts, timeouts: OfferTimeouts, now: Callable[[], float]) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._now = now
        self._telling = Telling(ledger.frameworks, ledger.inverse_offers, InverseOffers, timeouts, self.take_back)

    # ---- asking ----

    def ask(self, grants: tuple[InverseGrant, ...], seen: int | None) -> Iterator[None]:
        """Make inverse offers of what a plan says, some in a step, then tell frameworks of them.

        ``seen`` is how many deltas the allocator knew of when it decided.
        """
        yield from in_steps(grants, lambda grant: self._make(grant, seen), GRANTS_IN_STEP)
        yield from self._telling.all_told()

    def _make(self, grant: InverseGrant, seen: int | None) -> None:
        agent = self._ledger.agents.get(grant.agent_id)
        framework = self._ledger.frameworks.get(grant.framework_id)
        if agent is None or framework is None or agent.unavailability != grant.unavailability:
            return
        if seen is not None and seen < max(agent.entered, agent.scheduled, framework.entered):
            return
        if framework.id in agent.inverse_offers:
            log.warning("framework %s is asked twice to leave agent %s; once will do", framework.id, agent.id)
            return
        if not (agent.connected and agent.active and framework.connected):
            self._accounts.leave_unanswered(agent.id, framework.id)
            return
        inverse = InverseOffer(
            id=self._accounts.new_offer_id(),
            framework_id=framework.id,
            agent_id=agent.id,
            unavailability=grant.unavailability,
        )
        self._ledger.add_inverse_offer(inverse)
        self._telling.note(inverse)
        self._ledger.chronicle.tell(happenings.InverseOfferMade, inverse)

    # ---- answers ----

    def answer(self, framework: FrameworkEntry, call: AcceptInverseOffers | DeclineInverseOffers) -> Iterator[None]:
        """Remember what a framework says to inverse offers, some in a step; those that do not stand are passed over."""
        accepted, filters = isinstance(call, AcceptInverseOffers), call.filters

        def take(inverse_offer_id: OfferID) -> None:
            inverse = self._ledger.inverse_offers.get(inverse_offer_id)
            if inverse is None or inverse.framework_id != framework.id:
                log.info("inverse offer %.80s of framework %s does not stand any more", inverse_offer_id, framework.id)
                return
            self._ledger.remove_inverse_offer(inverse)
            answer = InverseAnswer(framework.id, inverse.agent_id, accepted, self._now())
            self._ledger.agents[inverse.agent_id].answers[framework.id] = answer
            self._accounts.answer_inverse(inverse, accepted, filters)
            tell, seconds = self._ledger.chronicle.tell, filters.duration_seconds()
            tell(happenings.InverseOfferAnswered, inverse, accepted, seconds)

        return in_steps(call.inverse_offer_ids, take, ANSWERS_IN_STEP)

    # ---- what does not stand any more ----

    def rescind(self, inverse: InverseOffer, *, expired: bool = False) -> None:
        """Strike off an inverse offer, and tell its framework, if that has heard of it.

        ``expired``: because it was not answered in time.
        """
        self.take_back(inverse, expired=expired)
        if self._telling.is_told(inverse):
            self._ledger.frameworks[inverse.framework_id].send(RescindInverseOffer(inverse.id))

    def rescind_all(self, agent: AgentEntry) -> None:
        """Nobody is asked to leave ``agent`` any more."""
        for inverse in list(agent.inverse_offers.values()):
            self.rescind(inverse)

    def take_back(self, inverse: InverseOffer, *, expired: bool = False) -> None:
        """Strike off an inverse offer, of which nobody is told, unless it does not stand any more."""
        if inverse.id not in self._ledger.inverse_offers:
            return
        self._ledger.remove_inverse_offer(inverse)
        self._accounts.leave_unanswered(inverse.agent_id, inverse.framework_id)
        kind = happenings.InverseOfferExpired if expired else happenings.InverseOfferRescinded
        self._ledger.chronicle.tell(kind, inverse)

    def reschedule(self, agent: AgentEntry, unavailability: Unavailability | None) -> None:
        """An agent is to be serviced at another time, or not: whatever was asked and answered was about another."""
        self.rescind_all(agent)  # before the allocator hears of the new time, which begins with nobody asked
        agent.answers.clear()
        self._accounts.agents.schedule(agent, unavailability)
