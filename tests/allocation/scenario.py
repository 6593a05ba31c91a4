"""Random clusters with chosen features, and what happens to them: the allocator beside its oracle all the time."""

# Who calls: test_oracle.py, with a random stream that Hypothesis shrinks, or that a seed gives.
# A feature is something that may happen, or be there, in the run; without any there are scalars, one level of roles,
#   frameworks that hand everything back at once, and plans.

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import pytest
from msgspec.structs import replace as replaced

from mesoslite.allocator import HierarchicalAllocator
from mesoslite.model import (
    AgentActivated,
    AgentAdded,
    AgentDeactivated,
    AgentID,
    AgentRemoved,
    AgentsWhitelisted,
    AgentUnavailable,
    AgentUpdated,
    AllocationConverted,
    Attribute,
    AttributeConstraint,
    AvailableConverted,
    Delta,
    FilterExpired,
    FrameworkActivated,
    FrameworkAdded,
    FrameworkDeactivated,
    FrameworkID,
    FrameworkRemoved,
    FrameworkUpdated,
    InsufficientResources,
    InverseOfferAnswered,
    OfferUsed,
    Paused,
    Plan,
    Predicate,
    PseudoAttribute,
    QuotaChanged,
    RecoveryBegun,
    RecoveryOver,
    Resources,
    ResourcesRecovered,
    Resumed,
    Revived,
    RoleConstraints,
    RoleMinimum,
    Suppressed,
    Unavailability,
    Usage,
    WeightChanged,
    constants,
)
from mesoslite.model.kinds import Disk, DiskSource, DiskType, Kind, Persistence, Reservation, ReservationType
from mesoslite.model.portions import Portion

from .oracle import FEATURES, Options, paths
from .oracle_rules import NEVER, Oracle

AGENTS = [AgentID(f"agent{number}") for number in range(4)]
FRAMEWORKS = [FrameworkID(f"framework{number}") for number in range(4)]
TOP_ROLES = ("ads", "web", "*")
NESTED_ROLES = ("ads/batch", "ads/batch/night", "web/shop")
SCENARIO_FEATURES = (*FEATURES, "lottery", "ranges", "shrinking", "slices", "some_agents", "updates", "used")
CAPABILITIES = ("GPU_RESOURCES", "REGION_AWARE", "REVOCABLE_RESOURCES", "SHARED_RESOURCES", "RESERVATION_REFINEMENT")

Item = TypeVar("Item")


