"""Operators reserve what nobody uses of an agent, make volumes of it, and undo that."""

# Source: the names in comments are those of Mesos's tests (reservation_endpoints_tests,
#   persistent_volume_endpoints_tests).

from __future__ import annotations

from typing import Any

import pytest

import libactor as la
from mesoslite.master import Master
from mesoslite.master.allocator_messages import Granted
from mesoslite.model import (
    NO_FRAMEWORK,
    AgentID,
    AgentInfo,
    Conflict,
    Create,
    Destroy,
    GrowVolume,
    InvalidRequest,
    NotFound,
    OperationAcknowledgement,
    OperationsExpected,
    OperationState,
    RegisterAgent,
    ReregisterAgent,
    Rescind,
    Reservation,
    ReservationType,
    Reserve,
    ResourceOperation,
    Resources,
    ShrinkVolume,
    Unreserve,
)

from .stage import FakeAgent, Stage, task
from .test_accept import reserved, volume
from .test_agents import cut_off
from .test_draining import do, standing
from .test_entitlements import held_back, rescinded, send
from .test_operation_metrics import told

ALL = "cpus:4;mem:1024;disk:1000"


def apply(
    stage: Stage, agent: la.PID[FakeAgent], operation: ResourceOperation, principal: str | None = None
) -> la.Future[None]:
    """Have an operator ask for that; what came of it."""
    asked: la.Future[None] = la.dispatch(
        stage.master, Master.apply_operation, stage.agent_id(agent), operation, principal
    )
    stage.settle()
    stage.check_books()
    return asked


def total(stage: Stage) -> Resources:
    [agent] = stage.state().agents
    return agent.info.resources


def test_what_is_free_is_reserved_and_offered_to_the_role_alone(stage: Stage) -> None:
    # Source: ReservationEndpointsTest.AvailableResources
    agent = stage.agent(ALL)

    apply(stage, agent, Reserve(reserved("cpus:1"))).get(timeout=60)
    other, ads = stage.framework("other", roles=("web",)), stage.framework("ads", roles=("ads",))
    stage.advance(1)

    assert total(stage) == Resources.parse("cpus:3;mem:1024;disk:1000") + reserved("cpus:1")
    assert [offer.resources for offer in stage.offers(other)] == [Resources.parse("cpus:3;mem:1024;disk:1000")]
    assert [offer.resources for offer in stage.offers(ads)] == [reserved("cpus:1")]


def test_the_agent_is_told_and_its_answer_acknowledged(stage: Stage) -> None:
    agent = stage.agent(ALL)
    apply(stage, agent, Reserve(reserved("cpus:1")))

    [message] = stage.applied(agent)
    stage.answer(agent, message)
    stage.answer(agent, message)  # it has not heard the acknowledgement

    assert (message.framework_id, message.operation) == (NO_FRAMEWORK, Reserve(reserved("cpus:1")))
    heard = stage.heard(agent, OperationAcknowledgement)
    assert [one.operation_uuid for one in heard] == [message.operation_uuid] * 2
    assert told(stage) == {"total": 1, "finished": 1, "reserve/total": 1, "reserve/finished": 1}


def refined(text: str, role: str) -> Resources:
    return Resources.parse(text).pushed(Reservation(ReservationType.DYNAMIC, role))


# Method: what an agent has is offered to two, the plain part to the first one.
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (reserved("cpus:1"), (1, 0)),
        (refined("cpus(a):1", "a/x"), (1, 0)),
        (refined("cpus(b):3", "b/x"), (0, 1)),
        (refined("cpus(a):1", "a/x") + refined("cpus(b):1", "b/x"), (1, 1)),
        (refined("cpus(a):3", "a/x"), (0, 0)),
        (refined("cpus(a):1", "a/x") + refined("cpus(b):4", "b/x"), (0, 0)),
    ],
)
def test_no_more_offers_are_rescinded_than_it_takes(stage: Stage, wanted: Resources, expected: tuple[int, int]) -> None:
    # Source: ReservationEndpointsTest.ReserveOfferedResources, InsufficientResources
    agent = stage.agent("cpus:1;mem:64;cpus(a):2;cpus(b):3")
    details: Any = {"capabilities": ("RESERVATION_REFINEMENT",)}
    first, second = stage.framework("a", roles=("a",), **details), stage.framework("b", roles=("b",), **details)
    stage.advance(1)
    assert (len(stage.offers(first)), len(stage.offers(second))) == (1, 1)

    asked = apply(stage, agent, Reserve(wanted))

    assert (rescinded(stage, first), rescinded(stage, second)) == expected
    assert (type(asked.exception()) is Conflict) is (expected == (0, 0))
    assert len(stage.applied(agent)) == asked.is_ready()


def test_who_lost_an_offer_gets_the_rest_of_it_after_5_seconds(stage: Stage) -> None:
    # Source: ReservationEndpointsTest.ReserveAvailableAndOfferedResources
    agent = stage.agent("cpus:4;mem:1024")
    web = stage.framework(roles=("web",))
    apply(stage, agent, Reserve(reserved("cpus:1")))

    stage.advance(4)
    early = standing(stage, web)
    stage.advance(3)

    assert (len(stage.heard(web, Rescind)), early) == (1, [])
    assert [offer.resources for offer in standing(stage, web)] == [Resources.parse("cpus:3;mem:1024")]


