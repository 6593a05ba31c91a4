"""Clients: a framework in one of its roles is what is served; and what the allocator keeps of each framework."""

# Who calls: hierarchical.py changes them as deltas tell; shares.py and cycle.py read them in the inner loop.
# Invariants: 1. a client is known while its framework subscribes to the role or holds something under it.
#   2. ``needs`` of an agent and ``has`` of a client are sets of bits, so that all that is asked of a framework
#   because of its capabilities is one operation (eligibility.py).

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

from .sorter import Standing

if TYPE_CHECKING:
    from mesoslite.model import FrameworkID, Quantities

    from .agents import AgentBook
    from .constraints import CompiledConstraints
    from .passing import Refusals
    from .roles import RoleBook

Key: TypeAlias = "tuple[FrameworkID, str]"  # a framework and one of its roles, by name


class Serving(IntEnum):
    """How a client is served: not at all, in the sorter's order, or after those (passing.py)."""

    NOT = 0
    IN_TURN = 1
    BEHIND = 2


class FrameworkBook:
    """One framework that has subscribed."""

    __slots__ = ("active", "capabilities", "clients", "framework_id", "roles", "suppressed")

    def __init__(self, framework_id: FrameworkID, active: bool) -> None:
        self.framework_id = framework_id
        self.active = active
        self.roles: tuple[str, ...] = ()
        self.suppressed: set[str] = set()  # of its roles
        self.capabilities: frozenset[str] = frozenset()
        self.clients: dict[str, ClientBook] = {}  # of the roles it subscribes to

    def wants(self, role: str) -> bool:
        """Return whether it is to be offered resources under one of its roles."""
        return self.active and role in self.clients and role not in self.suppressed


class ClientBook:
    """A framework in a role."""

    __slots__ = (
        "agents",
        "constraints",
        "filters",
        "framework_id",
        "has",
        "minimum",
        "offered_at",
        "refusals",
        "role",
        "serving",
        "standing",
        "subscribed",
    )

    def __init__(self, framework_id: FrameworkID, role: RoleBook, offered_at: tuple[int, int]) -> None:
        self.framework_id = framework_id
        self.role = role
        self.standing = Standing()
        self.subscribed = False
        self.agents: dict[AgentBook, None] = {}  # on which it holds something
        self.serving = Serving.NOT
        self.refusals: Refusals | None = None  # what it handed back since it last used something
        self.offered_at = offered_at  # which grant was its last, or was the last when it came; and a number of its own
        self.filters: dict[int, AgentBook] = {}  # by number
        self.has = 0
        self.minimum: tuple[Quantities, ...] | None = None  # alternatives of its own; none of them: anything
        self.constraints: CompiledConstraints | None = None

    @property
    def has_refused(self) -> bool:
        """Whether it has handed back so many offers that it may pass on some."""
        return self.refusals is not None and self.refusals.are_many

    @property
    def key(self) -> Key:
        """Its name."""
        return self.framework_id, self.role.path
