"""Metrics: what a master counts, under Mesos's names."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

import libactor as la
from mesoslite.master import Master
from mesoslite.master.metrics import UNSENT
from mesoslite.model import (
    PARTITION_AWARE,
    Acknowledge,
    AcknowledgeOperationStatus,
    AgentInfo,
    Decline,
    ExecutorExited,
    ExecutorID,
    Kill,
    Kind,
    NotFound,
    OperationID,
    OperationState,
    OperationStatus,
    OperationUpdate,
    Portion,
    Reconcile,
    ReconcileOperations,
    RegisterAgent,
    Reservation,
    ReservationType,
    Resources,
    Revive,
    ShutdownFramework,
    StatusUpdateAcknowledgement,
    Suppress,
    TaskID,
    TaskState,
    Teardown,
)
from mesoslite.model.ids import FrameworkID

from .stage import FakeAgent, Stage, task

GAUGES = (
    *[f"slaves_{how}" for how in ("connected", "disconnected", "active", "inactive", "unreachable")],
    *[f"frameworks_{how}" for how in ("connected", "disconnected", "active", "inactive")],
    *[f"tasks_{how}" for how in ("staging", "starting", "running", "killing", "unreachable")],
    "outstanding_offers",
)
RESOURCES = [
    f"{name}_{how}"
    for name in ("cpus", "gpus", "mem", "disk")
    for how in ("total", "used", "percent", "revocable_total", "revocable_used", "revocable_percent")
]
ADS = Reservation(ReservationType.STATIC, "ads")
# Of the master itself: tests/masters/test_elections.py. What waits for it may be what a snapshot of metrics asks.
OWN = ("elected", "uptime_secs", "event_queue_dispatches")


def gauges(stage: Stage) -> dict[str, float]:
    """What there is, as far as it is not zero."""
    snapshot = stage.runtime.metrics.snapshot().get(timeout=60)
    return {name: snapshot[f"master/{name}"] for name in GAUGES if snapshot[f"master/{name}"]}


def counted(stage: Stage) -> dict[str, float]:
    """What the master counts, of all frameworks together, as far as it is not zero, without the prefix."""
    snapshot = stage.runtime.metrics.snapshot().get(timeout=60)
    ours = {name.removeprefix("master/"): value for name, value in snapshot.items() if name.startswith("master/")}
    told = [name for name in ours if name not in (*GAUGES, *RESOURCES, *OWN) and not name.startswith("frameworks/")]
    return {name: ours[name] for name in told if ours[name]}


def since(stage: Stage, before: dict[str, float]) -> dict[str, float]:
    """What was counted since then."""
    return {name: value - before.get(name, 0) for name, value in counted(stage).items() if value != before.get(name, 0)}


def resources(stage: Stage) -> dict[str, float]:
    """What is told of resources, as far as it is not zero."""
    snapshot = stage.runtime.metrics.snapshot().get(timeout=60)
    return {name: snapshot[f"master/{name}"] for name in RESOURCES if snapshot[f"master/{name}"]}


# ---- tasks ----


# MasterTest.MetricsInMetricsEndpoint, TaskStateMetrics
def test_the_end_of_a_task_is_counted_by_state_source_and_reason(stage: Stage) -> None:
    agent, framework = stage.agent(), stage.framework()
    stage.settle()
    stage.advance(1)
    [offer] = stage.offers(framework)
    one = task(offer)
    stage.run(framework, agent, one)
    before = counted(stage)

    for uuid in (b"0" * 16, b"0" * 16, b"1" * 16):
        stage.report(agent, offer.framework_id, one, TaskState.TASK_FINISHED, uuid)

    assert since(stage, before) == {"messages_status_update": 3, "valid_status_updates": 3, "tasks_finished": 1}


def test_what_the_master_itself_says_of_tasks_is_counted_with_its_reason(stage: Stage) -> None:
    agent, framework = stage.agent(), stage.framework(capabilities=(PARTITION_AWARE,))
    stage.advance(1)
    [offer] = stage.offers(framework)
    stage.run(framework, agent, task(offer))
    before = counted(stage)

    stage.accept(framework, offer, task(offer, "again"))
    la.dispatch(stage.master, Master.mark_agent_gone, offer.agent_id)
    stage.settle()

    assert since(stage, before) == {
        "messages_launch_tasks": 1,
        "tasks_dropped": 1,
        "task_dropped/source_master/reason_invalid_offers": 1,
        "tasks_gone_by_operator": 1,
        "task_gone_by_operator/source_master/reason_slave_removed_by_operator": 1,
        "slave_removals": 1,
        "slave_removals/reason_unregistered": 1,
    }


# ---- statuses ----


# PartitionTest.PartitionedSlaveStatusUpdates
@pytest.mark.parametrize("what", ["another agent", "no agent", "an unknown framework", "a framework that is over"])
def test_a_status_that_cannot_be_is_counted_as_dropped(stage: Stage, what: str) -> None:
    agent, framework = stage.agent(), stage.framework()
    stage.advance(1)
    [offer] = stage.offers(framework)
    one = task(offer)
    stage.run(framework, agent, one)
    stranger = stage.greet(
        RegisterAgent(AgentInfo(hostname="host", port=5051, resources=one.resources), version="0.1.0")
    )
    before = counted(stage)

    if what == "another agent":
        stage.report(stage.agent(), offer.framework_id, one, TaskState.TASK_FINISHED)
    elif what == "no agent":
        stage.report(stranger, offer.framework_id, one, TaskState.TASK_FINISHED)
    elif what == "a framework that is over":
        stage.call(framework, Teardown(offer.framework_id))
        stage.report(agent, offer.framework_id, one, TaskState.TASK_FINISHED)
    else:
        stage.report(agent, FrameworkID("nobody"), one, TaskState.TASK_FINISHED)

    names = since(stage, before)
    assert (names["invalid_status_updates"], names["dropped_messages"], "tasks_finished" in names) == (1, 1, False)


def test_a_status_of_an_unknown_task_is_invalid_and_passed_on(stage: Stage) -> None:
    agent, framework = stage.agent(), stage.framework()
    stage.advance(1)
    [offer] = stage.offers(framework)
    before = counted(stage)

    stage.report(agent, offer.framework_id, task(offer), TaskState.TASK_FINISHED)

    assert since(stage, before) == {"messages_status_update": 1, "invalid_status_updates": 1}
    assert len(stage.updates(framework)) == 1


# ---- acknowledgements ----


def test_acknowledgements_are_counted_as_valid_or_not(stage: Stage) -> None:
    agent, framework = stage.agent(), stage.framework()
    stage.advance(1)
    [offer] = stage.offers(framework)
    one = task(offer)
    stage.accept(framework, offer, one)
    before = counted(stage)

    stage.acknowledge(framework, one)  # of which nothing was told
    stage.report(agent, offer.framework_id, one, TaskState.TASK_RUNNING)
    stage.acknowledge(framework, one)

    assert since(stage, before) == {
        "messages_status_update": 1,
        "valid_status_updates": 1,
        "messages_status_update_acknowledgement": 2,
        "invalid_status_update_acknowledgements": 1,
        "dropped_messages": 1,
        "valid_status_update_acknowledgements": 1,
    }


# Master::statusUpdateAcknowledgement: "Cannot send ... to disconnected agent"
def test_an_acknowledgement_for_an_agent_that_is_away_is_dropped_and_the_task_stays(stage: Stage) -> None:
    agent, framework = stage.agent(), stage.framework(checkpoint=True)
    stage.advance(1)
    [offer] = stage.offers(framework)
    one = task(offer)
    stage.run(framework, agent, one)
    stage.report(agent, offer.framework_id, one, TaskState.TASK_FINISHED, b"f" * 16)
    la.tell(stage.master, Master.on_exited, agent, None)
    stage.settle()
    before = counted(stage)

    stage.acknowledge(framework, one, b"f" * 16)

    assert since(stage, before)["invalid_status_update_acknowledgements"] == 1
    assert stage.heard(agent, StatusUpdateAcknowledgement) == []
    assert [each.info.task_id for each in stage.state().frameworks[0].tasks] == ["task"]


# ---- messages ----


def test_each_kind_of_message_is_counted_and_what_nobody_may_say_is_dropped(stage: Stage) -> None:
    agent, framework = stage.agent(), stage.framework()
    framework_id = stage.framework_id(framework)
    stranger = FrameworkID("stranger")
    calls: list[Any] = [
        Decline(framework_id=stranger, offer_ids=()),
        Kill(framework_id=stranger, task_id=TaskID("t")),
        Reconcile(stranger, ()),
        ReconcileOperations(stranger, ()),
        Suppress(stranger),
        Revive(stranger),
        Teardown(stranger),
    ]
    before = counted(stage)

    for call in calls:
        stage.call(framework, call)
    stage.call(
        framework, AcknowledgeOperationStatus(framework_id=framework_id, operation_id=OperationID("o"), uuid=b"u" * 16)
    )
    stage.say(agent, ExecutorExited(framework_id=framework_id, executor_id=ExecutorID("e"), exit_status=0))

    assert since(stage, before) == {
        "messages_decline_offers": 1,
        "messages_kill_task": 1,
        "messages_reconcile_tasks": 1,
        "messages_reconcile_operations": 1,
        "messages_suppress_offers": 1,
        "messages_revive_offers": 1,
        "messages_unregister_framework": 1,
        "messages_operation_status_update_acknowledgement": 1,
        "invalid_operation_status_update_acknowledgements": 1,
        "messages_exited_executor": 1,
        "dropped_messages": 9,
    }


def test_an_operation_update_of_nobody_is_invalid(stage: Stage) -> None:
    stage.settle()
    message = OperationUpdate(
        framework_id=FrameworkID("f"),
        operation_uuid=b"o" * 16,
        status=OperationStatus(state=OperationState.OPERATION_FINISHED, uuid=b"s" * 16),
        latest_state=OperationState.OPERATION_FINISHED,
    )
    before = counted(stage)

    la.post(stage.master, message)
    la.post(stage.master, Acknowledge)
    stage.settle()

    names = since(stage, before)
    assert names["invalid_operation_status_updates"] == names["messages_operation_status_update"] == 1


# MasterTest.MetricsInMetricsEndpoint. Goal: a dashboard made for Mesos finds what it reads, be it zero.
def test_names_of_what_nobody_sends_are_there_and_zero(stage: Stage) -> None:
    snapshot = stage.runtime.metrics.snapshot().get(timeout=60)

    assert {snapshot[f"master/{name}"] for name in UNSENT} == {0}
    assert "master/event_queue_dispatches" in snapshot


def test_a_framework_that_comes_back_counts_as_such(stage: Stage) -> None:
    framework = stage.framework(failover_timeout=1000.0)
    before = counted(stage)

    stage.framework(id=stage.framework_id(framework), failover_timeout=1000.0)

    assert since(stage, before) == {"messages_reregister_framework": 1}


# Goal: all that waits for the master counts. Method: it is held up, and what is told it meanwhile waits.
def test_what_waits_for_the_master_is_told(stage: Stage) -> None:
    held: la.Promise[None] = la.Promise()
    la.execute(stage.master, held.future.get)
    for _ in range(7):
        la.tell(stage.master, Master.ping)

    [gauge] = [one for one in stage.runtime.metrics.all() if one.name == "master/event_queue_dispatches"]
    waiting = gauge.pull(stage.runtime).get(timeout=60)  # type: ignore[attr-defined]
    held.set(None)

    assert waiting >= 7


# ---- what there is ----


# MasterTest.MetricsInMetricsEndpoint; the tasks under way are compared after every test (stage.py)
def test_gauges_tell_how_many_there_are(stage: Stage) -> None:
    agent, away = stage.agent(), stage.agent("cpus:1;mem:64")
    framework = stage.framework(failover_timeout=1000.0, checkpoint=True)
    stage.lose(stage.framework(name="lost", failover_timeout=1000.0))
    stage.advance(1)
    offer = max(stage.offers(framework), key=lambda offer: str(offer.resources))
    stage.accept(framework, offer, task(offer, "a"), task(offer, "b"))
    stage.report(agent, offer.framework_id, task(offer, "a"), TaskState.TASK_RUNNING)
    stage.lose(away)

    assert gauges(stage) == {
        "slaves_connected": 1,
        "slaves_active": 1,
        "slaves_disconnected": 1,
        "slaves_inactive": 1,
        "frameworks_connected": 1,
        "frameworks_active": 1,
        "frameworks_disconnected": 1,
        "frameworks_inactive": 1,
        "tasks_staging": 1,
        "tasks_running": 1,
    }


# MasterTest.MetricsInMetricsEndpoint, OversubscriptionTest; the totals are compared with the books after every test
def test_resources_are_told_as_what_there_is_and_is_used_and_revocable_ones_apart(stage: Stage) -> None:
    portions = [Portion(Kind("cpus", revocable=True), 2_000), Portion(Kind("mem", reservations=(ADS,)), 512_000)]
    there = Resources.parse("cpus:4;gpus:1;mem:512") + Resources.from_portions(portions)
    agent = stage.greet(RegisterAgent(AgentInfo(hostname="host", port=5051, resources=there)))
    stage.agent("cpus:4;mem:1024")
    framework = stage.framework(roles=("ads",), capabilities=("REVOCABLE_RESOURCES", "GPU_RESOURCES"))
    stage.advance(1)
    offer = next(one for one in stage.offers(framework) if one.agent_id == stage.agent_id(agent))
    some = Resources.parse("cpus:2") + Resources.from_portions([Portion(Kind("mem", reservations=(ADS,)), 256_000)])
    more = Resources.from_portions([Portion(Kind("cpus", revocable=True), 500)])
    firm, loose = [replace(task(offer, name), resources=what) for name, what in (("firm", some), ("loose", more))]
    stage.accept(framework, offer, firm, loose)

    told = resources(stage)
    stage.report(agent, offer.framework_id, firm, TaskState.TASK_FINISHED)
    stage.lose(agent)

    total = {"cpus_total": 8, "gpus_total": 1, "mem_total": 2048, "cpus_revocable_total": 2}
    used = {"cpus_used": 2, "cpus_percent": 0.25, "mem_used": 256, "mem_percent": 0.125}
    assert told == total | used | {"cpus_revocable_used": 0.5, "cpus_revocable_percent": 0.25}
    assert resources(stage) == total  # what does not checkpoint is lost with its agent


def test_an_agent_that_is_removed_takes_its_resources_along(stage: Stage) -> None:
    agent = stage.agent("cpus:4;mem:1024")
    stage.agent("cpus:1;mem:64")
    before = resources(stage)

    la.dispatch(stage.master, Master.mark_agent_gone, stage.agent_id(agent)).get(timeout=60)
    stage.settle()

    assert before == {"cpus_total": 5, "mem_total": 1088}
    assert resources(stage) == {"cpus_total": 1, "mem_total": 64}


def test_tasks_out_of_reach_are_counted_until_they_are_found(stage: Stage) -> None:
    agent, framework = stage.agent(), stage.framework(capabilities=(PARTITION_AWARE,))
    stage.advance(1)
    [offer] = stage.offers(framework)
    stage.run(framework, agent, task(offer))

    la.tell(agent, FakeAgent.live, False)
    stage.advance(90)

    names = gauges(stage)
    assert (names["tasks_unreachable"], names["slaves_unreachable"], "tasks_running" in names) == (1, 1, False)


# ---- operators ----


def test_operators_remove_a_framework_that_is_not_connected(stage: Stage) -> None:
    agent, framework = stage.agent(), stage.framework(failover_timeout=1000.0)
    framework_id = stage.framework_id(framework)
    stage.lose(framework)

    la.dispatch(stage.master, Master.teardown_framework, framework_id).get(timeout=60)
    stage.settle()

    assert stage.heard(agent, ShutdownFramework) == [ShutdownFramework(framework_id)]
    assert [each.info.id for each in stage.state().completed_frameworks] == [framework_id]
    with pytest.raises(NotFound, match="look its id up"):
        la.dispatch(stage.master, Master.teardown_framework, framework_id).get(timeout=60)
