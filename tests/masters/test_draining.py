"""Operators deactivate agents, reactivate them, and have them drained; the registry knows of it first."""

# Source: the names in comments are those of Mesos's tests (master_draining_tests, api_tests).

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import libactor as la
from mesoslite.master import Master
from mesoslite.model import (
    AgentID,
    Conflict,
    Drain,
    InvalidRequest,
    NotFound,
    Offer,
    Rescind,
    Reserve,
    RunTask,
    ShutdownAgent,
    TaskState,
    Teardown,
)
from mesoslite.model.registry import RegistryAgent, UnreachableAgent
from mesoslite.registry.rows import decode

from .stage import FakeAgent, FakeFramework, Stage, task
from .test_accept import begin, reserved
from .test_agents import LOST_SECONDS, cut_off, greeting, running, silence, states, stored


def ask(stage: Stage, what: Callable[..., la.Future[None]], *arguments: Any) -> la.Future[None]:
    """Have an operator ask the master for that."""
    asked: la.Future[None] = la.dispatch(stage.master, what, *arguments)
    stage.settle()
    return asked


def do(stage: Stage, what: Callable[..., la.Future[None]], *arguments: Any) -> None:
    ask(stage, what, *arguments).get(timeout=60)
    stage.settle()


def standing(stage: Stage, framework: la.PID[FakeFramework]) -> list[Offer]:
    """The offers that the framework was sent and that were not rescinded."""
    rescinded = {event.offer_id for event in stage.heard(framework, Rescind)}
    return [offer for offer in stage.offers(framework) if offer.id not in rescinded]


def pair(stage: Stage) -> tuple[la.PID[FakeAgent], la.PID[FakeFramework]]:
    """An agent that is offered to a framework."""
    agent, framework = stage.agent(), stage.framework()
    assert len(stage.offers(framework)) == 1
    return agent, framework


# ---- deactivation ----


def test_the_offers_of_a_deactivated_agent_are_rescinded_and_there_are_no_others(stage: Stage) -> None:
    # Source: MasterAPITest.DeactivateAgent
    agent, framework = pair(stage)

    do(stage, Master.deactivate_agent, stage.agent_id(agent))
    stage.advance(3)

    assert len(stage.heard(framework, Rescind)) == 1
    assert len(stage.offers(framework)) == 1
    assert [(one.active, one.deactivated) for one in stage.state().agents] == [(False, True)]


def test_an_agent_that_is_away_is_not_active_and_not_deactivated(stage: Stage) -> None:
    agent, _ = pair(stage)
    before = [(one.active, one.deactivated) for one in stage.state().agents]

    cut_off(stage, agent)

    assert before == [(True, False)]
    assert [(one.active, one.deactivated) for one in stage.state().agents] == [(False, False)]


def test_nothing_happens_before_a_deactivation_is_durable(stage: Stage) -> None:
    agent, framework = pair(stage)
    stage.registry.hold()
    asked = ask(stage, Master.deactivate_agent, stage.agent_id(agent))
    before = (asked.is_pending(), stage.heard(framework, Rescind))

    stage.registry.release()
    asked.get(timeout=60)

    assert before == (True, [])


def test_tasks_of_a_deactivated_agent_go_on(stage: Stage) -> None:
    agent, framework = running(stage)

    do(stage, Master.deactivate_agent, stage.agent_id(agent))

    assert states(stage, framework) == [TaskState.TASK_RUNNING]
    assert len(stage.state().frameworks[0].tasks) == 1


def test_a_task_on_an_offer_of_a_deactivated_agent_is_lost_and_not_launched(stage: Stage) -> None:
    agent, framework = pair(stage)
    [offer] = stage.offers(framework)
    do(stage, Master.deactivate_agent, stage.agent_id(agent))

    stage.accept(framework, offer, task(offer))

    assert states(stage, framework) == [TaskState.TASK_LOST]
    assert stage.heard(agent, RunTask) == []


