"""PluggedSorter: a sorter of somebody else's, checked as it is made and as it is used."""

# Who calls: plugins.py wraps what makes a sorter that is not ours; shares.py uses the result like any sorter.
# Invariants: 1. what it fails at is said with its name, by the next ``ranked``: so the books, which tell it of changes
#   in the middle of a booking, are entered to the end, and only the run fails.
#   2. a sorter that has failed is made anew for the run after that, from the clients that there are.
#   3. ``ranked`` gives only clients that were added and are active.
# Ours go without: they are tested, and the inner loop's.

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from mesoslite.model import InvalidRequest, RandomStream

from .sorter import ClusterTotal, Sorter, SorterFactory, Standing, StandingOf

METHODS = ("add", "remove", "activate", "deactivate", "moved", "ranked")


class PluggedSorter:
    """Hands everything on to a sorter made by ``make``, which ``name`` names in errors."""

    def __init__(self, name: str, make: SorterFactory, total: ClusterTotal, standing_of: StandingOf) -> None:
        self._name = name
        self._make = make
        self._given = (total, standing_of)
        self._active: dict[str, bool] = {}  # clients, by name
        self._failure: Exception | None = None
        self._is_failed = False
        self._sorter = made_sorter(name, make, total, standing_of)

    def add(self, client: str) -> None:
        """Add a client, inactive."""
        self._active[client] = False
        self._tell("add", client)

    def remove(self, client: str) -> None:
        """Remove a client, active or not."""
        del self._active[client]
        self._tell("remove", client)

    def activate(self, client: str) -> None:
        """Let ``ranked`` yield the client."""
        self._active[client] = True
        self._tell("activate", client)

    def deactivate(self, client: str) -> None:
        """Keep the client from ``ranked``."""
        self._active[client] = False
        self._tell("deactivate", client)

    def moved(self, client: str) -> None:
        """Take note that the standing of the client, or of a path above it, is another now."""
        self._tell("moved", client)

    def ranked(self, rng: RandomStream) -> Iterator[str]:
        """Yield the active clients in the sorter's order. Raises: InvalidRequest, if it has failed or gives others."""
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        if self._is_failed:
            self._renew()
        try:
            for count, client in enumerate(self._order(rng), start=1):
                if not self._active.get(client, False) or count > len(self._active):
                    raise InvalidRequest(
                        f"{self._name}: ranked gave {client!r}, expected clients that were added and are active, each "
                        f"once; mend the sorter"
                    )
                yield client
        except GeneratorExit:  # nobody needs the rest
            raise
        except BaseException as error:
            self._is_failed = True
            if isinstance(error, InvalidRequest) or not isinstance(error, Exception):
                raise
            raise InvalidRequest(f"{self._name}: ranked failed: {error!r}; mend the sorter") from error

    def _order(self, rng: RandomStream) -> Iterator[str]:
        order: object = self._sorter.ranked(rng)
        if not isinstance(order, Iterable):
            raise InvalidRequest(
                f"{self._name}: ranked gave {order!r}, expected an iterator of clients; mend the sorter"
            )
        return iter(order)

    def _tell(self, method: str, client: str) -> None:
        if self._is_failed:
            return  # it is made anew, with all clients
        try:
            getattr(self._sorter, method)(client)
        except BaseException as error:
            self._is_failed = True
            if not isinstance(error, Exception):
                raise
            self._failure = InvalidRequest(f"{self._name}: {method}({client!r}) failed: {error!r}; mend the sorter")
            self._failure.__cause__ = error

    def _renew(self) -> None:
        self._sorter = made_sorter(self._name, self._make, *self._given)
        self._is_failed = False
        for client, is_active in self._active.items():
            self._tell("add", client)
            if is_active:
                self._tell("activate", client)
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure


def made_sorter(name: str, make: SorterFactory, total: ClusterTotal, standing_of: StandingOf) -> Sorter:
    """Return a sorter made by ``make``. Raises: InvalidRequest, if none can be made, or what is made is none."""
    try:
        sorter: object = make(total, standing_of)
    except Exception as error:
        raise InvalidRequest(
            f"{name} cannot make a sorter: {error!r}; it is called with a ClusterTotal and a function that gives a "
            f"client's Standing"
        ) from error
    missing = [method for method in METHODS if not callable(getattr(sorter, method, None))]
    if missing:
        raise InvalidRequest(
            f"{name} makes {sorter!r}, which is no sorter: it lacks {', '.join(missing)}; a sorter has the methods "
            f"{', '.join(METHODS)}"
        )
    return cast("Sorter", sorter)


def no_standing(client: str) -> Standing:
    """The standing of any client while a sorter is tried out: it holds nothing."""
    return Standing()