def test_what_tasks_use_is_not_reserved(stage: Stage) -> None:
    agent = stage.agent("cpus:4;mem:1024")
    web = stage.framework(roles=("web",))
    stage.run(web, agent, task(stage.offers(web)[0], resources="cpus:3;mem:128"))
    stage.advance(6)
    before = standing(stage, web)

    with pytest.raises(Conflict, match="cpus:1 of it is used, or not there"):
        apply(stage, agent, Reserve(reserved("cpus:2"))).get(timeout=60)

    assert before[-1].resources == Resources.parse("cpus:1;mem:896")
    assert standing(stage, web) == before
    assert stage.applied(agent) == []


def test_reservations_and_volumes_are_made_resized_and_undone(stage: Stage) -> None:
    # Source: PersistentVolumeEndpointsTest.EndpointCreateThenOfferRemove, OfferCreateThenEndpointRemove, and for
    #   GROW_VOLUME and SHRINK_VOLUME MasterAPITest.GrowVolume, ShrinkVolume
    agent = stage.agent(ALL)
    ads = stage.framework(roles=("ads",))
    made = []
    steps: list[ResourceOperation] = [
        Reserve(reserved("disk:200")),
        Create(volume(100)),
        GrowVolume(volume(100), reserved("disk:50")),
        ShrinkVolume(volume(150), 30_000),
        Destroy(volume(120)),
        Unreserve(reserved("disk:200")),
    ]

    for step in steps:
        apply(stage, agent, step).get(timeout=60)
        made.append(total(stage) - Resources.parse("cpus:4;mem:1024;disk:800"))
        stage.answer(agent, stage.applied(agent)[-1])
        stage.advance(6)

    assert made == [
        reserved("disk:200"),
        reserved("disk:100") + volume(100),
        reserved("disk:50") + volume(150),
        reserved("disk:80") + volume(120),
        reserved("disk:200"),
        Resources.parse("disk:200"),
    ]
    assert [message.operation for message in stage.applied(agent)] == steps
    assert stage.offers(ads)[-1].resources == Resources.parse(ALL)


def test_a_reservation_is_replaced_by_another(stage: Stage) -> None:
    # Source: ReservationEndpointsTest.UpdateReservation (re-reservation with a source)
    agent = stage.agent(ALL)
    apply(stage, agent, Reserve(reserved("cpus:2"))).get(timeout=60)

    apply(stage, agent, Reserve(refined("cpus:1", "web"), source=reserved("cpus:1"))).get(timeout=60)

    assert total(stage) == Resources.parse("cpus:2;mem:1024;disk:1000") + reserved("cpus:1") + refined("cpus:1", "web")


def test_offers_of_a_shared_volume_are_rescinded_for_its_end(stage: Stage) -> None:
    shared = volume(100, shared=True)
    agent = stage.agent(ALL)
    for step in (Reserve(reserved("disk:100")), Create(shared)):
        apply(stage, agent, step).get(timeout=60)
    ads = stage.framework(roles=("ads",), capabilities=("SHARED_RESOURCES",))
    assert stage.offers(ads)[0].resources.shared() == shared

    apply(stage, agent, Destroy(shared)).get(timeout=60)

    assert rescinded(stage, ads) == 1
    assert total(stage).shared().is_empty


# Goal: what the allocator has granted, and was not offered yet, harms nobody. Method: reserve part of it meanwhile.
def test_a_grant_on_its_way_of_what_is_reserved_meanwhile_goes_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = held_back(stage, monkeypatch)
    web = stage.framework(roles=("web",))
    agent = stage.agent("cpus:4;mem:1024")
    assert [type(plan) for plan in plans] == [Granted]
    la.dispatch(stage.master, Master.apply_operation, stage.agent_id(agent), Reserve(reserved("cpus:1")))
    stage.settle()

    send(stage, plans, monkeypatch)
    stage.advance(1)

    assert [offer.resources for offer in stage.offers(web)] == [Resources.parse("cpus:3;mem:1024")]


def test_an_agent_that_does_not_do_it_is_believed(stage: Stage) -> None:
    agent = stage.agent(ALL)
    web = stage.framework(roles=("web",))
    for step in (Reserve(reserved("disk:200")), Create(volume(100)), GrowVolume(volume(100), reserved("disk:50"))):
        apply(stage, agent, step).get(timeout=60)

    first, *rest = stage.applied(agent)
    stage.answer(agent, first, OperationState.OPERATION_DROPPED, total=Resources.parse(ALL))
    for message in rest:
        stage.answer(agent, message, OperationState.OPERATION_DROPPED, total=Resources.parse(ALL))
    stage.advance(6)

    assert total(stage) == Resources.parse(ALL)
    assert [offer.resources for offer in standing(stage, web)] == [Resources.parse(ALL)]


