"""Views: what readers see is numbered, of one moment, complete, and never changes."""

from __future__ import annotations

import msgspec

import libactor as la
from mesoslite.master import Master
from mesoslite.model import (
    ExecutorID,
    LaunchGroup,
    OperationID,
    Reserve,
    Resources,
    RoleMinimum,
    TaskGroup,
    TaskState,
)
from mesoslite.model.records import DrainState
from mesoslite.model.view import NotModified, View

from .packing import over
from .stage import Stage, task
from .test_accept import begin, default_executor, reserved
from .test_agents import LOST_SECONDS, greeting, running, silence

MINIMUM = RoleMinimum("ads", (Resources.of(cpus=0.1),))


def known(stage: Stage, view: View) -> View | NotModified:
    return la.dispatch(stage.master, Master.view, view.number).get(timeout=60)


def test_a_view_is_empty_at_first_and_says_who_the_master_is(stage: Stage) -> None:
    view = stage.view()

    assert (view.number, len(view.agents), view.frameworks, view.completed_frameworks) == (1, 0, (), ())
    assert view.master.info.port == 5050
    assert view.master.elected_time > 0


def test_the_number_rises_with_what_there_is_to_see_and_only_then(stage: Stage) -> None:
    first = stage.view()
    assert known(stage, first) == NotModified(first.number)
    agent = stage.agent()
    second = stage.view()
    stage.advance(1)  # a ping is nothing to see

    assert first.number < second.number == stage.view().number
    assert stage.view() is second
    assert known(stage, second) == NotModified(second.number)
    assert known(stage, first) is second
    assert [one.hostname for one in second.agents] == ["host"]
    assert [one.pid for one in second.agents] == [f"{agent.id}@host:5051"]
    assert len(first.agents) == 0


def test_a_task_is_seen_from_its_launch_to_the_end_of_its_history(stage: Stage) -> None:
    agent, framework = begin(stage)
    [offer] = stage.offers(framework)
    [seen] = stage.view().frameworks
    assert [one.id for one in seen.offers] == [offer.id]
    info = task(offer, resources="cpus:1;mem:10")
    stage.run(framework, agent, info)

    [seen] = stage.view().frameworks
    [running] = seen.tasks
    assert (running.state, len(running.statuses), running.role) == (TaskState.TASK_RUNNING, 1, "ads")
    stage.report(agent, seen.framework.id, info, TaskState.TASK_FINISHED, uuid=b"f" * 16)
    stage.acknowledge(framework, info, uuid=b"f" * 16)
    [later] = stage.view().frameworks
    assert len(later.tasks) == 0
    assert [one.state for part in later.completed_tasks for one in part] == [TaskState.TASK_FINISHED]
    assert [one.state for one in seen.tasks] == [TaskState.TASK_RUNNING]
    stage.lose(framework)
    view = stage.view()
    [gone] = view.completed_frameworks
    assert view.frameworks == ()
    assert gone.framework.unregistered_time is not None
    assert [one.task_id for part in gone.completed_tasks for one in part] == [info.task_id]


def test_an_agents_tasks_are_seen_as_out_of_reach_and_as_they_come_back(stage: Stage) -> None:
    agent, _ = running(stage, failover_timeout=3600.0)
    message = greeting(stage)
    silence(stage, agent)
    stage.advance(LOST_SECONDS)
    view = stage.view()
    [lost] = view.frameworks
    assert (len(view.agents), view.unreachable_agents, len(lost.tasks)) == (0, 1, 0)
    assert len(lost.unreachable_tasks) == 1

    stage.greet(message)

    view = stage.view()
    [back] = view.frameworks
    assert (len(back.tasks), len(back.unreachable_tasks), view.unreachable_agents) == (1, 0, 0)
    [entry] = view.agents
    assert entry.reregistered_time is not None


def test_after_a_failover_it_is_seen_who_is_awaited(stage: Stage) -> None:
    agent, _ = running(stage, failover_timeout=3600.0)
    agent_id, message = stage.agent_id(agent), greeting(stage)
    stage.fail_over()

    view = stage.view()
    assert [one.id for one in view.recovered_agents] == [agent_id]
    assert len(view.agents) == 0
    stage.greet(message)
    view = stage.view()
    [entry] = view.frameworks
    assert (len(view.recovered_agents), len(view.agents), len(entry.tasks)) == (0, 1, 1)
    assert (entry.framework.recovered, entry.framework.connected) == (True, False)


def test_completed_tasks_are_oldest_first_however_often_an_id_was_used(stage: Stage) -> None:
    running(stage, failover_timeout=3600.0)
    message = greeting(stage)
    [record] = [each for framework in stage.state().frameworks for each in framework.tasks]
    ended = msgspec.structs.replace(record, state=TaskState.TASK_FINISHED)
    stage.fail_over()
    history = [
        msgspec.structs.replace(ended, info=msgspec.structs.replace(ended.info, task_id=f"t{number}"))
        for number in range(150)
    ]
    stage.greet(msgspec.structs.replace(message, completed_tasks=over(*history)))

    [entry] = stage.view().frameworks
    assert [one.task_id for part in entry.completed_tasks for one in part] == [f"t{number}" for number in range(150)]


def test_executors_operations_and_draining_are_seen(stage: Stage) -> None:
    agent, framework = begin(stage, failover_timeout=100.0, min_allocatable=(MINIMUM,))
    [offer] = stage.offers(framework)
    group = LaunchGroup(default_executor(), TaskGroup((task(offer, resources="cpus:0.1;mem:32"),)))
    stage.act(framework, group, Reserve(reserved("cpus:1"), id=OperationID("o")))
    drained = la.dispatch(stage.master, Master.drain_agent, stage.agent_id(agent), 30.0, True)
    stage.settle()
    drained.get(timeout=60)

    view = stage.view()
    [entry], [operation], [seen] = view.frameworks, view.operations, view.agents
    [executor] = entry.executors
    assert (executor.executor_id, executor.agent_id, executor.role) == (ExecutorID("e"), seen.id, "ads")
    assert (operation.framework_id, operation.info["type"]) == (entry.framework.id, "RESERVE")
    assert (seen.active, seen.deactivated) == (False, True)
    assert seen.drain is not None
    assert (seen.drain.state, seen.drain.max_grace_period, seen.drain.mark_gone) == (
        DrainState.DRAINING,
        30 * 10**9,
        True,
    )
    assert entry.framework.offer_filters is not None
