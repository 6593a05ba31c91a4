"""Explanations: each reason is found when, and only when, it is one."""

from collections.abc import Callable

import pytest

from mesoslite.model import (
    AgentDeactivated,
    AgentID,
    AgentsWhitelisted,
    AttributeConstraint,
    FrameworkDeactivated,
    FrameworkID,
    Paused,
    Predicate,
    QuotaChanged,
    RoleConstraints,
    Suppressed,
)

from .cluster import Cluster

A, B = FrameworkID("a"), FrameworkID("b")
AGENT = AgentID("agent")


def reasons(cluster: Cluster, framework: FrameworkID = A, agent: AgentID = AGENT) -> list[str]:
    return [finding.reason.value for finding in cluster.allocator.explain(framework, agent).findings]


def text(cluster: Cluster, reason: str) -> str:
    """What is said about the one finding for that reason."""
    (found,) = [each for each in cluster.allocator.explain(A, AGENT).findings if each.reason == reason]
    return found.text


def cluster_with(total: str = "cpus:4;mem:1024", **agent: object) -> Cluster:
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
        (refused, ["GRANTED", "FILTER"]),
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

    assert text(cluster, "GRANTED") == "run 1 offered it cpus:4; mem:1024"
    assert cluster.allocator.explain(A, AGENT).run == 1


def test_who_was_served_instead_is_named_with_both_shares() -> None:
    cluster = cluster_with()
    cluster.add_framework("b", "ads")
    cluster.plan()
    cluster.add_framework("a", "web")

    assert reasons(cluster) == ["SHARE", "TOO_SMALL"]
    assert "to b in role 'ads'" in text(cluster, "SHARE")
    assert "role 1.000, framework 1.000 there, role 0.000, framework 0.000 here" in text(cluster, "SHARE")


def test_client_that_handed_back_its_last_offer_is_told_so() -> None:
    cluster = plain()
    (grant,) = cluster.plan()
    cluster.decline(grant)

    assert reasons(cluster) == ["GRANTED", "IDLE", "NEXT"]


def test_each_role_has_its_reasons() -> None:
    cluster = cluster_with()
    cluster.add_framework("a", "web", "ads", suppressed=("ads",))

    findings = cluster.allocator.explain(A, AGENT).findings

    assert [(each.role, each.reason.value) for each in findings] == [("web", "NEXT"), ("ads", "SUPPRESSED")]


def test_filter_says_what_was_refused() -> None:
    assert text(refused(), "FILTER") == (
        "filter 1: it refused cpus:4; mem:1024 here, which contains the cpus:4; mem:1024 that is free"
    )


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
