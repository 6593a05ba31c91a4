"""Metrics of each framework, under Mesos's names."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

import libactor as la
from mesoslite.master import Master, framework_metrics
from mesoslite.master.figures import COLUMNS
from mesoslite.model import (
    PARTITION_AWARE,
    Decline,
    Error,
    Filters,
    FrameworkInfo,
    Kill,
    OperationID,
    Reconcile,
    RequestResources,
    Reservation,
    ReservationType,
    Reserve,
    Resources,
    Revive,
    Suppress,
    TaskID,
    TaskState,
    UpdateFramework,
)

from .stage import FakeAgent, FakeFramework, Stage, Staging, task

MULTI_ROLE = ("MULTI_ROLE",)
ADS = Reservation(ReservationType.DYNAMIC, "ads")


def told(stage: Stage, framework: la.PID[FakeFramework]) -> dict[str, float]:
    """What is told of a framework, as far as it is not zero."""
    snapshot = stage.runtime.metrics.snapshot().get(timeout=60)
    prefix = f"/{quote(stage.framework_id(framework), safe='')}/"
    return {name.partition(prefix)[2]: value for name, value in snapshot.items() if prefix in name and value}


def part(stage: Stage, framework: la.PID[FakeFramework], kind: str) -> dict[str, float]:
    """What is told of one kind."""
    return {name: value for name, value in told(stage, framework).items() if name.split("/")[0] == kind}


# MasterTest.FrameworkMetrics*; the tasks under way are compared with the books after every test
def test_a_life_of_a_framework_is_counted_call_by_call_and_event_by_event(stage: Stage) -> None:
    agent, framework = stage.agent(), stage.framework(failover_timeout=1000.0)
    stage.advance(1)
    [offer] = stage.offers(framework)
    a, b = task(offer, "a"), task(offer, "b", "cpus:999")
    stage.accept(framework, offer, a, b)
    stage.report(agent, offer.framework_id, a, TaskState.TASK_RUNNING)
    running = part(stage, framework, "tasks")
    stage.acknowledge(framework, a)
    for uuid in (b"1" * 16, b"1" * 16):
        stage.report(agent, offer.framework_id, a, TaskState.TASK_FAILED, uuid)
    stage.call(framework, Kill(framework_id=offer.framework_id, task_id=TaskID("nobody")))
    stage.advance(6)
    again = stage.offers(framework)[-1]
    stage.call(framework, Decline(framework_id=offer.framework_id, offer_ids=(again.id,), filters=Filters(1e6)))

    assert running == {"tasks/active/task_running": 1}
    assert told(stage, framework) == {
        "subscribed": 1,
        "calls": 5,
        "calls/subscribe": 1,
        "calls/accept": 1,
        "calls/acknowledge": 1,
        "calls/kill": 1,
        "calls/decline": 1,
        "events": 8,
        "events/subscribed": 1,
        "events/offers": 2,
        "events/update": 5,
        "offers/sent": 2,
        "offers/accepted": 1,
        "offers/declined": 1,
        "operations": 1,
        "operations/launch": 1,  # what was refused is none
        "tasks/terminal/task_failed": 1,
    }


def test_all_that_mesos_has_is_there_from_the_beginning(stage: Stage) -> None:
    framework = stage.framework("web / shop", roles=("b", "a/c"), capabilities=MULTI_ROLE)

    snapshot = stage.runtime.metrics.snapshot().get(timeout=60)
    text = json.loads(stage.runtime.metrics.snapshot_json().get(timeout=60))

    prefix = f"master/frameworks/web%20%2F%20shop/{stage.framework_id(framework)}/"
    names = [name.removeprefix(prefix) for name in snapshot if name.startswith("master/frameworks/")]
    assert names == sorted([*COLUMNS, "roles/a/c/suppressed", "roles/b/suppressed"])
    assert {"calls/shutdown", "events/failure", "operations/create_disk", "tasks/active/task_unreachable"} <= {*names}
    assert {name: text[prefix + name] for name in names} == {name: snapshot[prefix + name] for name in names}


def test_offers_that_are_rescinded_and_operations_are_counted(stage: Stage) -> None:
    agent, framework = stage.agent(), stage.framework(roles=("ads",))
    stage.advance(1)
    reserve = Reserve(Resources.parse("cpus:1").pushed(ADS), id=OperationID("o"))
    stage.act(framework, reserve, refuse_seconds=0)
    stage.answer(agent, stage.applied(agent)[0])
    stage.advance(1)

    stage.lose(agent)

    assert part(stage, framework, "operations") == {"operations": 1, "operations/reserve": 1}
    assert part(stage, framework, "offers") == {"offers/sent": 2, "offers/accepted": 1, "offers/rescinded": 1}
    events = part(stage, framework, "events")
    assert (events["events/update_operation_status"], events["events/rescind"]) == (1, 1)


def test_suppressed_roles_are_told_and_calls_of_all_kinds_counted(stage: Stage) -> None:
    framework = stage.framework(roles=("a", "b"), suppressed_roles=("b",), capabilities=MULTI_ROLE)
    framework_id = stage.framework_id(framework)

    before = part(stage, framework, "roles")
    stage.call(framework, Suppress(framework_id))
    suppressed = part(stage, framework, "roles")
    stage.call(framework, Revive(framework_id, ("b",)))
    info = FrameworkInfo(name="test", roles=("b", "c"), id=framework_id, capabilities=MULTI_ROLE)
    stage.call(framework, UpdateFramework(framework_id=framework_id, framework=info))
    stage.call(framework, Reconcile(framework_id))
    stage.call(framework, RequestResources(framework_id))

    assert before == {"roles/b/suppressed": 1}
    assert suppressed == {"roles/a/suppressed": 1, "roles/b/suppressed": 1}
    assert part(stage, framework, "roles") == {}
    calls = dict.fromkeys(("suppress", "revive", "update_framework", "reconcile", "request", "subscribe"), 1.0)
    assert stage.heard(framework, Error) == []
    assert part(stage, framework, "calls") == {"calls": 6, **{f"calls/{name}": 1 for name in calls}}


def test_a_framework_that_is_away_is_not_subscribed_and_its_lost_tasks_are_told(stage: Stage) -> None:
    agent = stage.agent()
    details = {"failover_timeout": 1e6, "checkpoint": True, "capabilities": (PARTITION_AWARE,)}
    framework = stage.framework(**details)
    stage.advance(1)
    [offer] = stage.offers(framework)
    stage.run(framework, agent, task(offer))
    la.tell(agent, FakeAgent.live, False)
    stage.advance(90)
    stage.lose(framework)
    snapshot = stage.runtime.metrics.snapshot().get(timeout=60)
    prefix = f"master/frameworks/test/{offer.framework_id}/"

    assert [snapshot[prefix + name] for name in ("subscribed", "tasks/active/task_unreachable")] == [0, 1]
    assert snapshot[prefix + "tasks/active/task_running"] == 0

    again = stage.framework(id=offer.framework_id, **details)
    assert told(stage, again)["calls/subscribe"] == 2


# As in Mesos: what is remembered of a framework includes its metrics.
def test_a_framework_that_was_removed_is_told_of_as_long_as_it_is_remembered(staged: Staging) -> None:
    stage = staged(max_completed_frameworks=1)
    first, second = stage.framework("first"), stage.framework("second")
    ids = [stage.framework_id(framework) for framework in (first, second)]

    kept = []
    for framework_id in ids:
        la.dispatch(stage.master, Master.teardown_framework, framework_id).get(timeout=60)
        stage.settle()
        snapshot = stage.runtime.metrics.snapshot().get(timeout=60)
        kept.append({name.split("/")[2]: snapshot[name] for name in snapshot if name.endswith("/subscribed")})
        assert not any(f"{framework_id}/roles" in name for name in snapshot)

    assert kept == [{"first": 0, "second": 1}, {"second": 0}]


# Goal: no number is told twice. Method: it is removed after those that are there were looked up.
def test_a_framework_that_is_removed_meanwhile_is_told_of_once(stage: Stage) -> None:
    framework = stage.framework()
    ledger = stage.master._process.actor._ledger
    ledger._completed |= ledger.frameworks

    snapshot = stage.runtime.metrics.snapshot_json().get(timeout=60)

    ledger._completed.clear()
    assert snapshot.count(f"/{quote(stage.framework_id(framework), safe='')}/subscribed".encode()) == 1


# Goal: nobody fills the memory of a master, nor its time, by what he calls himself.
def test_of_long_names_and_of_many_roles_little_is_kept(stage: Stage) -> None:
    roles = tuple([f"{number:03}{'é' * 100}" for number in range(1_000)])
    framework = stage.framework("é" * 1_000_000, roles=roles, capabilities=MULTI_ROLE)
    before = framework_metrics._shared_columns.cache_info().currsize

    snapshot = stage.runtime.metrics.snapshot().get(timeout=60)

    [name, *others] = [name for name in snapshot if name.endswith(f"/{stage.framework_id(framework)}/subscribed")]
    assert (name.count("%C3%A9"), others) == (255, [])
    assert framework_metrics._shared_columns.cache_info().currsize == before


@pytest.mark.parametrize("options", [{"publish_per_framework_metrics": False}, {}])
def test_they_are_published_unless_that_is_not_wanted(staged: Staging, options: dict[str, bool]) -> None:
    stage = staged(**options)
    stage.framework()

    snapshot = stage.runtime.metrics.snapshot().get(timeout=60)

    assert any(name.startswith("master/frameworks/") for name in snapshot) == (not options)