# Goal: what a volume grows to is not forgotten over a word of the agent from before that. Method: it refuses another
# operation before it comes to this one.
def test_what_is_under_way_counts_when_an_agent_says_what_it_has(stage: Stage) -> None:
    agent = stage.agent(ALL)
    for step in (Reserve(reserved("disk:200")), Create(volume(100))):
        apply(stage, agent, step).get(timeout=60)
        stage.answer(agent, stage.applied(agent)[-1])
    has = total(stage)
    for step in (Reserve(reserved("cpus:1")), GrowVolume(volume(100), reserved("disk:50"))):
        apply(stage, agent, step).get(timeout=60)

    stage.answer(agent, stage.applied(agent)[-2], OperationState.OPERATION_DROPPED, total=has)

    assert total(stage) == Resources.parse("cpus:4;mem:1024;disk:800") + reserved("disk:50") + volume(150)


def test_what_got_lost_on_its_way_is_asked_for_when_the_agent_is_back(stage: Stage) -> None:
    agent = stage.agent(ALL)
    apply(stage, agent, Reserve(reserved("cpus:1")))

    stage.say(agent, RegisterAgent(AgentInfo(hostname="host", port=5051, resources=Resources.parse(ALL))))

    [message] = stage.applied(agent)
    [asked] = stage.heard(agent, OperationsExpected)
    assert asked.operations == ((NO_FRAMEWORK, message.operation_uuid),)


def test_a_new_master_acknowledges_what_it_did_not_ask_for(stage: Stage) -> None:
    agent = stage.agent(ALL)
    apply(stage, agent, Reserve(reserved("cpus:1")))
    [message] = stage.applied(agent)
    info = AgentInfo(id=stage.agent_id(agent), hostname="host", port=5051, resources=Resources.parse(ALL))
    stage.fail_over()
    after = Resources.parse("cpus:3;mem:1024;disk:1000") + reserved("cpus:1")
    back = stage.greet(ReregisterAgent(info=info, total=after))

    stage.answer(back, message)

    assert total(stage) == after
    assert len(stage.heard(back, OperationAcknowledgement)) == 1


def test_an_agent_with_an_operation_under_way_may_be_lost(stage: Stage) -> None:
    agent = stage.agent(ALL)
    apply(stage, agent, GrowVolume(volume(100), reserved("disk:50")))
    apply(stage, agent, Reserve(reserved("cpus:1")))

    do(stage, Master.mark_agent_gone, stage.agent_id(agent))

    assert stage.state().agents == ()


def test_an_agent_that_is_not_there_cannot_do_it(stage: Stage) -> None:
    # Source: ReservationEndpointsTest.NoSlaveId and others
    agent = stage.agent(ALL)
    cut_off(stage, agent)

    with pytest.raises(Conflict, match="it is away"):
        apply(stage, agent, Reserve(reserved("cpus:1"))).get(timeout=60)
    with pytest.raises(NotFound):
        la.dispatch(stage.master, Master.apply_operation, AgentID("x"), Reserve(reserved("cpus:1"))).get(timeout=60)


def test_who_is_known_reserves_in_his_own_name(stage: Stage) -> None:
    # Source: ReservationEndpointsTest.NonMatchingPrincipal, ReserveAndUnreserveNoAuthentication
    agent = stage.agent(ALL)
    hers = Resources.parse("cpus:1").pushed(Reservation(ReservationType.DYNAMIC, "ads", "she"))

    with pytest.raises(InvalidRequest, match="it is 'he' who asks"):
        apply(stage, agent, Reserve(hers), "he").get(timeout=60)
    apply(stage, agent, Reserve(hers), "she").get(timeout=60)
    apply(stage, agent, Reserve(hers)).get(timeout=60)

    assert total(stage).reserved() == hers + hers


@pytest.mark.parametrize(
    "operation",
    [
        Reserve(Resources()),
        Reserve(Resources.parse("cpus:1")),
        Reserve(reserved("cpus:1"), allocation_roles=("ads",)),
        Reserve(reserved("cpus:1"), id="x"),  # type: ignore[arg-type]
        Reserve(reserved("cpus:1"), source=Resources.parse("cpus:2")),
        Unreserve(Resources.parse("cpus:1")),
        Create(reserved("disk:1")),
        Destroy(volume(100)),
        GrowVolume(volume(100), Resources.parse("cpus:1")),
        ShrinkVolume(volume(100), 100_000),
        Reserve(None),  # type: ignore[arg-type]
        Reserve(reserved("cpus:1"), id=5),  # type: ignore[arg-type]
        None,
        "RESERVE",
    ],
)
def test_what_no_operator_can_ask_for_is_refused(stage: Stage, operation: Any) -> None:
    # Source: ReservationEndpointsTest.NoResources, InvalidResource; PersistentVolumeEndpointsTest.InvalidVolume
    agent = stage.agent(ALL)
    web = stage.framework(roles=("web",))

    with pytest.raises(InvalidRequest):
        apply(stage, agent, operation).get(timeout=60)

    assert rescinded(stage, web) == 0
    assert stage.applied(agent) == []
