"""DRFAllocator: decides which framework is offered which agent; a pure state machine of deltas and plans."""

# Who calls: the actor around it in master/, from one thread; tests and the simulator.
# Invariants: 1. per agent, allocated plus available is the total; nothing is granted twice (books.py).
#   2. what a plan grants is booked at once: an offer counts as allocated until it is recovered.
#   3. ``_changed`` holds every agent on which a grant may have become possible since it was last visited.
#   Hence
#      visiting only these grants what visiting all would, and a cluster at rest costs nothing.
# Coarse-grained, as Mesos is: the framework that is served gets all that is left of the agent; it gives back
#   what it does not want. So sharing is fair over rounds, not within one.
# Rejected: rebuilding the order per run or per agent (Mesos's bottleneck until 1.7.1); a set for
#   ``_changed``, whose order depends on the hash seed, so that one rng seed would not mean one plan.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp; Ghodsi et al., Dominant Resource Fairness, NSDI
#   2011.

import math
from collections.abc import Iterable, Sequence

from mesoslite.model import (
    NOTHING,
    AgentActivated,
    AgentAdded,
    AgentDeactivated,
    AgentID,
    AgentRemoved,
    Delta,
    FilterExpired,
    FrameworkActivated,
    FrameworkAdded,
    FrameworkDeactivated,
    FrameworkID,
    FrameworkRemoved,
    Grant,
    InternalError,
    InvalidRequest,
    NotFound,
    Plan,
    Resources,
    ResourcesRecovered,
    Revived,
    Shuffler,
    Suppressed,
    WeightChanged,
    constants,
)

from .books import AgentBook, FrameworkBook
from .filters import Client, OfferFilters
from .shares import Shares, SorterFactory
from .sorter import DRFSorter


