"""Operators give roles quotas and weights; the registry knows of it first."""

# Source: the names in comments are those of Mesos's tests (master_quota_tests, dynamic_weights_tests).

from __future__ import annotations

from typing import Any

import pytest

import libactor as la
from mesoslite.master import Master
from mesoslite.model import Conflict, InvalidRequest, Quantities, ReregisterAgent, Rescind, Resources, Revive, Suppress
from mesoslite.model.registry import QuotaConfig, Weight

from .stage import FakeFramework, Stage, task
from .test_agents import stored
from .test_draining import ask, do, standing


def amounts(text: str) -> Quantities:
    return Resources.parse(text).quantities


def quota(role: str, guarantees: str = "", limits: str = "") -> QuotaConfig:
    return QuotaConfig(role, amounts(guarantees) if guarantees else (), amounts(limits) if limits else ())


def rescinded(stage: Stage, framework: la.PID[FakeFramework]) -> int:
    return len(stage.heard(framework, Rescind))


# ---- quotas ----


def test_a_quota_is_in_the_registry_before_it_is_answered_and_before_it_counts(stage: Stage) -> None:
    stage.agent("cpus:4;mem:1024")
    stage.registry.hold()
    asked = ask(stage, Master.update_quota, (quota("web", "cpus:1"),))
    before = (asked.is_pending(), la.dispatch(stage.master, Master.quotas).get(timeout=60))

    stage.registry.release()
    asked.get(timeout=60)

    assert before == (True, ())
    assert stored(stage, "quota") == {"web"}
    assert la.dispatch(stage.master, Master.quotas).get(timeout=60) == (quota("web", "cpus:1"),)


def test_what_is_guaranteed_to_a_role_is_kept_from_others(stage: Stage) -> None:
    # Source: MasterQuotaTest.AvailableResourcesAfterRescinding
    do(stage, Master.update_quota, (quota("web", "cpus:3"),), True)

    stage.agent("cpus:4;mem:1024")
    other = stage.framework("other", roles=("batch",))

    assert [offer.resources for offer in stage.offers(other)] == [Resources.parse("cpus:1;mem:1024")]


def test_a_role_gets_no_more_than_its_limit(stage: Stage) -> None:
    do(stage, Master.update_quota, (quota("web", limits="cpus:1;mem:512"),))

    stage.agent("cpus:4;mem:1024")
    web = stage.framework("web", roles=("web",))

    assert [offer.resources for offer in stage.offers(web)] == [Resources.parse("cpus:1;mem:512")]


def test_a_larger_guarantee_rescinds_offers_of_others_and_the_role_gets_them(stage: Stage) -> None:
    # Source: MasterQuotaTest.RescindOffers
    stage.agent("cpus:4;mem:1024")
    other = stage.framework("other", roles=("batch",))
    web = stage.framework("web", roles=("web",))
    before = standing(stage, other)

    do(stage, Master.update_quota, (quota("web", "cpus:4;mem:1024"),))
    stage.advance(2)

    assert len(before) == 1
    assert standing(stage, other) == []
    assert [offer.resources for offer in standing(stage, web)] == [Resources.parse("cpus:4;mem:1024")]


def test_no_more_agents_lose_their_offers_than_the_guarantee_takes(stage: Stage) -> None:
    # Source: MasterQuotaTest.RescindOffersEnforcingLimits
    for _ in range(4):
        stage.agent("cpus:4;mem:1024")
    other = stage.framework("other", roles=("batch",))
    stage.framework("web", roles=("web",))

    do(stage, Master.update_quota, (quota("web", "cpus:5"),))

    assert rescinded(stage, other) == 2


