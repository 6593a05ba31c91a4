"""Books: agents, frameworks, who holds what, and what may be granted next; always true, whatever just happened."""

# Who calls: hierarchical.py as deltas tell, cycle.py with each grant.
# Invariants: 1. every amount is entered in all books at once: the agent's, the client's, its roles' and, if there are
#   quotas, theirs. Nothing is summed up when a plan is made.
#   2. an agent outside ``changed`` can give nothing to anybody. So visiting only these grants what visiting all would,
#   and a cluster at rest costs nothing. An agent gets in when more is free on it, when a filter about it ended, when
#   it may be offered again, and, as long as that is so, when quota leaves more room and it was held back (held.py);
#   all of them (``all_changed``) when a client begins to want offers or wants other agents than before.
# Rejected: a set for ``changed``, whose order depends on the hash seed, so that one rng seed would not mean one plan.

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from mesoslite.model import NOTHING, InternalError, Quantities, Resources

from .agents import AgentBook
from .clients import ClientBook, FrameworkBook, Serving
from .filters import OfferFilters
from .held import HeldBack
from .maintenance import Maintenance
from .passing import Passing
from .quota import Growth, Quota, QuotaBooks, free_of
from .shares import Shares
from .sorter import Pairs, SorterFactory

if TYPE_CHECKING:
    from mesoslite.model import AgentID, FrameworkID

    from .lineups import Lineup
    from .roles import RoleBook


