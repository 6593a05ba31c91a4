"""Entitlement: what of an agent a client may have now, but for filters."""

# Who calls: cycle.py, for each client that it asks; explain.py, for one of them.
# What a client may have: what its role may use and its framework knows (eligibility.py), if it wants such an agent
#   (constraints.py); of what counts against quota at most what the limits leave, and, beyond its role's guarantee, at
#   most what others' guarantees leave (quota.py). Each shared volume once in a run.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (__generateOffers, isCapableOfReceivingAgent).

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import NOTHING, Quantities, Resources

from .eligibility import reserved_for

if TYPE_CHECKING:
    from mesoslite.model import AgentID

    from .agents import AgentBook
    from .books import Books
    from .clients import ClientBook


class Entitlement:
    """What clients may have in one stage of a run.

    ``notes``: that quota keeps something of an agent from somebody is noted, so that the agent is looked at again.
    """

    def __init__(self, books: Books, is_first_stage: bool, *, notes: bool = True) -> None:
        self._books = books
        self._notes = notes
        self._shared: dict[AgentID, Resources] = {}  # shared volumes that were offered in this run, each once
        self.is_first_stage = is_first_stage

    def offered(self, agent: AgentBook, volumes: Resources) -> None:
        """Note that shared volumes were offered, which is done once in a run."""
        self._shared[agent.agent_id] = self._shared.get(agent.agent_id, NOTHING) + volumes

    def allowed(self, agent: AgentBook, client: ClientBook) -> Resources | None:
        """Return what of an agent a client might have now but for its filters; None if that is worth no offer."""
        if agent.needs & ~client.has:
            return None
        if client.constraints is not None and not client.constraints.accept(agent):
            return None
        books = self._books
        offer = agent.available
        if not agent.is_simple:
            offer = reserved_for(client, offer)
            shared = self._shared.get(agent.agent_id)
            if shared is not None:
                offer = offer.not_shared() + shared.shortfall(offer.shared())
        is_checked = agent.is_simple and not books.own_minimums  # for everybody at once, before the first was asked
        if not is_checked and not (offer and is_worth(agent, offer, self.minimum(client))):
            return None
        if books.quota.roles:
            cut = self._cut(agent, client, offer)
            if cut is None:
                return None
            offer = cut
        return offer

    def _cut(self, agent: AgentBook, client: ClientBook, offer: Resources) -> Resources | None:
        """What quota lets a client have of an offer; None if nothing that is worth it."""
        books = self._books
        free = offer if agent.is_simple else offer.unreserved().not_revocable()
        cut = books.quota.left(client.role.top, free, self.is_first_stage, agent.is_simple)
        if cut is None or cut is free:
            return None if cut is None else offer
        if self._notes:
            books.held_back.note(agent, books.quota.keeps_some(free.scalars().items()))
        offer = cut if agent.is_simple else offer - free + cut
        return offer if offer and is_worth(agent, offer, self.minimum(client)) else None

    def minimum(self, client: ClientBook) -> tuple[Quantities, ...]:
        """Return what is worth an offer to a client."""
        return self._books.min_allocatable if client.minimum is None else client.minimum


def possible_offer(books: Books, agent: AgentBook, client: ClientBook) -> Resources | None:
    """Return what a client that wants offers would have of an agent that may be offered, but for its filters.

    That is if it were the first that a run asks: in stage 1, else in stage 2. None: nothing that is worth an offer.
    """
    entitled = Entitlement(books, bool(books.quota.due_roles), notes=False)
    offer = entitled.allowed(agent, client)
    if offer is None and entitled.is_first_stage:
        entitled.is_first_stage = False
        offer = entitled.allowed(agent, client)
    if offer is not None and not (offer and is_worth(agent, offer, entitled.minimum(client))):
        offer = None
    return offer


def is_worth(agent: AgentBook, offer: Resources, minimum: tuple[Quantities, ...]) -> bool:
    """Return whether an offer contains the scalars of one of the alternatives, reserved or not; without any, always."""
    amounts = dict(offer.quantities) if agent.is_simple else offer.scalars()
    for least in minimum:
        for name, milli in least:
            if amounts.get(name, 0) < milli:
                break
        else:
            return True
    return not minimum
