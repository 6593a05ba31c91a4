"""Metrics of operations, under Mesos's names: of each type, and in all."""

from __future__ import annotations

import pytest

import libactor as la
from mesoslite.master import Master
from mesoslite.model import (
    ApplyOperation,
    Create,
    OperationID,
    OperationState,
    Reserve,
    ShrinkVolume,
    Unreserve,
)

from .stage import FakeAgent, Stage
from .test_accept import begin, reserved, volume
from .test_agents import greeting


def told(stage: Stage) -> dict[str, float]:
    """What is told of operations, as far as it is not zero."""
    snapshot = stage.runtime.metrics.snapshot().get(timeout=60)
    prefix = "master/operations/"
    return {name.removeprefix(prefix): value for name, value in snapshot.items() if name.startswith(prefix) and value}


def shrinking(stage: Stage) -> tuple[la.PID[FakeAgent], ApplyOperation]:
    """An agent that is to shrink a volume, and has not answered."""
    agent, framework = begin(stage, failover_timeout=100.0)
    stage.act(framework, Reserve(reserved("disk:100")), Create(volume(50)), refuse_seconds=0)
    for message in stage.applied(agent):
        stage.answer(agent, message)
    stage.advance(1)
    stage.act(framework, ShrinkVolume(volume(50), 10_000, id=OperationID("s")))
    return agent, stage.applied(agent)[-1]


def test_each_operation_counts_in_all_and_under_its_type(stage: Stage) -> None:
    agent, framework = begin(stage)

    stage.act(framework, Reserve(reserved("cpus:1"), id=OperationID("o")), Unreserve(reserved("cpus:1")))
    assert told(stage) == {
        "total": 2,
        "pending": 2,
        "reserve/total": 1,
        "reserve/pending": 1,
        "unreserve/total": 1,
        "unreserve/pending": 1,
    }

    first, second = stage.applied(agent)
    for message in (first, first):
        stage.answer(agent, message)
    stage.answer(agent, second, OperationState.OPERATION_DROPPED)
    assert told(stage) == {
        "total": 2,
        "finished": 1,
        "dropped": 1,
        "reserve/total": 1,
        "reserve/finished": 1,
        "unreserve/total": 1,
        "unreserve/dropped": 1,
    }


def test_one_out_of_reach_is_unreachable_until_its_agent_is_back(stage: Stage) -> None:
    agent, message = shrinking(stage)
    greeting_now = greeting(stage)
    before = told(stage)

    stage.lose(agent)
    stage.advance(601)
    lost = told(stage)
    back = stage.greet(greeting_now)
    stage.answer(back, message)

    assert lost == {
        **{name: value for name, value in before.items() if not name.endswith("pending")},
        "unreachable": 1,
        "shrink_volume/unreachable": 1,
    }
    assert told(stage) == {
        **{name: value for name, value in before.items() if not name.endswith("pending")},
        "total": 4,
        "finished": 3,  # as one of which nobody knows what it is
    }


@pytest.mark.parametrize("how", ["gone", "forgotten"])
def test_one_out_of_reach_is_not_once_its_agent_does_not_come_back(stage: Stage, how: str) -> None:
    agent, _ = shrinking(stage)
    agent_id = stage.agent_id(agent)
    stage.lose(agent)
    stage.advance(601)
    assert told(stage)["unreachable"] == 1

    if how == "gone":
        la.dispatch(stage.master, Master.mark_agent_gone, agent_id).get(timeout=60)
    else:
        stage.runtime.clock.advance(15 * 24 * 3600)
    stage.settle()

    assert not {name for name in told(stage) if name.endswith("unreachable")}


def test_one_of_a_former_master_counts_under_no_type(stage: Stage) -> None:
    _, message = shrinking(stage)
    greeting_now = greeting(stage)
    stage.fail_over()

    back = stage.greet(greeting_now)
    stage.answer(back, message, OperationState.OPERATION_FAILED)

    assert told(stage) == {"total": 1, "failed": 1}