def test_a_lower_limit_rescinds_the_offers_of_its_role_and_of_those_below_only(stage: Stage) -> None:
    stage.agent("cpus:4;mem:1024")
    below = stage.framework("below", roles=("web/a",))
    stage.agent("cpus:2;mem:512")
    stage.call(below, Suppress(stage.framework_id(below)))
    other = stage.framework("other", roles=("webber",))
    stage.agent("cpus:1;mem:256")

    do(stage, Master.update_quota, (quota("web", limits="cpus:1"),))

    assert rescinded(stage, below) == len(stage.offers(below)) > 0
    assert rescinded(stage, other) == 0 < len(stage.offers(other))


# Goal: frameworks keep their offers once the rest fits. Method: what is reserved is in what the role consumes, so only
# 2 cpus of the first framework's offers and 3 of the second's count.
@pytest.mark.parametrize(("cpus", "expected"), [(11, (0, 0)), (10, (2, 0)), (9, (2, 0)), (8, (2, 1)), (7, (2, 1))])
def test_a_lower_limit_rescinds_framework_by_framework_until_the_rest_fits(
    stage: Stage, cpus: int, expected: tuple[int, int]
) -> None:
    # Source: MasterQuotaTest.RescindOffersEnforcingLimits
    first = stage.framework("first", roles=("web",))
    stage.agent("cpus:1;mem:512;cpus(web):6")
    stage.agent("cpus:1;mem:512")
    stage.call(first, Suppress(stage.framework_id(first)))
    second = stage.framework("second", roles=("web/a",))
    stage.agent("cpus:3;mem:512")
    assert (len(stage.offers(first)), len(stage.offers(second))) == (2, 1)

    do(stage, Master.update_quota, (quota("web", limits=f"cpus:{cpus}"),), True)

    assert (rescinded(stage, first), rescinded(stage, second)) == expected


