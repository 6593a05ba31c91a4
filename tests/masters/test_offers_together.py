"""Offers that cannot be used together, or any more: their tasks are lost, and what stands of them is offered again."""

# Source: the names in comments are those of Mesos's tests (master_tests, fault_tolerance_tests, resource_offers_tests).

from __future__ import annotations

import pytest

import libactor as la
from mesoslite.model import (
    Accept,
    Error,
    Filters,
    Launch,
    Offer,
    OfferID,
    Reason,
    Rescind,
    Resources,
    RoleMinimum,
    RunTask,
    Subscribed,
    Suppress,
    TaskInfo,
    TaskState,
)

from .stage import FakeFramework, Stage, task
from .test_agents import greeting

AWARE = ("PARTITION_AWARE",)
BOTH = pytest.mark.parametrize(
    ("capabilities", "state"), [((), TaskState.TASK_LOST), (AWARE, TaskState.TASK_DROPPED)], ids=["lost", "dropped"]
)


def accept(
    stage: Stage, framework: la.PID[FakeFramework], *ids: OfferID, info: TaskInfo, refuse_seconds: float = 0.0
) -> None:
    """Launch a task on offers of these ids."""
    stage.call(
        framework,
        Accept(
            framework_id=stage.framework_id(framework),
            offer_ids=ids,
            operations=(Launch((info,)),),
            filters=Filters(refuse_seconds),
        ),
    )


def use(stage: Stage, framework: la.PID[FakeFramework], *offers: Offer, refuse_seconds: float = 0.0) -> None:
    """Launch a task on all of them."""
    accept(stage, framework, *[offer.id for offer in offers], info=task(offers[0]), refuse_seconds=refuse_seconds)


def check_lost(stage: Stage, framework: la.PID[FakeFramework], state: TaskState, why: str) -> None:
    [status] = stage.updates(framework)
    assert (status.state, status.reason) == (state, Reason.REASON_INVALID_OFFERS)
    assert status.message.startswith("Task launched with invalid offers: ")
    assert why in status.message
    assert stage.state().frameworks[0].used.is_empty


# MasterTest.LaunchAcrossSlavesLost, LaunchAcrossSlavesDropped
@BOTH
def test_offers_of_two_agents_are_not_used_together(
    stage: Stage, capabilities: tuple[str, ...], state: TaskState
) -> None:
    agents = [stage.agent(), stage.agent()]
    framework = stage.framework(capabilities=capabilities)
    first, second = stage.offers(framework)

    use(stage, framework, first, second, refuse_seconds=3600.0)
    stage.advance(1)

    check_lost(stage, framework, state, "agent")
    assert [stage.heard(agent, RunTask) for agent in agents] == [[], []]
    again = stage.offers(framework)[2:]  # there is no filter: nobody has declined anything
    assert {offer.agent_id for offer in again} == {first.agent_id, second.agent_id}


# MasterTest.LaunchDuplicateOfferLost, LaunchDuplicateOfferDropped
@BOTH
def test_an_offer_that_is_named_twice_is_not_used(
    stage: Stage, capabilities: tuple[str, ...], state: TaskState
) -> None:
    stage.agent()
    framework = stage.framework(capabilities=capabilities)
    [offer] = stage.offers(framework)

    use(stage, framework, offer, offer)
    stage.advance(1)

    check_lost(stage, framework, state, "named twice")
    assert [one.resources for one in stage.offers(framework)] == [offer.resources] * 2


# MasterTest.LaunchDifferentRoleLost
@BOTH
def test_offers_to_two_roles_are_not_used_together(
    stage: Stage, capabilities: tuple[str, ...], state: TaskState
) -> None:
    stage.agent("cpus(ads):1;mem(ads):128;cpus(web):1;mem(web):128")
    framework = stage.framework(roles=("ads", "web"), capabilities=("MULTI_ROLE", *capabilities))
    first, second = stage.offers(framework)
    assert first.agent_id == second.agent_id

    use(stage, framework, first, second)
    stage.advance(1)

    check_lost(stage, framework, state, "role")
    assert {offer.role for offer in stage.offers(framework)[2:]} == {"ads", "web"}


