"""Cycle: one allocation run, in slices: guarantees first, then everything else, then whoever has to leave an agent."""

# Who calls: hierarchical.py begins one; the actor around it advances it, and may apply deltas between two slices.
# How an agent is given away: whoever is next (shares.py, passing.py) and may have something of it gets all of that at
#   once; while something is left, again. So without quota and reservations an agent goes as a whole to one client.
#   Coarse-grained, as Mesos is: sharing is fair over rounds, not within one.
# What a client may have of an agent: entitlement.py; and no filter may keep the agent away from it.
#   Stage 1 visits all agents for clients whose role lacks something up to its guarantee, in that role or below it
#   (Mesos: only in that role itself, so a guarantee of a role whose frameworks are all below it is held back for
#   ever); each grant must bring the role nearer to it. Stage 2 visits all agents again for everybody.
# Invariants: 1. every grant is booked when it is decided: the next decision sees it.
#   2. agents are shuffled as they are drawn, one step each; so no slice depends on how many there are.
#   3. a slice ends in the middle of an agent if its work is used up there, so none depends on how many clients may not
#      have it. The walk stands where it was as long as nothing happens; ``disturb`` closes it. The next slice then
#      begins the order as it now is from its front, and passes over those it asked before. So who is asked is at each
#      step the first, in the order of that moment, of those not asked since the last grant; nobody twice, and each
#      slice asks somebody: the walk ends. Whoever was passed over and could take it now has the agent looked at in the
#      next run, like any change after an agent was looked at (books.py, invariant 2).
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (__generateOffers, generateInverseOffers).

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from mesoslite.model import Grant, Plan, Quantities, RandomStream, Resources

from .clients import Serving
from .decisions import Decisions
from .entitlement import Entitlement, is_worth
from .lineups import Selection
from .passing import amounts_of
from .quota import Growth
from .shares import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mesoslite.model import AgentID, FrameworkID

    from .agents import AgentBook
    from .books import Books
    from .clients import ClientBook
    from .lineups import Lineup

    Walk: TypeAlias = Iterator[tuple[ClientBook, Phase]]


