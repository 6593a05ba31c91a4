"""Shares: the order in which clients are served, by role and then by framework, and the amounts it goes by."""

# Who calls: books.py books on it, cycle.py asks who is next.
# Invariants: 1. a framework is tracked under a role while it subscribes to it or holds resources under it.
#   2. a role is active in a lineup exactly while a client of it is working and the lineup admits the role; so a role
#      that can take nothing is not even looked at. An idle client stands in the queues of the same lineups.
#   3. what a role holds is the sum of what its clients and the roles below it hold.
# A lineup is an order of the clients that can be served on some ground: ``everybody``; ``due``, those whose guarantee
#   is not met; ``room``, those whose limits leave something worth an offer. The latter two exist while any role has a
#   quota. So an agent never costs a walk past thousands of roles that have all they may have.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (trackFrameworkUnderRole, trackAllocatedResources).

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import count
from typing import TYPE_CHECKING

from mesoslite.model import RandomStream, dominant_share

from .clients import ClientBook, Key, Serving
from .idle import IdleQueue
from .roles import RoleBook, RoleTree, subtract
from .sorter import ClusterTotal, Pairs, Sorter, SorterFactory

if TYPE_CHECKING:
    from mesoslite.model import FrameworkID


class Lineup:
    """Who can be served: the roles of those that work, in their sorter's order, and the idle after them."""

    __slots__ = ("idle", "roles", "working")

    def __init__(self, roles: Sorter) -> None:
        self.roles = roles
        self.working = 0  # roles that are active
        self.idle = IdleQueue()

    @property
    def is_empty(self) -> bool:
        """Whether there is nobody to serve."""
        return not self.working and not self.idle

    def enter(self, role: RoleBook) -> None:
        """Serve a role's clients."""
        if role.working:
            self.roles.activate(role.path)
            self.working += 1
        for client in role.idle:
            self.idle.add(client)

    def leave(self, role: RoleBook) -> None:
        """Serve a role's clients no longer."""
        if role.working:
            self.roles.deactivate(role.path)
            self.working -= 1
        for client in role.idle:
            self.idle.remove(client)


