"""Updates: which reports of agents reach frameworks, which acknowledgements reach agents, and what of it counts."""

from typing import Any

import msgspec
import pytest

import libactor as la
from mesoslite.model import (
    AgentID,
    FrameworkID,
    FrameworkInfo,
    FrozenDocument,
    Kill,
    KillTask,
    Reason,
    Reconcile,
    ShutdownFramework,
    Source,
    StatusUpdate,
    StatusUpdateAcknowledgement,
    Subscribe,
    TaskID,
    TaskInfo,
    TaskReference,
    TaskState,
    TaskStatus,
    Teardown,
    constants,
)

from .stage import FakeAgent, FakeFramework, Stage, task

FIRST, SECOND = b"first-uuid-00000", b"second-uuid-0000"


class Scene:
    """An agent that runs a task for a framework."""

    def __init__(self, stage: Stage, **details: Any) -> None:
        self.stage = stage
        self.agent: la.PID[FakeAgent] = stage.agent()
        self.framework: la.PID[FakeFramework] = stage.framework(failover_timeout=60.0, **details)
        self.framework_id = stage.framework_id(self.framework)
        self.task = task(stage.offers(self.framework)[0])
        stage.run(self.framework, self.agent, self.task)

    def report(
        self, state: TaskState, uuid: bytes | None = FIRST, latest: TaskState | None = None, **said: Any
    ) -> None:
        status = TaskStatus(
            task_id=self.task.task_id,
            state=state,
            source=Source.SOURCE_AGENT,
            timestamp=1.0,
            agent_id=self.task.agent_id,
            uuid=uuid,
            **said,
        )
        self.stage.say(
            self.agent, StatusUpdate(framework_id=self.framework_id, status=status, latest_state=latest or state)
        )

    def acknowledge(self, uuid: bytes, **changes: Any) -> None:
        self.stage.acknowledge(self.framework, msgspec.structs.replace(self.task, **changes), uuid)

    def acknowledged(self) -> list[bytes]:
        return [message.uuid for message in self.stage.heard(self.agent, StatusUpdateAcknowledgement)]

    def states(self) -> tuple[list[TaskState], list[TaskState]]:
        """Of the task that is listed, and of the completed one."""
        [entry] = self.stage.state().frameworks
        return [each.state for each in entry.tasks], [each.state for each in entry.completed_tasks]


@pytest.fixture
def scene(stage: Stage) -> Scene:
    return Scene(stage)


# ---- what agents report ----


# The framework acknowledges it, else the agent would repeat it for ever.
def test_a_status_of_a_task_that_the_master_does_not_have_is_passed_on_and_acknowledged(scene: Scene) -> None:
    stranger = msgspec.structs.replace(scene.task, task_id=TaskID("stranger"))

    scene.stage.report(scene.agent, scene.framework_id, stranger, TaskState.TASK_FAILED, uuid=SECOND)
    scene.acknowledge(SECOND, task_id=TaskID("stranger"))

    assert scene.stage.updates(scene.framework)[-1].task_id == "stranger"
    assert scene.acknowledged() == [SECOND]
    assert scene.states() == ([TaskState.TASK_RUNNING], [])


def test_a_status_from_another_agent_than_the_tasks_own_is_acknowledged_and_not_told(scene: Scene) -> None:
    other = scene.stage.agent()
    stray = msgspec.structs.replace(scene.task, agent_id=scene.stage.agent_id(other))

    scene.stage.report(other, scene.framework_id, stray, TaskState.TASK_FINISHED, uuid=SECOND)

    assert scene.states() == ([TaskState.TASK_RUNNING], [])
    assert {status.agent_id for status in scene.stage.updates(scene.framework)} == {scene.task.agent_id}
    assert [message.uuid for message in scene.stage.heard(other, StatusUpdateAcknowledgement)] == [SECOND]


