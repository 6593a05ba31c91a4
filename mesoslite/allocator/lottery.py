"""LotterySorter: draws who is served next by weight, without looking at shares."""

# Who calls: shares.py, by name "random".
# Each ``ranked`` is a fresh drawing without putting back: first at the front is a client with the probability of its
#   weight among all that are active, the second one likewise among the rest, and so on. A client below other roles
#   has the product, along its path, of each role's weight relative to its active siblings'.
# Invariants: 1. between drawings, the mass of an active child is its weight, of an inactive one zero.
#   2. during a drawing, the mass of a node with children is its weight times the part of its children's masses that
#   is not drawn yet. Hence going down from the root by masses draws as above, at O(log children) a level.
# Rejected: sorting by random keys (-U^(1/w)) as Mesos does, O(n log n) for each agent though mostly the first is
#   served; a flat list of products, which every activation would have to be multiplied through.
# Source: Mesos src/master/allocator/mesos/sorter/random/sorter.cpp; Efraimidis and Spirakis, Weighted random sampling
#   with a reservoir, 2006; Waldspurger and Weihl, Lottery scheduling, OSDI 1994.

from __future__ import annotations

from collections.abc import Iterator

from mesoslite.model import InternalError, RandomStream

from .sorter import ClusterTotal, Standing, StandingOf


class _Masses:
    """Numbers at places, and their sums by halves, so that a place is drawn in O(log places). No drift: sums anew."""

    __slots__ = ("_half", "_sums")

    def __init__(self) -> None:
        self._half = 1
        self._sums = [0.0, 0.0]  # entry i is the sum of entries 2i and 2i + 1; the upper half are the places

    @property
    def total(self) -> float:
        return self._sums[1]

    def get(self, place: int) -> float:
        return self._sums[self._half + place] if place < self._half else 0.0

    def put(self, place: int, mass: float) -> None:
        while place >= self._half:
            self._grow()
        sums = self._sums
        at = self._half + place
        sums[at] = mass
        while at > 1:
            at >>= 1
            sums[at] = sums[2 * at] + sums[2 * at + 1]

    def draw(self, point: float) -> int:
        """Return the place that ``point``, at least 0.0 and below ``total``, falls on."""
        sums, at = self._sums, 1
        while at < self._half:
            at *= 2
            left = sums[at]
            if (point >= left and sums[at + 1] > 0.0) or left == 0.0:  # rounding must not end on an empty place
                point -= left
                at += 1
        return at - self._half

    def _grow(self) -> None:
        places = self._sums[self._half :] + [0.0] * self._half
        self._half *= 2
        self._sums = [0.0] * self._half + places
        for at in range(self._half - 1, 0, -1):
            self._sums[at] = self._sums[2 * at] + self._sums[2 * at + 1]


class _Node:
    """A role or a framework: a client (``active`` is about that), or above clients, or both."""

    __slots__ = (
        "active",
        "children",
        "free",
        "is_client",
        "masses",
        "parent",
        "path",
        "place",
        "places",
        "standing",
        "weights",
    )

    def __init__(self, path: str, parent: _Node | None, place: int, standing: Standing) -> None:
        self.path = path
        self.parent = parent
        self.place = place  # among the parent's children; place 0 is the parent's own, as a client beside them
        self.standing = standing
        self.is_client = False
        self.active = False
        self.children: dict[str, _Node] = {}
        self.places: list[_Node | None] = [self]
        self.free: list[int] = []  # places that children have left
        self.weights = _Masses()  # by place, of those at or below which somebody is active
        self.masses = _Masses()  # the same as long as nothing is drawn


class LotterySorter:
    """A lottery: chances by weight, level by level of the tree of roles.

    Cost: ``activate``, ``deactivate``, ``moved`` and each client yielded O(depth log clients).
    """

    def __init__(self, total: ClusterTotal, standing_of: StandingOf) -> None:
        self._standing_of = standing_of
        self._root = _Node("", None, 0, Standing())
        self._clients: dict[str, _Node] = {}

    def add(self, client: str) -> None:
        if client in self._clients:
            raise InternalError(f"allocator: client {client!r} is added to a sorter twice; report this")
        node, path = self._root, ""
        for word in client.split("/"):
            path = f"{path}/{word}" if path else word
            child = node.children.get(path)
            if child is None:
                child = self._make(path, node)
            node = child
        node.is_client = True
        self._clients[client] = node

    def remove(self, client: str) -> None:
        self.deactivate(client)
        node = self._clients.pop(client)
        node.is_client = False
        while node.parent is not None and not node.is_client and not node.children:
            parent = node.parent
            del parent.children[node.path]
            parent.places[node.place] = None
            parent.free.append(node.place)
            node = parent

    def _make(self, path: str, parent: _Node) -> _Node:
        if not parent.free:
            parent.free.append(len(parent.places))
            parent.places.append(None)
        child = _Node(path, parent, parent.free.pop(), self._standing_of(path))
        parent.children[path] = parent.places[child.place] = child
        return child

    def activate(self, client: str) -> None:
        self._set_active(self._node(client), True)

    def deactivate(self, client: str) -> None:
        self._set_active(self._node(client), False)

    def moved(self, client: str) -> None:
        node = self._node(client)
        while (parent := node.parent) is not None:
            if parent.weights.get(node.place) not in (0.0, node.standing.weight):
                _put(parent, node.place, node.standing.weight)
            node = parent

    def ranked(self, rng: RandomStream) -> Iterator[str]:
        root = self._root
        drawn: list[_Node] = []
        try:
            while root.masses.total > 0.0:
                node = root
                while node.children:
                    place = node.masses.draw(rng.random() * node.masses.total)
                    if place == 0:
                        break
                    child = node.places[place]
                    assert child is not None, "an empty place has no mass"
                    node = child
                drawn.append(node)
                node.masses.put(0, 0.0)
                _pass_up(node)
                yield node.path
        finally:
            for node in drawn:
                node.masses.put(0, 1.0)
                _pass_up(node)

    def _node(self, client: str) -> _Node:
        node = self._clients.get(client)
        if node is None:
            raise InternalError(f"allocator: a sorter does not know client {client!r}; report this")
        return node

    def _set_active(self, node: _Node, active: bool) -> None:
        if node.active == active:
            return
        node.active = active
        _put(node, 0, float(active))
        while (parent := node.parent) is not None:
            _put(parent, node.place, node.standing.weight if node.masses.total > 0.0 else 0.0)
            node = parent


def _put(node: _Node, place: int, weight: float) -> None:
    node.weights.put(place, weight)
    node.masses.put(place, weight)


def _pass_up(node: _Node) -> None:
    """Let the masses above a node say what of its own is not drawn."""
    while (parent := node.parent) is not None:
        parent.masses.put(node.place, parent.weights.get(node.place) * node.masses.total / node.weights.total)
        node = parent
