"""Explanations: each reason is found when, and only when, it is one."""

import random
from collections.abc import Callable

import pytest

from mesoslite.allocator.history import GRANTS_KEPT, History
from mesoslite.model import (
    AgentDeactivated,
    AgentID,
    AgentsWhitelisted,
    AttributeConstraint,
    FrameworkDeactivated,
    FrameworkID,
    Grant,
    Paused,
    Predicate,
    QuotaChanged,
    Resources,
    RoleConstraints,
    Suppressed,
)
from mesoslite.model.kinds import Disk, DiskSource, DiskType, Kind
from mesoslite.model.portions import Portion
from tests.thoroughness import usually

from .cluster import Cluster
from .oracle_rules import EVERYTHING, GUARANTEES
from .scenario import SCENARIO_FEATURES, Scenario

A, B = FrameworkID("a"), FrameworkID("b")
AGENT = AgentID("agent")


def reasons(cluster: Cluster, framework: FrameworkID = A, agent: AgentID = AGENT) -> list[str]:
    return [finding.reason.value for finding in cluster.allocator.explain(framework, agent).findings]


def text(cluster: Cluster, reason: str) -> str:
    """What is said about the one finding for that reason."""
    (found,) = [each for each in cluster.allocator.explain(A, AGENT).findings if each.reason == reason]
    return found.text


def cluster_with(total: str | Resources = "cpus:4;mem:1024", **agent: object) -> Cluster:
    cluster = Cluster(region="here")
    cluster.add_agent("agent", total, **agent)
    return cluster


def plain() -> Cluster:
    cluster = cluster_with()
    cluster.add_framework("a", "web")
    return cluster


def unknown_framework() -> Cluster:
    return cluster_with()


def unknown_agent() -> Cluster:
    cluster = Cluster()
    cluster.add_framework("a", "web")
    return cluster


def after(delta: object) -> Callable[[], Cluster]:
    def make() -> Cluster:
        cluster = plain()
        cluster.allocator.apply(delta)  # type: ignore[arg-type]
        return cluster

    return make


def gpus() -> Cluster:
    cluster = cluster_with("cpus:4;gpus:1")
    cluster.add_framework("a", "web")
    return cluster


def region() -> Cluster:
    cluster = cluster_with(region="there")
    cluster.add_framework("a", "web")
    return cluster


def constrained() -> Cluster:
    cluster = cluster_with()
    groups = ((AttributeConstraint("rack", Predicate.EXISTS),),)
    cluster.add_framework("a", "web", constraints=(RoleConstraints("web", groups),))
    return cluster


def small() -> Cluster:
    cluster = cluster_with("cpus:0.001;mem:1")
    cluster.add_framework("a", "web")
    return cluster


