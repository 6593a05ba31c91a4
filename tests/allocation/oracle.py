"""The oracle's state: what the deltas add up to, in plain dicts; nothing is summed up or kept ready."""

# Who calls: oracle_rules.py decides from it; the tests feed it every delta that the allocator is fed.
# Kept apart from the code under test on purpose: it shares the vocabulary of the model (deltas, Resources) and nothing
#   else. Wherever it could be quicker or plainer, it is plainer.
# A feature may be switched off by name (FEATURES): a test of a feature shows that a plan differs without it.

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from mesoslite.model import (
    NOTHING,
    AgentActivated,
    AgentAdded,
    AgentDeactivated,
    AgentRemoved,
    AgentsWhitelisted,
    AgentUnavailable,
    AgentUpdated,
    AllocationConverted,
    AvailableConverted,
    Delta,
    FilterExpired,
    FrameworkActivated,
    FrameworkAdded,
    FrameworkDeactivated,
    FrameworkRemoved,
    FrameworkUpdated,
    Grant,
    InverseGrant,
    InverseOfferAnswered,
    OfferUsed,
    Paused,
    QuotaChanged,
    RecoveryBegun,
    RecoveryOver,
    Resources,
    ResourcesRecovered,
    Resumed,
    Revived,
    Suppressed,
    WeightChanged,
    constants,
)

FEATURES = (
    "activation",
    "capabilities",
    "constraints",
    "exclusion",
    "filters",
    "gpus",
    "guarantees",
    "hierarchy",
    "hold_off",
    "passing",
    "limits",
    "maintenance",
    "minimum",
    "pause",
    "refinement",
    "regions",
    "reservations",
    "revocable",
    "shared",
    "suppression",
    "weights",
    "whitelist",
)

Client = tuple[str, str]  # a framework and one of its roles


@dataclass
class Options:
    """What the allocator was made with; the same names and defaults as its own."""

    min_allocatable: tuple[Resources, ...] = constants.MIN_ALLOCATABLE
    fairness_excluded: tuple[str, ...] = ()  # names that shares leave out
    filter_gpus: bool = True
    region: str | None = None  # the master's
    probe_every: int = 8
    patience: int = 5
    sorter: str = "drf"
    off: frozenset[str] = frozenset()  # of FEATURES


@dataclass
class Framework:
    """A framework that is subscribed."""

    roles: tuple[str, ...]
    active: bool
    suppressed: set[str]
    delta: FrameworkAdded | FrameworkUpdated  # its capabilities, constraints and minimum


