"""The oracle: the rules of allocation in their plainest form; every question is answered from scratch."""

# Who calls: test_oracle.py and its like, which let it judge every grant of every plan.
# A plan may take agents in any order, which is random. So the oracle does not plan: it follows a plan, says at each
#   grant what had to be granted on that agent at that moment, and at the end that nothing was left out.
# Source: docs/allocator.md (the rules); Mesos src/master/allocator/mesos/hierarchical.cpp (__allocate).

import re
from collections import Counter
from collections.abc import Collection, Container, Mapping

from mesoslite.model import (
    NOTHING,
    AgentAdded,
    AttributeConstraint,
    Grant,
    InverseGrant,
    Plan,
    Predicate,
    PseudoAttribute,
    Resources,
)
from mesoslite.model.portions import Portion

from .oracle import Client, State, paths

GUARANTEES, EVERYTHING = 1, 2  # the stages of a run
NEVER = 10**9  # as probe_every: no grant is a probe in as many runs as there are here; else any may be

_STRIPPED = {"shared": "SHARED_RESOURCES", "revocable": "REVOCABLE_RESOURCES", "refinement": "RESERVATION_REFINEMENT"}


class Oracle(State):
    """Judges plans."""

    # ---- following a plan ----

    def follow(self, plan: Plan, among: Collection[str] | None = None) -> str | None:
        """Take the plan, for all agents or for some; what was wrong with it, or None. It is not taken beyond that."""
        self.begin(among)
        for grant in plan.grants:
            wrong = self.judge(grant)
            if wrong is not None:
                return wrong
        return self.end(plan.inverse)

    def begin(self, among: Collection[str] | None = None) -> None:
        """A run begins."""
        self.among = among
        self.stage = GUARANTEES
        self.offered_shared: set[tuple[str, Portion]] = set()  # agents' volumes that were offered in this run
        self.visited: str | None = None  # the agent that is looked at

    def judge(self, grant: Grant) -> str | None:
        """Take the next grant of a run; what is wrong with it, or None."""
        if self.among is not None and grant.agent_id not in self.among:
            return f"{grant} is granted, though the run is about {self.among}"
        choices = self.choices(grant.agent_id)
        if not choices and self.stage == GUARANTEES:
            left = self.left_over()
            if left is not None:
                return f"guarantees are not met yet, {left} could be granted before {grant}"
            self.stage, self.visited = EVERYTHING, None
            choices = self.choices(grant.agent_id)
        if grant not in choices:
            return f"{grant} is granted instead of {choices or 'nothing'}"
        if self.visited not in (None, grant.agent_id) and self.visited in self.agents and self.choices(self.visited):
            return f"agent {self.visited} was left though {self.choices(self.visited)} could be granted"
        self.visited = grant.agent_id
        self.grant(grant)
        return None

    def grant(self, grant: Grant) -> None:
        """Book a grant; its shared volumes were offered in this run then."""
        super().grant(grant)
        self.offered_shared.update([(grant.agent_id, volume) for volume in grant.resources.shared().others])

    def end(self, inverse: tuple[InverseGrant, ...]) -> str | None:
        """The run is through; what is wrong with that, or None."""
        for self.stage in (GUARANTEES, EVERYTHING):
            left = self.left_over()
            if left is not None:
                return f"{left} was left out"
        expected = self.inverse_grants()
        if sorted(inverse, key=_by_name) != sorted(expected, key=_by_name):
            return f"inverse offers are {inverse} instead of {expected}"
        for grant in inverse:
            self.ask(grant)
        return None

    def left_over(self) -> Grant | None:
        """What else could be granted in this stage."""
        among = [agent_id for agent_id in self.agents if self.among is None or agent_id in self.among]
        return next((choice for agent_id in among for choice in self.choices(agent_id)), None)

    def choices(self, agent_id: str, passed: Container[Client] = ()) -> list[Grant]:
        """What may be granted next of an agent: one, or, where lots are drawn, one of several.

        ``passed``: who is not asked, for they were, and could not have it, before something else happened.
        """
        offers = {
            client: resources
            for client in self.wanting()
            if client not in passed and (resources := self.offering(agent_id, client))
        }
        passing = sorted([client for client in offers if self.passes(client, offers[client])], key=self.waited)
        probed = passing if 0 < self.options.probe_every < NEVER else []
        in_turn = [client for client in offers if client not in passing]
        first = in_turn if self.options.sorter == "random" else self.ranked(in_turn)[:1]
        return [
            Grant(framework_id=client[0], role=client[1], agent_id=agent_id, resources=offers[client])  # type: ignore[arg-type]
            for client in dict.fromkeys([*(first or passing[:1]), *probed])
        ]

    # ---- who is served next ----

    def wanting(self) -> list[Client]:
        """Who wants offers at all."""
        off = self.options.off
        return [
            (name, role)
            for name, framework in self.frameworks.items()
            for role in framework.roles
            if (framework.active or "activation" in off) and (role not in framework.suppressed or "suppression" in off)
        ]

    def passes(self, client: Client, offer: Resources) -> bool:
        """Whether a client has handed back as much often enough since it used something."""
        wanted = amounts(offer)
        held = [amounts(refused) for refused in self.refused.get(client, [])]
        containing = [each for each in held if all(each[name] >= milli for name, milli in wanted.items())]
        return bool(held) and len(containing) >= self.options.patience

    def waited(self, client: Client) -> tuple[int, int]:
        """Who was offered nothing for longest has the least."""
        return self.offered_at[client]

    def ranked(self, clients: list[Client]) -> list[Client]:
        """In the order of shares, level by level of the roles, and then among the frameworks of a role."""
        return sorted(clients, key=self.rank)

    def rank(self, client: Client) -> tuple[object, ...]:
        """What is compared: down the role's path the share, the count and the path; then the framework's."""
        framework_id, role = client
        above = [role] if "hierarchy" in self.options.off else paths(role)
        levels = [(self.share(f"{path}/", path) / self.weight(path), self.counts["all", path], path) for path in above]
        own = (self.share(None, role), self.counts["own", role], f"{role}/.")
        last = (self.share(None, role, framework_id), self.counts[client], framework_id)
        return (*levels, own, last)

    def weight(self, path: str) -> float:
        """The weight of a role."""
        return 1.0 if "weights" in self.options.off else self.weights.get(path, 1.0)

    def share(self, below: str | None, role: str, framework_id: str | None = None) -> float:
        """The largest share of the cluster held in a role, and below it if asked so, or by one framework in it."""
        mine: Counter[str] = Counter()
        for agent_id in self.agents:
            on_agent = [
                resources
                for (where, holder, held_role), resources in self.held.items()
                if where == agent_id
                and (held_role == role or (below is not None and held_role.startswith(below)))
                and framework_id in (None, holder)
            ]
            mine.update(_distinct(sum(on_agent, NOTHING)))
        total = self.cluster()
        excluded = () if "exclusion" in self.options.off else self.options.fairness_excluded
        return max([mine[name] / total[name] for name in total if name not in excluded and total[name]], default=0.0)

    def cluster(self) -> Counter[str]:
        """Thousandths of all scalars of all agents."""
        total: Counter[str] = Counter()
        for agent in self.agents.values():
            total.update(agent.total.scalars())
        return total

    # ---- what one may be offered of an agent ----

    def offering(self, agent_id: str, client: Client) -> Resources:
        """What of the agent is to be offered to the client in this stage if it is its turn, if anything."""
        agent, (framework_id, role) = self.agents[agent_id], client
        if self.is_held_off() or not self.is_offered(agent) or not self.is_eligible(agent, client):
            return NOTHING
        within = self.free(agent_id)
        if "reservations" not in self.options.off:
            within = within.allocatable_to(role)
        again = [volume for volume in within.shared().others if (agent_id, volume) not in self.offered_shared]
        within = within.not_shared() + Resources.from_portions(again)
        within = self.stripped(within, framework_id)
        resources = self.guaranteed(within, role) if self.stage == GUARANTEES else self.rationed(within, role)
        if not resources or not self.is_enough(resources, client) or self.is_filtered(agent_id, client, resources):
            return NOTHING
        return resources

    def is_held_off(self) -> bool:
        """Whether nothing is to be offered at all."""
        off = self.options.off
        return (self.paused and "pause" not in off) or (self.expected is not None and "hold_off" not in off)

    def is_offered(self, agent: AgentAdded) -> bool:
        """Whether the agent is to be offered to anybody."""
        off = self.options.off
        listed = self.whitelist is None or agent.hostname in self.whitelist or "whitelist" in off
        return listed and (agent.agent_id not in self.inactive or "activation" in off)

    def is_eligible(self, agent: AgentAdded, client: Client) -> bool:
        """Whether the framework can deal with the agent, and wants it."""
        framework, role, off = self.frameworks[client[0]], client[1], self.options.off
        has = framework.delta.capabilities
        has_gpus = self.options.filter_gpus and agent.total.milli("gpus") > 0
        if has_gpus and "GPU_RESOURCES" not in has and "gpus" not in off:
            return False
        is_remote = None not in (agent.region, self.options.region) and agent.region != self.options.region
        if is_remote and "REGION_AWARE" not in has and "regions" not in off:
            return False
        if "capabilities" not in off:
            if "MULTI_ROLE" in has and "MULTI_ROLE" not in agent.capabilities:
                return False
            if "/" in role and "HIERARCHICAL_ROLE" not in agent.capabilities:
                return False
        if "constraints" in off:
            return True
        own = [constraints for constraints in framework.delta.constraints if constraints.role == role]
        return all(any(all(holds(one, agent) for one in group) for group in of.groups) for of in own)

    def free(self, agent_id: str) -> Resources:
        """What nobody holds; a shared volume is always free. What is held beyond what there is counts as nothing."""
        total = self.agents[agent_id].total
        held = sum([resources for key, resources in self.held.items() if key[0] == agent_id], NOTHING)
        return held.not_shared().shortfall(total.not_shared()) + total.shared()

    def is_short(self, agent_id: str) -> bool:
        """Whether more is held on an agent than it has, or a shared volume that it has not."""
        held = sum([resources for key, resources in self.held.items() if key[0] == agent_id], NOTHING)
        total = self.agents[agent_id].total
        volumes = {(portion.kind, portion.scalar) for portion in held.shared().others}
        there = {(portion.kind, portion.scalar) for portion in total.others}
        return not (total.not_shared().contains(held.not_shared()) and volumes <= there)

    def stripped(self, resources: Resources, framework_id: str) -> Resources:
        """Without what the framework does not understand."""
        has = self.frameworks[framework_id].delta.capabilities
        lacks = {name for name, capability in _STRIPPED.items() if capability not in has} - self.options.off
        if "shared" in lacks:
            resources = resources.not_shared()
        if "revocable" in lacks:
            resources = resources.not_revocable()
        return resources.not_refined() if "refinement" in lacks else resources

    def is_enough(self, resources: Resources, client: Client) -> bool:
        """Whether it is worth an offer."""
        minimum = self.options.min_allocatable
        for own in self.frameworks[client[0]].delta.min_allocatable:
            if own.role == client[1]:
                minimum = own.alternatives
        if "minimum" in self.options.off:
            return bool(resources)
        return not minimum or any(has_scalars(resources, least) for least in minimum)

    def is_filtered(self, agent_id: str, client: Client, offered: Resources) -> bool:
        """Whether the framework has refused the like of it."""
        return "filters" not in self.options.off and any(
            (where, who) == (agent_id, client) and refused.contains(offered)
            for where, who, refused in self.filters.values()
        )

    # ---- quota ----

    def guarantees(self, top: str) -> dict[str, int]:
        """What the role is to be able to get."""
        on = "guarantees" not in self.options.off and top in self.quotas
        return dict(self.quotas[top].guarantees) if on else {}

    def limits(self, top: str) -> dict[str, int]:
        """What the role gets at most."""
        on = "limits" not in self.options.off and top in self.quotas
        return dict(self.quotas[top].limits) if on else {}

    def consumed(self, top: str) -> Counter[str]:
        """What counts towards the quota of a top-level role: all that is reserved for it, and what else it holds."""
        sums: Counter[str] = Counter()
        for agent in self.agents.values():
            for role, reserved in agent.total.not_revocable().reserved_by_role().items():
                if paths(role)[0] == top:
                    sums.update(reserved.scalars())
        for (_, _, role), resources in self.held.items():
            if paths(role)[0] == top:
                sums.update(resources.unreserved().not_revocable().scalars())
        return sums

    def unsatisfied(self, top: str) -> dict[str, int]:
        """What the role lacks of its guarantee."""
        consumed = self.consumed(top)
        lacking = {name: milli - consumed[name] for name, milli in self.guarantees(top).items()}
        return {name: milli for name, milli in lacking.items() if milli > 0}

    def surplus(self) -> dict[str, int]:
        """What is free of the names that some guarantee lacks, above what all of these lack."""
        required: Counter[str] = Counter()
        for top in self.quotas:
            required.update(self.unsatisfied(top))
        available: Counter[str] = Counter()
        for agent_id in self.agents:
            available.update(self.free(agent_id).unreserved().not_revocable().scalars())
        return {name: max(0, available[name] - milli) for name, milli in required.items()}

    def room(self, top: str) -> dict[str, int]:
        """What the role may still get of what it has a limit for."""
        consumed = self.consumed(top)
        return {name: max(0, milli - consumed[name]) for name, milli in self.limits(top).items()}

    def guaranteed(self, within: Resources, role: str) -> Resources:
        """What a role gets because of its guarantee, and what comes with that; nothing, if there is none of it."""
        top = paths(role)[0]
        lacking = self.unsatisfied(top)
        counted = _counted(within)
        nothing_else = dict.fromkeys(set(counted.names) - set(lacking), 0)
        guaranteed = counted.shrunk({**lacking, **nothing_else})
        if not guaranteed:
            return NOTHING
        given = guaranteed.scalars()
        room = {name: max(0, milli - given.get(name, 0)) for name, milli in self.room(top).items()}
        more = (counted - guaranteed).shrunk(_least(room, self.surplus()))
        return (within - counted) + guaranteed + more

    def rationed(self, within: Resources, role: str) -> Resources:
        """What a role gets without regard to its guarantee."""
        counted = _counted(within)
        return (within - counted) + counted.shrunk(_least(self.room(paths(role)[0]), self.surplus()))

    # ---- maintenance ----

    def inverse_grants(self) -> list[InverseGrant]:
        """Who is to be asked to leave which agents."""
        if self.is_held_off() or "maintenance" in self.options.off:
            return []
        pairs = {(framework_id, agent_id) for agent_id, framework_id, _ in self.held}
        pairs -= self.inverse_open | set(self.inverse_filters.values())
        return [
            InverseGrant(framework_id=framework_id, agent_id=agent_id, unavailability=agent.unavailability)  # type: ignore[arg-type]
            for framework_id, agent_id in sorted(pairs)
            if framework_id in self.frameworks and self.frameworks[framework_id].active
            if (agent := self.agents[agent_id]).unavailability is not None and self.is_offered(agent)
        ]