def refused() -> Cluster:
    cluster = plain()
    (grant,) = cluster.plan()
    cluster.recover(grant, filtered=True)
    return cluster


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (plain, ["NEXT"]),
        (unknown_framework, ["UNKNOWN_FRAMEWORK"]),
        (unknown_agent, ["UNKNOWN_AGENT"]),
        (after(FrameworkDeactivated(A)), ["FRAMEWORK_INACTIVE"]),
        (after(Suppressed(A)), ["SUPPRESSED"]),
        (after(Paused()), ["HELD_OFF"]),
        (after(AgentDeactivated(AGENT)), ["AGENT_INACTIVE"]),
        (after(AgentsWhitelisted(("other",))), ["NOT_WHITELISTED"]),
        (gpus, ["CAPABILITY"]),
        (region, ["REGION"]),
        (constrained, ["CONSTRAINT"]),
        (small, ["TOO_SMALL"]),
        (after(QuotaChanged("web", (), (("cpus", 0), ("mem", 0)))), ["QUOTA_LIMIT"]),
        (after(QuotaChanged("ads", (("cpus", 4_000), ("mem", 1_024_000)))), ["HEADROOM"]),
        (refused, ["FILTER", "GRANTED"]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_reason_is_found_exactly_when_it_is_one(make: Callable[[], Cluster], expected: list[str]) -> None:
    cluster = make()

    found = reasons(cluster)

    assert found == expected
    assert bool(cluster.plan()) == ("NEXT" in found), "an explanation agrees with the next run"


def test_offer_is_dated() -> None:
    cluster = plain()

    cluster.plan()

    assert text(cluster, "GRANTED") == "run 1 offered it cpus:4; mem:1024; it holds cpus:4; mem:1024 of the agent now"
    assert cluster.allocator.explain(A, AGENT).run == 1


def test_who_was_served_instead_is_named_with_both_shares() -> None:
    cluster = cluster_with()
    cluster.add_framework("b", "ads")
    cluster.plan()
    cluster.add_framework("a", "web")

    assert reasons(cluster) == ["HELD", "SHARE"]
    (held, share) = cluster.allocator.explain(A, AGENT).findings
    assert (held.other, share.other) == (B, B)
    assert held.text == ("nothing is free of its cpus:4; mem:1024: framework b holds cpus:4; mem:1024 in role 'ads'")
    assert share.text == (
        "run 1 offered cpus:4; mem:1024 to framework b in role 'ads'; shares of the cluster now, each of the resource "
        "it has most of: role 'ads' 100.0 %, role 'web' 0.0 %"
    )


def test_what_bars_everything_is_all_that_is_said() -> None:
    cluster = refused()
    cluster.allocator.apply(Suppressed(A))

    assert reasons(cluster) == ["SUPPRESSED"]

    cluster.allocator.apply(AgentDeactivated(AGENT))

    assert reasons(cluster) == ["AGENT_INACTIVE"]


def test_each_role_has_its_reasons() -> None:
    cluster = cluster_with()
    cluster.add_framework("a", "web", "ads", "batch", suppressed=("ads",))

    findings = cluster.allocator.explain(A, AGENT).findings

    assert [(each.role, each.reason.value) for each in findings] == [
        ("web", "NEXT"),
        ("ads", "SUPPRESSED"),
        ("batch", "NEXT"),
    ]


def test_filter_says_what_was_refused() -> None:
    assert text(refused(), "FILTER") == (
        "it refused cpus:4; mem:1024 here for a time, which contains the cpus:4; mem:1024 that it may have"
    )


CUT = [
    (
        QuotaChanged("prod", guarantees=(("cpus", 2_000),)),
        "HEADROOM",
        "mem:512",
        (
            "of the cpus:2 free here it may have cpus:0, as of the cpus:2 free in the cluster the rest is kept for "
            "guarantees: role 'prod' lacks cpus:2"
        ),
    ),
    (
        QuotaChanged("web", limits=(("cpus", 1_000),)),
        "QUOTA_LIMIT",
        "cpus:1; mem:512",
        "of the cpus:2 free here it may have cpus:1, as role 'web' has cpus:0 and is limited to cpus:1",
    ),
    (None, "RESERVED", "cpus:2; mem:512", "reserved for others, of what is free: mem(ads):64 for role 'ads'"),
]


@pytest.mark.parametrize(("delta", "reason", "offer", "why"), CUT, ids=["HEADROOM", "QUOTA_LIMIT", "RESERVED"])
def test_what_makes_an_offer_less_is_said_though_something_is_left(
    delta: QuotaChanged | None, reason: str, offer: str, why: str
) -> None:
    cluster = cluster_with("cpus:2;mem:512" if delta else "cpus:2;mem:512;mem(ads):64")
    cluster.add_framework("a", "web")
    if delta is not None:
        cluster.allocator.apply(delta)

    assert reasons(cluster) == ["NEXT", reason]
    assert text(cluster, "NEXT") == f"nothing stands in the way of an offer of {offer}"
    assert text(cluster, reason) == why
    assert [str(grant.resources) for grant in cluster.plan()] == [offer]


def test_framework_that_holds_the_agent_itself_is_told_so() -> None:
    cluster = plain()
    cluster.plan()

    assert reasons(cluster) == ["HELD", "GRANTED"]
    assert "this framework holds cpus:4; mem:1024 in role 'web'" in text(cluster, "HELD")


def test_agent_that_is_reserved_for_others_is_no_full_one() -> None:
    cluster = cluster_with("cpus(ads):2;mem(ads):64")
    cluster.add_framework("a", "web")

    assert reasons(cluster) == ["RESERVED"]


def test_client_that_passes_is_told_how_often_and_until_when() -> None:
    cluster = plain()
    for _ in range(5):
        (grant,) = cluster.plan()
        cluster.decline(grant)

    assert reasons(cluster) == ["NEXT", "HANDED_BACK", "GRANTED"]
    assert "handed back 5 offers or more" in text(cluster, "HANDED_BACK")
    assert "it is first for one in 8 of these" in text(cluster, "HANDED_BACK")


# Goal: what is said of the next run is what the next run would do. Method: random clusters of all features; NEXT is
#   compared with the oracle's answer for a client that is asked first, for each client and agent, in either direction.
@pytest.mark.parametrize("seed", range(usually(5, 50)))
def test_next_is_said_exactly_if_the_rules_would_give_something(seed: int) -> None:
    rng = random.Random(seed)
    features = frozenset(rng.sample(SCENARIO_FEATURES, rng.randint(2, 10))) - {"slices"}
    scenario = Scenario(rng, features)
    for _ in range(3):
        scenario.add_agent()
        scenario.add_framework()

    for _ in range(15):
        rng.choice(scenario.actions)()
        assert said(scenario) == expected(scenario)


Judged = dict[tuple[str, str, str], str | None]


def said(scenario: Scenario) -> Judged:
    judged: Judged = {}
    for agent_id in scenario.oracle.agents:
        for framework_id, framework in scenario.oracle.frameworks.items():
            found = scenario.allocator.explain(FrameworkID(framework_id), AgentID(agent_id)).findings
            offers = {each.role: each.text.rpartition("offer of ")[2] for each in found if each.reason == "NEXT"}
            assert all({"", role} & {each.role for each in found} for role in framework.roles), "a role without a word"
            judged |= {(agent_id, framework_id, role): offers.get(role) for role in framework.roles}
    return judged


def expected(scenario: Scenario) -> Judged:
    oracle = scenario.oracle
    oracle.begin()
    judged: Judged = {}
    for agent_id in oracle.agents:
        for framework_id, framework in oracle.frameworks.items():
            for role in framework.roles:
                offers = []
                if (framework_id, role) in oracle.wanting():
                    for oracle.stage in (GUARANTEES, EVERYTHING):
                        offers.append(oracle.offering(agent_id, (framework_id, role)))
                judged[agent_id, framework_id, role] = next((str(offer) for offer in offers if offer), None)
    return judged


# Goal: the past is bounded. Method: more grants than are kept; the oldest are forgotten, the last run never.
def test_history_keeps_the_last_runs_only() -> None:
    cluster = Cluster(agents=300, is_audited=False)
    cluster.add_framework("a", "web")
    for grant in cluster.plan():
        cluster.decline(grant)
    first = cluster.allocator._history
    runs = [len(grants) for _, grants in first._runs]
    for _ in range(40):
        for grant in cluster.plan():
            cluster.decline(grant)

    assert runs == [300]
    assert sum(len(grants) for _, grants in first._runs) <= 10_000
    assert first.run == 41


def test_history_is_that_of_the_latest_run() -> None:
    cluster = plain()
    (grant,) = cluster.plan()
    assert "run 1 " in text(cluster, "GRANTED")
    cluster.recover(grant)

    cluster.plan()

    assert "run 2 " in text(cluster, "GRANTED")


def test_last_run_is_kept_whatever_its_size() -> None:
    history = History()
    grant = Grant(framework_id=A, role="web", agent_id=AGENT, resources=Resources.of(cpus=1))

    history.add((grant,) * (GRANTS_KEPT + 1))

    assert history.of_agent(AGENT)[0] == (1, grant)


def test_whole_disk_that_does_not_fit_is_told_with_what_keeps_it() -> None:
    disk = Kind("disk", disk=Disk(source=DiskSource(DiskType.MOUNT, root="/m1")))
    cluster = cluster_with(Resources.parse("cpus:1;mem:64") + Resources.from_portions([Portion(disk, 100_000)]))
    cluster.add_framework("a", "web")
    cluster.allocator.apply(QuotaChanged("web", (("disk", 50_000),)))
    assert "role 'web' itself lacks disk:50, and what comes only whole must not be larger" in text(cluster, "HEADROOM")

    cluster.allocator.apply(QuotaChanged("web", (), (("disk", 50_000),)))

    assert "of the disk:100 free here it may have disk:0, as role 'web' has" in text(cluster, "QUOTA_LIMIT")
