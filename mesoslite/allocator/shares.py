"""Shares: the order in which clients are served, by role and then by framework, and the amounts it goes by."""

# Who calls: books.py books on it, cycle.py asks who is next.
# Invariants: 1. a framework is tracked under a role while it subscribes to it or holds resources under it.
#   2. what a role holds is the sum of what its clients and the roles below it hold.
# Lineups (lineups.py) are ``everybody``; ``due``, those whose guarantee is not met; ``room``, those whose limits leave
#   something worth an offer; and, if an agent lacks what some of those who are due wait for, those whom it can help.
#   All but the first exist while any role has a quota.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (trackFrameworkUnderRole, trackAllocatedResources).

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING

from mesoslite.model import Quantities, RandomStream, dominant_share
from mesoslite.model.sums import total_of

from .clients import ClientBook, Key, Serving
from .lineups import Lineup, Selection
from .passing import Passing, RefusalBooks
from .roles import RoleBook, RoleTree, add, has_room, is_due, lacks, subtract, times_over
from .sorter import ClusterTotal, Pairs, SorterFactory

if TYPE_CHECKING:
    from mesoslite.model import FrameworkID, Resources


SETS_MAX = 4  # of resources, for each of which there is an order of those who lack any of it


class Phase(Enum):
    """Whose turn it is: of those that pass, for once; of those that do not; of those that pass, at last."""

    PROBE = 0
    IN_TURN = 1
    LAST = 2


