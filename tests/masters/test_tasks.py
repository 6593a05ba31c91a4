"""Tasks: statuses, acknowledgements, kills and reconciliation, and when resources are free again."""

import msgspec

import libactor as la
from mesoslite.model import (
    NOTHING,
    Acknowledge,
    ExecutorID,
    ExecutorInfo,
    Failure,
    FrozenDocument,
    Kill,
    KillTask,
    Reason,
    Reconcile,
    Resources,
    RunTask,
    ShutdownFramework,
    StatusUpdateAcknowledgement,
    TaskID,
    TaskReference,
    TaskState,
    UnregisterAgent,
)

from .stage import FakeAgent, FakeFramework, Stage, task

UUID = b"0123456789abcdef"


def running(stage: Stage) -> tuple[la.PID[FakeAgent], la.PID[FakeFramework]]:
    """An agent that runs "task" for a framework."""
    agent = stage.agent("cpus:4;mem:1024")
    framework = stage.framework()
    stage.run(framework, agent, task(stage.offers(framework)[0]))
    return agent, framework


def acknowledge(stage: Stage, framework: la.PID[FakeFramework], agent: la.PID[FakeAgent], uuid: bytes = UUID) -> None:
    stage.call(
        framework,
        Acknowledge(
            framework_id=stage.framework_id(framework),
            agent_id=stage.agent_id(agent),
            task_id=TaskID("task"),
            uuid=uuid,
        ),
    )


def test_a_status_is_recorded_and_passed_on(stage: Stage) -> None:
    _, framework = running(stage)

    [status] = stage.updates(framework)
    assert status.state is TaskState.TASK_RUNNING
    assert stage.state().frameworks[0].tasks[0].state is TaskState.TASK_RUNNING


def test_an_ended_task_frees_its_resources_before_it_is_acknowledged(stage: Stage) -> None:
    agent, framework = running(stage)
    info = stage.state().frameworks[0].tasks[0].info

    stage.report(agent, stage.framework_id(framework), info, TaskState.TASK_FINISHED)

    assert stage.state().agents[0].used == NOTHING
    assert stage.state().frameworks[0].tasks[0].state is TaskState.TASK_FINISHED


# Goal: resources follow the newest state, not the one that is being told. Method: an update that lags behind.
def test_the_agents_newest_state_frees_resources_while_an_older_one_is_told(stage: Stage) -> None:
    agent, framework = running(stage)
    info = stage.state().frameworks[0].tasks[0].info

    stage.report(
        agent,
        stage.framework_id(framework),
        info,
        TaskState.TASK_RUNNING,
        latest=TaskState.TASK_FAILED,
    )

    assert stage.state().agents[0].used == NOTHING
    assert stage.state().frameworks[0].tasks[0].state is TaskState.TASK_FAILED
    assert stage.updates(framework)[-1].state is TaskState.TASK_RUNNING


def test_a_repeated_terminal_status_frees_nothing_twice(stage: Stage) -> None:
    agent, framework = running(stage)
    info = stage.state().frameworks[0].tasks[0].info

    for _ in range(3):
        stage.report(agent, stage.framework_id(framework), info, TaskState.TASK_FINISHED)

    assert stage.state().agents[0].used == NOTHING
    assert len(stage.updates(framework)) == 4


def test_an_ended_task_does_not_come_back_to_life(stage: Stage) -> None:
    agent, framework = running(stage)
    info = stage.state().frameworks[0].tasks[0].info
    stage.report(agent, stage.framework_id(framework), info, TaskState.TASK_FINISHED)

    stage.report(agent, stage.framework_id(framework), info, TaskState.TASK_RUNNING)

    assert stage.state().frameworks[0].tasks[0].state is TaskState.TASK_FINISHED
    assert stage.state().agents[0].used == NOTHING


def test_an_acknowledgement_reaches_the_agent(stage: Stage) -> None:
    agent, framework = running(stage)

    acknowledge(stage, framework, agent)

    [message] = stage.heard(agent, StatusUpdateAcknowledgement)
    assert (message.task_id, message.uuid) == ("task", UUID)
    assert len(stage.state().frameworks[0].tasks) == 1


def test_a_task_is_completed_when_its_last_status_is_acknowledged(stage: Stage) -> None:
    agent, framework = running(stage)
    info = stage.state().frameworks[0].tasks[0].info
    stage.report(agent, stage.framework_id(framework), info, TaskState.TASK_FINISHED, uuid=b"another-uuid-000")

    acknowledge(stage, framework, agent, uuid=b"another-uuid-000")

    [completed] = stage.state().frameworks[0].completed_tasks
    assert completed.state is TaskState.TASK_FINISHED
    assert [status.state for status in completed.statuses] == [TaskState.TASK_RUNNING, TaskState.TASK_FINISHED]
    assert stage.state().frameworks[0].tasks == ()


def test_a_status_from_another_agent_is_ignored(stage: Stage) -> None:
    _, framework = running(stage)
    other = stage.agent()
    info = stage.state().frameworks[0].tasks[0].info

    stage.report(other, stage.framework_id(framework), info, TaskState.TASK_FINISHED)

    assert stage.state().frameworks[0].tasks[0].state is TaskState.TASK_RUNNING