class Books:
    """All that the allocator knows."""

    def __init__(
        self,
        min_allocatable: Sequence[Resources],
        role_sorter: SorterFactory,
        framework_sorter: SorterFactory,
        excluded: Collection[str],
        passing: Passing,
    ) -> None:
        self.min_allocatable = scalars_of(min_allocatable)
        self.agents: dict[AgentID, AgentBook] = {}
        self.frameworks: dict[FrameworkID, FrameworkBook] = {}
        self.shares = Shares(role_sorter, framework_sorter, excluded, passing)
        self.filters = OfferFilters()
        self.quota = QuotaBooks(self.min_allocatable)
        self.maintenance = Maintenance()
        self.own_minimums = 0  # clients that say themselves what is worth an offer
        self.changed: dict[AgentID, None] = {}  # an ordered set; invariant 2
        self.all_changed = False  # stands for all agents in ``changed``, so that a storm of revivals costs little
        self.held_back = HeldBack()

    # ---- who is there ----

    def agent(self, agent_id: AgentID) -> AgentBook:
        """Return the book of an agent. Raises: InternalError, if it is not known."""
        book = self.agents.get(agent_id)
        if book is None:
            raise InternalError(f"allocator: agent {agent_id} is not known; add it first")
        return book

    def framework(self, framework_id: FrameworkID) -> FrameworkBook:
        """Return the book of a framework. Raises: InternalError, if it is not known."""
        book = self.frameworks.get(framework_id)
        if book is None:
            raise InternalError(f"allocator: framework {framework_id} is not known; add it first")
        return book

    def serve(self, client: ClientBook) -> None:
        """Serve a client as it now wants, or not at all."""
        framework = self.frameworks.get(client.framework_id)
        if framework is None or not framework.wants(client.role.path):
            serving = Serving.NOT
        else:
            serving = client.serving or Serving.IN_TURN
        sign = bool(serving) - bool(client.serving)
        if sign:
            self.filters.count(client, sign)
        self.shares.serve(client, serving)

    def set_minimum(self, client: ClientBook, minimum: tuple[Quantities, ...] | None) -> None:
        """Change what a client says is worth an offer to it; None: it says nothing."""
        more = (minimum is not None) - (client.minimum is not None)
        client.minimum = minimum
        self.own_minimums += more
        top = client.role.top
        top.own_minimums += more
        if more and top.quota is not None:
            was = (top.quota.due, top.quota.full)
            if self.quota.judge(top):
                self.shares.regroup(top, *was)

    # ---- what agents have ----

    def add_agent(self, agent: AgentBook) -> None:
        """Count an agent in, on which nothing is held yet."""
        self.agents[agent.agent_id] = agent
        self.shares.total.add(agent.total.scalars().items())
        self._reserve(agent.total, 1)
        self._count_free(agent.available, agent.is_simple, 1)
        self.change(agent)

    def remove_agent(self, agent: AgentBook) -> None:
        """Count an agent out, with all that is held on it."""
        for client, resources in list(agent.held.items()):
            agent.drop(client)
            self._count_held(agent, client, resources, -1)
            self.shares.forget_unneeded(client)
        self._count_free(agent.available, agent.is_simple, -1)
        self._reserve(agent.total, -1)
        self.shares.total.remove(agent.total.scalars().items())
        self.maintenance.forget_agent(agent)
        del self.agents[agent.agent_id]
        self.changed.pop(agent.agent_id, None)
        self.held_back.forget(agent.agent_id)

    def resize(self, agent: AgentBook, total: Resources) -> None:
        """Change what an agent has; what is held on it stays held. Cost: O(all that), or of what has come, if no more.

        What is gone may be held, so then all has to be counted.
        """
        if total.contains(agent.total):
            self.convert(agent, NOTHING, total - agent.total)
            return
        self._count_free(agent.available, agent.is_simple, -1)
        gone = agent.total
        agent.resize(total)
        self._count_free(agent.available, agent.is_simple, 1)
        self._recount(agent, gone, total)

    def convert(self, agent: AgentBook, gone: Resources, come: Resources) -> None:
        """Exchange what is available on an agent. Cost: O(that). Raises: InsufficientResources, if it is not."""
        before, was_simple, was_short = agent.available, agent.is_simple, agent.is_short
        agent.convert(gone, come)
        if was_short:
            self._count_free(before, was_simple, -1)
            self._count_free(agent.available, agent.is_simple, 1)
        else:
            self._count_free(gone, False, -1)
            self._count_free(come, False, 1)
        self._recount(agent, gone, come)

    def _recount(self, agent: AgentBook, gone: Resources, come: Resources) -> None:
        self._reserve(come, 1)
        self._reserve(gone, -1)
        if gone.scalars() != come.scalars():
            self.shares.total.add(come.scalars().items())
            self.shares.total.remove(gone.scalars().items())
        self.change(agent)

    # ---- who holds it ----

    def hold(self, agent: AgentBook, client: ClientBook, resources: Resources, grants: int = 1) -> None:
        """Move what is available on an agent to a client; ``grants`` says how often it was served by that."""
        if agent.is_simple and grants == 1:
            agent.hold(client, resources)
            self.shares.allocate(client, resources.quantities)
            if self.quota.roles:  # in this order, so that what may be offered beyond guarantees does not dip between
                self._consume(client.role.top, resources.quantities, 1)
                self.quota.count_free(resources.quantities, -1)
        else:
            self._count_held(agent, client, resources, 1, grants)
            self._count_free(resources, agent.is_simple, -1)
            agent.hold(client, resources)
        if agent.unavailability is not None:
            self.maintenance.look_at(agent)

    def hold_first(self, agents: Sequence[AgentBook], held: Mapping[ClientBook, Resources], total: Resources) -> None:
        """As ``hold`` of each, on agents of which nothing is held yet; on each agent they are ``total`` together."""
        if self.quota.roles or not all(agent.is_simple for agent in agents):
            for agent in agents:
                for client, resources in held.items():
                    self.hold(agent, client, resources)
            return
        for agent in agents:
            agent.hold_first(held, total)
        self.shares.allocate_each(held, len(agents))

    def release(self, agent: AgentBook, client: ClientBook, resources: Resources) -> None:
        """Take back what a client holds on an agent. Raises: InternalError, if it does not hold that."""
        before, was_short = agent.available, agent.is_short
        agent.release(client, resources)
        if was_short:
            self._count_free(before, agent.is_simple, -1)
            self._count_free(agent.available, agent.is_simple, 1)
        elif self.quota.roles:
            self._count_free(resources if agent.is_simple else resources.not_shared(), agent.is_simple, 1)
        if agent.is_simple and is_plain_count(resources):
            self.shares.release(client, resources.quantities)
            self._consume(client.role.top, resources.quantities, -1)
        else:
            self._count_held(agent, client, resources, -1)
        self.change(agent)
        self.shares.forget_unneeded(client)

    def exchange(
        self,
        agent: AgentBook,
        client: ClientBook,
        held: tuple[Resources, Resources],
        total: tuple[Resources, Resources],
    ) -> None:
        """Exchange what a client holds, and what its agent has, where the agent is short. Cost: O(all that is held)."""
        (before, after), (gone, come) = held, total
        self._count_free(agent.available, agent.is_simple, -1)
        agent.release(client, before)
        self._count_held(agent, client, before, -1)
        self._count_held(agent, client, after, 1)
        agent.seize(client, after, gone, come)
        self._count_free(agent.available, agent.is_simple, 1)
        self._recount(agent, gone, come)

    def change(self, agent: AgentBook) -> None:
        """Have an agent looked at by the next plan."""
        self.changed[agent.agent_id] = None

    def take_changed(self) -> tuple[list[AgentID], Growth]:
        """Return the agents that may have something to give, each once, and begin anew.

        And what has grown, for which a run comes back to those that are held back.
        """
        if self.quota.is_new:
            self.changed.update(self.held_back.take())
            self.quota.take_growth()
        growth = self.quota.take_growth()
        if self.all_changed:
            self.all_changed = False
            self.held_back.take()
            self.changed = {}
            return list(self.agents), growth
        changed, self.changed = self.changed, {}  # a new one: to walk an emptied dict costs what it once held
        return list(changed), growth

    def take_some(self, agents: Iterable[AgentID]) -> list[AgentID]:
        """Return these agents, each once, as far as they are known; they count as looked at."""
        if self.all_changed:
            self.changed = dict.fromkeys(self.agents)
            self.all_changed = False
        taken = [agent_id for agent_id in dict.fromkeys(agents) if agent_id in self.agents]
        for agent_id in taken:
            self.changed.pop(agent_id, None)
        return taken

    # ---- quota ----

    def set_quota(self, path: str, guarantees: dict[str, int], limits: dict[str, int]) -> None:
        """Give a top-level role a quota; with neither guarantees nor limits, none."""
        role = self.shares.roles.get(path)
        was = (role.quota.due, role.quota.full) if role.quota is not None else (False, False)
        if not self.quota.roles:
            self.quota.headroom = {}
            for agent in self.agents.values():
                self.quota.count_free(free_of(agent.available, agent.is_simple), 1)
            self.shares.use_quota(True)
        quota = Quota(guarantees, limits, self._consumed(role)) if guarantees or limits else None
        self.quota.set(role, quota)
        self.shares.regroup(role, *was)
        if not self.quota.roles:
            self.shares.use_quota(False)
        self.shares.roles.forget_unneeded(role)

    def due_there(self, agent: AgentBook) -> Lineup | None:
        """Return whose guarantee an agent could help to meet; None if nobody's."""
        names, is_all = self.quota.lacking(free_of(agent.available, agent.is_simple))
        if not names:
            return None
        return self.shares.due if is_all else self.shares.due_of(names)

    def _consumed(self, role: RoleBook) -> dict[str, int]:
        consumed = dict(role.reserved)
        for name, milli in role.sum.held.items():
            consumed[name] = consumed.get(name, 0) + milli - role.outside.get(name, 0)
        return consumed

    def _consume(self, top: RoleBook, quantities: Pairs, sign: int) -> None:
        quota = top.quota
        if quota is not None:
            was = (quota.due, quota.full)
            if self.quota.consume(top, quantities, sign):
                self.shares.regroup(top, *was)

    # ---- helpers ----

    def _reserve(self, resources: Resources, sign: int) -> None:
        """Count what of an agent's total is reserved, and not revocable: that is outside quota, whoever it is for."""
        reserved_by_role = resources.reserved_by_role() if resources.others else None
        if not reserved_by_role:
            return
        roles = self.shares.roles
        for path, reserved in resources.not_revocable().reserved_by_role().items():
            quantities = reserved.scalars().items()
            if not quantities:
                continue  # ranges and sets are not counted
            role = (roles.reserve if sign > 0 else roles.unreserve)(path, quantities)
            self._consume(role.top, quantities, sign)
            if sign < 0:
                roles.forget_unneeded(role)

    def _count_free(self, resources: Resources, is_simple: bool, sign: int) -> None:
        if self.quota.roles:
            self.quota.count_free(free_of(resources, is_simple), sign)

    def _count_held(
        self, agent: AgentBook, client: ClientBook, resources: Resources, sign: int, grants: int = 0
    ) -> None:
        """Count what a client holds in all books but the agent's, in which it stands not yet, or no longer."""
        top = client.role.top
        if agent.is_simple and is_plain_count(resources):
            free: Pairs = resources.quantities
            levels: list[Pairs] = [free] * (1 + len(client.role.standings))
        else:
            free = free_of(resources, False)
            levels = self._levels(agent, client, resources)
            _count(top.outside, levels[-1], sign)
            _count(top.outside, free, -sign)
        self.shares.count_levels(client, levels, sign, grants)
        self._consume(top, free, sign)

    def _levels(self, agent: AgentBook, client: ClientBook, resources: Resources) -> list[Pairs]:
        """What counts for the client, and for each standing of its role: a shared volume once for all that share it."""
        whole = resources.scalars()
        shared = {(one.kind, one.scalar) for one in resources.others if one.kind.shared}
        if not shared:
            return [whole.items()] * (1 + len(client.role.standings))
        sharing = {other: held for other, held in agent.held.items() if held.shared()}
        groups: list[list[Resources]] = [[held for other, held in sharing.items() if other is client]]
        if client.role.own is not client.role.sum:
            groups.append([held for other, held in sharing.items() if other.role is client.role])
        above = {other: other.role.lineage() for other in sharing}
        groups += [[held for other, held in sharing.items() if role in above[other]] for role in client.role.lineage()]
        levels: list[Pairs] = []
        for others in groups:
            counted = {(one.kind, one.scalar) for held in others for one in held.others if one.kind.shared} & shared
            amounts = dict(whole)
            for kind, milli in counted:
                amounts[kind.name] -= milli
            levels.append([(name, milli) for name, milli in amounts.items() if milli])
        return levels


def scalars_of(alternatives: Sequence[Resources]) -> tuple[Quantities, ...]:
    """Return what is worth an offer as amounts, of which it does not matter whether they are reserved."""
    return tuple([tuple(least.scalars().items()) for least in alternatives])


def is_plain_count(resources: Resources) -> bool:
    """Return whether all scalars are plain ones."""
    return not resources.others or all(not portion.scalar for portion in resources.others)


def _count(amounts: dict[str, int], quantities: Pairs, sign: int) -> None:
    for name, milli in quantities:
        rest = amounts.get(name, 0) + sign * milli
        if rest:
            amounts[name] = rest
        else:
            amounts.pop(name, None)
