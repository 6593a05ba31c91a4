"""DRFSorter: serves the client with the lowest weighted dominant share, at each level of the tree of roles."""

# Who calls: shares.py, by name "drf".
# Invariants: 1. ``order`` of a node holds the key of each active child, once, ascending.
#   2. a node is active exactly while a client at or below it is.
#   3. a key is computed from whole numbers, never updated in place; so it equals one computed from scratch.
#   4. keys may be older than the cluster's total; ``ranked`` renews them all, once per change of the total. They may
#   be older than what clients hold, of those in ``_stale``; ``ranked`` renews these. So what hundreds give back between
#   two runs costs a key for each client, and not for each time.
# A role that is both a client and has roles below it has a leaf ``.`` among these, so that it competes with them.
# Rejected: a heap with stale entries; a run walks past filtered clients, which a heap can only do by popping
#   them. A list moved by bisect costs one memmove and is walked for nothing.
# Source: Ghodsi et al., Dominant Resource Fairness, NSDI 2011, section 4; Mesos
#   src/master/allocator/mesos/sorter/drf/sorter.cpp (order: share, then number of allocations, then path).

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from itertools import accumulate
from operator import itemgetter
from typing import TypeAlias

from mesoslite.model import InternalError, RandomStream, dominant_share

from .sorter import ClusterTotal, Standing, StandingOf

Key: TypeAlias = tuple[float, int, str]  # weighted dominant share, allocations ever made, path
_PATH = itemgetter(2)


class _Node:
    """A role, or a framework, or the leaf of a role that has roles below it."""

    __slots__ = ("active", "children", "key", "order", "parent", "path", "standing")

    def __init__(self, path: str, parent: _Node | None, standing: Standing) -> None:
        self.path = path
        self.parent = parent
        self.standing = standing
        self.active = False
        self.key: Key = (0.0, 0, "")  # as it stands in the parent's order; meaningless while inactive
        self.children: dict[str, _Node] = {}  # by path, active or not
        self.order: list[Key] = []  # of the active children


class DRFSorter:
    """Dominant resource fairness: lowest weighted share first, then fewest allocations, then path; level by level.

    Cost: ``moved`` a note; ``ranked`` O(clients yielded), O(depth log clients) and one memmove a level for each that
    has moved, but O(clients log clients) when the cluster's total changed since.
    """

    def __init__(self, total: ClusterTotal, standing_of: StandingOf) -> None:
        self._total = total
        self._version = total.version
        self._standing_of = standing_of
        self._root = _Node("", None, Standing())
        self._leaves: dict[str, _Node] = {}  # by client
        self._stale: dict[str, None] = {}  # clients that have moved since the last ``ranked``
        self._is_flat = True  # as long as no client has had another above it

    # ---- who there is ----

    def add(self, client: str) -> None:
        if client in self._leaves:
            raise InternalError(f"allocator: client {client!r} is added to a sorter twice; report this")
        parent = self._root
        *above, _ = client.split("/")
        for path in accumulate(above, "{}/{}".format):
            node = parent.children.get(path)
            if node is None:
                node = self._make(path, parent)
            elif self._leaves.get(path) is node:
                self._push_down(path, node)
            parent = node
            self._is_flat = False
        if client in parent.children:  # it has clients below it already
            parent, path = parent.children[client], client + "/."
        else:
            path = client
        self._leaves[client] = self._make(path, parent)

    def remove(self, client: str) -> None:
        if client in self._stale:  # those above it stay
            del self._stale[client]
            self._move(self._leaves[client])
        self.deactivate(client)
        leaf = self._leaves.pop(client)
        node, parent = leaf, leaf.parent
        while parent is not None:
            del parent.children[node.path]
            if parent.children:
                self._pull_up(parent)
                return
            node, parent = parent, parent.parent

    def _make(self, path: str, parent: _Node) -> _Node:
        node = parent.children[path] = _Node(path, parent, self._standing_of(path))
        return node

    def _push_down(self, client: str, node: _Node) -> None:
        """Give a client, which is no longer a leaf, a leaf below its node."""
        leaf = self._leaves[client] = self._make(client + "/.", node)
        if node.active:
            self._enter(leaf)

    def _pull_up(self, node: _Node) -> None:
        """Make a node the client's leaf again if it has no other child than that."""
        path = node.path + "/."
        if len(node.children) == 1 and path in node.children:
            node.children.clear()
            node.order.clear()
            self._leaves[node.path] = node

    # ---- who is served ----

    def activate(self, client: str) -> None:
        node: _Node | None = self._leaf(client)
        while node is not None and node.parent is not None and not node.active:
            self._enter(node)
            node = node.parent

    def deactivate(self, client: str) -> None:
        node: _Node | None = self._leaf(client)
        while node is not None and node.parent is not None and node.active and not node.order:
            node.active = False
            order = node.parent.order
            del order[bisect_left(order, node.key)]
            node = node.parent

    def moved(self, client: str) -> None:
        if client not in self._stale:
            self._leaf(client)
            self._stale[client] = None

    def _move(self, node: _Node) -> None:
        while (parent := node.parent) is not None:
            if node.active:
                order = parent.order
                del order[bisect_left(order, node.key)]
                node.key = key = self._key(node)
                insort(order, key)
            node = parent

    def ranked(self, rng: RandomStream) -> Iterator[str]:
        if self._stale:
            stale, self._stale = self._stale, {}  # a new one: to walk an emptied dict costs what it once held
            for client in stale:
                self._move(self._leaves[client])
        if self._version != self._total.version:
            self._renew(self._root)
            self._version = self._total.version
        if self._is_flat:
            return map(_PATH, self._root.order)
        return self._walk(self._root)

    # ---- helpers ----

    def _leaf(self, client: str) -> _Node:
        leaf = self._leaves.get(client)
        if leaf is None:
            raise InternalError(f"allocator: a sorter does not know client {client!r}; report this")
        return leaf

    def _key(self, node: _Node) -> Key:
        standing = node.standing
        return (dominant_share(standing.held, self._total.fair) / standing.weight, standing.count, node.path)

    def _enter(self, node: _Node) -> None:
        assert node.parent is not None, "the root is nobody's child"
        node.active = True
        node.key = self._key(node)
        insort(node.parent.order, node.key)

    def _walk(self, root: _Node) -> Iterator[str]:
        levels = [(root, iter(root.order))]  # no recursion: a path may have thousands of words
        while levels:
            parent, order = levels[-1]
            for _, _, path in order:
                child = parent.children[path]
                if child.order:
                    levels.append((child, iter(child.order)))
                    break
                yield path.removesuffix("/.")
            else:
                levels.pop()

    def _renew(self, root: _Node) -> None:
        parents = [root]
        for parent in parents:
            active = [child for child in parent.children.values() if child.active]
            for child in active:
                if child.standing.held:  # else its share is none, of whatever total
                    child.key = self._key(child)
            parent.order = sorted([child.key for child in active])
            parents += [child for child in active if child.order]