def test_a_kill_goes_to_the_tasks_agent(stage: Stage) -> None:
    agent, framework = running(stage)

    stage.call(framework, Kill(framework_id=stage.framework_id(framework), task_id=TaskID("task"), grace_seconds=7.0))

    [message] = stage.heard(agent, KillTask)
    assert (message.task_id, message.grace_seconds) == ("task", 7.0)


def test_a_kill_of_an_unknown_task_is_answered(stage: Stage) -> None:
    agent, framework = running(stage)

    stage.call(framework, Kill(framework_id=stage.framework_id(framework), task_id=TaskID("stranger")))

    status = stage.updates(framework)[-1]
    assert (status.task_id, status.state) == ("stranger", TaskState.TASK_LOST)
    assert status.reason is Reason.REASON_RECONCILIATION
    assert "unknown" in status.message
    assert stage.heard(agent, KillTask) == []


def test_a_task_id_in_use_cannot_be_used_again(stage: Stage) -> None:
    _, framework = running(stage)
    stage.advance(7)
    offer = stage.offers(framework)[-1]

    stage.accept(framework, offer, task(offer))

    status = stage.updates(framework)[-1]
    assert status.state is TaskState.TASK_ERROR
    assert "already in use" in status.message
    assert stage.state().frameworks[0].tasks[0].state is TaskState.TASK_RUNNING


def test_what_agents_cannot_do_yet_is_left_to_them_to_say(stage: Stage) -> None:
    agent = stage.agent("cpus:4;mem:1024")
    framework = stage.framework()
    offer = stage.offers(framework)[-1]
    contained = msgspec.structs.replace(task(offer, "a"), container=FrozenDocument.of({"type": "MESOS"}))
    executor = ExecutorInfo(executor_id=ExecutorID("e"), command=contained.command, resources=Resources.of(mem=32))
    own = msgspec.structs.replace(task(offer, "b"), command=None, executor=executor)

    stage.accept(framework, offer, contained, own)

    assert [run.task.task_id for run in stage.heard(agent, RunTask)] == ["a", "b"]
    assert stage.updates(framework) == []


def test_reconciliation_tells_what_is_known_and_what_is_not(stage: Stage) -> None:
    agent, framework = running(stage)
    framework_id, agent_id = stage.framework_id(framework), stage.agent_id(agent)

    stage.call(
        framework,
        Reconcile(framework_id, (TaskReference(TaskID("task")), TaskReference(TaskID("gone"), agent_id))),
    )

    known, unknown = stage.updates(framework)[-2:]
    assert (known.state, known.reason, known.uuid) == (TaskState.TASK_RUNNING, Reason.REASON_RECONCILIATION, None)
    assert (unknown.task_id, unknown.state) == ("gone", TaskState.TASK_LOST)


def test_implicit_reconciliation_tells_every_task(stage: Stage) -> None:
    _, framework = running(stage)

    stage.call(framework, Reconcile(stage.framework_id(framework)))

    assert [status.state for status in stage.updates(framework)] == [TaskState.TASK_RUNNING] * 2


def test_a_lost_agents_tasks_are_lost_and_its_resources_leave_the_books(stage: Stage) -> None:
    agent, framework = running(stage)
    agent_id = stage.agent_id(agent)

    stage.lose(agent)
    stage.advance(90)

    status = stage.updates(framework)[-1]
    assert (status.state, status.reason) == (TaskState.TASK_LOST, Reason.REASON_AGENT_DISCONNECTED)
    assert stage.state().agents == ()
    assert stage.heard(framework, Failure) == [Failure(agent_id)]
    [entry] = stage.state().frameworks
    assert entry.used == NOTHING
    assert [task.state for task in entry.completed_tasks] == [TaskState.TASK_LOST]


def test_the_reason_of_an_agents_failure_is_in_the_status(stage: Stage) -> None:
    agent, framework = running(stage)

    la.tell(agent, FakeAgent.fail)
    stage.settle()

    assert "caught fire" in stage.updates(framework)[-1].message


def test_an_ended_task_of_a_lost_agent_is_completed_without_acknowledgement(stage: Stage) -> None:
    agent, framework = running(stage)
    info = stage.state().frameworks[0].tasks[0].info
    stage.report(agent, stage.framework_id(framework), info, TaskState.TASK_FINISHED)

    stage.lose(agent)
    stage.advance(90)

    [entry] = stage.state().frameworks
    assert entry.tasks == ()
    assert [task.state for task in entry.completed_tasks] == [TaskState.TASK_FINISHED]


def test_an_agent_that_leaves_is_struck_off(stage: Stage) -> None:
    agent, framework = running(stage)

    stage.say(agent, UnregisterAgent(stage.agent_id(agent)))

    assert stage.state().agents == ()
    assert stage.updates(framework)[-1].state is TaskState.TASK_LOST


def test_a_status_for_a_framework_that_is_gone_ends_its_tasks_on_the_agent(stage: Stage) -> None:
    agent, framework = running(stage)
    framework_id = stage.framework_id(framework)
    info = stage.state().frameworks[0].tasks[0].info
    stage.lose(framework)

    stage.report(agent, framework_id, info, TaskState.TASK_FINISHED)

    assert stage.heard(agent, ShutdownFramework) == [ShutdownFramework(framework_id)] * 2
    assert stage.state().agents[0].free == Resources.parse("cpus:4;mem:1024")