class DRFAllocator:
    """Shares agents among frameworks by dominant resource fairness, first among roles, then within each role.

    ``min_allocatable`` are alternatives: what contains none of them is not worth an offer.
    ``sorter`` makes the sorter of roles and one per role; another policy is another sorter.
    """

    def __init__(
        self,
        *,
        min_allocatable: Sequence[Resources] = constants.MIN_ALLOCATABLE,
        sorter: SorterFactory = DRFSorter,
    ) -> None:
        self._min_allocatable = tuple(min_allocatable)
        self._agents: dict[AgentID, AgentBook] = {}
        self._frameworks: dict[FrameworkID, FrameworkBook] = {}
        self._filters = OfferFilters()
        self._shares = Shares(sorter)
        self._changed: dict[AgentID, None] = {}  # an ordered set; invariant 3
        self._all_changed = False  # stands for all agents in _changed, so that a storm of revivals costs little

    # ---- readers ----

    def dominant_share(self, framework_id: FrameworkID) -> float:
        """Return the largest share of the cluster that a framework holds of any one resource.

        Roles count together, weights do not count; offers do. Cost: O(roles).
        """
        return self._shares.dominant_share(framework_id)

    def available(self, agent_id: AgentID) -> Resources:
        """Return what is neither used nor offered. Raises: NotFound, if the agent is not known."""
        return self._agent_for_reader(agent_id).available

    def allocated(self, agent_id: AgentID) -> Resources:
        """Return what of an agent is used or offered. Raises: NotFound, if the agent is not known."""
        return sum(self._agent_for_reader(agent_id).held.values(), NOTHING)

    def _agent_for_reader(self, agent_id: AgentID) -> AgentBook:
        book = self._agents.get(agent_id)
        if book is None:
            raise NotFound(f"allocator: agent {agent_id} is not known or is removed; list the agents anew")
        return book

    # ---- the decision; its loop runs once per agent that changed ----

    def plan(self, rng: Shuffler, agents: Iterable[AgentID] | None = None) -> Plan:
        """Grant what is available to those who have least, and book it.

        Visits, in random order, the agents that changed since they were last visited, or just ``agents``; ids
        that are not known are skipped. Each agent's remainder goes as a whole to one framework: of those that
        are active, not suppressed and not kept away by a filter, the first by role and then by framework.
        Ties: fewest allocations ever made, then name. Cost: O(agents visited x frameworks walked past by
        filters).
        """
        if self._all_changed:
            self._changed = dict.fromkeys(self._agents)
            self._all_changed = False
        visited = self._take_changed() if agents is None else list(dict.fromkeys(agents))
        for agent_id in visited:
            self._changed.pop(agent_id, None)
        candidates = [agent_id for agent_id in visited if self._offerable(agent_id)]
        rng.shuffle(candidates)
        grants: list[Grant] = []
        for agent_id in candidates:
            book = self._agents[agent_id]
            client = self._next_client(book)
            if client is not None:
                grants.append(self._grant(book, client))
        return Plan(tuple(grants))

    def _take_changed(self) -> list[AgentID]:
        changed, self._changed = self._changed, {}  # a new one: to walk an emptied dict costs what it once held
        return list(changed)

    def _offerable(self, agent_id: AgentID) -> bool:
        book = self._agents.get(agent_id)
        if book is None or not book.active:
            return False
        return any(book.available.contains(least) for least in self._min_allocatable)

    def _next_client(self, book: AgentBook) -> Client | None:
        for client in self._shares.ranked():
            if not self._filters.blocks(book.agent_id, client, book.available):
                return client
        return None

    def _grant(self, book: AgentBook, client: Client) -> Grant:
        framework_id, role = client
        granted = book.available
        book.hold(client, granted)
        self._shares.allocate(client, granted)
        assert book.check()
        return Grant(framework_id=framework_id, role=role, agent_id=book.agent_id, resources=granted)

    # ---- deltas ----

    def apply(self, delta: Delta) -> tuple[int, ...]:
        """Take note of what happened; the numbers of the filters that it has dropped, whose timers are now idle.

        Recovering from an agent, or for a framework, that is gone is fine and does nothing.
        Raises: InternalError, if the delta cannot follow those before it: something is added twice, is not
        known, or more is given back than is held. InvalidRequest, for a weight that is not above zero.
        """
        match delta:
            case ResourcesRecovered():
                self._recover(delta)
            case FilterExpired():
                self._change(self._filters.expire(delta.filter_id))
            case AgentAdded():
                self._add_agent(delta)
            case AgentRemoved():
                return self._remove_agent(delta.agent_id)
            case AgentActivated():
                self._agent(delta.agent_id).active = True
                self._change(delta.agent_id)
            case AgentDeactivated():
                self._agent(delta.agent_id).active = False
            case FrameworkAdded():
                self._add_framework(delta)
            case FrameworkRemoved():
                return self._remove_framework(delta.framework_id)
            case FrameworkActivated():
                self._activate_framework(delta.framework_id)
            case FrameworkDeactivated():
                return self._deactivate_framework(delta.framework_id)
            case Suppressed():
                self._suppress(delta)
            case Revived():
                return self._revive(delta)
            case WeightChanged():
                self._reweigh(delta)
            case _:
                raise InternalError(f"allocator: {type(delta).__name__} is not understood by this policy")
        return ()

    def _recover(self, delta: ResourcesRecovered) -> None:
        book = self._agents.get(delta.agent_id)
        framework = self._frameworks.get(delta.framework_id)
        client = (delta.framework_id, delta.role)
        if book is None or delta.resources.is_empty:
            return
        if framework is None and client not in book.held:
            return
        book.release(client, delta.resources)
        self._shares.release(client, delta.resources, self._is_subscribed(client))
        self._change(delta.agent_id)
        if delta.filter_id is not None and framework is not None:
            self._filters.add(delta.filter_id, delta.agent_id, client, delta.resources)
        assert book.check()

    def _add_agent(self, delta: AgentAdded) -> None:
        if delta.agent_id in self._agents:
            raise InternalError(f"allocator: agent {delta.agent_id} is added twice; remove it first")
        book = AgentBook(delta.agent_id, delta.hostname, delta.total, delta.total)
        for usage in delta.used:
            book.hold((usage.framework_id, usage.role), usage.resources)
        self._agents[delta.agent_id] = book
        self._shares.total.add(delta.total)
        for client, resources in book.held.items():
            self._shares.allocate(client, resources)
        self._change(delta.agent_id)
        assert book.check()

    def _remove_agent(self, agent_id: AgentID) -> tuple[int, ...]:
        book = self._agent(agent_id)
        for client, resources in book.held.items():
            self._shares.release(client, resources, self._is_subscribed(client))
        self._shares.total.remove(book.total)
        dropped = self._filters.clear(lambda filtered_agent, _: filtered_agent == agent_id)
        del self._agents[agent_id]
        self._changed.pop(agent_id, None)
        return dropped

    def _add_framework(self, delta: FrameworkAdded) -> None:
        if delta.framework_id in self._frameworks:
            raise InternalError(f"allocator: framework {delta.framework_id} is added twice; remove it first")
        book = FrameworkBook(delta.framework_id, delta.roles, delta.active, set(delta.suppressed_roles))
        self._frameworks[delta.framework_id] = book
        for role in delta.roles:
            self._shares.track((delta.framework_id, role))
        self._refresh(book)
        self._all_changed = True

    def _remove_framework(self, framework_id: FrameworkID) -> tuple[int, ...]:
        framework = self._framework(framework_id)
        dropped = self._filters.clear(lambda _, client: client[0] == framework_id)
        del self._frameworks[framework_id]
        for role in framework.roles:
            self._shares.untrack((framework_id, role))
        for book in self._agents.values():
            for client in [client for client in book.held if client[0] == framework_id]:
                resources = book.held[client]
                book.release(client, resources)
                self._shares.release(client, resources, subscribed=False)
                self._change(book.agent_id)
            assert book.check()
        return dropped

    def _activate_framework(self, framework_id: FrameworkID) -> None:
        framework = self._framework(framework_id)
        framework.active = True
        self._refresh(framework)
        self._all_changed = True

    def _deactivate_framework(self, framework_id: FrameworkID) -> tuple[int, ...]:
        framework = self._framework(framework_id)
        framework.active = False
        dropped = self._filters.clear(lambda _, client: client[0] == framework_id)
        self._refresh(framework)
        return dropped

    def _suppress(self, delta: Suppressed) -> None:
        framework = self._framework(delta.framework_id)
        framework.suppressed.update(delta.roles or framework.roles)
        self._refresh(framework)

    def _revive(self, delta: Revived) -> tuple[int, ...]:
        framework = self._framework(delta.framework_id)
        roles = delta.roles or framework.roles
        framework.suppressed.difference_update(roles)
        dropped = self._filters.clear(lambda _, client: client[0] == delta.framework_id and client[1] in roles)
        self._refresh(framework)
        self._all_changed = True
        return dropped

    def _reweigh(self, delta: WeightChanged) -> None:
        if not (math.isfinite(delta.weight) and delta.weight > 0):
            raise InvalidRequest(
                f"allocator: role {delta.role!r} cannot have the weight {delta.weight}; give a finite number above zero"
            )
        self._shares.reweigh(delta.role, delta.weight)

    # ---- common to several deltas ----

    def _refresh(self, framework: FrameworkBook) -> None:
        """Let the framework be served as it now wants."""
        for role in framework.roles:
            self._shares.set_active((framework.framework_id, role), framework.wants(role))

    def _change(self, agent_id: AgentID | None) -> None:
        if agent_id is not None:
            self._changed[agent_id] = None

    def _is_subscribed(self, client: Client) -> bool:
        framework = self._frameworks.get(client[0])
        return framework is not None and client[1] in framework.roles

    def _agent(self, agent_id: AgentID) -> AgentBook:
        book = self._agents.get(agent_id)
        if book is None:
            raise InternalError(f"allocator: agent {agent_id} is not known; add it first")
        return book

    def _framework(self, framework_id: FrameworkID) -> FrameworkBook:
        book = self._frameworks.get(framework_id)
        if book is None:
            raise InternalError(f"allocator: framework {framework_id} is not known; add it first")
        return book

    def _check(self) -> None:
        """Assert every invariant, also across agents. Cost: O(everything); for tests."""
        assert all(book.check() for book in self._agents.values()), "an agent's books do not balance"
        held: dict[Client, dict[str, int]] = {}
        for book in self._agents.values():
            for client, resources in book.held.items():
                sums = held.setdefault(client, {})
                for name, milli in resources.quantities:
                    sums[name] = sums.get(name, 0) + milli
        shares = self._shares.held()
        assert {client: sums for client, sums in shares.items() if sums} == held, "shares and agents differ"
        for client, tracked in shares.items():
            assert tracked or self._is_subscribed(client), f"{client} is tracked without need"
        total = sum([book.total for book in self._agents.values()], NOTHING)
        assert self._shares.total.milli == dict(total.quantities), "the cluster's total is not its agents'"
        assert self._shares.check(), "a role does not stand for its frameworks"
        assert self._changed.keys() <= self._agents.keys(), "an agent that is gone would be visited"