def test_a_reactivated_agent_is_offered_again(stage: Stage) -> None:
    # Source: MasterAPITest.ReactivateAgent
    agent, framework = pair(stage)
    do(stage, Master.deactivate_agent, stage.agent_id(agent))

    do(stage, Master.reactivate_agent, stage.agent_id(agent))
    stage.advance(2)

    assert len(standing(stage, framework)) == 1


def test_an_agent_stays_deactivated_when_it_is_lost_and_comes_back(stage: Stage) -> None:
    # Source: MasterAPITest.DeactivateAgentDisconnected
    agent, framework = pair(stage)
    do(stage, Master.deactivate_agent, stage.agent_id(agent))
    message = greeting(stage)
    cut_off(stage, agent)

    stage.say(agent, message)
    stage.advance(3)

    assert standing(stage, framework) == []


def test_an_agent_that_is_reactivated_while_it_is_away_is_offered_when_it_is_back_and_not_before(stage: Stage) -> None:
    agent, framework = pair(stage)
    do(stage, Master.deactivate_agent, stage.agent_id(agent))
    message = greeting(stage)
    cut_off(stage, agent)
    do(stage, Master.reactivate_agent, stage.agent_id(agent))
    stage.advance(3)
    before = standing(stage, framework)

    stage.say(agent, message)
    stage.advance(3)

    assert before == []
    assert len(standing(stage, framework)) == 1


def test_an_agent_stays_deactivated_for_a_new_master(stage: Stage) -> None:
    agent, _ = pair(stage)
    do(stage, Master.deactivate_agent, stage.agent_id(agent))
    message = greeting(stage)
    stage.fail_over()

    stage.greet(message)
    framework = stage.framework()
    stage.advance(3)
    before = stage.offers(framework)
    do(stage, Master.reactivate_agent, message.info.id)
    stage.advance(2)

    assert before == []
    assert len(stage.offers(framework)) == 1


def test_an_agent_is_deactivated_that_is_yet_to_come_back_to_a_new_master(stage: Stage) -> None:
    pair(stage)
    message = greeting(stage)
    stage.fail_over()

    do(stage, Master.deactivate_agent, message.info.id)
    stage.greet(message)
    framework = stage.framework()
    stage.advance(3)

    assert stage.offers(framework) == []


def test_an_unreachable_agent_is_deactivated_and_not_offered_when_it_is_back(stage: Stage) -> None:
    agent, framework = pair(stage)
    message = greeting(stage)
    silence(stage, agent)
    stage.advance(LOST_SECONDS)

    do(stage, Master.deactivate_agent, stage.agent_id(agent))
    silence(stage, agent, lives=True)
    stage.say(agent, message)
    stage.advance(3)

    assert stored(stage, "unreachable") == set()
    assert standing(stage, framework) == []


@pytest.mark.parametrize("what", [Master.deactivate_agent, Master.reactivate_agent])
def test_an_agent_that_nobody_knows_is_not_found(stage: Stage, what: Callable[..., la.Future[None]]) -> None:
    with pytest.raises(NotFound, match="agent nobody is not known"):
        do(stage, what, AgentID("nobody"))


def test_an_agent_that_is_declared_gone_meanwhile_is_a_conflict(stage: Stage) -> None:
    agent, _ = pair(stage)
    stage.registry.hold()
    gone = ask(stage, Master.mark_agent_gone, stage.agent_id(agent))
    asked = ask(stage, Master.deactivate_agent, stage.agent_id(agent))

    stage.registry.release()
    gone.get(timeout=60)

    with pytest.raises(Conflict, match="has gone meanwhile"):
        asked.get(timeout=60)


def test_an_agent_that_is_not_deactivated_is_not_reactivated(stage: Stage) -> None:
    agent, _ = pair(stage)

    with pytest.raises(InvalidRequest, match="is not deactivated"):
        do(stage, Master.reactivate_agent, stage.agent_id(agent))