class Cycle:
    """One run. ``advance`` it until it is through; then ``plan`` is what it decided."""

    def __init__(
        self,
        books: Books,
        rng: RandomStream,
        agents: list[AgentID],
        finish: Callable[[Cycle], None],
        growth: Growth | None = None,
    ) -> None:
        self._books = books
        self._rng = rng
        self._finish = finish
        self._pending = agents  # in no order; agents that are drawn leave
        self._growth = growth or Growth(books.quota)  # for which it comes back to agents that are held back
        self._visited: list[AgentID] = []  # in stage 1, for stage 2
        self._is_first_stage = bool(books.quota.due_roles)
        self._entitled = Entitlement(books, self._is_first_stage)
        self._decided = Decisions()
        self._to_ask: list[AgentBook] | None = None  # agents somebody may have to leave, once everything is given away
        self._current: tuple[AgentID, ...] = ()  # the one drawn last
        self._midway: AgentBook | None = None  # the agent in the middle of which the last slice ended
        self._walk: Walk | None = None  # of it, as long as nothing has happened since
        self._asked: list[ClientBook] = []  # of it since its last grant: who may not have what is there
        self._postponed: list[ClientBook] = []  # of it since its last grant: who may, and passes on it
        self._vain: list[ClientBook] = []  # of it: who was asked though their role may have nothing now (lineups.py)
        self._amounts: Quantities = ()  # of it, when the walk was begun
        self.visited = 0  # agents looked at, in either stage
        self.plan: Plan | None = None  # once it is through

    def advance(self, work: int) -> bool:
        """Do about so much (clients looked at, and agents), and return whether the run is through.

        What is raised meanwhile, by a sorter or by the source of randomness, ends the run: nothing of it is granted,
        and its agents are left to the next.
        """
        try:
            return self._advance(work)
        except BaseException:
            self.abort()
            raise

    def _advance(self, work: int) -> bool:
        if self._midway is not None and self.plan is None:
            work -= self._go_on(self._midway, work)
        while work > 0 and self.plan is None:
            is_over = self._books.shares.everybody.is_empty
            if self._is_first_stage and not self._is_anybody_due():
                self._end_first_stage()
            elif not is_over and (agent_id := self._draw()) is not None:
                work -= self._visit(agent_id, work)
            elif self._is_first_stage:
                self._end_first_stage()
            else:  # nobody is left to give to, or nothing; whoever comes to want offers has all agents looked at
                self._pending = []
                work -= self._ask()
        return self.plan is not None

    def _end_first_stage(self) -> None:
        self._is_first_stage = self._entitled.is_first_stage = False
        self._pending += self._visited
        self._visited = []

    def stop(self) -> None:
        """End the run where it is; agents that it has not come to, and who has to leave one, are left to the next."""
        cut = () if self._midway is None else (self._midway.agent_id,)
        self._leave((*self._pending, *self._visited, *cut))
        self._books.quota.put_back(self._growth)
        self._end()

    def _leave(self, agents: Iterable[AgentID]) -> None:
        """Leave agents to the next run."""
        for agent_id in agents:
            if agent_id in self._books.agents:
                self._books.changed[agent_id] = None

    def abort(self) -> None:
        """End the run as if it had not been; a second time does nothing."""
        books = self._books
        self._leave((*self._pending, *self._visited, *self._current))
        books.quota.put_back(self._growth)
        books.held_back.end_run()
        self._pending, self._visited, self._midway, self._walk, self.plan = [], [], None, None, None
        grants, inverse = self._decided.standing()
        self._decided, self._to_ask = Decisions(), None
        for asked in inverse:
            books.maintenance.take_back(books.agents[asked.agent_id], asked.framework_id)
        for grant in grants:
            agent = books.agents[grant.agent_id]
            books.release(agent, books.shares.clients[grant.framework_id, grant.role], grant.resources)
        self._finish(self)

    def disturb(self) -> None:
        """Take note that something is about to happen, which may change the order of a walk that is cut."""
        self._walk = None

    def forget(self, gone: AgentID | FrameworkID) -> None:
        """Take back what was decided about an agent or a framework that is gone."""
        self._decided.forget(gone)

    def _ask(self) -> int:
        """Have the next agent left that is to be serviced, or end the run; return how much work it was."""
        maintenance = self._books.maintenance
        if self._to_ask is None:
            self._to_ask = maintenance.due()[::-1]  # of 50,000: half a millisecond
        if not self._to_ask:
            self._end()
            return 1
        agent = self._to_ask.pop()
        self._decided.inverse += maintenance.ask(agent, self._books.frameworks)
        return 1 + len(agent.held)

    def _end(self) -> None:
        self._midway = self._walk = None
        self.plan = Plan(*self._decided.standing())
        self._books.held_back.end_run()
        self._finish(self)

    def _is_anybody_due(self) -> bool:
        due = self._books.shares.due
        return due is not None and not due.is_empty and self._books.quota.due_roles > 0

    # ---- the decision; runs once per agent that changed ----

    def _draw(self) -> AgentID | None:
        """The next agent to look at: any that changed, then those held back, as long as somebody may have more now."""
        pending = self._pending
        if not pending:
            held_back = self._books.held_back.draw(self._growth, self._is_first_stage)
            self._current = () if held_back is None else (held_back,)
            return held_back
        at = int(self._rng.random() * len(pending))
        pending[at], pending[-1] = pending[-1], pending[at]
        agent_id = pending.pop()
        self._current = (agent_id,)
        return agent_id

    def _visit(self, agent_id: AgentID, most: int) -> int:
        """Give away what can be given of an agent, if that is about ``most`` work; return how much it was."""
        agent = self._books.agents.get(agent_id)
        if agent is None or not agent.active or not agent.is_listed:
            return 1
        self.visited += 1
        if self._books.quota.roles:
            self._books.held_back.forget(agent_id)
        if self._is_first_stage:
            self._visited.append(agent_id)
        return self._give(agent, most)

    def _go_on(self, agent: AgentBook, most: int) -> int:
        """Go on with an agent in the middle of which the last slice ended, if it is still there."""
        self._midway = None
        if self._books.agents.get(agent.agent_id) is agent and agent.active and agent.is_listed:
            return self._give(agent, most)
        self._forget_walk()
        return 1

    def _give(self, agent: AgentBook, most: int) -> int:
        books = self._books
        work = 1
        while True:
            available = agent.available
            if not available or (not books.own_minimums and not is_worth(agent, available, books.min_allocatable)):
                break
            filters = agent.filters
            if filters is not None and filters.block_all(available, books.shares.wanting):
                break
            lineup = self._lineup(agent)
            if lineup is None:
                break
            walked, client, offer = self._next(agent, lineup, most - work)
            work += walked
            if self._walk is None and (self._postponed or self._vain):  # sorters take no change before a walk is over
                self._end_walk(lineup)
            if client is None or offer is None:
                break
            self._grant(agent, client, offer)
            if agent.is_simple and not books.quota.roles:
                break  # it is all gone
            if not agent.available:
                books.held_back.forget(agent.agent_id)
            if work >= most:
                self._midway = agent
                break
        if self._midway is None and (self._asked or self._postponed):
            self._forget_walk()
        return work

    def _end_walk(self, lineup: Lineup) -> None:
        self._books.shares.postpone(self._postponed)
        if isinstance(lineup, Selection):
            lineup.evict(self._vain)
        self._vain.clear()

    def _forget_walk(self) -> None:
        self._walk = None
        self._asked.clear()
        self._vain.clear()
        self._books.shares.postpone(self._postponed)

    def _lineup(self, agent: AgentBook) -> Lineup | None:
        """Who could take something of an agent now; None if nobody."""
        books = self._books
        shares, quota = books.shares, books.quota
        if not quota.roles:
            return shares.everybody
        if self._is_first_stage:
            return books.due_there(agent) if self._is_anybody_due() else None
        if quota.full_roles:
            books.held_back.note(agent, by_guarantees=False)  # from those; again and again, as it is cheap
        if not agent.is_simple:
            return shares.everybody
        if not books.own_minimums and not quota.has_surplus:
            books.held_back.note(agent, by_guarantees=True)
            return None
        return shares.room

    def _next(self, agent: AgentBook, lineup: Lineup, most: int) -> tuple[int, ClientBook | None, Resources | None]:
        """Who is served now, and with what; how many were asked; ``_midway`` says if more are to be."""
        walked = 0
        blocked = agent.filters.blocked(agent.available) if agent.filters is not None else ()
        walk = self._begin_walk(agent, lineup)
        asked = self._asked
        selection = lineup if isinstance(lineup, Selection) else None
        for client, phase in walk:
            walked += 1
            offer = None if client in blocked else self._offer(agent, client)
            if offer is None:
                asked.append(client)
                if selection is not None and not selection.admits(client.role.top):
                    self._vain.append(client)
            elif phase is Phase.LAST or (phase is Phase.PROBE) == self._passes(agent, client, offer):
                if asked:
                    asked.clear()
                return walked, client, offer
            elif phase is Phase.IN_TURN:
                self._postponed.append(client)
            if walked >= most:
                self._walk, self._midway = walk, agent
                break
        return walked, None, None

    def _begin_walk(self, agent: AgentBook, lineup: Lineup) -> Walk:
        """Who is to be asked, in order; the rest of them if a slice has ended in the middle."""
        walk, self._walk = self._walk, None
        if walk is not None:
            return walk
        shares, asked = self._books.shares, self._asked
        if shares.anybody_refused:
            available = agent.available
            amounts = available.quantities if agent.is_simple else amounts_of(available, is_simple=False)
            shares.recall(amounts)
            if self._postponed:
                if amounts != self._amounts:
                    self._postponed.clear()  # they might not pass on what is there now
                shares.postpone(self._postponed)
            self._amounts = amounts
        walk = shares.order(lineup, self._rng, self._postponed)
        if asked:
            known = set(asked)
            walk = filter(lambda each: each[0] not in known, walk)
        return walk

    def _passes(self, agent: AgentBook, client: ClientBook, offer: Resources) -> bool:
        """Whether others come first to an offer, because of what the client has handed back (passing.py)."""
        refusals = client.refusals
        if refusals is None or client.serving is Serving.BEHIND:  # whoever is behind passes on all there is here
            return refusals is not None
        is_whole = offer is agent.available
        return refusals.are_many and refusals.cover(self._amounts if is_whole else amounts_of(offer, agent.is_simple))

    def _offer(self, agent: AgentBook, client: ClientBook) -> Resources | None:
        """What of an agent a client may have now; None if nothing that is worth an offer."""
        offer, filters = self._entitled.allowed(agent, client), agent.filters
        return None if offer is None or (filters is not None and filters.block(client, offer)) else offer

    def _grant(self, agent: AgentBook, client: ClientBook, offer: Resources) -> None:
        self._books.hold(agent, client, offer)
        self._books.shares.offered(client)
        if not agent.is_simple and (volumes := offer.shared()):
            self._entitled.offered(agent, volumes)
            self._books.change(agent)  # the next run may offer them again
        self._decided.grants.append(
            Grant(framework_id=client.framework_id, role=client.role.path, agent_id=agent.agent_id, resources=offer)
        )