def test_an_agent_that_runs_tasks_of_a_removed_framework_is_told_to_end_them(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    framework_id = scene.stage.framework_id(scene.framework)
    scene.stage.call(scene.framework, Teardown(framework_id))
    before = len(scene.stage.heard(scene.agent, ShutdownFramework))

    scene.stage.report(scene.agent, framework_id, scene.task, TaskState.TASK_RUNNING)

    assert scene.stage.heard(scene.agent, ShutdownFramework)[before:] == [ShutdownFramework(framework_id)]
    assert not [record for record in caplog.records if record.levelname == "WARNING"], "it was on its way"


def test_a_status_of_a_framework_that_has_not_come_yet_is_left_to_its_agent(scene: Scene) -> None:
    scene.stage.report(scene.agent, FrameworkID("unknown"), scene.task, TaskState.TASK_ERROR)

    assert scene.stage.heard(scene.agent, ShutdownFramework) == []


# Goal: an agent does not say for ever what it has denied to a former master of a framework that ended then. Method: the
# next master does not know that framework, and a day passes; so it stands for one that it has forgotten as well.
def test_a_status_of_a_framework_that_has_not_come_for_a_day_is_the_last(stage: Stage) -> None:
    stage.runtime.clock.advance(constants.FRAMEWORK_RETURN_SECONDS - 1)
    agent = stage.agent()
    status = TaskStatus(
        task_id=TaskID("denied"),
        state=TaskState.TASK_DROPPED,
        source=Source.SOURCE_AGENT,
        timestamp=1.0,
        agent_id=stage.agent_id(agent),
        uuid=FIRST,
    )
    update = StatusUpdate(framework_id=FrameworkID("former"), status=status, latest_state=status.state)
    stage.say(agent, update)
    before = stage.heard(agent, ShutdownFramework)

    stage.advance(1)
    stage.say(agent, update)

    assert before == []
    assert stage.heard(agent, ShutdownFramework) == [ShutdownFramework(FrameworkID("former"))]


def test_a_status_for_a_framework_that_is_away_is_recorded(scene: Scene) -> None:
    scene.stage.lose(scene.framework)

    scene.report(TaskState.TASK_FINISHED)

    assert scene.states() == ([TaskState.TASK_FINISHED], [])
    assert scene.stage.state().agents[0].used.is_empty


def test_a_last_status_that_nobody_is_to_acknowledge_completes_its_task(scene: Scene) -> None:
    scene.report(TaskState.TASK_FAILED, uuid=None)

    assert scene.states() == ([], [TaskState.TASK_FAILED])


def test_a_status_that_nobody_is_to_acknowledge_and_is_not_the_last_completes_nothing(scene: Scene) -> None:
    scene.report(TaskState.TASK_RUNNING, uuid=None)

    assert scene.states() == ([TaskState.TASK_RUNNING], [])


BAD: list[Any] = [
    {"status": None},
    {"latest_state": "TASK_RUNNING"},
    {"framework_id": ["f"]},
    {"state": 3},
    {"state": TaskState.TASK_FINISHED, "latest_state": TaskState.TASK_RUNNING},
    {"uuid": b"short"},
    {"uuid": "0123456789abcdef"},
    {"task_id": {}},
    {"agent_id": AgentID("another")},
    {"agent_id": None},
    {"message": "\ud800"},
]


@pytest.mark.parametrize("changes", BAD, ids=range(len(BAD)))
def test_what_is_no_status_is_dropped(scene: Scene, changes: dict[str, Any]) -> None:
    status = TaskStatus(
        task_id=scene.task.task_id,
        state=TaskState.TASK_RUNNING,
        source=Source.SOURCE_AGENT,
        timestamp=1.0,
        agent_id=scene.task.agent_id,
        uuid=SECOND,
    )
    outer = {name: changes[name] for name in changes if name in StatusUpdate.__struct_fields__}
    inner = {name: changes[name] for name in changes if name not in outer}
    good = StatusUpdate(
        framework_id=scene.framework_id, status=msgspec.structs.replace(status, **inner), latest_state=status.state
    )
    before = scene.stage.state().frameworks, len(scene.stage.updates(scene.framework))

    scene.stage.say(scene.agent, msgspec.structs.replace(good, **outer))

    assert (scene.stage.state().frameworks, len(scene.stage.updates(scene.framework))) == before


# ---- acknowledgements ----


# MasterTest.UnacknowledgedTerminalTask
def test_a_task_that_ended_is_completed_by_the_acknowledgement_of_its_end_only(scene: Scene) -> None:
    scene.report(TaskState.TASK_RUNNING, FIRST, latest=TaskState.TASK_FINISHED)
    scene.acknowledge(FIRST)
    after_first = scene.states()

    scene.report(TaskState.TASK_FINISHED, SECOND)
    scene.acknowledge(FIRST)
    after_wrong = scene.states()
    scene.acknowledge(SECOND)

    assert after_first == after_wrong == ([TaskState.TASK_FINISHED], [])
    assert scene.states() == ([], [TaskState.TASK_FINISHED])
    assert scene.acknowledged() == [FIRST, FIRST, SECOND]


# TaskStatusUpdateManagerTest.IgnoreDuplicateStatusUpdateAck: it is for the agent to pass over the second.
def test_an_acknowledgement_may_come_twice(scene: Scene) -> None:
    scene.report(TaskState.TASK_FINISHED)

    scene.acknowledge(FIRST)
    scene.acknowledge(FIRST)

    assert scene.states() == ([], [TaskState.TASK_FINISHED])


def test_nothing_is_acknowledged_before_anything_is_told(stage: Stage) -> None:
    agent, framework = stage.agent(), stage.framework()
    [offer] = stage.offers(framework)
    stage.accept(framework, offer, task(offer))

    stage.acknowledge(framework, task(offer))

    assert stage.heard(agent, StatusUpdateAcknowledgement) == []


@pytest.mark.parametrize("uuid", [b"", b"short", None, "0123456789abcdef"])
def test_an_acknowledgement_without_a_uuid_is_dropped(scene: Scene, uuid: Any) -> None:
    scene.acknowledge(uuid)

    assert scene.acknowledged() == []
    assert len(scene.stage.state().frameworks) == 1


def test_an_acknowledgement_for_an_agent_that_is_not_there_is_dropped(scene: Scene) -> None:
    scene.acknowledge(FIRST, agent_id=AgentID("nowhere"))

    assert scene.acknowledged() == []


def test_an_acknowledgement_for_another_agent_completes_no_task_of_that_id(scene: Scene) -> None:
    other = scene.stage.agent()
    scene.report(TaskState.TASK_FINISHED)

    scene.acknowledge(FIRST, agent_id=scene.stage.agent_id(other))

    assert scene.states() == ([TaskState.TASK_FINISHED], [])
    assert scene.acknowledged() == []


def test_only_the_subscribed_scheduler_acknowledges(scene: Scene) -> None:
    scene.report(TaskState.TASK_FINISHED)
    successor = scene.stage.framework(id=scene.framework_id)

    scene.acknowledge(FIRST)
    before = scene.acknowledged()
    scene.stage.acknowledge(successor, scene.task, FIRST)

    assert (before, scene.acknowledged()) == ([], [FIRST])


# ---- reconciliation and kills ----


def reconcile(scene: Scene, *tasks: TaskInfo | TaskReference) -> list[TaskStatus]:
    """The answers to a reconciliation of these tasks, or of all."""
    before = len(scene.stage.updates(scene.framework))
    references = [TaskReference(each.task_id, each.agent_id) for each in tasks]
    scene.stage.call(scene.framework, Reconcile(scene.framework_id, tuple(references)))
    return scene.stage.updates(scene.framework)[before:]


# ReconciliationTest.ReconcileStatusUpdateTaskState
@pytest.mark.parametrize("explicit", [True, False])
def test_a_reconciliation_answers_with_the_state_that_is_being_told(scene: Scene, explicit: bool) -> None:
    scene.report(TaskState.TASK_RUNNING, FIRST, latest=TaskState.TASK_FINISHED)

    [answer] = reconcile(scene, *[scene.task][: int(explicit)])

    assert (answer.state, answer.source) == (TaskState.TASK_RUNNING, Source.SOURCE_MASTER)
    assert (answer.reason, answer.uuid) == (Reason.REASON_RECONCILIATION, None)
    assert answer.message == "Reconciliation: Latest task state"


# ReconciliationTest.UnacknowledgedTerminalTask, ImplicitTerminalTask
def test_an_ended_task_is_reconciled_until_its_end_is_acknowledged(scene: Scene) -> None:
    scene.report(TaskState.TASK_FINISHED)
    before = reconcile(scene)

    scene.acknowledge(FIRST)

    assert [answer.state for answer in before] == [TaskState.TASK_FINISHED]
    assert reconcile(scene) == []


# ReconciliationTest.UnknownTask: completed ones are unknown, too.
@pytest.mark.parametrize(
    ("capabilities", "state"), [((), TaskState.TASK_LOST), (("PARTITION_AWARE",), TaskState.TASK_GONE)]
)
def test_a_completed_task_is_unknown(stage: Stage, capabilities: tuple[str, ...], state: TaskState) -> None:
    scene = Scene(stage, capabilities=capabilities)
    scene.report(TaskState.TASK_FINISHED)
    scene.acknowledge(FIRST)

    [answer] = reconcile(scene, scene.task)

    assert (answer.state, answer.agent_id) == (state, scene.task.agent_id)


# Goal: many answers keep nobody waiting, and what comes after them waits for them. Method: a clock that stands still
# makes slices as small as they get; a second framework calls while the first one's answers are under way.
def test_answers_to_many_come_in_order_and_others_are_served_between(scene: Scene) -> None:
    stage, other = scene.stage, scene.stage.framework(name="other")
    count = 20_000
    named = tuple([TaskReference(TaskID(f"t{number}")) for number in range(count)])
    before = len(stage.updates(scene.framework))

    la.tell(scene.framework, FakeFramework.call, Reconcile(scene.framework_id, named))
    la.tell(scene.framework, FakeFramework.call, Kill(framework_id=scene.framework_id, task_id=TaskID("last")))
    la.tell(other, FakeFramework.call, Reconcile(stage.framework_id(other), named[:1]))
    stage.settle()

    answers = [status.task_id for status in stage.updates(scene.framework)[before:]]
    assert answers == [reference.task_id for reference in named] + ["last"]
    assert len(stage.updates(other)) == 1


def test_answers_to_who_was_taken_over_from_end(scene: Scene) -> None:
    stage = scene.stage
    named = tuple([TaskReference(TaskID(f"t{number}")) for number in range(20_000)])
    actor = stage.master._process.actor

    def both() -> None:
        actor.call(Reconcile(scene.framework_id, named), scene.framework)
        actor.subscribe(Subscribe(FrameworkInfo(name="test", id=scene.framework_id)), scene.agent)

    before = len(stage.updates(scene.framework))
    la.execute(stage.master, both).get(timeout=60)
    stage.settle()

    assert len(stage.updates(scene.framework)) - before < 1_000


def test_a_task_that_has_ended_is_not_killed(scene: Scene) -> None:
    scene.report(TaskState.TASK_FINISHED)

    scene.stage.call(scene.framework, Kill(framework_id=scene.framework_id, task_id=scene.task.task_id))

    assert scene.stage.heard(scene.agent, KillTask) == []


# MasterTest.KillUnknownTask
def test_the_kill_of_an_unknown_task_is_answered_as_its_reconciliation(scene: Scene) -> None:
    unknown = TaskID("unknown")
    [reconciled] = reconcile(scene, TaskReference(unknown))

    scene.stage.call(scene.framework, Kill(framework_id=scene.framework_id, task_id=unknown))

    assert scene.stage.updates(scene.framework)[-1] == reconciled


# ---- ids that are taken ----


# Goal: no two tasks of one id, should the agent come back. Method: an agent without a pong for 91 s, and another one.
def test_the_id_of_an_unreachable_task_is_not_used_again(stage: Stage) -> None:
    scene = Scene(stage, capabilities=("PARTITION_AWARE",))
    la.tell(scene.agent, FakeAgent.live, False)
    stage.settle()
    stage.advance(91)
    stage.agent()
    offer = stage.offers(scene.framework)[-1]

    stage.accept(scene.framework, offer, msgspec.structs.replace(scene.task, agent_id=offer.agent_id))

    refusal = stage.updates(scene.framework)[-1]
    assert (refusal.state, "unreachable agent" in refusal.message) == (TaskState.TASK_ERROR, True)
    assert scene.states() == ([], [])


# ---- what statuses say beside the state ----

SAID: dict[str, Any] = {
    "healthy": False,
    "check_status": FrozenDocument.of({"type": "TCP", "tcp": {"succeeded": True}}),
    "container_status": FrozenDocument.of({"executor_pid": 7}),
}


# Goal: all reaches the framework; what a reconciliation repeats, and that no data is kept, is as in Mesos
# (protobuf::getTaskHealth and its like, Master::updateTask).
def test_what_an_agent_says_of_health_and_container_is_told_kept_and_told_again(stage: Stage) -> None:
    scene = Scene(stage)
    limitation = FrozenDocument.of({"resources": []})

    scene.report(TaskState.TASK_RUNNING, **SAID, data=b"d" * 1000, limitation=limitation)
    told = stage.updates(scene.framework)[-1]
    stage.call(scene.framework, Reconcile(scene.framework_id))
    again = stage.updates(scene.framework)[-1]
    kept = stage.state().frameworks[0].tasks[0].statuses[-1]

    assert (told.data, told.limitation, {name: getattr(told, name) for name in SAID}) == (b"d" * 1000, limitation, SAID)
    assert again == msgspec.structs.replace(again, **SAID)
    assert (again.source, again.data, again.limitation) == (Source.SOURCE_MASTER, None, None)
    assert kept == msgspec.structs.replace(told, data=None)


@pytest.mark.parametrize("name", ["check_status", "container_status", "limitation"])
def test_a_status_with_a_document_that_is_none_is_dropped(stage: Stage, name: str) -> None:
    scene = Scene(stage)
    before = stage.updates(scene.framework)

    scene.report(TaskState.TASK_RUNNING, **{name: FrozenDocument("{")})

    assert stage.updates(scene.framework) == before
    assert stage.runtime.metrics.snapshot().get(timeout=60)["master/invalid_status_updates"] == 1
