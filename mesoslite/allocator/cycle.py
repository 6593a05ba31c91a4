"""Cycle: one allocation run, in slices: guarantees first, then everything else, then whoever has to leave an agent."""

# Who calls: hierarchical.py begins one; the actor around it advances it, and may apply deltas between two slices.
# How an agent is given away: whoever is next (shares.py, idle.py) and may have something of it gets all of that at
#   once; while something is left, again. So without quota and reservations an agent goes as a whole to one client.
#   Coarse-grained, as Mesos is: sharing is fair over rounds, not within one.
# What a client may have: what its role may use and its framework knows (eligibility.py), if it wants such an agent
#   (constraints.py) and no filter keeps it away; of what counts against quota at most what the limits leave, and,
#   beyond its role's guarantee, at most what others' guarantees leave (quota.py).
#   Stage 1 visits all agents for clients whose role lacks something up to its guarantee, in that role or below it
#   (Mesos: only in that role itself, so a guarantee of a role whose frameworks are all below it is held back for
#   ever); each grant must bring the role nearer to it. Stage 2 visits all agents again for everybody.
# Invariants: 1. every grant is booked when it is decided: the next decision sees it.
#   2. agents are shuffled as they are drawn, one step each; so no slice depends on how many there are.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (__generateOffers, generateInverseOffers).

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import Grant, InverseGrant, Plan, Quantities, RandomStream, Resources

from .eligibility import reserved_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import AgentID, FrameworkID

    from .agents import AgentBook
    from .books import Books
    from .clients import ClientBook
    from .idle import Probes
    from .shares import Lineup


