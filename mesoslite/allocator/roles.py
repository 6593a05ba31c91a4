"""Roles: the tree of their paths, and what each with all below it holds, was reserved and is guaranteed."""

# Who calls: shares.py, which books allocations on it; quota.py, which keeps the quotas of top-level roles on it.
# Invariants: 1. ``sum`` of a role counts what its frameworks and all roles below it hold; ``own`` what its
#   frameworks hold. They are one object until a role below it is first known.
#   2. a role is known as long as it has clients, reservations, quota, a weight of its own, or roles below it.
# Source: Mesos src/master/allocator/mesos/hierarchical.hpp (Role, RoleTree).

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from .sorter import Pairs, Standing

if TYPE_CHECKING:
    from mesoslite.model import FrameworkID

    from .clients import ClientBook
    from .lineups import Lineup
    from .quota import Quota
    from .sorter import Sorter


class RoleBook:
    """One role."""

    __slots__ = (
        "children",
        "clients",
        "frameworks",
        "in_turn",
        "lineups",
        "outside",
        "own",
        "own_minimums",
        "parent",
        "path",
        "quota",
        "refusing",
        "reserved",
        "standings",
        "sum",
        "top",
        "tracked",
        "wanting",
        "weight",
    )

    def __init__(self, path: str, parent: RoleBook | None) -> None:
        self.path = path
        self.parent = parent
        self.top: RoleBook = self if parent is None else parent.top
        self.children: dict[str, RoleBook] = {}
        self.sum = self.own = Standing()
        self.standings: tuple[Standing, ...] = ()  # all that an allocation to this role counts in
        self.weight: float | None = None  # as it was set
        self.clients: dict[FrameworkID, ClientBook] = {}
        self.frameworks: Sorter | None = None  # of its clients, once there have been two: one alone has no order
        self.lineups: list[Lineup] = []  # that its clients are served in (lineups.py)
        self.in_turn = 0  # of its clients, those to be served in the sorter's order
        self.refusing: dict[ClientBook, None] = {}  # of its clients, those that want offers and may pass on some
        self.tracked = 0  # clients here and below
        self.reserved: dict[str, int] = {}  # to it and below it, held or not, not revocable; thousandths by name
        self.outside: dict[str, int] = {}  # of a top-level role: held, but reserved or revocable
        self.quota: Quota | None = None  # of a top-level role
        self.wanting = 0  # of a top-level role: clients, here and below, that want offers
        self.own_minimums = (
            0  # of a top-level role: clients, here and below, that say themselves what is worth an offer
        )
        self._stand()

    def split(self) -> None:
        """Tell what the role holds itself from what the roles below it do; called before the first of these."""
        if self.own is self.sum:
            self.own = Standing()
            self.own.held.update(self.sum.held)
            self.own.count = self.sum.count
            self._stand()

    def _stand(self) -> None:
        above = self.parent.chain() if self.parent is not None else ()
        self.standings = (self.sum, *above) if self.own is self.sum else (self.own, self.sum, *above)

    def chain(self) -> tuple[Standing, ...]:
        """Return the sums of this role and those above it."""
        return tuple([role.sum for role in self.lineage()])

    def lineage(self) -> list[RoleBook]:
        """Return the role and those above it."""
        roles, role = [self], self.parent
        while role is not None:
            roles.append(role)
            role = role.parent
        return roles

    def subtree(self) -> list[RoleBook]:
        """Return the role and all below it."""
        roles = [self]
        for role in roles:
            roles += role.children.values()
        return roles

    def is_needed(self) -> bool:
        """Whether anything needs the role to be known."""
        return bool(self.clients or self.children or self.reserved or self.quota or self.weight is not None)


class RoleTree:
    """All roles that are known."""

    def __init__(self) -> None:
        self.books: dict[str, RoleBook] = {}

    def standing(self, path: str) -> Standing:
        """Return the standing that a sorter of roles counts for a path; ``a/.`` is what role a itself holds."""
        if path.endswith("/."):
            book = self.books[path[:-2]]
            book.split()
            return book.own
        return self.books[path].sum

    def get(self, path: str) -> RoleBook:
        """Return the book of a role, opened now if need be, with those of the roles above it."""
        book = self.books.get(path)
        if book is not None:
            return book
        parent: RoleBook | None = None
        for above in accumulate(path.split("/"), "{}/{}".format):
            book = self.books.get(above)
            if book is None:
                if parent is not None:
                    parent.split()
                book = self.books[above] = RoleBook(above, parent)
                if parent is not None:
                    parent.children[above] = book
            parent = book
        assert book is not None, "a path has at least one word"
        return book

    def forget_unneeded(self, book: RoleBook) -> None:
        """Close the book of a role that nothing needs any more, and those above it that were needed for it alone."""
        current: RoleBook | None = book
        while current is not None and not current.is_needed():
            del self.books[current.path]
            if current.parent is not None:
                del current.parent.children[current.path]
            current = current.parent

    def track(self, book: RoleBook, clients: int) -> None:
        """Count clients in or out; a role where nobody is left is served as a new one when somebody comes back."""
        current: RoleBook | None = book
        while current is not None:
            current.tracked += clients
            if not current.tracked:
                current.sum.count = 0
            current = current.parent
        if not book.clients:
            book.own.count = 0

    def set_weight(self, path: str, weight: float) -> RoleBook:
        """Set the weight of a role, which may be one that nobody is in yet."""
        book = self.get(path)
        book.sum.weight = weight
        book.weight = None if weight == 1.0 else weight
        return book

    def reserve(self, path: str, quantities: Pairs) -> RoleBook:
        """Count scalars as reserved to a role (and to those above it)."""
        book = self.get(path)
        current: RoleBook | None = book
        while current is not None:
            for name, milli in quantities:
                current.reserved[name] = current.reserved.get(name, 0) + milli
            current = current.parent
        return book

    def unreserve(self, path: str, quantities: Pairs) -> RoleBook:
        """Count scalars as reserved no longer; ``forget_unneeded`` comes after that."""
        book = self.books[path]
        current: RoleBook | None = book
        while current is not None:
            subtract(current.reserved, quantities)
            current = current.parent
        return book


def is_due(top: RoleBook) -> bool:
    """Whether a top-level role has a guarantee that is not met."""
    return top.quota is not None and top.quota.due


def lacks(top: RoleBook, names: frozenset[str]) -> bool:
    """Whether a top-level role lacks any of these resources for its guarantee."""
    return top.quota is not None and any(top.quota.missing(name) for name in names)


def has_room(top: RoleBook) -> bool:
    """Whether a top-level role has not all that its limit allows."""
    return top.quota is None or not top.quota.full


def add(amounts: dict[str, int], quantities: Pairs) -> None:
    """Add quantities to amounts in place."""
    for name, milli in quantities:
        amounts[name] = amounts.get(name, 0) + milli


def times_over(quantities: Pairs, times: int) -> Pairs:
    """So much so many times."""
    return quantities if times == 1 else [(name, milli * times) for name, milli in quantities]


def subtract(amounts: dict[str, int], quantities: Pairs) -> None:
    """Take quantities from amounts in place; a name of which nothing is left goes."""
    for name, milli in quantities:
        rest = amounts.get(name, 0) - milli
        if rest:
            amounts[name] = rest
        else:
            amounts.pop(name, None)
