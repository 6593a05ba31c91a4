"""The rule by which nobody starves: who hands back whole offers is served after who uses them, and never forgotten."""

# Who calls: shares.py keeps the queues, cycle.py asks whose turn it is.
# Mesos serves by share alone. A framework that is done, or wants little, has the lowest share, so it is offered what
#   is free again and again, and hands it back; whoever could use it waits for ever. Here:
#   1. A client is *working* unless the last of its offers that was answered came back whole; then it is *idle*.
#      Using part of an offer, reviving, coming back and subscribing anew make it working.
#   2. A grant goes to the first of the working that can take it, in the sorter's order; if there is none, to the first
#      of the idle that can, the one that has been offered nothing for longest at the front.
#   3. Each ``probe_every``-th grant (PROBE_EVERY; 0: never, and nobody is idle) asks the idle before the working.
# Hence, with n idle clients: (a) clients that use part of each offer are served exactly in the sorter's order, and the
#   idle take at most every ``probe_every``-th grant from them, for they are asked first no oftener. (b) An idle client
#   that can take what is granted waits for at most ``probe_every * n`` grants: at each probe it is served, or another
#   one is that was ahead of it and then is behind; there are at most n - 1 of those. (c) Nothing stays free that
#   somebody could take, for rule 2 asks everybody. A grant counts as a probe even if no idle client can take it.
# Rejected: dropping idle clients from the order (breaks c); decaying shares (one more thing to tune, no bound).
# Source: none; in Mesos frameworks have to help themselves (SUPPRESS, long filters).

from bisect import bisect_left, insort
from collections.abc import Iterator

from .clients import ClientBook

PROBE_EVERY = 8


class IdleQueue:
    """Idle clients, the one that was offered nothing for longest at the front."""

    def __init__(self) -> None:
        self._order: list[int] = []  # when each was last offered something; ascending, unique
        self._clients: dict[int, ClientBook] = {}

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[ClientBook]:
        return map(self._clients.__getitem__, self._order)

    def add(self, client: ClientBook) -> None:
        """Queue a client by ``offered_at``; take it out before that changes."""
        insort(self._order, client.offered_at)
        self._clients[client.offered_at] = client

    def remove(self, client: ClientBook) -> None:
        """Take a client out."""
        del self._order[bisect_left(self._order, client.offered_at)]
        del self._clients[client.offered_at]


class Probes:
    """Counts grants, and says which of them ask the idle first."""

    def __init__(self, every: int) -> None:
        self.every = every
        self._since = 0  # grants since the last that asked the idle first

    @property
    def due(self) -> bool:
        """Whether the next grant asks the idle first."""
        return self._since + 1 == self.every

    def granted(self) -> None:
        """Count a grant."""
        self._since = 0 if self._since + 1 >= self.every else self._since + 1