class Shares:
    """All clients, what they hold, and who is next."""

    def __init__(
        self, role_sorter: SorterFactory, framework_sorter: SorterFactory, excluded: Collection[str], passing: Passing
    ) -> None:
        self.total = ClusterTotal(excluded)
        self.roles = RoleTree()
        self.clients: dict[Key, ClientBook] = {}
        self._by_framework: dict[FrameworkID, dict[ClientBook, None]] = {}
        self.wanting = 0  # clients that want offers
        self._role_sorter = role_sorter
        self._framework_sorter = framework_sorter
        self._passing = passing
        self._refusals = RefusalBooks(passing.patience)
        self._grants = 0  # ever made
        self._newcomers = count()
        self.everybody = Lineup(role_sorter(self.total, self.roles.standing))
        self.due: Selection | None = None
        self.room: Selection | None = None
        self._due_of: dict[frozenset[str], Selection] = {}  # those who lack any of these resources
        self._lineups: tuple[Lineup, ...] = (self.everybody,)

    # ---- who there is ----

    def client(self, framework_id: FrameworkID, path: str) -> ClientBook:
        """Return the book of a framework in a role, opened now if need be."""
        client = self.clients.get((framework_id, path))
        if client is not None:
            return client
        role = self.roles.get(path)
        client = ClientBook(framework_id, role, (self._grants, next(self._newcomers)))
        role.clients[framework_id] = self.clients[framework_id, path] = client
        self._by_framework.setdefault(framework_id, {})[client] = None
        if len(role.clients) == 1:
            for lineup in self._lineups:
                lineup.add(role)
        elif role.frameworks is not None:
            role.frameworks.add(framework_id)
        else:
            self._sort_frameworks(role)
        self.roles.track(role, 1)
        return client

    def _sort_frameworks(self, role: RoleBook) -> None:
        """Give a role that has a second client an order of them. A role with one, as most have, does without."""
        clients = role.clients
        role.frameworks = self._framework_sorter(self.total, lambda name: clients[name].standing)  # type: ignore[index]
        for framework_id, client in clients.items():
            role.frameworks.add(framework_id)
            if client.serving is Serving.IN_TURN:
                role.frameworks.activate(framework_id)

    def forget_unneeded(self, client: ClientBook) -> None:
        """Close the book of a client that neither subscribes nor holds anything."""
        if client.subscribed or client.agents or self.clients.get(client.key) is not client:
            return
        self.serve(client, Serving.NOT)
        self._refusals.forget(client)
        role = client.role
        if role.frameworks is not None:
            role.frameworks.remove(client.framework_id)
        del role.clients[client.framework_id], self.clients[client.key]
        siblings = self._by_framework[client.framework_id]
        del siblings[client]
        if not siblings:
            del self._by_framework[client.framework_id]
        if not role.clients:
            role.frameworks = None
            for lineup in self._lineups:
                lineup.remove(role)
        self.roles.track(role, -1)
        self.roles.forget_unneeded(role)

    # ---- who is served ----

    def serve(self, client: ClientBook, serving: Serving) -> None:
        """Serve a client in the sorter's order, or behind it, or not."""
        before = client.serving
        if before is serving:
            return
        if before is Serving.IN_TURN:
            self._leave_order(client)
        elif before is Serving.BEHIND:
            self._refusals.go(client)
        elif client.has_refused:
            self._enter_queues(client)
        client.serving = serving
        if serving is Serving.IN_TURN:
            self._enter_order(client)
        elif serving is Serving.BEHIND:
            self._refusals.wait(client)
        elif client.has_refused:
            self._leave_queues(client)
        more = bool(serving) - bool(before)
        self.wanting += more
        client.role.top.wanting += more

    def refuse(self, client: ClientBook, amounts: Quantities) -> None:
        """Note that a client has handed back an offer of so much; it may stand behind from now on."""
        if not self._passing.probe_every:
            return
        if client.serving is Serving.BEHIND:
            self._refusals.go(client)
            self._refusals.add(client, amounts)
            self._refusals.wait(client)
            return
        had = client.has_refused
        refusals = self._refusals.add(client, amounts)
        if client.serving and not had and client.has_refused:
            self._enter_queues(client)
        if client.serving and refusals.cover(amounts):
            self.serve(client, Serving.BEHIND)

    def forgive(self, client: ClientBook) -> None:
        """Forget what a client has handed back."""
        if client.refusals is None:
            return
        if client.serving and client.has_refused:
            self._leave_queues(client)
        if client.serving is Serving.BEHIND:
            self._refusals.go(client)
            client.serving = Serving.IN_TURN
            self._enter_order(client)
        self._refusals.forget(client)

    @property
    def anybody_refused(self) -> bool:
        """Whether any client has handed back something that is not forgotten."""
        return not self._refusals.is_empty

    def recall(self, amounts: Quantities) -> None:
        """Put those back in turn that do not pass on so much."""
        for client in self._refusals.recalled(amounts):
            self.serve(client, Serving.IN_TURN)

    def postpone(self, clients: list[ClientBook]) -> None:
        """Put those behind that pass on what is there, and empty the list."""
        for client in clients:
            if client.serving is Serving.IN_TURN and client.refusals is not None:
                self.serve(client, Serving.BEHIND)
        clients.clear()

    def _enter_order(self, client: ClientBook) -> None:
        role = client.role
        if role.frameworks is not None:
            role.frameworks.activate(client.framework_id)
        role.in_turn += 1
        if role.in_turn == 1:
            for lineup in role.lineups:
                lineup.roles.activate(role.path)
                lineup.in_turn += 1

    def _leave_order(self, client: ClientBook) -> None:
        role = client.role
        if role.frameworks is not None:
            role.frameworks.deactivate(client.framework_id)
        role.in_turn -= 1
        if not role.in_turn:
            for lineup in role.lineups:
                lineup.roles.deactivate(role.path)
                lineup.in_turn -= 1

    def _enter_queues(self, client: ClientBook) -> None:
        client.role.refusing[client] = None
        for lineup in client.role.lineups:
            lineup.refusing.add(client)

    def _leave_queues(self, client: ClientBook) -> None:
        del client.role.refusing[client]
        for lineup in client.role.lineups:
            lineup.refusing.remove(client)

    def regroup(self, top: RoleBook, was_due: bool, was_full: bool) -> None:
        """Follow the quota of a top-level role: let it and all below it into lineups, or out of them."""
        if self.due is None or self.room is None:
            return
        if is_due(top) != was_due:
            self.due.follow(top)
        if has_room(top) == was_full:
            self.room.follow(top)
        for selection in self._due_of.values():
            selection.follow(top)

    def due_of(self, names: frozenset[str]) -> Selection | None:
        """Return those who lack any of these resources, or more; None if nobody can. Cost: O(roles), the first time."""
        selection = self._due_of.get(names)
        if selection is None and self.due is not None and len(self._due_of) < SETS_MAX:
            selection = self._due_of[names] = self._select(lambda top: is_due(top) and lacks(top, names))
        return selection or self.due

    def _select(self, admits: Callable[[RoleBook], bool]) -> Selection:
        selection = Selection(self._role_sorter(self.total, self.roles.standing), admits)
        for role in self.roles.books.values():
            if role.clients:
                selection.add(role)
        self._lineups += (selection,)
        return selection

    def use_quota(self, in_use: bool) -> None:
        """Begin or cease to keep the lineups that only quotas need. Cost: O(roles)."""
        if in_use == (self.due is not None):
            return
        if in_use:
            self.due, self.room = self._select(is_due), self._select(has_room)
            return
        self.due = self.room = None
        self._due_of = {}
        self._lineups = (self.everybody,)
        for role in self.roles.books.values():
            if role.clients:
                role.lineups = [self.everybody]

    # ---- amounts ----

    def allocate(self, client: ClientBook, quantities: Pairs) -> None:
        """Count resources as the client's and as its role's. The inner loop's: about two microseconds."""
        role = client.role
        add(client.standing.held, quantities)
        client.standing.count += 1
        for standing in role.standings:
            add(standing.held, quantities)
            standing.count += 1
        self._moved(client)

    def allocate_each(self, held: Mapping[ClientBook, Resources], times: int) -> None:
        """As ``allocate`` of plain scalars to each, so often; roles, which mostly are one, count theirs together."""
        by_role: dict[RoleBook, list[Resources]] = {}
        for client, resources in held.items():
            add(client.standing.held, times_over(resources.quantities, times))
            client.standing.count += times
            role = client.role
            if role.frameworks is not None:
                role.frameworks.moved(client.framework_id)
            by_role.setdefault(role, []).append(resources)
        for role, parts in by_role.items():
            quantities = times_over(total_of(parts).quantities, times)
            for standing in role.standings:
                add(standing.held, quantities)
                standing.count += len(parts) * times
            for lineup in self._lineups:
                lineup.roles.moved(role.path)

    def release(self, client: ClientBook, quantities: Pairs) -> None:
        """Count resources as theirs no longer."""
        subtract(client.standing.held, quantities)
        for standing in client.role.standings:
            subtract(standing.held, quantities)
        self._moved(client)

    def count_levels(self, client: ClientBook, levels: list[Pairs], sign: int, grants: int = 0) -> None:
        """Count amounts that differ by level: the client's first, then one for each standing of its role."""
        for standing, quantities in zip((client.standing, *client.role.standings), levels, strict=True):
            (add if sign > 0 else subtract)(standing.held, quantities)
            standing.count += grants
        self._moved(client)

    def _moved(self, client: ClientBook) -> None:
        role = client.role
        if role.frameworks is not None:
            role.frameworks.moved(client.framework_id)
        for lineup in self._lineups:
            lineup.roles.moved(role.path)

    def offered(self, client: ClientBook) -> None:
        """Note that a client was offered something just now."""
        self._grants += 1
        now = (self._grants, client.offered_at[1])
        if not client.has_refused:
            client.offered_at = now
            return
        lineups = client.role.lineups
        for lineup in lineups:
            lineup.refusing.remove(client)
        client.offered_at = now
        for lineup in lineups:
            lineup.refusing.add(client)

    def reweigh(self, path: str, weight: float) -> None:
        """Set the weight of a role, now or for when it appears."""
        role = self.roles.set_weight(path, weight)
        below = next((each for each in role.subtree() if each.clients), None)
        if below is not None:
            for lineup in self._lineups:
                lineup.roles.moved(below.path)
        self.roles.forget_unneeded(role)

    # ---- readers ----

    def order(
        self, lineup: Lineup, rng: RandomStream, postponed: list[ClientBook]
    ) -> Iterator[tuple[ClientBook, Phase]]:
        """Yield who is to be served, first at the front; stop before the next change.

        Whoever is in turn and passes goes into ``postponed``, and comes again at the end.
        """
        every = self._passing.probe_every
        is_probe = every > 0 and len(lineup.refusing) > 0 and rng.random() * every < 1
        if is_probe:
            for client in lineup.refusing.drawn(rng):
                yield client, Phase.PROBE
        books = self.roles.books
        for path in lineup.roles.ranked(rng):
            role = books[path]
            clients = role.clients
            if role.frameworks is None:
                for client in clients.values():  # the only one, and it is in turn
                    yield client, Phase.IN_TURN
                continue
            for name in role.frameworks.ranked(rng):
                yield clients[name], Phase.IN_TURN  # type: ignore[index]
        if postponed:
            self.postpone(postponed)
        if is_probe:
            return  # all of them were asked first
        for client in lineup.refusing:
            if client.serving is Serving.BEHIND:
                yield client, Phase.LAST

    @property
    def turns(self) -> int:
        """How many of the grants that it could take a client that passes on them waits for, on average."""
        return self._passing.probe_every * len(self.everybody.refusing)

    def of_framework(self, framework_id: FrameworkID) -> list[ClientBook]:
        """Return a framework in all roles it is known in, also those that it has left and still holds something of."""
        return list(self._by_framework.get(framework_id, ()))

    def dominant_share(self, framework_id: FrameworkID) -> float:
        """Return the framework's largest share, over all roles and not weighted. Cost: O(its roles)."""
        held: dict[str, int] = {}
        for client in self.of_framework(framework_id):
            add(held, client.standing.held.items())
        return dominant_share(held, self.total.fair)

    def check(self) -> bool:
        """Return True if the invariants hold; only for ``assert``. Cost: O(clients)."""
        for role in self.roles.books.values():
            in_turn = [client for client in role.clients.values() if client.serving is Serving.IN_TURN]
            if len(in_turn) != role.in_turn or not role.is_needed():
                return False
            selections = [each for each in self._lineups if isinstance(each, Selection) and each.admits(role.top)]
            if role.clients and not {self.everybody, *selections}.issubset(role.lineups):
                return False
            refusing = {client for client in role.clients.values() if client.serving and client.has_refused}
            if role.refusing.keys() != refusing:
                return False
            held: dict[str, int] = {}
            for book in role.subtree():
                for client in book.clients.values():
                    add(held, client.standing.held.items())
            shared = {name for name in held if held[name] != role.sum.held.get(name, 0)}
            if any(held[name] < role.sum.held.get(name, 0) for name in shared):
                return False
        return self.wanting == sum([bool(client.serving) for client in self.clients.values()])
