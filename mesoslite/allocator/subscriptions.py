"""Subscriptions: what it means for the books that a framework comes, goes, wants offers or gives something back."""

# Who calls: hierarchical.py, one method a delta; each returns the numbers of the filters that ended with it.
# Invariant: whoever begins to want offers, or other ones than before, has all agents looked at.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (addFramework, updateFramework, recoverResources, ...).

from __future__ import annotations

from mesoslite.model import (
    FrameworkAdded,
    FrameworkID,
    FrameworkUpdated,
    InternalError,
    OfferUsed,
    ResourcesRecovered,
    Revived,
    Suppressed,
)

from . import eligibility
from .books import Books, scalars_of
from .clients import ClientBook, FrameworkBook
from .constraints import CompiledConstraints
from .passing import amounts_of


class Subscriptions:
    """The deltas about frameworks."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def add(self, delta: FrameworkAdded) -> None:
        """Raises: InternalError, if it is known already; InvalidRequest, for constraints that cannot be judged."""
        if delta.framework_id in self._books.frameworks:
            raise InternalError(f"allocator: framework {delta.framework_id} is added twice; remove it first")
        constraints = _compiled(delta)
        framework = FrameworkBook(delta.framework_id, delta.active)
        self._books.frameworks[delta.framework_id] = framework
        self._subscribe(framework, delta, constraints)
        self._books.maintenance.look_again()  # it may hold something already, on agents that were there before it

    def update(self, delta: FrameworkUpdated) -> tuple[int, ...]:
        """What it wants no longer is forgotten, with its filters; it is served as one that works."""
        framework = self._books.framework(delta.framework_id)
        constraints = _compiled(delta)
        ended: tuple[int, ...] = ()
        revived = framework.suppressed.difference(delta.suppressed_roles)
        roles = frozenset(delta.roles)
        for role, client in list(framework.clients.items()):
            if role not in roles or role in revived:
                ended += self._books.filters.end_of_client(client)
            if role not in roles:
                self._unsubscribe(framework, client)
        self._subscribe(framework, delta, constraints)
        return ended

    def remove(self, framework_id: FrameworkID) -> tuple[int, ...]:
        """All that it holds is free. Cost: O(that), not O(agents)."""
        books = self._books
        framework = books.framework(framework_id)
        ended = books.maintenance.forget_framework(framework_id)
        del books.frameworks[framework_id]
        for client in list(framework.clients.values()):
            ended += books.filters.end_of_client(client)
            self._unsubscribe(framework, client)
        for client in books.shares.of_framework(framework_id):
            for agent in list(client.agents):
                books.release(agent, client, agent.held[client])
        return ended

    def activate(self, framework_id: FrameworkID) -> None:
        """It is connected again; what it handed back is forgotten."""
        framework = self._books.framework(framework_id)
        framework.active = True
        for client in framework.clients.values():
            self._books.shares.forgive(client)
        self._refresh(framework)
        self._books.all_changed = True
        self._books.maintenance.look_again()

    def deactivate(self, framework_id: FrameworkID) -> tuple[int, ...]:
        """It is not connected; its filters end."""
        framework = self._books.framework(framework_id)
        framework.active = False
        self._refresh(framework)
        ended = self._books.maintenance.end_filters(framework_id)
        for client in framework.clients.values():
            ended += self._books.filters.end_of_client(client)
        return ended

    def suppress(self, delta: Suppressed) -> None:
        """Filters stay."""
        framework = self._books.framework(delta.framework_id)
        framework.suppressed.update(delta.roles or framework.roles)
        self._refresh(framework)

    def revive(self, delta: Revived) -> tuple[int, ...]:
        """Filters of these roles end, and those of inverse offers; what it handed back in them is forgotten."""
        framework = self._books.framework(delta.framework_id)
        ended = self._books.maintenance.end_filters(delta.framework_id)
        roles = delta.roles or framework.roles
        framework.suppressed.difference_update(roles)
        for role in roles:
            client = framework.clients.get(role)
            if client is not None:
                ended += self._books.filters.end_of_client(client)
                self._books.shares.forgive(client)
        self._refresh(framework)
        self._books.all_changed = True
        return ended

    def use(self, delta: OfferUsed) -> None:
        """What it handed back before is forgotten. Raises: InternalError, if the client does not hold it."""
        agent = self._books.agents.get(delta.agent_id)
        client = self._books.shares.clients.get((delta.framework_id, delta.role))
        if agent is None or client is None:
            return
        held = agent.held.get(client)
        if held is None or not held.contains(delta.resources):
            raise InternalError(
                f"allocator: framework {delta.framework_id} uses {delta.resources} as role {delta.role!r} on agent "
                f"{delta.agent_id}, where it holds {held or 'nothing'}; report this"
            )
        self._books.shares.forgive(client)

    def recover(self, delta: ResourcesRecovered) -> tuple[int, ...]:
        """Recovering from an agent, or for a framework, that is gone does nothing.

        The number of a filter that is not made counts as ended.
        Raises: InternalError, if more is given back than is held, or the number of the filter is taken.
        """
        books = self._books
        unmade = () if delta.filter_id is None else (delta.filter_id,)
        agent = books.agents.get(delta.agent_id)
        if agent is None or delta.resources.is_empty:
            return unmade
        client = books.shares.clients.get((delta.framework_id, delta.role))
        if delta.framework_id not in books.frameworks and (client is None or client not in agent.held):
            return unmade
        if client is None:
            raise InternalError(
                f"allocator: framework {delta.framework_id} gives back {delta.resources} as role {delta.role!r} on "
                f"agent {delta.agent_id}, where it holds nothing; report this"
            )
        if delta.filter_id is not None and (delta.filter_id in books.filters or delta.filter_id in books.maintenance):
            raise InternalError(f"allocator: filter {delta.filter_id} is set twice; number filters anew each time")
        books.release(agent, client, delta.resources)
        if client.subscribed:
            if delta.filter_id is not None:
                books.filters.add(delta.filter_id, agent, client, delta.resources)
            if delta.declined:
                self._books.shares.refuse(client, amounts_of(delta.resources, agent.is_simple))
            return ()
        return unmade

    # ---- helpers ----

    def _subscribe(
        self,
        framework: FrameworkBook,
        delta: FrameworkAdded | FrameworkUpdated,
        constraints: dict[str, CompiledConstraints],
    ) -> None:
        minimums = {minimum.role: scalars_of(minimum.alternatives) for minimum in delta.min_allocatable}
        framework.roles = delta.roles
        framework.suppressed = set(delta.suppressed_roles)
        framework.capabilities = frozenset(delta.capabilities)
        for role in delta.roles:
            client = self._books.shares.client(framework.framework_id, role)
            client.subscribed = True
            self._books.shares.forgive(client)
            client.has = eligibility.has(framework.capabilities, role)
            client.constraints = constraints.get(role)
            self._books.set_minimum(client, minimums.get(role))
            framework.clients[role] = client
        self._refresh(framework)
        self._books.all_changed = True

    def _unsubscribe(self, framework: FrameworkBook, client: ClientBook) -> None:
        del framework.clients[client.role.path]
        client.subscribed = False
        self._books.shares.forgive(client)
        self._books.set_minimum(client, None)
        self._books.serve(client)
        self._books.shares.forget_unneeded(client)

    def _refresh(self, framework: FrameworkBook) -> None:
        for client in framework.clients.values():
            self._books.serve(client)


def _compiled(delta: FrameworkAdded | FrameworkUpdated) -> dict[str, CompiledConstraints]:
    return {constraints.role: CompiledConstraints(constraints) for constraints in delta.constraints}