class Shares:
    """All clients, what they hold, and who is next."""

    def __init__(self, role_sorter: SorterFactory, framework_sorter: SorterFactory, excluded: Collection[str]) -> None:
        self.total = ClusterTotal(excluded)
        self.roles = RoleTree()
        self.clients: dict[Key, ClientBook] = {}
        self._by_framework: dict[FrameworkID, dict[ClientBook, None]] = {}
        self.wanting = 0  # clients that want offers, working or idle
        self._role_sorter = role_sorter
        self._framework_sorter = framework_sorter
        self._times = count()  # numbers grants and newcomers, so that idle clients stand in one order
        self.everybody = Lineup(role_sorter(self.total, self.roles.standing))
        self.due: Lineup | None = None
        self.room: Lineup | None = None
        self._lineups: tuple[Lineup, ...] = (self.everybody,)

    # ---- who there is ----

    def client(self, framework_id: FrameworkID, path: str) -> ClientBook:
        """Return the book of a framework in a role, opened now if need be."""
        client = self.clients.get((framework_id, path))
        if client is not None:
            return client
        role = self.roles.get(path)
        client = ClientBook(framework_id, role, next(self._times))
        role.clients[framework_id] = self.clients[framework_id, path] = client
        self._by_framework.setdefault(framework_id, {})[client] = None
        if role.frameworks is None:
            clients = role.clients
            role.frameworks = self._framework_sorter(self.total, lambda name: clients[name].standing)  # type: ignore[index]
            for lineup in self._lineups:
                lineup.roles.add(path)
        role.frameworks.add(framework_id)
        self.roles.track(role, 1)
        return client

    def forget_unneeded(self, client: ClientBook) -> None:
        """Close the book of a client that neither subscribes nor holds anything."""
        if client.subscribed or client.agents or self.clients.get(client.key) is not client:
            return
        self.serve(client, Serving.NOT)
        role = client.role
        assert role.frameworks is not None, "a role with clients has a sorter for them"
        role.frameworks.remove(client.framework_id)
        del role.clients[client.framework_id], self.clients[client.key]
        siblings = self._by_framework[client.framework_id]
        del siblings[client]
        if not siblings:
            del self._by_framework[client.framework_id]
        if not role.clients:
            role.frameworks = None
            for lineup in self._lineups:
                lineup.roles.remove(role.path)
        self.roles.track(role, -1)
        self.roles.forget_unneeded(role)

    # ---- who is served ----

    def serve(self, client: ClientBook, serving: Serving) -> None:
        """Serve a client in the sorter's order, or as an idle one, or not."""
        before, client.serving = client.serving, serving
        if before is serving:
            return
        self.wanting += bool(serving) - bool(before)
        role = client.role
        assert role.frameworks is not None, "a role with clients has a sorter for them"
        if before is Serving.WORKING:
            role.frameworks.deactivate(client.framework_id)
            role.working -= 1
            if not role.working:
                for lineup in self._of(role):
                    lineup.roles.deactivate(role.path)
                    lineup.working -= 1
        elif before is Serving.IDLE:
            del role.idle[client]
            for lineup in self._of(role):
                lineup.idle.remove(client)
        if serving is Serving.WORKING:
            role.frameworks.activate(client.framework_id)
            role.working += 1
            if role.working == 1:
                for lineup in self._of(role):
                    lineup.roles.activate(role.path)
                    lineup.working += 1
        elif serving is Serving.IDLE:
            role.idle[client] = None
            for lineup in self._of(role):
                lineup.idle.add(client)

    def _of(self, role: RoleBook) -> list[Lineup]:
        """The lineups that admit a role now."""
        quota = role.top.quota
        lineups = [self.everybody]
        if self.due is not None and quota is not None and quota.due:
            lineups.append(self.due)
        if self.room is not None and (quota is None or not quota.full):
            lineups.append(self.room)
        return lineups

    def regroup(self, top: RoleBook, was_due: bool, was_full: bool) -> None:
        """Follow the quota of a top-level role: let it and all below it into lineups, or out of them."""
        if self.due is None or self.room is None:
            return
        is_due, is_full = (top.quota.due, top.quota.full) if top.quota is not None else (False, False)
        for role in top.subtree():
            if role.clients and is_due != was_due:
                (self.due.enter if is_due else self.due.leave)(role)
            if role.clients and is_full != was_full:
                (self.room.leave if is_full else self.room.enter)(role)

    def use_quota(self, in_use: bool) -> None:
        """Begin or cease to keep the lineups that only quotas need; every role is admitted to room, none is due."""
        if in_use == (self.due is not None):
            return
        if not in_use:
            self.due = self.room = None
            self._lineups = (self.everybody,)
            return
        self.due = Lineup(self._role_sorter(self.total, self.roles.standing))
        self.room = Lineup(self._role_sorter(self.total, self.roles.standing))
        self._lineups = (self.everybody, self.due, self.room)
        for role in self.roles.books.values():
            if role.clients:
                self.due.roles.add(role.path)
                self.room.roles.add(role.path)
                self.room.enter(role)

    # ---- amounts ----

    def allocate(self, client: ClientBook, quantities: Pairs) -> None:
        """Count resources as the client's and as its role's. The inner loop's: about two microseconds."""
        role = client.role
        _add(client.standing.held, quantities)
        client.standing.count += 1
        for standing in role.standings:
            _add(standing.held, quantities)
            standing.count += 1
        self._moved(client)

    def release(self, client: ClientBook, quantities: Pairs) -> None:
        """Count resources as theirs no longer."""
        subtract(client.standing.held, quantities)
        for standing in client.role.standings:
            subtract(standing.held, quantities)
        self._moved(client)

    def count_levels(self, client: ClientBook, levels: list[Pairs], sign: int, grants: int = 0) -> None:
        """Count amounts that differ by level: the client's first, then one for each standing of its role."""
        for standing, quantities in zip((client.standing, *client.role.standings), levels, strict=True):
            (_add if sign > 0 else subtract)(standing.held, quantities)
            standing.count += grants
        self._moved(client)

    def _moved(self, client: ClientBook) -> None:
        role = client.role
        assert role.frameworks is not None, "a role with clients has a sorter for them"
        role.frameworks.moved(client.framework_id)
        for lineup in self._lineups:
            lineup.roles.moved(role.path)

    def offered(self, client: ClientBook) -> None:
        """Note that a client was offered something just now."""
        if client.serving is Serving.IDLE:
            lineups = self._of(client.role)
            for lineup in lineups:
                lineup.idle.remove(client)
            client.offered_at = next(self._times)
            for lineup in lineups:
                lineup.idle.add(client)
        else:
            client.offered_at = next(self._times)

    def reweigh(self, path: str, weight: float) -> None:
        """Set the weight of a role, now or for when it appears."""
        role = self.roles.set_weight(path, weight)
        below = next((each for each in role.subtree() if each.clients), None)
        if below is not None:
            for lineup in self._lineups:
                lineup.roles.moved(below.path)
        self.roles.forget_unneeded(role)

    # ---- readers ----

    def order(self, lineup: Lineup, idle_first: bool, rng: RandomStream) -> Iterator[ClientBook]:
        """Yield who is to be served, first at the front; stop before the next change."""
        if idle_first:
            yield from lineup.idle
        books = self.roles.books
        for path in lineup.roles.ranked(rng):
            role = books[path]
            clients = role.clients
            for name in role.frameworks.ranked(rng):  # type: ignore[union-attr]
                yield clients[name]  # type: ignore[index]
        if not idle_first:
            yield from lineup.idle

    def of_framework(self, framework_id: FrameworkID) -> list[ClientBook]:
        """Return a framework in all roles it is known in, also those that it has left and still holds something of."""
        return list(self._by_framework.get(framework_id, ()))

    def dominant_share(self, framework_id: FrameworkID) -> float:
        """Return the framework's largest share, over all roles and not weighted. Cost: O(its roles)."""
        held: dict[str, int] = {}
        for client in self.of_framework(framework_id):
            _add(held, client.standing.held.items())
        return dominant_share(held, self.total.fair)

    def check(self) -> bool:
        """Return True if the invariants hold; only for ``assert``. Cost: O(clients)."""
        for role in self.roles.books.values():
            serving = [client for client in role.clients.values() if client.serving is Serving.WORKING]
            if len(serving) != role.working or not role.is_needed():
                return False
            held: dict[str, int] = {}
            for book in role.subtree():
                for client in book.clients.values():
                    _add(held, client.standing.held.items())
            shared = {name for name in held if held[name] != role.sum.held.get(name, 0)}
            if any(held[name] < role.sum.held.get(name, 0) for name in shared):
                return False
        return self.wanting == sum([bool(client.serving) for client in self.clients.values()])


def _add(amounts: dict[str, int], quantities: Pairs) -> None:
    for name, milli in quantities:
        amounts[name] = amounts.get(name, 0) + milli