def holds(constraint: AttributeConstraint, agent: AgentAdded) -> bool:
    """Whether a constraint is met; one about text is met by what is there and not text."""
    value: str | float | None
    if isinstance(constraint.selector, PseudoAttribute):
        value = {"HOSTNAME": agent.hostname, "REGION": agent.region, "ZONE": agent.zone}[constraint.selector.name]
    else:
        value = next((one.value for one in agent.attributes if one.name == constraint.selector), None)
    predicate, wanted = constraint.predicate, constraint.value
    if predicate in (Predicate.EXISTS, Predicate.NOT_EXISTS):
        return (value is not None) == (predicate is Predicate.EXISTS)
    if value is None:
        return predicate in (Predicate.TEXT_NOT_EQUALS, Predicate.TEXT_NOT_MATCHES)
    if not isinstance(value, str):
        return True
    if predicate in (Predicate.TEXT_EQUALS, Predicate.TEXT_NOT_EQUALS):
        return (value == wanted) == (predicate is Predicate.TEXT_EQUALS)
    return (re.fullmatch(wanted, value) is not None) == (predicate is Predicate.TEXT_MATCHES)


def has_scalars(resources: Resources, least: Resources) -> bool:
    """Whether there is so much of each name, of whatever kind."""
    have: Mapping[str, int] = resources.scalars()
    return all(have.get(name, 0) >= milli for name, milli in least.scalars().items())


def _counted(resources: Resources) -> Resources:
    """What counts towards quota when it is offered."""
    return resources.unreserved().not_revocable().only_scalars()


def _least(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Both limits at once; one after the other could leave out a whole disk that fits both."""
    return {name: min(limits[name] for limits in (one, other) if name in limits) for name in {**one, **other}}


def _distinct(resources: Resources) -> dict[str, int]:
    """Thousandths by name; ``scalars`` counts what is shared once."""
    return dict(resources.scalars())


def amounts(offer: Resources) -> Counter[str]:
    """How much of everything, what is revocable by itself."""
    lasting, revocable = offer.not_revocable().scalars(), offer.revocable().scalars()
    return Counter({**lasting, **{f"revocable {name}": milli for name, milli in revocable.items()}})


def _by_name(grant: InverseGrant) -> tuple[str, str]:
    return grant.framework_id, grant.agent_id