# ---- draining ----


def drain_state(stage: Stage) -> str | None:
    """What the registry says of the draining of the one agent that it has."""
    rows = stage.registry.rows.items()
    [row] = [decode(kind, key, data) for (kind, key), data in rows if kind in ("agent", "unreachable")]
    assert isinstance(row, (RegistryAgent, UnreachableAgent))
    return row.drain.state.name if row.drain is not None else None


def end_task(stage: Stage, agent: la.PID[FakeAgent], framework: la.PID[FakeFramework], *, acknowledged: bool) -> None:
    """End the task of ``running``."""
    info = stage.state().frameworks[0].tasks[0].info
    stage.report(agent, stage.framework_id(framework), info, TaskState.TASK_KILLED, uuid=b"e" * 16)
    if acknowledged:
        stage.acknowledge(framework, info, uuid=b"e" * 16)


def test_an_agent_that_is_drained_is_told_and_offered_no_more(stage: Stage) -> None:
    # Source: MasterDrainingTest.DrainAgent
    agent, framework = running(stage)

    do(stage, Master.drain_agent, stage.agent_id(agent), 5.0)
    stage.advance(3)

    assert stage.heard(agent, Drain) == [Drain(max_grace_seconds=5.0)]
    assert standing(stage, framework)[1:] == []
    assert drain_state(stage) == "DRAINING"


def test_nothing_is_told_before_the_draining_is_durable(stage: Stage) -> None:
    agent, _ = running(stage)
    stage.registry.hold()
    asked = ask(stage, Master.drain_agent, stage.agent_id(agent))
    before = (asked.is_pending(), stage.heard(agent, Drain))

    stage.registry.release()
    asked.get(timeout=60)

    assert before == (True, [])


def test_an_agent_is_drained_when_the_end_of_its_last_task_is_acknowledged_and_not_before(stage: Stage) -> None:
    agent, framework = running(stage)
    do(stage, Master.drain_agent, stage.agent_id(agent))

    end_task(stage, agent, framework, acknowledged=False)
    before = drain_state(stage)
    stage.acknowledge(framework, stage.state().frameworks[0].tasks[0].info, uuid=b"e" * 16)

    assert (before, drain_state(stage)) == ("DRAINING", "DRAINED")


def test_an_agent_on_which_nothing_runs_is_drained_at_once(stage: Stage) -> None:
    # Source: MasterDrainingTest.DrainAgentNoTasks
    agent, _ = pair(stage)

    do(stage, Master.drain_agent, stage.agent_id(agent))

    assert drain_state(stage) == "DRAINED"


def test_an_agent_with_an_operation_under_way_is_not_drained_before_that_is_over(stage: Stage) -> None:
    agent, framework = begin(stage)
    stage.act(framework, Reserve(reserved("cpus:1")))
    do(stage, Master.drain_agent, stage.agent_id(agent))
    before = drain_state(stage)

    stage.answer(agent, stage.applied(agent)[0])

    assert (before, drain_state(stage)) == ("DRAINING", "DRAINED")


def test_a_framework_that_is_removed_takes_the_last_tasks_of_a_draining_agent_along(stage: Stage) -> None:
    agent, framework = running(stage)
    do(stage, Master.drain_agent, stage.agent_id(agent))

    stage.call(framework, Teardown(stage.framework_id(framework)))

    assert drain_state(stage) == "DRAINED"


def test_a_drained_agent_that_is_to_be_gone_is_declared_so(stage: Stage) -> None:
    # Source: MasterDrainingTest.DrainAgentMarkGone
    agent, framework = running(stage)
    agent_id = stage.agent_id(agent)
    do(stage, Master.drain_agent, agent_id, None, True)
    before = stored(stage, "gone")

    end_task(stage, agent, framework, acknowledged=True)

    assert stage.heard(agent, Drain) == [Drain(mark_gone=True)]
    assert (before, stored(stage, "gone")) == (set(), {agent_id})
    assert len(stage.heard(agent, ShutdownAgent)) == 1
    assert stage.state().agents == ()


