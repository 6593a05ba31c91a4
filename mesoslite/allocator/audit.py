"""Audit: all books summed up anew and compared; for assertions in tests."""

# Who calls: HierarchicalAllocator._check.

from __future__ import annotations

from typing import TYPE_CHECKING

from .clients import Serving

if TYPE_CHECKING:
    from .books import Books
    from .clients import ClientBook


def audit(books: Books) -> None:
    """Assert every invariant of the books. Cost: O(everything)."""
    agents = books.agents.values()
    assert all(agent.check() for agent in agents), "an agent's books do not balance"
    total: dict[str, int] = {}
    for agent in agents:
        for name, milli in agent.total.scalars().items():
            total[name] = total.get(name, 0) + milli
    assert books.shares.total.milli == total, "the cluster's total is not its agents'"
    assert books.shares.check(), "a role does not stand for its frameworks"
    assert books.changed.keys() <= books.agents.keys(), "an agent that is gone would be visited"
    assert set(books.held_back) <= books.agents.keys(), "an agent that is gone is held back"
    _audit_clients(books)
    _audit_filters(books)
    _audit_quota(books)
    books.maintenance.audit()


def _audit_clients(books: Books) -> None:
    held: dict[ClientBook, dict[str, int]] = {}
    for agent in books.agents.values():
        for client, resources in agent.held.items():
            sums = held.setdefault(client, {})
            for name, milli in resources.scalars().items():
                sums[name] = sums.get(name, 0) + milli
    for client in books.shares.clients.values():
        assert client.standing.held == held.pop(client, {}), "shares and agents differ"
        agents = {agent for agent in books.agents.values() if client in agent.held}
        assert client.agents.keys() == agents, f"{client.key} holds something on other agents"
        assert agents or client.subscribed, f"{client.key} is tracked without need"
        framework = books.frameworks.get(client.framework_id)
        wants = framework is not None and framework.wants(client.role.path)
        assert bool(client.serving) == wants, f"{client.key} is not served as it wants"
        assert client.serving is not Serving.BEHIND or client.refusals is not None, f"{client.key} is served wrongly"
    assert not held, "somebody holds something and is not tracked"
    for role in books.shares.roles.books.values():
        wanting = [client for client in books.shares.clients.values() if client.role.top is role and client.serving]
        assert role.wanting == len(wanting), f"role {role.path} counts wrongly who wants offers"


def _audit_filters(books: Books) -> None:
    for agent in books.agents.values():
        filters = agent.filters
        if filters is None:
            continue
        wanting = [client for client in filters.clients if client.serving]
        pairs = [(client, refused) for client in wanting for refused in set(filters.clients[client].values())]
        assert filters.wanting == len(wanting), "filters count clients wrongly"
        assert filters.pairs == len(pairs) == sum(filters.amounts.values()), "filters count amounts wrongly"


def _audit_quota(books: Books) -> None:
    quota = books.quota
    if not quota.roles:
        return
    headroom: dict[str, int] = {}
    for agent in books.agents.values():
        for name, milli in agent.available.unreserved().not_revocable().scalars().items():
            headroom[name] = headroom.get(name, 0) + milli
    assert {name: milli for name, milli in quota.headroom.items() if milli} == headroom, "headroom is not what is free"
    required: dict[str, int] = {}
    for role in quota.roles.values():
        assert role.quota is not None, "a role without quota is listed"
        consumed: dict[str, int] = {}
        for agent in books.agents.values():
            lasting = agent.total.not_revocable()
            mine = [lasting.reserved_to(each.path) for each in role.subtree()]
            mine += [
                resources.unreserved().not_revocable()
                for client, resources in agent.held.items()
                if client.role.top is role
            ]
            for resources in mine:
                for name, milli in resources.scalars().items():
                    consumed[name] = consumed.get(name, 0) + milli
        now = {name: milli for name, milli in role.quota.consumed.items() if milli}
        assert now == consumed, f"role {role.path} consumes something else"
        for name in role.quota.guarantees:
            required[name] = required.get(name, 0) + role.quota.missing(name)
    for name, milli in quota.required.items():
        assert milli == required.get(name, 0), "required headroom is not what lacks"
