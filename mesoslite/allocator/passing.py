"""The rule by which nobody starves: offers that a client keeps handing back go first to those that may use them."""

# Who calls: subscriptions.py notes what was handed back, shares.py keeps the queues, cycle.py asks whose turn it is.
# Mesos serves by share alone. A framework that is done, or wants little, has the lowest share, so it is offered what
#   is free again and again, and hands it back; whoever could use it waits for ever. Here:
#   1. What a client hands back whole is a *refusal*. Using part of an offer, reviving, coming back and subscribing anew
#      forget its refusals. It *passes* on an offer if at least ``patience`` of them contained as much of everything.
#   2. A grant goes to the first in the sorter's order that can take it and does not pass on it; if there is none, to
#      the first that can take it and passes on it, who was offered nothing for longest at the front.
#   3. Each grant is a *probe* with a chance of 1 / ``probe_every`` (0: never, and nobody passes on anything): then
#      those that pass are asked before the others, from a place in their queue that is drawn.
# Hence: (a) whoever uses one of any ``patience`` offers that contain what it could use next never passes on such an
#   offer, for each one used forgets what was refused before. So among those clients the sorter alone decides, but for
#   probes. (b) Of the grants that a client could take and passes on, each is its own with a chance of at least
#   1 / (``probe_every`` * n), n being those that have refused so much: it waits for ``probe_every`` * n of them on
#   average, whatever their pattern, and whatever else it is offered meanwhile. (c) Nothing stays free that somebody
#   could take: rule 2 asks everybody. (d) A client that wants nothing is given ``patience`` offers of each size before
#   it passes on that size and all smaller ones; beyond that it costs the others probes only.
# Containment is what refusals say of what a client wants: who has no use for much has none for less. A bare count of
#   refusals would starve those whose tasks are large, in a cluster whose free parts are small.
# Rejected: a count of refusals alone, for that; dropping clients that pass from the order (breaks c); decaying shares
#   (one more thing to tune, no bound); every eighth grant for those that pass (whoever cannot take just those starves);
#   first to whoever was offered nothing for long (in a full cluster everybody is offered leftovers all the time).
# Source: none; in Mesos frameworks have to help themselves (SUPPRESS, long filters).

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from mesoslite.model import Quantities, RandomStream, Resources

if TYPE_CHECKING:
    from .clients import ClientBook

PROBE_EVERY = 8
PATIENCE = 5
SIZES_MAX = 16  # told apart of what a client refused; the smallest are forgotten beyond that
ANSWERS_MAX = 64  # kept of what one set of refusals was asked
AMOUNTS_MAX = 1_024  # kept, of which everybody behind was asked
LOOKED_AT_MAX = 16  # different refusals of those behind, for each agent; beyond that in turns

Entries: TypeAlias = "tuple[tuple[Quantities, int], ...]"


def amounts_of(offer: Resources, is_simple: bool) -> Quantities:
    """Return how much an offer holds, of scalars by name, reserved or not; what is revocable counts by itself."""
    if is_simple or not offer.others:
        return offer.quantities
    lasting = offer.not_revocable().scalars()
    revocable = offer.revocable().scalars()
    return (*sorted(lasting.items()), *[(f"{name} revocable", milli) for name, milli in sorted(revocable.items())])


@dataclass(frozen=True)
class Passing:
    """How the rule is set; ``probe_every`` of 0 does without."""

    probe_every: int = PROBE_EVERY
    patience: int = PATIENCE


class Refusals:
    """What a client has handed back since it last used something: how often, by size. Clients share equal ones."""

    __slots__ = ("_answers", "_index", "are_many", "entries", "is_listed", "patience", "users", "waiting")

    def __init__(self, entries: Entries, patience: int) -> None:
        self.entries = entries
        self.patience = patience
        self.are_many = sum([times for _, times in entries]) >= patience  # so that there may be what they cover
        self.users = 0  # clients that have these
        self.waiting: dict[ClientBook, None] = {}  # those of them that stand behind the sorter's order
        self.is_listed = False  # among those to be looked at because of them
        self._answers: dict[Quantities, bool] = {}
        self._index: dict[str, tuple[list[int], list[int]]] | None = None  # made when somebody asks

    def cover(self, amounts: Quantities) -> bool:
        """Return whether at least ``patience`` of them contained as much of everything."""
        answer = self._answers.get(amounts)
        if answer is None:
            if len(self._answers) >= ANSWERS_MAX:
                self._answers.clear()
            answer = self._answers[amounts] = self.containing(amounts) >= self.patience
        return answer

    def containing(self, amounts: Quantities) -> int:
        """Return how many of them contained as much of everything."""
        index = self._index
        if index is None:
            index = self._index = _index_of(self.entries)
        found = -1  # every bit
        for name, milli in amounts:
            known = index.get(name)
            if known is None:
                return 0
            least, refusals = known
            found &= refusals[bisect_left(least, milli)]
        return found.bit_count() if amounts else sum([times for _, times in self.entries])

    def plus(self, amounts: Quantities) -> Entries:
        """Return what they are with one more; what makes no difference any more is left out. Cost: O(sizes)."""
        counted = dict(self.entries)
        times = counted.get(amounts, 0)
        if self.containing(amounts) - times >= self.patience:
            return self.entries
        counted[amounts] = min(times + 1, self.patience)
        one = dict(amounts)
        for size, times in self.entries:
            if size != amounts and _contains(one, size) and self.containing(size) + 1 - times >= self.patience:
                del counted[size]
        return tuple(sorted(counted.items())[-SIZES_MAX:])


