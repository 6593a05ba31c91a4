"""Bounds: how long offers stand, and how much is remembered of what is over."""

from typing import Any

import pytest

import libactor as la
from mesoslite.master import MasterOptions
from mesoslite.model import Decline, Error, Filters, InvalidRequest, Rescind, TaskState, Teardown

from .stage import FakeAgent, Staging, task

# ---- offers ----


# MasterTest.OfferTimeout. Goal: neither early nor late. Method: stop 1 s short of the end, then step over it.
def test_an_offer_that_nobody_answers_is_rescinded_and_made_again(staged: Staging) -> None:
    stage = staged(offer_timeout=30.0)
    stage.agent()
    framework = stage.framework()
    [offer] = stage.offers(framework)

    stage.advance(29)
    early = stage.heard(framework, Rescind)
    stage.advance(1)

    assert early == []
    assert stage.heard(framework, Rescind) == [Rescind(offer.id)]
    stage.advance(1)
    assert len(stage.offers(framework)) == 2


# MasterTest.OfferNotRescindedOnceUsed, OfferNotRescindedOnceDeclined
def test_offers_that_were_answered_are_not_rescinded(staged: Staging) -> None:
    stage = staged(offer_timeout=30.0)
    stage.agent("cpus:1;mem:128")
    stage.agent("cpus:2;mem:128")
    framework = stage.framework()
    used, declined = sorted(stage.offers(framework), key=lambda offer: str(offer.resources))
    stage.accept(framework, used, task(used))
    stage.call(
        framework, Decline(framework_id=declined.framework_id, offer_ids=(declined.id,), filters=Filters(1_000.0))
    )

    stage.advance(65)

    assert stage.heard(framework, Rescind) == []


def test_each_offer_has_its_time_from_when_it_was_told(staged: Staging) -> None:
    stage = staged(offer_timeout=30.0)
    framework = stage.framework()
    stage.agent()
    stage.advance(20)
    stage.agent()

    stage.advance(15)

    first, second = stage.offers(framework)[:2]
    assert stage.heard(framework, Rescind) == [Rescind(first.id)]
    stage.advance(15)
    assert stage.heard(framework, Rescind)[1] == Rescind(second.id)


def test_without_a_timeout_an_offer_stands(staged: Staging) -> None:
    stage = staged()
    stage.agent()
    framework = stage.framework()

    stage.advance(1_000)

    assert len(stage.offers(framework)) == 1
    assert stage.heard(framework, Rescind) == []


# ---- history ----


# MasterTest.MaxCompletedFrameworksFlag
@pytest.mark.parametrize("bound", [0, 1, 2])
def test_so_many_removed_frameworks_are_remembered_the_newest(staged: Staging, bound: int) -> None:
    stage = staged(max_completed_frameworks=bound)
    ids = []
    for number in range(3):
        framework = stage.framework(name=str(number))
        ids.append(stage.framework_id(framework))
        stage.call(framework, Teardown(ids[-1]))

    remembered = [entry.info.id for entry in stage.state().completed_frameworks]
    oldest = stage.framework(id=ids[0])

    assert remembered == ids[3 - bound :]
    assert stage.framework_id(oldest) == ids[0]  # it is forgotten that it was removed


# MasterTest.MaxCompletedTasksPerFrameworkFlag
@pytest.mark.parametrize("bound", [0, 1, 2])
def test_so_many_completed_tasks_of_a_framework_are_remembered(staged: Staging, bound: int) -> None:
    stage = staged(max_completed_tasks_per_framework=bound)
    agent = stage.agent()
    framework = stage.framework()
    [offer] = stage.offers(framework)
    tasks = [task(offer, name=str(number)) for number in range(3)]
    stage.accept(framework, offer, *tasks)
    for each in tasks:
        stage.report(agent, offer.framework_id, each, TaskState.TASK_FAILED)
        stage.acknowledge(framework, each)

    [entry] = stage.state().frameworks

    assert [each.info.name for each in entry.completed_tasks] == ["0", "1", "2"][3 - bound :]
    assert entry.tasks == ()


@pytest.mark.parametrize("bound", [0, 1, 2])
def test_so_many_tasks_out_of_reach_are_found_again(staged: Staging, bound: int) -> None:
    stage = staged(max_unreachable_tasks_per_framework=bound)
    agent = stage.agent()
    framework = stage.framework(capabilities=("PARTITION_AWARE",))
    [offer] = stage.offers(framework)
    tasks = [task(offer, name=str(number)) for number in range(3)]
    stage.accept(framework, offer, *tasks)
    la.tell(agent, FakeAgent.live, False)
    stage.settle()
    stage.advance(90)

    stage.call(framework, Teardown(offer.framework_id))

    [entry] = stage.state().completed_frameworks
    assert [each.info.name for each in entry.completed_tasks] == ["0", "1", "2"][3 - bound :]


def test_a_removed_framework_keeps_no_more_tasks_than_a_running_one(staged: Staging) -> None:
    stage = staged(max_completed_tasks_per_framework=2)
    stage.agent()
    framework = stage.framework()
    [offer] = stage.offers(framework)
    stage.accept(framework, offer, *[task(offer, name=str(number)) for number in range(4)])

    stage.call(framework, Teardown(offer.framework_id))

    [entry] = stage.state().completed_frameworks
    assert [each.info.name for each in entry.completed_tasks] == ["2", "3"]


# ---- the end of a framework ----


# HttpFaultToleranceTest.SchedulerSubscribeAfterFailoverTimeout
def test_who_comes_after_the_failover_timeout_is_refused(staged: Staging) -> None:
    stage = staged()
    framework = stage.framework(failover_timeout=30.0)
    framework_id = stage.framework_id(framework)
    stage.lose(framework)
    stage.advance(31)

    late = stage.framework(id=framework_id)

    assert "has been removed" in stage.heard(late, Error)[0].message


@pytest.mark.parametrize(
    "options",
    [
        {"offer_timeout": 0.0},
        {"offer_timeout": float("nan")},
        {"offer_timeout": 1e10},
        {"heartbeat_interval": 0.0},
        {"heartbeat_interval": float("inf")},
        {"max_completed_frameworks": -1},
        {"max_completed_tasks_per_framework": 1.5},
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=next(iter(options))):
        MasterOptions(**options)