# FaultToleranceTest.MasterFailover
@BOTH
def test_an_offer_of_a_former_master_is_void(stage: Stage, capabilities: tuple[str, ...], state: TaskState) -> None:
    stage.agent()
    framework = stage.framework(capabilities=capabilities)
    [offer], framework_id, message = stage.offers(framework), stage.framework_id(framework), greeting(stage)
    stage.fail_over()
    agent = stage.greet(message)
    framework = stage.framework(id=framework_id, capabilities=capabilities)

    use(stage, framework, offer)

    check_lost(stage, framework, state, "no longer valid")
    assert stage.heard(agent, RunTask) == []
    assert [one.resources for one in stage.offers(framework)] == [offer.resources]


def test_no_offers_are_none_that_can_be_used(stage: Stage) -> None:
    stage.agent()
    framework = stage.framework()
    [offer] = stage.offers(framework)

    accept(stage, framework, info=task(offer))

    check_lost(stage, framework, TaskState.TASK_LOST, "no offers are named")


def test_an_offer_of_somebody_else_stands_when_it_is_named_with_ones_own(stage: Stage) -> None:
    stage.agent()
    first = stage.framework("first")
    [theirs] = stage.offers(first)
    stage.call(first, Suppress(stage.framework_id(first)))
    second = stage.framework("second")
    stage.agent("cpus:1;mem:128")
    [own] = stage.offers(second)

    accept(stage, second, own.id, theirs.id, info=task(own))

    assert [status.reason for status in stage.updates(second)] == [Reason.REASON_INVALID_OFFERS]
    assert [offer.id for entry in stage.state().frameworks for offer in entry.offers] == [theirs.id]
    assert stage.heard(first, Rescind) == []


# MasterTest.TaskWithTinyResources
def test_resources_below_a_thousandth_are_none_and_harm_nobody(stage: Stage) -> None:
    agent = stage.agent("cpus:1;mem:128")
    framework = stage.framework()
    [offer] = stage.offers(framework)
    tiny = Resources.parse("cpus:0.00001;mem:1")

    stage.accept(framework, offer, task(offer, resources="cpus:0.00001;mem:1"))

    assert [message.task.resources for message in stage.heard(agent, RunTask)] == [tiny]
    assert stage.state().agents[0].used == Resources.parse("mem:1")


# MasterTest.IgnoreEphemeralPortsResource
def test_ephemeral_ports_are_not_offered(stage: Stage) -> None:
    stage.agent("cpus:1;mem:128;ports:[31000-31009];ephemeral_ports:[32768-32999]")
    framework = stage.framework()
    [offer] = stage.offers(framework)

    stage.accept(framework, offer, task(offer, resources="cpus:1;mem:128;ports:[31000-31009]"))
    stage.advance(3)

    assert offer.resources == Resources.parse("cpus:1;mem:128;ports:[31000-31009]")
    assert stage.offers(framework) == [offer]
    [agent] = stage.state().agents
    assert (agent.used, agent.free) == (offer.resources, Resources.parse("ephemeral_ports:[32768-32999]"))


def test_nothing_but_ephemeral_ports_is_no_offer(stage: Stage) -> None:
    stage.agent("ephemeral_ports:[32768-32999]")

    framework = stage.framework(min_allocatable=(RoleMinimum("*", ()),))
    stage.advance(3)

    assert stage.offers(framework) == []


# FaultToleranceTest.SchedulerFailoverRetriedReregistration
def test_a_scheduler_that_has_taken_over_and_repeats_itself_is_answered_again(stage: Stage) -> None:
    old = stage.framework(failover_timeout=100.0)
    framework_id = stage.framework_id(old)
    new = stage.framework(id=framework_id, failover_timeout=100.0)

    la.post(stage.master, new._process.actor.subscribe, sender=new)
    stage.settle()

    assert [event.framework_id for event in stage.heard(new, Subscribed)] == [framework_id] * 2
    assert (len(stage.heard(old, Error)), stage.heard(new, Error)) == (1, [])
    assert len(stage.state().frameworks) == 1