class RefusalBooks:
    """The refusals of all clients, equal ones once; and who stands behind the sorter's order because of them."""

    def __init__(self, patience: int) -> None:
        self._none = Refusals((), patience)
        self._patience = patience
        self._known: dict[Entries, Refusals] = {}
        self._waited: deque[Refusals] = deque()  # those of somebody that waits, and some that were
        self._version = 0  # counts what came into it
        self._looked: dict[Quantities, int] = {}  # by amounts, up to which version all of them cover these

    @property
    def is_empty(self) -> bool:
        """Whether nobody has refused anything."""
        return not self._known

    def add(self, client: ClientBook, amounts: Quantities) -> Refusals:
        """Note that a client, which does not wait, handed so much back; what it has handed back now."""
        entries = (client.refusals or self._none).plus(amounts)
        refusals = self._known.get(entries)
        if refusals is None:
            refusals = self._known[entries] = Refusals(entries, self._patience)
        refusals.users += 1
        self.forget(client)
        client.refusals = refusals
        return refusals

    def forget(self, client: ClientBook) -> None:
        """Forget what a client has handed back; it stands in the sorter's order, or nowhere."""
        refusals, client.refusals = client.refusals, None
        if refusals is not None:
            refusals.users -= 1
            if not refusals.users:
                del self._known[refusals.entries]

    def wait(self, client: ClientBook) -> None:
        """Note that a client stands behind the sorter's order."""
        refusals = client.refusals
        assert refusals is not None, "nobody is put behind without a reason"
        refusals.waiting[client] = None
        if not refusals.is_listed:
            refusals.is_listed = True
            self._waited.append(refusals)
            self._version += 1

    def go(self, client: ClientBook) -> None:
        """Note that it does not any more."""
        refusals = client.refusals
        assert refusals is not None, "it was behind for a reason"
        del refusals.waiting[client]

    def recalled(self, amounts: Quantities) -> list[ClientBook]:
        """Return who stands behind and does not pass on so much.

        Cost: O(LOOKED_AT_MAX); nothing if all of them were asked about as much and nobody came since. If they have
        refused more different things than that, each is looked at with one of the next agents.
        """
        if self._looked.get(amounts) == self._version:
            return []
        waited = self._waited
        found: list[ClientBook] = []
        is_all = len(waited) <= LOOKED_AT_MAX
        for _ in range(min(len(waited), LOOKED_AT_MAX)):
            refusals = waited.popleft()
            if refusals.waiting and not refusals.cover(amounts):
                found += refusals.waiting
                refusals.is_listed = False
            elif refusals.waiting:
                waited.append(refusals)
            else:
                refusals.is_listed = False
        if is_all:
            if len(self._looked) >= AMOUNTS_MAX:
                self._looked.clear()
            self._looked[amounts] = self._version
        return found


class Queue:
    """Clients with refusals, the one that was offered nothing for longest at the front."""

    def __init__(self) -> None:
        self._order: list[tuple[int, int]] = []  # when each was last offered something; ascending, unique
        self._clients: dict[tuple[int, int], ClientBook] = {}

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

    def drawn(self, rng: RandomStream) -> Iterator[ClientBook]:
        """Yield them from a place that is drawn, round; stop before the next change.

        So whoever is looked for is found first with a chance of 1 / n at least, whoever else would do as well.
        """
        count = len(self._order)
        start = int(rng.random() * count)
        for place in chain(range(start, count), range(start)):
            yield self._clients[self._order[place]]


def _index_of(entries: Entries) -> dict[str, tuple[list[int], list[int]]]:
    """By name: amounts, ascending, and for each the refusals that held as much or more, a bit each; none at the end."""
    held: dict[str, dict[int, int]] = {}
    place = 0
    for amounts, times in entries:
        bits = ((1 << times) - 1) << place
        place += times
        for name, milli in amounts:
            by_amount = held.setdefault(name, {})
            by_amount[milli] = by_amount.get(milli, 0) | bits
    index: dict[str, tuple[list[int], list[int]]] = {}
    for name, by_amount in held.items():
        least = sorted(by_amount)
        refusals = [0]
        for milli in reversed(least):
            refusals.append(refusals[-1] | by_amount[milli])
        index[name] = (least, refusals[::-1])
    return index


def _contains(size: dict[str, int], amounts: Quantities) -> bool:
    for name, milli in amounts:  # noqa: SIM110 - at a third of the cost
        if size.get(name, 0) < milli:
            return False
    return True
