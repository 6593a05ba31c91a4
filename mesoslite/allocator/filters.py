"""Offer filters: what frameworks refused and do not want to see again for a while."""

# Who calls: drf.py only.
# Invariants: 1. ``_keys`` and ``_refused`` hold the same filters.
#   2. an empty inner dict is removed, so that an agent without filters costs one failed lookup.
# A filter blocks an offer exactly if it refused at least as much: more of anything, or something else,
#   passes.
# Rejected: a flat dict per framework; the inner loop asks per agent, and most agents have no filter.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (isFiltered, RefusedOfferFilter).

from collections.abc import Callable

from mesoslite.model import AgentID, FrameworkID, InternalError, Resources

Client = tuple[FrameworkID, str]  # a framework in one of its roles


class OfferFilters:
    """All filters of one allocator, by number."""

    def __init__(self) -> None:
        self._keys: dict[int, tuple[AgentID, Client]] = {}
        self._refused: dict[AgentID, dict[Client, dict[int, Resources]]] = {}

    def add(self, filter_id: int, agent_id: AgentID, client: Client, refused: Resources) -> None:
        """Keep offers contained in ``refused`` away. Raises: InternalError, if the number is taken."""
        if filter_id in self._keys:
            raise InternalError(f"allocator: filter {filter_id} is set twice; number filters anew each time")
        self._keys[filter_id] = (agent_id, client)
        self._refused.setdefault(agent_id, {}).setdefault(client, {})[filter_id] = refused

    def blocks(self, agent_id: AgentID, client: Client, offered: Resources) -> bool:
        """Return whether a filter keeps ``offered`` away. Cost: two lookups, and the filters found."""
        clients = self._refused.get(agent_id)
        if clients is None:
            return False
        filters = clients.get(client)
        return filters is not None and any(refused.contains(offered) for refused in filters.values())

    def expire(self, filter_id: int) -> AgentID | None:
        """Drop one filter and return the agent it was about; None if it is gone already."""
        key = self._keys.pop(filter_id, None)
        if key is None:
            return None
        agent_id, client = key
        clients = self._refused[agent_id]
        del clients[client][filter_id]
        if not clients[client]:
            del clients[client]
        if not clients:
            del self._refused[agent_id]
        return agent_id

    def clear(self, matches: Callable[[AgentID, Client], bool]) -> tuple[int, ...]:
        """Drop every filter whose agent and client match; their numbers. Cost: O(filters); only on rare deltas."""
        dropped = tuple([number for number, key in self._keys.items() if matches(*key)])
        for filter_id in dropped:
            self.expire(filter_id)
        return dropped
