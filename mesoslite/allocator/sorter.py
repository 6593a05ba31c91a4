"""Sorters: who is served next. DRF serves the client with the lowest weighted dominant share."""

# Who calls: drf.py, with one sorter of roles, and per role one sorter of frameworks.
# Invariants of DRFSorter: 1. ``_order`` holds the key of each active client, once, ascending, unless
#   ``_stale``.
#   2. a key is computed from whole numbers, never updated in place; so it equals one computed from scratch.
# Rejected: a heap with stale entries; a run walks past filtered clients, which a heap can only do by popping
#   them. A list moved by bisect costs one memmove and is walked for nothing.
# All sorters of an allocator share one ClusterTotal, so that an agent's coming and going costs the same for
#   any number of sorters; each sees by ``version`` that its keys are stale.
# Source: Ghodsi et al., Dominant Resource Fairness, NSDI 2011, section 4; Mesos
#   src/master/allocator/mesos/sorter/drf/sorter.cpp (order: share, then number of allocations, then path).

from bisect import bisect_left, insort
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mesoslite.model import InternalError, Resources, dominant_share

Key = tuple[float, int, str]  # weighted dominant share, allocations ever made, name


class ClusterTotal:
    """The sum of all agents, in thousandths by name; ``version`` changes whenever the sum does."""

    def __init__(self) -> None:
        self.milli: dict[str, int] = {}
        self.version = 0

    def add(self, total: Resources) -> None:
        """Count an agent in."""
        for name, milli in total.quantities:
            self.milli[name] = self.milli.get(name, 0) + milli
        self.version += 1

    def remove(self, total: Resources) -> None:
        """Count an agent out. Raises: InternalError, if it cannot have been counted in."""
        for name, milli in total.quantities:
            rest = self.milli.get(name, 0) - milli
            if rest < 0:
                raise InternalError(f"allocator: the total of {name} fell to {rest} thousandths; report this")
            if rest:
                self.milli[name] = rest
            else:
                del self.milli[name]
        self.version += 1


class Sorter(Protocol):
    """Keeps clients in the order in which they are to be served; a client is known by its name.

    Methods raise InternalError for a client that was not added, or was added twice.
    """

    def add(self, client: str, weight: float = 1.0) -> None:
        """Add a client, inactive, that holds nothing."""
        ...

    def remove(self, client: str) -> None:
        """Remove a client and forget what it holds."""
        ...

    def activate(self, client: str) -> None:
        """Let ``ranked`` yield the client; again is fine."""
        ...

    def deactivate(self, client: str) -> None:
        """Keep the client from ``ranked``; again is fine."""
        ...

    def reweigh(self, client: str, weight: float) -> None:
        """Change the client's weight."""
        ...

    def allocate(self, client: str, resources: Resources) -> None:
        """Count ``resources`` as the client's."""
        ...

    def release(self, client: str, resources: Resources) -> None:
        """Count ``resources`` as no longer the client's."""
        ...

    def held(self, client: str) -> Mapping[str, int]:
        """Return thousandths by name that the client holds."""
        ...

    def ranked(self) -> Iterator[str]:
        """Yield the active clients, who is to be served first at the front; stop before the next change."""
        ...

    @property
    def clients(self) -> Collection[str]:
        """All clients, active or not, in the order they were added."""
        ...

    @property
    def active_count(self) -> int:
        """The number of active clients."""
        ...


@dataclass(slots=True)
class _Client:
    weight: float
    active: bool = False
    count: int = 0  # allocations ever made; breaks ties, so that equals take turns
    held: dict[str, int] = field(default_factory=dict)  # thousandths by name, each above zero
    key: Key = (0.0, 0, "")  # as it stands in _order; meaningless while inactive or stale


class DRFSorter:
    """Dominant resource fairness: lowest share first, then fewest allocations, then name.

    Cost: ``allocate`` and ``release`` O(log clients) and one memmove; ``ranked`` O(clients yielded), but
    O(clients log clients) when the cluster's total changed since.
    """

    def __init__(self, total: ClusterTotal) -> None:
        self._total = total
        self._version = total.version
        self._clients: dict[str, _Client] = {}
        self._order: list[Key] = []

    def add(self, client: str, weight: float = 1.0) -> None:
        if client in self._clients:
            raise InternalError(f"allocator: client {client!r} is added to a sorter twice; report this")
        self._clients[client] = _Client(weight)

    def remove(self, client: str) -> None:
        self.deactivate(client)
        del self._clients[client]

    def activate(self, client: str) -> None:
        entry = self._entry(client)
        if not entry.active:
            entry.active = True
            entry.key = self._key(client, entry)
            insort(self._order, entry.key)

    def deactivate(self, client: str) -> None:
        entry = self._entry(client)
        if entry.active:
            entry.active = False
            del self._order[bisect_left(self._order, entry.key)]

    def reweigh(self, client: str, weight: float) -> None:
        entry = self._entry(client)
        entry.weight = weight
        self._move(client, entry)

    def allocate(self, client: str, resources: Resources) -> None:
        entry = self._entry(client)
        held = entry.held
        for name, milli in resources.quantities:
            held[name] = held.get(name, 0) + milli
        entry.count += 1
        self._move(client, entry)

    def release(self, client: str, resources: Resources) -> None:
        entry = self._entry(client)
        held = entry.held
        for name, milli in resources.quantities:
            rest = held.get(name, 0) - milli
            if rest < 0:
                raise InternalError(f"allocator: client {client!r} holds {rest} milli {name}; report this")
            if rest:
                held[name] = rest
            else:
                del held[name]
        self._move(client, entry)

    def held(self, client: str) -> Mapping[str, int]:
        return self._entry(client).held

    def ranked(self) -> Iterator[str]:
        if self._version != self._total.version:
            self._sort()
        for _, _, client in self._order:
            yield client

    @property
    def clients(self) -> Collection[str]:
        return self._clients.keys()

    @property
    def active_count(self) -> int:
        return len(self._order)

    def _entry(self, client: str) -> _Client:
        entry = self._clients.get(client)
        if entry is None:
            raise InternalError(f"allocator: a sorter does not know client {client!r}; report this")
        return entry

    def _key(self, client: str, entry: _Client) -> Key:
        return (dominant_share(entry.held, self._total.milli) / entry.weight, entry.count, client)

    def _move(self, client: str, entry: _Client) -> None:
        """Put a client whose key changed where it belongs; stale keys of others are still sorted."""
        if entry.active:
            del self._order[bisect_left(self._order, entry.key)]
            entry.key = self._key(client, entry)
            insort(self._order, entry.key)

    def _sort(self) -> None:
        for client, entry in self._clients.items():
            if entry.active:
                entry.key = self._key(client, entry)
        self._order = sorted([entry.key for entry in self._clients.values() if entry.active])
        self._version = self._total.version
