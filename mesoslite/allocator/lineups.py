"""Lineups: orders of the clients that can be served on some ground, and which roles are in them."""

# Who calls: shares.py tells them who wants offers and what quota changes; cycle.py asks who is next.
# ``everybody`` holds all roles with clients, a selection those of the top-level roles that it admits. So an agent never
#   costs a walk past thousands of roles that have all they may have.
# A selection admits a top-level role or not, with all below it, and that may change with each grant. With few roles
#   below they enter and leave at once. With many they stay in when it is admitted no longer, and each leaves when it
#   was asked in vain: whoever is not admitted is denied everything anyway (quota.py). So what it costs to let a role
#   out, and in again, was spent on a walk past it before; a quota above many roles costs a grant nothing.
# Invariants: 1. the roles with clients of a top-level role that a selection admits are all in it.
#   2. a role is active in the sorter of a lineup exactly while it is in and a client of it is in turn; clients that
#   want offers and have refused some stand in the queues of the same lineups (passing.py).
# Rejected: to let a top-level role in and out with all below it each time: with 16,000 below, 60 ms a finished task. A
#   sorter in a sorter for each of these: one that draws lots draws among all.
# Source: none; Mesos walks past all roles.

from __future__ import annotations

from typing import TYPE_CHECKING

from .passing import Queue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .clients import ClientBook
    from .roles import RoleBook
    from .sorter import Sorter

AT_ONCE = 8  # roles below one that may leave a selection together


class Lineup:
    """Who can be served: the roles of those in turn, in their sorter's order, and the queue of those that refused."""

    def __init__(self, roles: Sorter) -> None:
        self.roles = roles
        self.in_turn = 0  # roles that are active
        self.refusing = Queue()

    @property
    def is_empty(self) -> bool:
        """Whether there is nobody to serve."""
        return not self.in_turn and not self.refusing

    def add(self, role: RoleBook) -> None:
        """Take note of a role that has clients now."""
        self.roles.add(role.path)
        self.enter(role)

    def remove(self, role: RoleBook) -> None:
        """Take note that a role has none any more."""
        self.leave(role)
        self.roles.remove(role.path)

    def enter(self, role: RoleBook) -> None:
        """Serve a role's clients."""
        role.lineups.append(self)
        if role.in_turn:
            self.roles.activate(role.path)
            self.in_turn += 1
        for client in role.refusing:
            self.refusing.add(client)

    def leave(self, role: RoleBook) -> None:
        """Serve a role's clients no longer."""
        role.lineups.remove(self)
        if role.in_turn:
            self.roles.deactivate(role.path)
            self.in_turn -= 1
        for client in role.refusing:
            self.refusing.remove(client)


class Selection(Lineup):
    """Those of them whose top-level role ``admits`` says yes to."""

    def __init__(self, roles: Sorter, admits: Callable[[RoleBook], bool]) -> None:
        super().__init__(roles)
        self.admits = admits
        self._inside: dict[RoleBook, dict[RoleBook, None]] = {}  # by top-level role; ordered sets, never empty ones
        self._outside: dict[RoleBook, dict[RoleBook, None]] = {}

    def add(self, role: RoleBook) -> None:
        """Take note of a role that has clients now."""
        self.roles.add(role.path)
        if self.admits(role.top):
            self.enter(role)
        else:
            self._outside.setdefault(role.top, {})[role] = None

    def remove(self, role: RoleBook) -> None:
        """Take note that a role has none any more."""
        if self in role.lineups:
            self.leave(role)
        _drop(self._outside, role)
        self.roles.remove(role.path)

    def enter(self, role: RoleBook) -> None:
        """Serve a role's clients."""
        _drop(self._outside, role)
        self._inside.setdefault(role.top, {})[role] = None
        super().enter(role)

    def leave(self, role: RoleBook) -> None:
        """Serve a role's clients no longer."""
        _drop(self._inside, role)
        self._outside.setdefault(role.top, {})[role] = None
        super().leave(role)

    def follow(self, top: RoleBook) -> None:
        """Take note that a top-level role is admitted now, or is no longer."""
        if self.admits(top):
            for role in list(self._outside.get(top, ())):
                self.enter(role)
        elif len(inside := self._inside.get(top, {})) <= AT_ONCE:
            for role in list(inside):
                self.leave(role)

    def evict(self, clients: Iterable[ClientBook]) -> None:
        """Take note of who was asked in vain, of whom some may not be admitted any more."""
        for client in clients:
            role = client.role
            if self in role.lineups and not self.admits(role.top):
                self.leave(role)


def _drop(roles: dict[RoleBook, dict[RoleBook, None]], role: RoleBook) -> None:
    below = roles.get(role.top)
    if below is not None and role in below:
        del below[role]
        if not below:
            del roles[role.top]
