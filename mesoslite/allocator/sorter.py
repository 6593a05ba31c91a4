"""Sorters: who is served next. This is what one has to be; drf.py and lottery.py are two."""

# Who calls: shares.py, with sorters of roles (paths such as ads/batch, a tree) and one of frameworks per role (flat).
# Invariant: a sorter owns no amounts. What a client holds, how often it was served and its weight stand in the books
#   (Standing); the sorter is told when they changed and keeps an order. So several sorters over the same clients, of
#   which each serves another choice of them, can never disagree.
# All sorters of an allocator share one ClusterTotal, so that an agent's coming and going costs the same for any
#   number of sorters; each sees by ``version`` that its order is stale.
# Source: Mesos src/master/allocator/mesos/sorter/sorter.hpp.

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Protocol, TypeAlias

from mesoslite.model import InternalError, RandomStream

Pairs: TypeAlias = Iterable[tuple[str, int]]  # thousandths by name


class ClusterTotal:
    """The scalars of all agents; one for all sorters of an allocator, live.

    ``milli``: thousandths by name. ``fair``: the same without the names that shares leave out (``excluded``), of
    which shares are. ``version`` changes whenever the sum does, so that a sorter sees that its order is stale.
    """

    def __init__(self, excluded: Collection[str] = ()) -> None:
        self.milli: dict[str, int] = {}
        self.fair: dict[str, int] = {} if excluded else self.milli
        self.version = 0
        self._excluded = frozenset(excluded)

    def add(self, quantities: Pairs) -> None:
        """Count an agent in."""
        for name, milli in quantities:
            self.milli[name] = self.milli.get(name, 0) + milli
        self._changed()

    def remove(self, quantities: Pairs) -> None:
        """Count an agent out. Raises: InternalError, if it cannot have been counted in."""
        for name, milli in quantities:
            rest = self.milli.get(name, 0) - milli
            if rest < 0:
                raise InternalError(f"allocator: the total of {name} fell to {rest} thousandths; report this")
            if rest:
                self.milli[name] = rest
            else:
                del self.milli[name]
        self._changed()

    def _changed(self) -> None:
        self.version += 1
        if self._excluded:
            self.fair = {name: milli for name, milli in self.milli.items() if name not in self._excluded}


class Standing:
    """What the books know of a client, a role, or what a role has beside those below it; live, not to be changed.

    ``held``: thousandths by name, of all that is used or offered, each above zero; a shared volume counts once.
    ``count``: how often something was granted since it is known; it breaks ties, so that equals take turns.
    ``weight``: of a role what it was given, else 1.0; of a framework always 1.0.
    """

    __slots__ = ("count", "held", "weight")

    def __init__(self, weight: float = 1.0) -> None:
        self.held: dict[str, int] = {}  # each above zero
        self.count = 0  # breaks ties, so that equals take turns
        self.weight = weight


class Sorter(Protocol):
    """Keeps clients in the order in which they are to be served; a client is known by its path.

    It is made with the ClusterTotal and a function that gives the Standing of a path, which it may call for a client
    from ``add`` to ``remove``: of the client, of a role above clients (which sums up what is below it), or, for
    ``a/.``, of what role ``a`` itself has beside the roles below it. A standing stays the same object for as long as
    the path is in use.
    Methods raise InternalError for a client that was not added, or was added twice.
    """

    def add(self, client: str) -> None:
        """Add a client, inactive."""
        ...

    def remove(self, client: str) -> None:
        """Remove a client, active or not."""
        ...

    def activate(self, client: str) -> None:
        """Let ``ranked`` yield the client; again is fine."""
        ...

    def deactivate(self, client: str) -> None:
        """Keep the client from ``ranked``; again is fine."""
        ...

    def moved(self, client: str) -> None:
        """Take note that the standing of the client, or of a path above it, is another now."""
        ...

    def ranked(self, rng: RandomStream) -> Iterator[str]:
        """Yield the active clients, who is to be served first at the front; stop before the next change."""
        ...


StandingOf: TypeAlias = Callable[[str], Standing]
SorterFactory: TypeAlias = Callable[[ClusterTotal, StandingOf], Sorter]