def test_draining_goes_on_with_a_new_master(stage: Stage) -> None:
    # Source: MasterDrainingTest.DrainAgentAfterFailover
    agent, framework = running(stage, failover_timeout=3600.0)
    do(stage, Master.drain_agent, stage.agent_id(agent), 7.0)
    message, framework_id = greeting(stage), stage.framework_id(framework)
    stage.fail_over()

    agent = stage.greet(message)
    before = drain_state(stage)
    framework = stage.framework(id=framework_id, failover_timeout=3600.0)
    end_task(stage, agent, framework, acknowledged=True)

    assert stage.heard(agent, Drain) == [Drain(max_grace_seconds=7.0)]
    assert (before, drain_state(stage)) == ("DRAINING", "DRAINED")


def test_an_agent_that_is_empty_when_it_is_back_at_a_new_master_is_drained(stage: Stage) -> None:
    agent, _ = running(stage)
    do(stage, Master.drain_agent, stage.agent_id(agent))
    message = msgspec.structs.replace(greeting(stage), tasks=(), frameworks=())
    stage.fail_over()

    stage.greet(message)

    assert drain_state(stage) == "DRAINED"


def test_an_unreachable_agent_is_drained_when_it_is_back(stage: Stage) -> None:
    # Source: MasterDrainingTest.DrainAgentUnreachable
    agent, _ = running(stage)
    message = greeting(stage)
    silence(stage, agent)
    stage.advance(LOST_SECONDS)
    do(stage, Master.drain_agent, stage.agent_id(agent), 3.0)
    before = stage.heard(agent, Drain)

    silence(stage, agent, lives=True)
    stage.say(agent, message)

    assert before == []
    assert stage.heard(agent, Drain) == [Drain(max_grace_seconds=3.0)]
    assert drain_state(stage) == "DRAINING"


def test_a_draining_agent_that_registers_again_is_told_once_more(stage: Stage) -> None:
    # Source: MasterDrainingTest.DrainAgentDisconnected
    agent, _ = running(stage, checkpoint=True)
    do(stage, Master.drain_agent, stage.agent_id(agent))
    message = greeting(stage)
    cut_off(stage, agent)

    stage.say(agent, message)

    assert len(stage.heard(agent, Drain)) == 2


def test_a_draining_agent_is_not_reactivated_and_a_drained_one_is(stage: Stage) -> None:
    # Source: MasterAPITest.ReactivateAgentAfterDraining
    agent, framework = running(stage)
    agent_id = stage.agent_id(agent)
    do(stage, Master.drain_agent, agent_id)
    with pytest.raises(InvalidRequest, match="is draining; wait"):
        do(stage, Master.reactivate_agent, agent_id)
    end_task(stage, agent, framework, acknowledged=True)

    do(stage, Master.reactivate_agent, agent_id)
    stage.advance(2)

    assert drain_state(stage) is None
    assert len(standing(stage, framework)) == 2


def test_a_second_draining_says_anew_how_and_keeps_a_grace_that_it_leaves_out(stage: Stage) -> None:
    agent, _ = running(stage)
    do(stage, Master.drain_agent, stage.agent_id(agent), 9.0)

    do(stage, Master.drain_agent, stage.agent_id(agent), None, True)

    assert stage.heard(agent, Drain)[1:] == [Drain(max_grace_seconds=9.0, mark_gone=True)]


@pytest.mark.parametrize("grace", [-1, float("nan"), float("inf"), 1e10, "5", True])
def test_a_grace_that_is_no_time_is_refused_and_nothing_has_changed(stage: Stage, grace: Any) -> None:
    agent, _ = pair(stage)

    with pytest.raises(InvalidRequest, match="expected seconds"):
        do(stage, Master.drain_agent, stage.agent_id(agent), grace)
    assert drain_state(stage) is None
