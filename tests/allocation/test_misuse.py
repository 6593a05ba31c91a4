"""Deltas that cannot be: each is refused with an error that says so, and has changed nothing."""

# Goal: whatever the master, or a stranger through it, gets wrong, the books stay true and plans what they would be.
# Method: between all that may happen, try what may not; the oracle is told nothing of it, and judges on.

import random
from collections.abc import Callable

import pytest

from mesoslite.model import (
    AgentActivated,
    AgentAdded,
    AgentDeactivated,
    AgentID,
    AgentRemoved,
    AgentUnavailable,
    AgentUpdated,
    AllocationConverted,
    AttributeConstraint,
    AvailableConverted,
    Delta,
    FrameworkActivated,
    FrameworkAdded,
    FrameworkDeactivated,
    FrameworkID,
    FrameworkRemoved,
    FrameworkUpdated,
    InsufficientResources,
    InternalError,
    InvalidRequest,
    OfferUsed,
    Predicate,
    QuotaChanged,
    Resources,
    ResourcesRecovered,
    Revived,
    RoleConstraints,
    Suppressed,
    WeightChanged,
)
from tests.thoroughness import usually

from .cluster import Cluster
from .scenario import SCENARIO_FEATURES, Scenario

HUGE = Resources.of(cpus=10**6)
NOBODY, NOWHERE = FrameworkID("nobody"), AgentID("nowhere")
FEATURES = frozenset(SCENARIO_FEATURES) - {"slices", "pause", "hold_off", "whitelist"}
BAD_PATTERN = RoleConstraints("ads", ((AttributeConstraint("rack", Predicate.TEXT_MATCHES, "(a"),),))
ROLES = usually(5_000, 100_000)

WRONG_ANYWHERE: list[Delta] = [
    AgentRemoved(NOWHERE),
    AgentActivated(NOWHERE),
    AgentDeactivated(NOWHERE),
    AgentUpdated(agent_id=NOWHERE, total=HUGE),
    AgentUnavailable(NOWHERE, None),
    AvailableConverted(agent_id=NOWHERE, before=HUGE, after=HUGE),
    FrameworkRemoved(NOBODY),
    FrameworkActivated(NOBODY),
    FrameworkDeactivated(NOBODY),
    FrameworkUpdated(framework_id=NOBODY, roles=("ads",)),
    FrameworkAdded(framework_id=NOBODY, roles=("ads",), constraints=(BAD_PATTERN,)),
    Suppressed(NOBODY),
    Revived(NOBODY),
    *[WeightChanged("ads", weight) for weight in (0.0, -1.0, 1e-320, 1e308, float("nan"), float("inf"))],
    QuotaChanged("*", (("cpus", 1_000),)),
    QuotaChanged("ads/batch", (("cpus", 1_000),)),
    QuotaChanged("", (("cpus", 1_000),)),
    QuotaChanged("ads", (("cpus", -1),)),
    QuotaChanged("ads", (("cpus", 2_000),), (("cpus", 1_000),)),
    QuotaChanged("ads", (("cpus", 1_000), ("cpus", 1_000))),
    QuotaChanged("ads", (), (("mem", 1 << 80),)),
    QuotaChanged("ads", (("", 1_000),)),
]


class Misused(Scenario):
    """A run in which somebody does what cannot be."""

    def choose_actions(self) -> list[Callable[[], None]]:
        return [*super().choose_actions(), *[self.misuse] * 6]

    def misuse(self) -> None:
        delta = self.pick([*WRONG_ANYWHERE, *self.wrong_here()])
        with pytest.raises((InternalError, InvalidRequest, InsufficientResources), match=r"\w+: .{15,}"):
            self.allocator.apply(delta)
        self.compare_books()

    def wrong_here(self) -> list[Delta]:
        """What cannot be because of what there is."""
        wrong: list[Delta] = []
        for agent_id in map(AgentID, self.oracle.agents):
            wrong.append(AgentAdded(agent_id=agent_id, hostname="h", total=HUGE))
            wrong.append(AvailableConverted(agent_id=agent_id, before=HUGE, after=HUGE))
            wrong.append(AvailableConverted(agent_id=agent_id, before=Resources(), after=HUGE))
        for framework_id in map(FrameworkID, self.oracle.frameworks):
            wrong.append(FrameworkAdded(framework_id=framework_id, roles=("ads",)))
            wrong.append(FrameworkUpdated(framework_id=framework_id, roles=("ads",), constraints=(BAD_PATTERN,)))
        for (agent_id, framework_id, role), held in self.oracle.held.items():
            who = {"framework_id": FrameworkID(framework_id), "role": role, "agent_id": AgentID(agent_id)}
            wrong.append(ResourcesRecovered(**who, resources=held + HUGE))  # type: ignore[arg-type]
            wrong.append(OfferUsed(**who, resources=HUGE))  # type: ignore[arg-type]
            wrong.append(AllocationConverted(**who, before=HUGE, after=HUGE))  # type: ignore[arg-type]
            wrong.append(AllocationConverted(**who, before=held, after=held + HUGE))  # type: ignore[arg-type]
            wrong.append(AllocationConverted(**who, before=held + HUGE, after=held + HUGE))  # type: ignore[arg-type]
            taken = [*self.oracle.filters, *self.oracle.inverse_filters]
            wrong += [ResourcesRecovered(**who, resources=held, filter_id=number) for number in taken]  # type: ignore[arg-type]
        return wrong


@pytest.mark.parametrize("seed", range(25))
def test_what_cannot_be_is_refused_and_changes_nothing(seed: int) -> None:
    Misused(random.Random(seed), FEATURES).run(60)


def test_what_concerns_somebody_who_is_gone_does_nothing() -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a")
    (grant,) = cluster.plan()
    lost = {"role": "*", "resources": grant.resources}
    gone = [
        ResourcesRecovered(framework_id=NOBODY, agent_id=grant.agent_id, filter_id=1, declined=True, **lost),  # type: ignore[arg-type]
        ResourcesRecovered(framework_id=grant.framework_id, agent_id=NOWHERE, **lost),  # type: ignore[arg-type]
        OfferUsed(framework_id=NOBODY, agent_id=NOWHERE, **lost),  # type: ignore[arg-type]
    ]

    for delta in gone:
        ended = cluster.allocator.apply(delta)
        assert ended == ((1,) if delta is gone[0] else ())  # a filter about nobody is not made

    cluster.audit()
    assert cluster.allocator.allocated(grant.agent_id) == grant.resources


# Goal: a stranger with very many roles slows nobody else down, and leaves nothing behind. Method: count agents looked
# at; what an allocator still knows of roles afterwards.
def test_very_many_roles_come_and_go() -> None:
    cluster = Cluster(agents=3, is_audited=False)
    roles = tuple([f"role{number % 100}/below{number}" for number in range(ROLES)])
    cluster.add_framework("many", *roles)
    cluster.add_framework("one", "ads")
    cluster.allocator.apply(QuotaChanged("role1", (("cpus", 1_000),)))

    granted = {grant.framework_id for grant in cluster.plan()}

    assert granted == {"many", "one"}
    assert cluster.visited() == 0
    cluster.allocator.apply(QuotaChanged("role1"))
    cluster.allocator.apply(FrameworkRemoved(FrameworkID("many")))
    assert list(cluster.allocator._books.shares.roles.books) == ["ads"]
    cluster.allocator._check()