class Scenario:
    """One run."""

    def __init__(self, rng: random.Random, features: frozenset[str], without: str | None = None) -> None:
        self.rng = rng
        self.features = features
        anything = "shared" in features and rng.random() < 0.5  # so that a volume alone is worth an offer
        self.options = Options(
            min_allocatable=() if anything else constants.MIN_ALLOCATABLE,
            sorter="random" if "lottery" in features else "drf",
            fairness_excluded=("gpus", "mem") if "exclusion" in features else (),
            filter_gpus="gpus" in features,
            region="here" if "regions" in features else None,
            probe_every=rng.choice([2, 3, NEVER, NEVER]) if "passing" in features else 0,
            patience=rng.choice([1, 1, 2, 3]),
        )
        self.allocator, self.twin = self.make_allocator(), self.make_allocator()
        self.oracle = Oracle(self.options)
        # An oracle that does not know a feature, until a plan differs from what it says.
        self.ignorant = Oracle(replace(self.options, off=frozenset({without}))) if without else None
        self.numbers = 0  # of filters
        self.happened: list[Delta | Plan] = []  # for whoever has to find out what went wrong
        self.roles = TOP_ROLES + (NESTED_ROLES if "hierarchy" in features else ())
        self.actions = self.choose_actions()

    def make_allocator(self) -> HierarchicalAllocator:
        options = self.options
        return HierarchicalAllocator(
            min_allocatable=options.min_allocatable,
            role_sorter=options.sorter,
            framework_sorter=options.sorter,
            fairness_excluded=options.fairness_excluded,
            filter_gpus=options.filter_gpus,
            region=options.region,
            probe_every=options.probe_every,
            patience=options.patience,
        )

    def choose_actions(self) -> list[Callable[[], None]]:
        """What may happen; what is named twice does so twice as often."""
        by_feature: dict[str, list[Callable[[], None]]] = {
            "activation": [self.toggle_agent, self.toggle_framework],
            "filters": [self.expire],
            "guarantees": [self.set_quota, self.set_quota],
            "hold_off": [self.hold_off],
            "limits": [self.set_quota, self.set_quota],
            "maintenance": [self.schedule, self.answer],
            "pause": [self.pause],
            "reservations": [self.convert],
            "refinement": [self.convert],
            "shared": [self.convert],
            "shrinking": [self.resize],
            "suppression": [self.suppress],
            "updates": [self.update_framework, self.update_agent],
            "weights": [self.weigh],
            "whitelist": [self.whitelist],
        }
        always = [self.add_agent, self.add_framework, *[self.recover] * 4, *[self.plan] * 4]
        chosen = [action for feature, actions in by_feature.items() if feature in self.features for action in actions]
        return [
            *always,
            self.add_agent,
            self.add_framework,
            self.remove_agent,
            self.remove_framework,
            self.revive,
            *chosen,
        ]

    def run(self, steps: int) -> None:
        """Begin with a few agents and frameworks, then let anything happen."""
        for _ in range(3):
            self.add_agent()
            self.add_framework()
        for _ in range(steps):
            self.rng.choice(self.actions)()
        self.plan()

    def apply(self, delta: Delta) -> None:
        """Tell all of them, and compare the books."""
        self.happened.append(delta)
        self.allocator.apply(delta)
        if "slices" in self.features:
            self.twin.apply(delta)
        self.oracle.apply(delta)
        if self.ignorant is not None:
            self.ignorant.apply(delta)
        self.compare_books()

    def compare_books(self) -> None:
        self.allocator._check()
        for agent_id in self.oracle.agents:
            assert self.allocator.available(AgentID(agent_id)) == self.oracle.free(agent_id)

    def plan(self) -> None:
        """Plan, and let the oracle judge it."""
        seed = self.rng.randint(0, 9)
        some = self.some(AGENTS) if self.on("some_agents") else None
        plan = self.allocator.plan(random.Random(seed), some)
        if "slices" in self.features:
            cycle = self.twin.begin(random.Random(seed), some)
            while not cycle.advance(1):
                self.twin._check()
            assert cycle.plan == plan
        self.happened.append(plan)
        if self.ignorant is not None and self.ignorant.follow(plan, some) is not None:
            self.ignorant = None
        wrong = self.oracle.follow(plan, some)
        assert wrong is None, "\n".join([wrong, "after", *map(str, self.happened)])
        self.compare_books()

    # ---- drawing ----

    def pick(self, items: Sequence[Item]) -> Item:
        return self.rng.choice(items)

    def some(self, items: Sequence[Item]) -> tuple[Item, ...]:
        return tuple([item for item in items if self.rng.random() < 0.5])

    def on(self, *features: str) -> bool:
        """Whether one of the features is on, and a coin falls right."""
        return bool(self.features.intersection(features)) and self.rng.random() < 0.6

    def resources(self) -> Resources:
        """What an agent has."""
        rng = self.rng
        cpus, mem = rng.choice([0.005, 1, 4, 9]), rng.choice([0, 16, 64, 1024])
        total = Resources.of(cpus=cpus, mem=mem, gpus=rng.choice([0, 2]) if self.on("gpus", "exclusion") else 0)
        portions = []
        if self.on("ranges"):
            total += Resources.parse("ports:[31000-31010,32000-32001];zones:{a,b}")
        if self.on("reservations", "refinement", "limits", "guarantees"):
            portions.append(Portion(self.reserved_kind("cpus"), rng.choice([1_000, 3_000])))
        if self.on("revocable"):
            kind = self.reserved_kind("cpus") if self.on("reservations", "limits", "guarantees") else Kind("cpus")
            portions.append(Portion(replaced(kind, revocable=True), 2_000))
        if self.on("limits", "guarantees"):
            roots = [self.pick(["/m1", "/m2"]) for _ in range(rng.randint(0, 2))]
            kinds = [Kind("disk", disk=Disk(source=DiskSource(DiskType.MOUNT, root=root))) for root in roots]
            portions += [Portion(kind, rng.choice([50_000, 100_000])) for kind in kinds]
            total += Resources.of(disk=rng.choice([0, 30]))
        if self.on("shared"):
            volumes = [self.volume(shared=True) for _ in range(self.rng.randint(1, 2))]
            portions += {volume.kind: volume for volume in volumes}.values()  # no agent has the same one twice
            portions.append(Portion(self.reserved_kind("disk"), 64_000))
        return total + Resources.from_portions(portions)

    def reserved_kind(self, name: str) -> Kind:
        role = self.pick([role for role in self.roles if role != "*"])
        outer = [Reservation(ReservationType.STATIC, above) for above in paths(role)[:-1]]
        inner = self.pick([ReservationType.STATIC, ReservationType.DYNAMIC])
        if outer and self.on("refinement"):
            stack = (outer[0], Reservation(ReservationType.DYNAMIC, role, "operator"))
        else:
            stack = (Reservation(inner, role),)
        return Kind(name, reservations=stack)

    def volume(self, shared: bool) -> Portion:
        role = self.pick([role for role in self.roles if role != "*"])
        reservation = Reservation(ReservationType.DYNAMIC, role, "operator")
        name = f"volume{self.rng.randint(0, 2)}"
        kind = Kind("disk", reservations=(reservation,), disk=Disk(persistence=Persistence(name)), shared=shared)
        return Portion(kind, 64_000)

    def attributes(self) -> tuple[Attribute, ...]:
        if not self.on("constraints", "updates"):
            return ()
        return (Attribute("rack", self.pick(["r1", "r2", 7.0])), Attribute("rack", "r9"), Attribute("ssd", "yes"))

    def constraints(self, roles: tuple[str, ...]) -> tuple[RoleConstraints, ...]:
        if not self.on("constraints"):
            return ()
        selectors: list[str | PseudoAttribute] = ["rack", "ssd", "lacking", *PseudoAttribute]

        def one() -> AttributeConstraint:
            predicate = self.pick(list(Predicate))
            exists = predicate in (Predicate.EXISTS, Predicate.NOT_EXISTS)
            value = "" if exists else self.pick(["r1", "r[0-9]", "yes", "host0", "here"])
            return AttributeConstraint(self.pick(selectors), predicate, value)

        return tuple([RoleConstraints(role, ((one(), one()), (one(),))) for role in self.some(roles)])

    def subscription(self) -> dict[str, object]:
        """What a framework wants, as fields of the deltas."""
        roles = self.some(self.roles) or (self.pick(self.roles),)
        minimum = [(), (Resources.of(cpus=3),), (Resources.of(cpus=1), Resources.of(mem=500))]
        has_minimum = self.on("minimum")
        multi = ("MULTI_ROLE",) if self.on("capabilities") else ()
        return {
            "roles": roles,
            "suppressed_roles": self.some(roles) if self.on("suppression") else (),
            "capabilities": (*self.some(CAPABILITIES), *multi),
            "constraints": self.constraints(roles),
            "min_allocatable": tuple([RoleMinimum(role, self.pick(minimum)) for role in self.some(roles)])
            if has_minimum
            else (),
        }

    # ---- what happens ----

    def add_agent(self) -> None:
        agent_id = self.pick(AGENTS)
        if agent_id in self.oracle.agents:
            return
        total = self.resources()
        share = 1 if self.on("shrinking") else 3
        part = Resources.from_milli({name: milli // share for name, milli in total.quantities})
        if self.on("shrinking"):
            part += self.resources().shared() + self.resources().revocable()
        users = [(self.pick(FRAMEWORKS), self.pick(self.roles)) for _ in range(2)] if self.on("used") else []
        capabilities = ("MULTI_ROLE", "HIERARCHICAL_ROLE")
        self.apply(
            AgentAdded(
                agent_id=agent_id,
                hostname=f"host{self.rng.randint(0, 1)}",
                total=total,
                used=tuple([Usage(framework_id, role, part) for framework_id, role in users if part]),
                attributes=self.attributes(),
                capabilities=self.some(capabilities) if self.on("capabilities") else capabilities,
                region=self.pick(["here", "there", None]) if self.on("regions") else None,
                unavailability=Unavailability(10, 5) if self.on("maintenance") else None,
            )
        )

    def remove_agent(self) -> None:
        if self.oracle.agents and self.rng.random() < 0.3:
            self.apply(AgentRemoved(self.an_agent()))

    def update_agent(self) -> None:
        if self.oracle.agents:
            capabilities = ("MULTI_ROLE", "HIERARCHICAL_ROLE") if self.rng.random() < 0.5 else None
            attributes = self.attributes() if self.rng.random() < 0.5 else None
            self.apply(AgentUpdated(agent_id=self.an_agent(), attributes=attributes, capabilities=capabilities))

    def resize(self) -> None:
        if self.oracle.agents:
            self.apply(AgentUpdated(agent_id=self.an_agent(), total=self.resources()))

    def toggle_agent(self) -> None:
        if self.oracle.agents:
            self.apply(self.pick([AgentActivated, AgentDeactivated])(self.an_agent()))

    def schedule(self) -> None:
        if self.oracle.agents:
            self.apply(AgentUnavailable(self.an_agent(), self.pick([None, Unavailability(10), Unavailability(20, 5)])))

    def answer(self) -> None:
        if self.oracle.inverse_open:
            framework_id, agent_id = self.pick(sorted(self.oracle.inverse_open))
            accepted = self.pick([None, True, False])
            self.apply(
                InverseOfferAnswered(
                    framework_id=FrameworkID(framework_id),
                    agent_id=AgentID(agent_id),
                    accepted=accepted,
                    filter_id=self.number() if self.rng.random() < 0.5 else None,
                )
            )
        elif self.numbers:
            self.expire()

    def whitelist(self) -> None:
        self.apply(AgentsWhitelisted(self.pick([None, (), ("host0",), ("host0", "host1")])))

    def add_framework(self) -> None:
        framework_id = self.pick(FRAMEWORKS)
        if framework_id not in self.oracle.frameworks:
            active = not self.on("activation")
            self.apply(FrameworkAdded(framework_id=framework_id, active=active, **self.subscription()))  # type: ignore[arg-type]

    def update_framework(self) -> None:
        if self.oracle.frameworks:
            self.apply(FrameworkUpdated(framework_id=self.a_framework(), **self.subscription()))  # type: ignore[arg-type]

    def remove_framework(self) -> None:
        if self.oracle.frameworks and self.rng.random() < 0.3:
            self.apply(FrameworkRemoved(self.a_framework()))

    def toggle_framework(self) -> None:
        if self.oracle.frameworks:
            self.apply(self.pick([FrameworkActivated, FrameworkDeactivated])(self.a_framework()))

    def suppress(self) -> None:
        if self.oracle.frameworks:
            self.apply(Suppressed(self.a_framework(), self.some(self.roles)))

    def revive(self) -> None:
        if self.oracle.frameworks:
            self.apply(Revived(self.a_framework(), self.some(self.roles)))

    def weigh(self) -> None:
        self.apply(WeightChanged(self.pick(self.roles), self.pick([0.5, 1.0, 3.0])))

    def set_quota(self) -> None:
        amounts = [(), (("cpus", 2_000),), (("cpus", 6_000), ("mem", 500_000))]
        amounts += [(("disk", 60_000),), (("cpus", 2_000), ("disk", 120_000))]
        guarantees = self.pick(amounts) if "guarantees" in self.features else ()
        limits = self.pick([*amounts, (("cpus", 0),), (("disk", 80_000),)]) if "limits" in self.features else ()
        fitting = {name: max(milli, dict(guarantees).get(name, 0)) for name, milli in limits}
        self.apply(QuotaChanged(self.pick(["ads", "web"]), guarantees, tuple(fitting.items())))

    def hold_off(self) -> None:
        self.apply(self.pick([RecoveryBegun(self.rng.randint(0, 6)), RecoveryOver()]))

    def pause(self) -> None:
        self.apply(self.pick([Paused(), Resumed(), Resumed()]))

    def expire(self) -> None:
        if self.numbers:
            self.apply(FilterExpired(self.rng.randint(1, self.numbers)))

    def recover(self) -> None:
        """Hand back an offer or part of it, or use part of it first."""
        if not self.oracle.held:
            return
        agent_id, framework_id, role = key = self.pick(sorted(self.oracle.held))
        held = self.oracle.held[key]
        is_part = self.rng.random() < 0.5
        part = Resources.from_milli({name: milli // 2 for name, milli in held.quantities}) if is_part else held
        who = {"framework_id": FrameworkID(framework_id), "role": role, "agent_id": AgentID(agent_id)}
        if self.on("passing") and part:
            self.apply(OfferUsed(**who, resources=part))  # type: ignore[arg-type]
        is_filtered = self.on("filters") and self.rng.random() < 0.5
        self.apply(
            ResourcesRecovered(
                **who,  # type: ignore[arg-type]
                resources=part,
                filter_id=self.number() if is_filtered and part else None,
                declined=not is_part and self.rng.random() < 0.7,
            )
        )

    def convert(self) -> None:
        """Reserve, unreserve, make a volume or refine, on what is offered or on what is free."""
        if not self.oracle.agents:
            return
        if self.oracle.held and self.rng.random() < 0.6:
            agent_id, framework_id, role = key = self.pick(sorted(self.oracle.held))
            before, after = self.conversion(self.oracle.held[key], role)
            who = {"framework_id": FrameworkID(framework_id), "role": role, "agent_id": AgentID(agent_id)}
            if before != after:
                self.apply_or_be_refused(
                    AllocationConverted(**who, before=before, after=after),  # type: ignore[arg-type]
                    self.oracle.is_short(agent_id) or self.others_use(agent_id, before, but=key),
                )
            return
        agent_id = self.an_agent()
        before, after = self.conversion(self.oracle.free(agent_id), self.pick(self.roles))
        if before != after:
            delta = AvailableConverted(agent_id=AgentID(agent_id), before=before, after=after)
            self.apply_or_be_refused(delta, self.others_use(agent_id, before))

    def others_use(self, agent_id: str, before: Resources, but: tuple[str, str, str] | None = None) -> bool:
        """Whether anybody else holds a copy of a shared volume that would be lost."""
        kinds = {portion.kind for portion in before.shared().others}
        held = [resources for key, resources in self.oracle.held.items() if key[0] == agent_id and key != but]
        mine = [portion for portion in self.oracle.held.get(but, Resources()).others if but and portion.copies > 1]
        return any(portion.kind in kinds for portion in mine + [one for each in held for one in each.others])

    def apply_or_be_refused(self, delta: Delta, is_refused: bool) -> None:
        if is_refused:
            with pytest.raises(InsufficientResources):
                self.allocator.apply(delta)
            self.compare_books()
        else:
            self.apply(delta)

    def conversion(self, has: Resources, role: str) -> tuple[Resources, Resources]:
        """Part of what there is, and what it becomes."""
        within = has.allocatable_to(role).not_revocable().only_scalars()
        portions = [portion for portion in within.portions if portion.kind.name in ("cpus", "disk")]
        if role == "*" or not portions:
            return Resources(), Resources()
        portion = self.pick(portions)
        if portion.kind.name == "disk" and portion.kind.reservations:
            return self.volume_conversion(portion)
        amount = portion.scalar if portion.is_whole else max(1, portion.scalar // 2)
        before = Resources.from_portions([Portion(portion.kind, amount)])
        if portion.kind.reservations and (self.rng.random() < 0.5 or role not in paths(role)[1:]):
            return before, before.popped()
        if portion.kind.reservations and portion.kind.role == role:
            return before, before.popped()
        return before, before.pushed(Reservation(ReservationType.DYNAMIC, role, "operator"))

    def volume_conversion(self, portion: Portion) -> tuple[Resources, Resources]:
        """A volume, shared or not, of a reserved disk, or the disk of such a volume."""
        source = portion.kind.disk.source if portion.kind.disk is not None else None
        portion = replaced(portion, copies=1)
        if portion.kind.persistence is not None:
            bare = replaced(portion.kind, disk=Disk(source=source) if source is not None else None, shared=False)
            return Resources.from_portions([portion]), Resources.from_portions([Portion(bare, portion.scalar)])
        persistence = Persistence(f"volume{self.number()}", "operator")
        disk = Disk(source=source, persistence=persistence)
        volume = replaced(portion.kind, disk=disk, shared=self.rng.random() < 0.5)
        return Resources.from_portions([portion]), Resources.from_portions([Portion(volume, portion.scalar)])

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def an_agent(self) -> AgentID:
        return AgentID(self.pick(sorted(self.oracle.agents)))

    def a_framework(self) -> FrameworkID:
        return FrameworkID(self.pick(sorted(self.oracle.frameworks)))