class Cycle:
    """One run. ``advance`` it until it is through; then ``plan`` is what it decided."""

    def __init__(
        self,
        books: Books,
        probes: Probes,
        rng: RandomStream,
        agents: list[AgentID],
        finish: Callable[[Cycle], None],
    ) -> None:
        self._books = books
        self._probes = probes
        self._rng = rng
        self._finish = finish
        self._pending = agents  # in no order; agents that are drawn leave
        self._visited: list[AgentID] = []  # in stage 1, for stage 2
        self._is_first_stage = bool(books.quota.due_roles)
        self._grants: list[Grant] = []
        self._shared: set[AgentID] = set()  # agents whose shared volumes were offered in this run
        self.visited = 0  # agents looked at, in either stage
        self.plan: Plan | None = None  # once it is through

    def advance(self, work: int) -> bool:
        """Do about so much (clients looked at, and agents), and return whether the run is through."""
        while work > 0 and self.plan is None:
            if self._is_first_stage and (not self._pending or not self._is_anybody_due()):
                self._is_first_stage = False
                self._pending += self._visited
                self._visited = []
            elif self._pending and not self._books.shares.everybody.is_empty:
                work -= self._visit(self._draw())
            else:  # nobody is left to give to, or nothing; whoever comes to want offers has all agents looked at
                self._pending = []
                self._end(self._books.maintenance.plan(self._books.frameworks))
        return self.plan is not None

    def stop(self) -> None:
        """End the run where it is; agents that it has not come to, and who has to leave one, are left to the next."""
        for agent_id in (*self._pending, *self._visited):
            if agent_id in self._books.agents:
                self._books.changed[agent_id] = None
        self._end(())

    def forget_agent(self, agent_id: AgentID) -> None:
        """Take back what was granted of an agent that is gone."""
        self._grants = [grant for grant in self._grants if grant.agent_id != agent_id]

    def forget_framework(self, framework_id: FrameworkID) -> None:
        """Take back what was granted to a framework that is gone."""
        self._grants = [grant for grant in self._grants if grant.framework_id != framework_id]

    def _end(self, inverse: tuple[InverseGrant, ...]) -> None:
        self.plan = Plan(tuple(self._grants), inverse)
        self._finish(self)

    def _is_anybody_due(self) -> bool:
        due = self._books.shares.due
        return due is not None and not due.is_empty

    # ---- the decision; runs once per agent that changed ----

    def _draw(self) -> AgentID:
        pending = self._pending
        at = int(self._rng.random() * len(pending))
        pending[at], pending[-1] = pending[-1], pending[at]
        return pending.pop()

    def _visit(self, agent_id: AgentID) -> int:
        """Give away what can be given of an agent; return how much work that was."""
        books = self._books
        agent = books.agents.get(agent_id)
        if agent is None or not agent.active or not agent.is_listed:
            return 1
        self.visited += 1
        if self._is_first_stage:
            self._visited.append(agent_id)
        work = 1
        while (lineup := self._lineup(agent)) is not None:
            available = agent.available
            if not available or (not books.own_minimums and not is_worth(agent, available, books.min_allocatable)):
                break
            filters = agent.filters
            if filters is not None and filters.block_all(available, books.shares.wanting):
                break
            walked, client, offer = self._next(agent, lineup)
            work += walked
            if client is None or offer is None:
                break
            self._grant(agent, client, offer)
            if agent.is_simple and not books.quota.roles:
                break  # it is all gone
        return work

    def _lineup(self, agent: AgentBook) -> Lineup | None:
        """Who could take something of an agent now; None if nobody."""
        books = self._books
        shares, quota = books.shares, books.quota
        if not quota.roles:
            return shares.everybody
        if self._is_first_stage:
            return shares.due if self._is_anybody_due() else None
        if quota.full_roles:
            books.held_back[agent.agent_id] = None  # from those; put there again and again, as it is cheap
        if not agent.is_simple:
            return shares.everybody
        if not books.own_minimums and not quota.has_surplus:
            books.held_back[agent.agent_id] = None
            return None
        return shares.room

    def _next(self, agent: AgentBook, lineup: Lineup) -> tuple[int, ClientBook | None, Resources | None]:
        """Who is served now, and with what; and how many were asked for that."""
        walked = 0
        blocked = agent.filters.blocked(agent.available) if agent.filters is not None else ()
        for client in self._books.shares.order(lineup, self._probes.due, self._rng):
            walked += 1
            if client in blocked:
                continue
            offer = self._offer(agent, client)
            if offer is not None:
                return walked, client, offer
        return walked, None, None

    def _offer(self, agent: AgentBook, client: ClientBook) -> Resources | None:
        """What of an agent a client may have now; None if nothing that is worth an offer."""
        if agent.needs & ~client.has:
            return None
        if client.constraints is not None and not client.constraints.accept(agent):
            return None
        books = self._books
        offer = agent.available
        if not agent.is_simple:
            offer = reserved_for(client, offer)
            if agent.agent_id in self._shared:
                offer = offer.not_shared()
        is_checked = agent.is_simple and not books.own_minimums  # for everybody at once, before the first was asked
        if not is_checked and not (offer and is_worth(agent, offer, self._minimum(client))):
            return None
        if books.quota.roles:
            cut = self._cut(agent, client, offer)
            if cut is None:
                return None
            offer = cut
        filters = agent.filters
        if filters is not None and filters.block(client, offer):
            return None
        return offer

    def _cut(self, agent: AgentBook, client: ClientBook, offer: Resources) -> Resources | None:
        """What quota lets a client have of an offer; None if nothing that is worth it."""
        books = self._books
        free = offer if agent.is_simple else offer.unreserved().not_revocable()
        amounts = free.scalars()
        limits = books.quota.cut(client.role.top, amounts.items(), self._is_first_stage)
        if limits is None:
            return offer
        if not limits and self._is_first_stage:
            return None
        books.held_back[agent.agent_id] = None
        cut = free.shrunk(limits)
        offer = cut if agent.is_simple else offer - free + cut
        return offer if offer and is_worth(agent, offer, self._minimum(client)) else None

    def _minimum(self, client: ClientBook) -> tuple[Quantities, ...]:
        return self._books.min_allocatable if client.minimum is None else client.minimum

    def _grant(self, agent: AgentBook, client: ClientBook, offer: Resources) -> None:
        self._books.hold(agent, client, offer)
        self._books.shares.offered(client)
        self._probes.granted()
        if not agent.is_simple and offer.shared():
            self._shared.add(agent.agent_id)
            self._books.change(agent)  # the next run may offer them again
        self._grants.append(
            Grant(framework_id=client.framework_id, role=client.role.path, agent_id=agent.agent_id, resources=offer)
        )


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