def held_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the allocator decides from now on, which is on its way until ``send`` is called."""
    plans: list[Any] = []
    monkeypatch.setattr(stage.master._process.actor._offering, "take", plans.append)
    return plans


def send(stage: Stage, plans: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for plan in plans:
        la.post(stage.master, plan, sender=stage.allocator)
    stage.settle()


# What was decided by the limit of before goes back, also for roles below; what others were granted is offered.
def test_what_is_granted_and_under_way_as_a_limit_is_lowered_is_not_offered(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = held_back(stage, monkeypatch)
    below = stage.framework("below", roles=("web/a",))
    stage.agent("cpus:4;mem:1024")
    stage.call(below, Suppress(stage.framework_id(below)))
    other = stage.framework("other", roles=("webber",))
    stage.agent("cpus:2;mem:512")
    stage.call(below, Revive(stage.framework_id(below)))
    do(stage, Master.update_quota, (quota("web", limits="cpus:1"),))

    send(stage, plans, monkeypatch)
    early = (stage.offers(below), [offer.resources for offer in stage.offers(other)])
    stage.advance(2)

    assert early == ([], [Resources.parse("cpus:2;mem:512")])
    assert [offer.resources.get("cpus") for offer in stage.offers(below)] == [1]


def test_a_quota_that_only_gives_more_rescinds_nothing(stage: Stage) -> None:
    do(stage, Master.update_quota, (quota("web", limits="cpus:1"),))
    stage.agent("cpus:4;mem:1024")
    web = stage.framework("web", roles=("web",))

    do(stage, Master.update_quota, (quota("web", limits="cpus:2"),))

    assert rescinded(stage, web) == 0


def test_tasks_beyond_a_new_limit_run_on(stage: Stage) -> None:
    agent = stage.agent("cpus:4;mem:1024")
    web = stage.framework("web", roles=("web",))
    stage.run(web, agent, task(stage.offers(web)[0], resources="cpus:3;mem:128"))

    do(stage, Master.update_quota, (quota("web", limits="cpus:1"),), True)
    stage.advance(3)

    assert len(stage.state().frameworks[0].tasks) == 1
    assert all(not offer.resources.scalars().get("cpus") for offer in stage.offers(web)[1:])


def test_a_new_master_has_the_quotas_and_waits_for_most_of_its_agents(stage: Stage) -> None:
    # Source: MasterQuotaTest.RecoverQuotaEmptyCluster, HierarchicalAllocatorTest.Recovery
    for _ in range(5):
        stage.agent("cpus:4;mem:1024")
    do(stage, Master.update_quota, (quota("web", "cpus:8", "cpus:12"),))
    infos = [agent.info for agent in stage.state().agents]
    stage.fail_over()
    framework = stage.framework(roles=("web",))
    for info in infos[:3]:
        stage.greet(ReregisterAgent(info=info))
    stage.advance(3)
    before = stage.offers(framework)

    stage.greet(ReregisterAgent(info=infos[3]))
    stage.advance(3)

    assert la.dispatch(stage.master, Master.quotas).get(timeout=60) == (quota("web", "cpus:8", "cpus:12"),)
    assert before == []
    assert len(stage.offers(framework)) > 0


def test_a_quota_that_is_removed_counts_no_more_and_not_for_a_new_master(stage: Stage) -> None:
    # Source: MasterQuotaTest.RemoveSingleQuota
    stage.agent("cpus:4;mem:1024")
    do(stage, Master.update_quota, (quota("web", "cpus:4"), quota("ads", limits="cpus:1")))
    do(stage, Master.remove_quota, "web")
    stage.fail_over()

    assert la.dispatch(stage.master, Master.quotas).get(timeout=60) == (quota("ads", limits="cpus:1"),)
    do(stage, Master.update_quota, (QuotaConfig("ads"),))
    assert stored(stage, "quota") == stored(stage, "capability") == set()


def test_more_than_the_cluster_has_is_guaranteed_only_by_force(stage: Stage) -> None:
    # Source: MasterQuotaTest.InsufficientResourcesSingleAgent, UpdateQuotaForce
    stage.agent("cpus:4;mem:1024")
    do(stage, Master.update_quota, (quota("web", "cpus:3"),))

    with pytest.raises(InvalidRequest, match="5 cpus would be guaranteed in all, but the cluster has 4"):
        do(stage, Master.update_quota, (quota("ads", "cpus:2"),))
    do(stage, Master.update_quota, (quota("ads", "cpus:2"),), True)

    assert stored(stage, "quota") == {"web", "ads"}


def test_a_quota_is_set_for_a_role_that_has_none(stage: Stage) -> None:
    # Source: MasterQuotaTest.SetExistingQuota
    stage.agent("cpus:4;mem:1024")
    stage.registry.hold()
    first = ask(stage, Master.set_quota, quota("web", "cpus:1"))
    second = ask(stage, Master.set_quota, quota("web", "cpus:2"))
    stage.registry.release()

    first.get(timeout=60)
    with pytest.raises(InvalidRequest, match="'web' has one already"):
        second.get(timeout=60)
    with pytest.raises(Conflict, match="8 cpus would be guaranteed"):
        do(stage, Master.set_quota, quota("ads", "cpus:7"))
    do(stage, Master.set_quota, quota("ads", "cpus:7"), True)
    assert stored(stage, "quota") == {"web", "ads"}


# Each agent takes microseconds; what all of them have is known at any time.
def test_no_agent_is_looked_at_to_compare_a_guarantee_with_what_the_cluster_has(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.agent("cpus:4;mem:1024;cpus(ads):2")

    with monkeypatch.context() as context:
        context.setattr(Resources, "not_revocable", None)
        with pytest.raises(InvalidRequest, match="7 cpus would be guaranteed in all, but the cluster has 6"):
            do(stage, Master.update_quota, (quota("web", "cpus:7"),))


def test_guarantees_that_are_still_being_stored_count(stage: Stage) -> None:
    stage.agent("cpus:4;mem:1024")
    stage.registry.hold()
    first = ask(stage, Master.update_quota, (quota("web", "cpus:3"),))

    second = ask(stage, Master.update_quota, (quota("ads", "cpus:2"),))
    stage.registry.release()

    first.get(timeout=60)
    with pytest.raises(InvalidRequest, match="5 cpus"):
        second.get(timeout=60)


@pytest.mark.parametrize(
    "configs",
    [
        (quota("*", "cpus:1"),),
        (quota("web/a", "cpus:1"),),
        (quota("", "cpus:1"),),
        (quota("web", "cpus:2", "cpus:1"),),
        (QuotaConfig("web", (("cpus", -1),)),),
        (QuotaConfig("web", (("cpus", 1.5),)),),  # type: ignore[arg-type]
        (QuotaConfig("web", (("cpus", 10**30),)),),
        (QuotaConfig("web", "cpus"),),  # type: ignore[arg-type]
        (QuotaConfig(5, ()),),  # type: ignore[arg-type]
        (quota("ads"), quota("web/a", "cpus:1")),
        ("web",),
        quota("web", "cpus:1"),
        None,
    ],
)
def test_what_no_quota_can_be_is_refused_and_nothing_of_it_is_stored(stage: Stage, configs: Any) -> None:
    # Source: MasterQuotaTest.SetInvalidRequest
    stage.agent("cpus:4;mem:1024")

    with pytest.raises(InvalidRequest, match="quota"):
        do(stage, Master.update_quota, configs)
    assert stored(stage, "quota") == set()


def test_a_role_without_quota_has_none_to_remove(stage: Stage) -> None:
    # Source: MasterQuotaTest.RemoveQuotaNonExistent
    with pytest.raises(InvalidRequest, match="'web' has none"):
        do(stage, Master.remove_quota, "web")


def test_guarantees_of_nothing_are_no_quota(stage: Stage) -> None:
    do(stage, Master.update_quota, (QuotaConfig("web", (("cpus", 0),)),))

    assert stored(stage, "quota") == set()


# ---- weights ----


def test_weights_are_in_the_registry_first_and_a_new_master_has_them(stage: Stage) -> None:
    # Source: DynamicWeightsTest.RecoveredWeightsFromRegistry
    stage.registry.hold()
    asked = ask(stage, Master.update_weights, (Weight("web", 2.0), Weight("ads", 0.5)))
    before = (asked.is_pending(), la.dispatch(stage.master, Master.weights).get(timeout=60))
    stage.registry.release()
    asked.get(timeout=60)

    stage.fail_over()

    assert before == (True, ())
    found = la.dispatch(stage.master, Master.weights).get(timeout=60)
    assert sorted(found, key=lambda weight: weight.role) == [Weight("ads", 0.5), Weight("web", 2.0)]


def test_a_heavier_role_is_offered_more(stage: Stage) -> None:
    # Source: HierarchicalAllocatorTest.UpdateWeight
    do(stage, Master.update_weights, (Weight("web", 3.0),))
    web, other = stage.framework("web", roles=("web",)), stage.framework("other", roles=("batch",))

    for _ in range(4):
        stage.agent("cpus:4;mem:1024")

    assert (len(stage.offers(web)), len(stage.offers(other))) == (3, 1)


@pytest.mark.parametrize(("role", "expected"), [("web", 1), ("nobody", 0)])
def test_a_weight_of_a_role_with_frameworks_rescinds_all_offers(stage: Stage, role: str, expected: int) -> None:
    # Source: DynamicWeightsTest.UpdateWeights (rescindOffers)
    stage.agent("cpus:4;mem:1024")
    other = stage.framework("other", roles=("batch",))
    stage.framework("web", roles=("web",))

    do(stage, Master.update_weights, (Weight(role, 2.0),))

    assert rescinded(stage, other) == expected


def test_more_offers_than_a_step_takes_are_rescinded(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesoslite.master.entitlements.OFFERS_IN_STEP", 2)
    framework = stage.framework(roles=("web",))
    for _ in range(5):
        stage.agent("cpus:4;mem:1024")

    do(stage, Master.update_weights, (Weight("web", 2.0),))

    assert rescinded(stage, framework) == 5


@pytest.mark.parametrize(
    "weights",
    [
        (Weight("web", 0.0),),
        (Weight("web", -1.0),),
        (Weight("web", float("nan")),),
        (Weight("web", float("inf")),),
        (Weight("web", "2"),),  # type: ignore[arg-type]
        (Weight("web", True),),
        (Weight("a//b", 1.0),),
        (Weight(5, 1.0),),  # type: ignore[arg-type]
        (Weight("web", 1.0), Weight("web", 2.0)),
        [Weight("web", 1.0)],
        (None,),
    ],
)
def test_what_no_weight_can_be_is_refused_and_nothing_of_it_is_stored(stage: Stage, weights: Any) -> None:
    # Source: DynamicWeightsTest.PutInvalidRequest, ZeroWeight, NegativeWeight
    with pytest.raises(InvalidRequest):
        do(stage, Master.update_weights, weights)
    assert stored(stage, "weight") == set()


def test_a_role_that_is_not_served_has_neither_quota_nor_weight() -> None:
    # Source: DynamicWeightsTest.UnknownRole
    with la.Runtime() as runtime:
        stage = Stage(runtime, roles=frozenset({"web"}))

        with pytest.raises(InvalidRequest, match="'ads' is not served"):
            do(stage, Master.update_weights, (Weight("ads", 2.0),))
        with pytest.raises(InvalidRequest, match="'ads' is not served"):
            do(stage, Master.update_quota, (quota("ads", limits="cpus:1"),))


# Goal: what is refused takes nothing along. Method: a role that cannot be stored, which only the registry finds out,
# and behind it one that can.
def test_a_quota_that_cannot_be_stored_leaves_those_behind_it_alone(stage: Stage) -> None:
    stage.registry.hold()
    asked = [ask(stage, Master.update_quota, (quota(role, "", "cpus:1"),)) for role in ("ads", "a\udcff", "web")]

    stage.registry.release()
    stage.settle()

    assert [type(one.exception()) for one in asked] == [type(None), InvalidRequest, type(None)]
    do(stage, Master.remove_quota, "web")
    assert {each.role for each in la.dispatch(stage.master, Master.quotas).get(timeout=60)} == {"ads"}


# Goal: what is refused takes nothing back of what was asked for behind it. Method: the same role in both, and one that
# cannot be stored in the first.
def test_a_later_quota_of_a_role_counts_though_an_earlier_one_was_refused(stage: Stage) -> None:
    stage.agent("cpus:4;mem:1024")
    stage.registry.hold()
    first = ask(stage, Master.update_quota, (quota("ads", "cpus:1"), quota("a\udcff", "", "cpus:1")))
    second = ask(stage, Master.update_quota, (quota("ads", "cpus:3"),))

    stage.registry.release()
    stage.settle()

    assert [type(one.exception()) for one in (first, second)] == [InvalidRequest, type(None)]
    with pytest.raises(InvalidRequest, match="5 cpus would be guaranteed"):
        do(stage, Master.update_quota, (quota("web", "cpus:2"),))
    do(stage, Master.remove_quota, "ads")
    assert stored(stage, "quota") == set()


# Method: the second is refused, so what the first has set is what there is to have, and not what was before it.
def test_an_earlier_quota_of_a_role_counts_though_a_later_one_was_refused(stage: Stage) -> None:
    stage.agent("cpus:4;mem:1024")
    stage.registry.hold()
    first = ask(stage, Master.update_quota, (quota("ads", "cpus:3"),))
    second = ask(stage, Master.update_quota, (quota("ads", "cpus:1"), quota("a\udcff", "", "cpus:1")))
    waiting = ask(stage, Master.update_quota, (quota("web", "cpus:2"),))

    stage.registry.release()
    stage.settle()

    assert [type(one.exception()) for one in (first, second)] == [type(None), InvalidRequest]
    waiting.get(timeout=60)  # 1 and 2 of 4, by what was asked for then
    with pytest.raises(InvalidRequest, match="6 cpus would be guaranteed"):
        do(stage, Master.update_quota, (quota("third", "cpus:1"),))