@dataclass
class State:
    """All that is known, as it was told."""

    options: Options = field(default_factory=Options)
    agents: dict[str, AgentAdded] = field(default_factory=dict)  # as they are now: totals and all
    inactive: set[str] = field(default_factory=set)  # agents
    whitelist: tuple[str, ...] | None = None
    frameworks: dict[str, Framework] = field(default_factory=dict)
    held: dict[tuple[str, str, str], Resources] = field(default_factory=dict)  # by agent, framework, role
    filters: dict[int, tuple[str, Client, Resources]] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    quotas: dict[str, QuotaChanged] = field(default_factory=dict)
    counts: Counter[object] = field(default_factory=Counter)  # allocations ever, by client, by role, by role with below
    refused: dict[Client, list[Resources]] = field(default_factory=dict)  # whole offers, since they used part of one
    offered_at: dict[Client, tuple[int, int]] = field(default_factory=dict)  # after which grant; and who came first
    grants: int = 0  # ever made
    newcomers: int = 0
    paused: bool = False
    expected: int | None = None  # agents, while a new master waits for them
    inverse_open: set[tuple[str, str]] = field(default_factory=set)  # framework, agent
    inverse_filters: dict[int, tuple[str, str]] = field(default_factory=dict)

    # ---- deltas ----

    def apply(self, delta: Delta) -> None:
        """Take note of what happened, which is something that may happen now."""
        self.apply_to_agents(delta)
        self.apply_to_frameworks(delta)
        self.apply_to_all(delta)
        self.forget()

    def apply_to_agents(self, delta: Delta) -> None:
        match delta:
            case AgentAdded():
                self.add_agent(delta)
            case AgentUpdated():
                self.update_agent(delta)
            case AgentRemoved():
                del self.agents[delta.agent_id]
                self.inactive.discard(delta.agent_id)
                self.drop_held(lambda key: key[0] == delta.agent_id)
                self.drop_filters(lambda agent, _: agent == delta.agent_id)
                self.forget_inverse(lambda _, agent: agent == delta.agent_id)
            case AgentActivated():
                self.inactive.discard(delta.agent_id)
            case AgentDeactivated():
                self.inactive.add(delta.agent_id)
            case AgentUnavailable():
                self.replace_agent(delta.agent_id, unavailability=delta.unavailability)
                self.forget_inverse(lambda _, agent: agent == delta.agent_id)
            case AgentsWhitelisted():
                self.whitelist = delta.hostnames
            case AllocationConverted():
                self.convert(delta.agent_id, delta.before, delta.after)
                key = (delta.agent_id, delta.framework_id, delta.role)
                self.held[key] = self.held[key] - delta.before + delta.after
            case AvailableConverted():
                self.convert(delta.agent_id, delta.before, delta.after)

    def apply_to_frameworks(self, delta: Delta) -> None:
        match delta:
            case FrameworkAdded():
                suppressed = set(delta.suppressed_roles)
                self.frameworks[delta.framework_id] = Framework(delta.roles, delta.active, suppressed, delta)
                self.appear([(delta.framework_id, role) for role in delta.roles])
            case FrameworkUpdated():
                self.update_framework(delta)
            case FrameworkRemoved():
                del self.frameworks[delta.framework_id]
                self.drop_held(lambda key: key[1] == delta.framework_id)
                self.drop_filters(lambda _, client: client[0] == delta.framework_id)
                self.forget_inverse(lambda framework, _: framework == delta.framework_id)
            case FrameworkActivated():
                self.frameworks[delta.framework_id].active = True
                self.work(delta.framework_id)
            case FrameworkDeactivated():
                self.frameworks[delta.framework_id].active = False
                self.drop_filters(lambda _, client: client[0] == delta.framework_id)
                self.drop_inverse_filters(lambda framework, _: framework == delta.framework_id)
            case OfferUsed():
                self.refused.pop((delta.framework_id, delta.role), None)
            case ResourcesRecovered():
                self.recover(delta)
            case Suppressed():
                framework = self.frameworks[delta.framework_id]
                framework.suppressed |= set(delta.roles or framework.roles)
            case Revived():
                framework = self.frameworks[delta.framework_id]
                roles = delta.roles or framework.roles
                framework.suppressed -= set(roles)
                self.drop_filters(lambda _, client: client[0] == delta.framework_id and client[1] in roles)
                self.drop_inverse_filters(lambda framework, _: framework == delta.framework_id)
                self.work(delta.framework_id, roles)

    def apply_to_all(self, delta: Delta) -> None:
        match delta:
            case FilterExpired():
                self.filters.pop(delta.filter_id, None)
                self.inverse_filters.pop(delta.filter_id, None)
            case WeightChanged():
                self.weights[delta.role] = delta.weight
            case QuotaChanged():
                self.quotas[delta.role] = delta
            case RecoveryBegun():
                wanted = int(delta.expected_agents * 0.8)
                if any(quota.guarantees or quota.limits for quota in self.quotas.values()):
                    self.expected = wanted if len(self.agents) < wanted else None
            case RecoveryOver():
                self.expected = None
            case Paused():
                self.paused = True
            case Resumed():
                self.paused = False
            case InverseOfferAnswered():
                self.inverse_open.discard((delta.framework_id, delta.agent_id))
                known = delta.framework_id in self.frameworks and delta.agent_id in self.agents
                if delta.filter_id is not None and known:
                    self.inverse_filters[delta.filter_id] = (delta.framework_id, delta.agent_id)

    def add_agent(self, delta: AgentAdded) -> None:
        self.agents[delta.agent_id] = delta
        self.replace_agent(delta.agent_id, total=delta.total)
        sums: dict[tuple[str, str, str], Resources] = {}
        for usage in delta.used:
            key = (delta.agent_id, usage.framework_id, usage.role)
            sums[key] = sums.get(key, NOTHING) + usage.resources
        for key, resources in sums.items():
            self.take(key, resources)
        if self.expected is not None and len(self.agents) >= self.expected:
            self.expected = None

    def update_agent(self, delta: AgentUpdated) -> None:
        changes = {"total": delta.total, "attributes": delta.attributes, "capabilities": delta.capabilities}
        before = self.agents[delta.agent_id].attributes
        self.replace_agent(delta.agent_id, **{name: value for name, value in changes.items() if value is not None})
        if self.agents[delta.agent_id].attributes != before:
            self.drop_filters(lambda agent, _: agent == delta.agent_id)

    def replace_agent(self, agent_id: str, **changes: object) -> None:
        if "total" in changes:
            changes["total"] = each_once(changes["total"])
        fields = {name: getattr(self.agents[agent_id], name) for name in AgentAdded.__struct_fields__}
        self.agents[agent_id] = AgentAdded(**{**fields, **changes})

    def convert(self, agent_id: str, before: Resources, after: Resources) -> None:
        self.replace_agent(agent_id, total=self.agents[agent_id].total - before + after)

    def update_framework(self, delta: FrameworkUpdated) -> None:
        framework = self.frameworks[delta.framework_id]
        gone = set(framework.roles) - set(delta.roles)
        unsuppressed = framework.suppressed - set(delta.suppressed_roles)
        self.drop_filters(lambda _, client: client[0] == delta.framework_id and client[1] in gone | unsuppressed)
        framework.roles = tuple([role for role in framework.roles if role not in gone])
        self.forget()
        self.frameworks[delta.framework_id] = Framework(
            delta.roles, framework.active, set(delta.suppressed_roles), delta
        )
        self.appear([(delta.framework_id, role) for role in delta.roles])
        self.work(delta.framework_id)

    def recover(self, delta: ResourcesRecovered) -> None:
        key = (delta.agent_id, delta.framework_id, delta.role)
        if key not in self.held:
            return
        rest = self.held[key] - delta.resources
        if rest:
            self.held[key] = rest
        else:
            del self.held[key]
        client = (delta.framework_id, delta.role)
        framework = self.frameworks.get(delta.framework_id)
        if framework is None or delta.role not in framework.roles:
            return
        if delta.declined and self.options.probe_every and "passing" not in self.options.off:
            self.refused.setdefault(client, []).append(delta.resources)
        if delta.filter_id is not None:
            self.filters[delta.filter_id] = (delta.agent_id, client, delta.resources)

    # ---- what plans do to it ----

    def grant(self, grant: Grant) -> None:
        """Book a grant: the client holds it, and was served just now."""
        client = (grant.framework_id, grant.role)
        self.take((grant.agent_id, *client), grant.resources)
        self.grants += 1
        self.offered_at[client] = (self.grants, self.offered_at[client][1])

    def ask(self, inverse: InverseGrant) -> None:
        """Book an inverse offer."""
        self.inverse_open.add((inverse.framework_id, inverse.agent_id))

    # ---- pieces ----

    def take(self, key: tuple[str, str, str], resources: Resources) -> None:
        _, framework_id, role = key
        self.appear([(framework_id, role)])
        self.held[key] = self.held.get(key, NOTHING) + resources
        self.counts[framework_id, role] += 1
        self.counts["own", role] += 1
        for path in paths(role):
            self.counts["all", path] += 1

    def appear(self, clients: Iterable[Client]) -> None:
        for client in clients:
            if client not in self.offered_at:
                self.newcomers += 1
                self.offered_at[client] = (self.grants, self.newcomers)

    def work(self, framework_id: str, roles: Iterable[str] | None = None) -> None:
        """The framework has shown that it wants something."""
        self.refused = {
            client: refused
            for client, refused in self.refused.items()
            if client[0] != framework_id or (roles is not None and client[1] not in roles)
        }

    def drop_held(self, matches: Callable[[tuple[str, str, str]], bool]) -> None:
        self.held = {key: resources for key, resources in self.held.items() if not matches(key)}

    def drop_filters(self, matches: Callable[[str, Client], bool]) -> None:
        self.filters = {number: entry for number, entry in self.filters.items() if not matches(entry[0], entry[1])}

    def drop_inverse_filters(self, matches: Callable[[str, str], bool]) -> None:
        self.inverse_filters = {number: pair for number, pair in self.inverse_filters.items() if not matches(*pair)}

    def forget_inverse(self, matches: Callable[[str, str], bool]) -> None:
        self.inverse_open = {pair for pair in self.inverse_open if not matches(*pair)}
        self.drop_inverse_filters(matches)

    def clients(self) -> set[Client]:
        """Who is subscribed or holds something."""
        holders = {(framework_id, role) for _, framework_id, role in self.held}
        return holders | {(name, role) for name, framework in self.frameworks.items() for role in framework.roles}

    def forget(self) -> None:
        """Counts last as long as a client is known, those of a role as long as a client in it (or below it) is."""
        clients = self.clients()
        kept: set[object] = {*clients, *[("own", role) for _, role in clients]}
        kept |= {("all", path) for _, role in clients for path in paths(role)}
        self.counts = Counter({name: count for name, count in self.counts.items() if name in kept})
        subscribed = {(name, role) for name, framework in self.frameworks.items() for role in framework.roles}
        self.refused = {client: refused for client, refused in self.refused.items() if client in subscribed}
        self.offered_at = {client: tick for client, tick in self.offered_at.items() if client in clients}


def each_once(total: Any) -> Resources:
    """A total in which each shared volume is there once, however often it was said."""
    return Resources.from_portions(
        [replace(portion, copies=1) if portion.kind.shared else portion for portion in total.portions]
    )


def paths(role: str) -> list[str]:
    """The role and those above it, the top one first."""
    words = role.split("/")
    return ["/".join(words[: end + 1]) for end in range(len(words))]
