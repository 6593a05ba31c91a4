"""The reference allocator: the same rules in the plainest form, sorting from scratch for every choice."""

# Who calls: test_properties.py, which feeds it every delta and compares every grant.
# Kept apart from the code under test on purpose: it shares the deltas and nothing else.

from collections import Counter
from dataclasses import dataclass, field

from mesoslite.model import (
    NOTHING,
    AgentActivated,
    AgentAdded,
    AgentDeactivated,
    AgentRemoved,
    Delta,
    FilterExpired,
    FrameworkActivated,
    FrameworkAdded,
    FrameworkDeactivated,
    FrameworkRemoved,
    Grant,
    Resources,
    ResourcesRecovered,
    Revived,
    Suppressed,
    WeightChanged,
)

MIN_ALLOCATABLE = (Resources.parse("cpus:0.01"), Resources.parse("mem:32"))


@dataclass
class Framework:
    roles: tuple[str, ...]
    active: bool
    suppressed: set[str]


@dataclass
class Reference:
    """The state: totals, who holds what where, filters, and how often each client was served."""

    totals: dict[str, Resources] = field(default_factory=dict)
    inactive: set[str] = field(default_factory=set)
    frameworks: dict[str, Framework] = field(default_factory=dict)
    held: dict[tuple[str, str, str], Resources] = field(default_factory=dict)  # by agent, framework, role
    filters: dict[int, tuple[tuple[str, str, str], Resources]] = field(default_factory=dict)
    counts: Counter[object] = field(default_factory=Counter)  # by role, and by (framework, role)
    weights: dict[str, float] = field(default_factory=dict)

    def apply(self, delta: Delta) -> None:
        match delta:
            case AgentAdded():
                self.totals[delta.agent_id] = delta.total
                sums: dict[tuple[str, str, str], Resources] = {}
                for usage in delta.used:
                    key = (delta.agent_id, usage.framework_id, usage.role)
                    sums[key] = sums.get(key, NOTHING) + usage.resources
                for key, resources in sums.items():
                    self.take(key, resources)
            case AgentRemoved():
                del self.totals[delta.agent_id]
                self.inactive.discard(delta.agent_id)
                self.drop_held(0, delta.agent_id)
                self.drop_filters(lambda key: key[0] == delta.agent_id)
            case AgentActivated():
                self.inactive.discard(delta.agent_id)
            case AgentDeactivated():
                self.inactive.add(delta.agent_id)
            case FrameworkAdded():
                self.frameworks[delta.framework_id] = Framework(delta.roles, delta.active, set(delta.suppressed_roles))
            case FrameworkRemoved():
                del self.frameworks[delta.framework_id]
                self.drop_held(1, delta.framework_id)
                self.drop_filters(lambda key: key[1] == delta.framework_id)
            case FrameworkActivated():
                self.frameworks[delta.framework_id].active = True
            case FrameworkDeactivated():
                self.frameworks[delta.framework_id].active = False
                self.drop_filters(lambda key: key[1] == delta.framework_id)
            case ResourcesRecovered():
                self.recover(delta)
            case FilterExpired():
                self.filters.pop(delta.filter_id, None)
            case Suppressed():
                framework = self.frameworks[delta.framework_id]
                framework.suppressed |= set(delta.roles or framework.roles)
            case Revived():
                framework = self.frameworks[delta.framework_id]
                roles = delta.roles or framework.roles
                framework.suppressed -= set(roles)
                self.drop_filters(lambda key: key[1] == delta.framework_id and key[2] in roles)
            case WeightChanged():
                self.weights[delta.role] = delta.weight
        self.forget()

    def grant(self, grant: Grant) -> None:
        self.take((grant.agent_id, grant.framework_id, grant.role), grant.resources)

    def choice(self, agent_id: str) -> tuple[str, str] | None:
        """Return the framework and role that all of the agent's remainder must go to now, if to any."""
        available = self.available(agent_id)
        if agent_id in self.inactive or not any(available.contains(least) for least in MIN_ALLOCATABLE):
            return None
        wanting = [
            (framework_id, role)
            for framework_id, framework in self.frameworks.items()
            for role in framework.roles
            if framework.active and role not in framework.suppressed
        ]
        for client in sorted(wanting, key=self.rank):
            if not self.is_filtered(agent_id, client, available):
                return client
        return None

    def rank(self, client: tuple[str, str]) -> tuple[object, ...]:
        framework_id, role = client
        role_share = self.share(None, role) / self.weights.get(role, 1.0)
        return (role_share, self.counts[role], role, self.share(framework_id, role), self.counts[client], framework_id)

    def share(self, framework_id: str | None, role: str) -> float:
        total = sum(self.totals.values(), NOTHING)
        mine = [
            resources
            for (_, holder, held_role), resources in self.held.items()
            if held_role == role and framework_id in (None, holder)
        ]
        return max([sum(mine, NOTHING).milli(name) / total.milli(name) for name in total.names], default=0.0)

    def available(self, agent_id: str) -> Resources:
        used = sum([resources for key, resources in self.held.items() if key[0] == agent_id], NOTHING)
        return self.totals[agent_id] - used

    def is_filtered(self, agent_id: str, client: tuple[str, str], offered: Resources) -> bool:
        return any(key == (agent_id, *client) and refused.contains(offered) for key, refused in self.filters.values())

    def recover(self, delta: ResourcesRecovered) -> None:
        key = (delta.agent_id, delta.framework_id, delta.role)
        if key not in self.held:
            return
        rest = self.held[key] - delta.resources
        if rest:
            self.held[key] = rest
        else:
            del self.held[key]
        if delta.filter_id is not None and delta.framework_id in self.frameworks:
            self.filters[delta.filter_id] = (key, delta.resources)

    def take(self, key: tuple[str, str, str], resources: Resources) -> None:
        self.held[key] = self.held.get(key, NOTHING) + resources
        self.counts[key[2]] += 1
        self.counts[key[1], key[2]] += 1

    def drop_held(self, position: int, name: str) -> None:
        self.held = {key: resources for key, resources in self.held.items() if key[position] != name}

    def drop_filters(self, matches) -> None:  # type: ignore[no-untyped-def]
        self.filters = {number: entry for number, entry in self.filters.items() if not matches(entry[0])}

    def forget(self) -> None:
        """Counts last as long as a client is subscribed or holds something, those of a role as long as any client."""
        clients = {(framework_id, role) for _, framework_id, role in self.held}
        clients |= {(framework_id, role) for framework_id, of in self.frameworks.items() for role in of.roles}
        kept: set[object] = {*clients, *[role for _, role in clients]}
        self.counts = Counter({client: count for client, count in self.counts.items() if client in kept})
