"""Agents: what each has, what is free of it, and who holds the rest."""

# Who calls: books.py changes it, cycle.py reads it in the inner loop.
# Invariants: 1. what is held plus what is available is the total, exactly (``check``); but an agent that shrank below
#   what is held on it, or came with more in use than it has, or lost a shared volume that is held (``is_short``), has
#   available what is left of each resource, until enough was given back.
#   2. shared volumes are always available, whoever holds copies of them; each is there once.
# An agent is *simple* if it is as most are: scalars, and unreserved ranges and sets. Then any client may take all of
#   it, and there is nothing to take apart.

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import NOTHING, InsufficientResources, InternalError, Resources, once
from mesoslite.model.kinds import ValueType
from mesoslite.model.sums import rest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesoslite.model import AgentID, Attribute, Unavailability

    from .clients import ClientBook
    from .filters import AgentFilters


class AgentBook:
    """One agent."""

    __slots__ = (
        "active",
        "agent_id",
        "attributes",
        "available",
        "capabilities",
        "filters",
        "held",
        "hostname",
        "is_listed",
        "is_short",
        "is_simple",
        "needs",
        "region",
        "total",
        "unavailability",
        "zone",
    )

    def __init__(self, agent_id: AgentID, hostname: str, total: Resources) -> None:
        self.agent_id = agent_id
        self.hostname = hostname
        self.total = self.available = total
        self.held: dict[ClientBook, Resources] = {}  # never an empty entry
        self.is_short = False
        self.is_simple = is_simple(total)
        self.active = True
        self.is_listed = True  # by the whitelist
        self.needs = 0  # what a client must be able to, as bits (eligibility.py)
        self.attributes: tuple[Attribute, ...] = ()
        self.capabilities: frozenset[str] = frozenset()
        self.region: str | None = None
        self.zone: str | None = None
        self.unavailability: Unavailability | None = None
        self.filters: AgentFilters | None = None  # None as long as there are none

    def hold(self, client: ClientBook, resources: Resources) -> None:
        """Move ``resources`` to the client. Raises: InternalError, if they are not available."""
        try:
            if self.is_simple:
                self.available -= resources
            else:
                self.available -= resources.not_shared()
                self._check_shared(resources)
        except InsufficientResources as error:
            raise InternalError(
                f"allocator: framework {client.framework_id} is given more of agent {self.agent_id} than is available; "
                f"report this"
            ) from error
        held = self.held.get(client)
        if held is None:
            client.agents[self] = None
            self.held[client] = resources
        else:
            self.held[client] = held + resources

    def hold_first(self, held: Mapping[ClientBook, Resources], total: Resources) -> None:
        """As ``hold`` of each, on a simple agent of which nothing is held yet; they are ``total`` together."""
        self.available = rest_of(self.available, total)
        self.held.update(held)
        for client in held:
            client.agents[self] = None

    def release(self, client: ClientBook, resources: Resources) -> None:
        """Take ``resources`` from the client. Raises: InternalError, if it does not hold them."""
        held = self.held.get(client, NOTHING)
        try:
            rest = held - resources
        except InsufficientResources as error:
            raise InternalError(
                f"allocator: framework {client.framework_id} gives back {resources} as role {client.role.path!r} on "
                f"agent {self.agent_id}, where it holds {held or 'nothing'}; report this"
            ) from error
        if rest:
            self.held[client] = rest
        else:
            self.drop(client)
        if self.is_short:
            self._recompute()
        else:
            self.available += resources if self.is_simple else resources.not_shared()

    def drop(self, client: ClientBook) -> None:
        """Forget what a client holds."""
        if self.held.pop(client, None) is not None:
            del client.agents[self]

    def resize(self, total: Resources) -> None:
        """Change what the agent has; what is held stays held."""
        self.total = total
        self.is_simple = is_simple(total) and not any(not is_simple(held) for held in self.held.values())
        self._recompute()

    def convert(self, gone: Resources, come: Resources) -> None:
        """Exchange what is available. Cost: O(that). Raises: InsufficientResources, if it is not."""
        available = self.available - gone
        self.total = self.total - gone + come
        self.is_simple = self.is_simple and is_simple(come)
        if self.is_short:  # what has come may be what is held already
            self._recompute()
        else:
            self.available = available + come

    def seize(self, client: ClientBook, resources: Resources, gone: Resources, come: Resources) -> None:
        """Change what the agent has, and move ``resources`` to the client, available or not."""
        self.total = self.total - gone + come
        self.is_simple = self.is_simple and is_simple(come) and is_simple(resources)
        if resources:
            client.agents[self] = None
            self.held[client] = self.held.get(client, NOTHING) + resources
        self._recompute()

    def _check_shared(self, resources: Resources) -> None:
        shared = {portion.kind for portion in resources.others if portion.kind.shared}
        if shared and not shared <= {portion.kind for portion in self.total.others}:
            raise InsufficientResources("a shared volume is not there")

    def _recompute(self) -> None:
        everything = sum(list(self.held.values()), NOTHING)
        held = everything.not_shared()
        self.is_short = not self.total.contains(once(everything))
        self.available = held.shortfall(self.total) if self.is_short else self.total - held

    def check(self) -> bool:
        """Return True if invariant 1 holds; only for ``assert``. Cost: O(clients on the agent)."""
        if not all(self.held.values()):
            return False
        held = sum([resources.not_shared() for resources in self.held.values()], NOTHING)
        return self.is_short or self.available + held == self.total


def is_simple(resources: Resources) -> bool:
    """Return whether there are only plain scalars, and ranges and sets that are reserved for nobody."""
    return not resources.others or all(
        portion.kind.type is not ValueType.SCALAR
        and not portion.kind.reservations
        and not portion.kind.revocable
        and not portion.kind.shared
        for portion in resources.others
    )
