"""Offer filters: what frameworks refused and do not want to see again for a while."""

# Who calls: hierarchical.py adds and ends them; cycle.py asks, for each agent and then for each client.
# A filter blocks an offer exactly if it refused at least as much: more of anything, or something else,
#   passes.
# Invariants: 1. the filters of an agent, of a client and by number are the same filters; one whose agent, client or
#   subscription is gone is gone too.
#   2. an agent counts, for each amount refused there, the clients that want offers and have refused it. So "does a
#   filter block everybody here" is answered by looking at the amounts, of which there are few, not at the clients.
# Rejected: a flat dict per framework; the inner loop asks per agent, and most agents have no filter.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (isFiltered, RefusedOfferFilter).

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import InternalError, Resources

if TYPE_CHECKING:
    from collections.abc import Container

    from .agents import AgentBook
    from .clients import ClientBook


AMOUNTS_MAX = 4  # that are looked at to pass over clients without asking each


class AgentFilters:
    """The filters about one agent."""

    __slots__ = ("amounts", "clients", "pairs", "wanting")

    def __init__(self) -> None:
        self.clients: dict[ClientBook, dict[int, Resources]] = {}  # by number; never an empty entry
        self.amounts: dict[Resources, int] = {}  # how many clients that want offers have refused it
        self.wanting = 0  # clients that want offers and have a filter here
        self.pairs = 0  # the sum of ``amounts``: more than ``wanting`` if some have refused several amounts

    def block(self, client: ClientBook, offered: Resources) -> bool:
        """Return whether a filter keeps ``offered`` from the client. Cost: a lookup, and the filters found."""
        filters = self.clients.get(client)
        if filters is None:
            return False
        for refused in filters.values():  # noqa: SIM110, a generator takes twice as long in this hot place
            if refused.contains(offered):
                return True
        return False

    def blocked(self, offered: Resources) -> Container[ClientBook]:
        """Return clients that filters keep ``offered``, and less, from: all that have refused anything here.

        Nobody if it would take long to find out. So a walk past hundreds that refused an agent costs little.
        """
        if len(self.amounts) > AMOUNTS_MAX or not all(refused.contains(offered) for refused in self.amounts):
            return ()
        return self.clients

    def block_all(self, offered: Resources, wanting: int) -> bool:
        """Return True only if filters keep ``offered``, and less, from all the ``wanting`` clients there are.

        It may return False though they do, if clients have refused several amounts. Cost: O(amounts refused).
        """
        if self.wanting < wanting:
            return False
        blocked = sum([clients for refused, clients in self.amounts.items() if refused.contains(offered)])
        return blocked - (self.pairs - self.wanting) >= wanting

    def count(self, client: ClientBook, sign: int) -> None:
        """Count a client that begins or ceases to want offers, with all that it refused here."""
        self.wanting += sign
        for refused in dict.fromkeys(self.clients[client].values()):
            self._count(refused, sign)

    def add(self, filter_id: int, client: ClientBook, refused: Resources) -> None:
        """Keep offers contained in ``refused`` from a client."""
        filters = self.clients.setdefault(client, {})
        if client.serving:
            self.wanting += not filters
            if refused not in filters.values():
                self._count(refused, 1)
        filters[filter_id] = refused

    def remove(self, filter_id: int, client: ClientBook) -> None:
        """End one filter."""
        filters = self.clients[client]
        refused = filters.pop(filter_id)
        if client.serving:
            self.wanting -= not filters
            if refused not in filters.values():
                self._count(refused, -1)
        if not filters:
            del self.clients[client]

    def _count(self, refused: Resources, sign: int) -> None:
        self.pairs += sign
        count = self.amounts.get(refused, 0) + sign
        if count:
            self.amounts[refused] = count
        else:
            del self.amounts[refused]


class OfferFilters:
    """All offer filters of one allocator, by number."""

    def __init__(self) -> None:
        self._filters: dict[int, tuple[AgentBook, ClientBook]] = {}

    def __contains__(self, filter_id: int) -> bool:
        return filter_id in self._filters

    def add(self, filter_id: int, agent: AgentBook, client: ClientBook, refused: Resources) -> None:
        """Keep offers contained in ``refused`` away. Raises: InternalError, if the number is taken."""
        if filter_id in self._filters:
            raise InternalError(f"allocator: filter {filter_id} is set twice; number filters anew each time")
        self._filters[filter_id] = (agent, client)
        client.filters[filter_id] = agent
        if agent.filters is None:
            agent.filters = AgentFilters()
        agent.filters.add(filter_id, client, refused)

    def end(self, filter_id: int) -> AgentBook | None:
        """End one filter and return the agent it was about; None if it is gone already."""
        agent, client = self._filters.pop(filter_id, (None, None))
        if agent is None or client is None:
            return None
        assert agent.filters is not None, "an agent knows the filters about it"
        del client.filters[filter_id]
        agent.filters.remove(filter_id, client)
        if not agent.filters.clients:
            agent.filters = None
        return agent

    def end_of_client(self, client: ClientBook) -> tuple[int, ...]:
        """End a client's filters; their numbers. Cost: O(those)."""
        ended = tuple(client.filters)
        for filter_id in ended:
            self.end(filter_id)
        return ended

    def end_of_agent(self, agent: AgentBook) -> tuple[int, ...]:
        """End the filters about an agent; their numbers. Cost: O(those)."""
        ended = tuple(
            [number for numbers in agent.filters.clients.values() for number in numbers] if agent.filters else ()
        )
        for filter_id in ended:
            self.end(filter_id)
        return ended

    def count(self, client: ClientBook, sign: int) -> None:
        """Count a client that begins (1) or ceases (-1) to want offers. Cost: O(agents it has filtered)."""
        for agent in dict.fromkeys(client.filters.values()):
            assert agent.filters is not None, "an agent knows the filters about it"
            agent.filters.count(client, sign)
