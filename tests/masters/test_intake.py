"""What agents and frameworks post may be anything: it is dropped and counted, or answered, and ends nobody."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest

import libactor as la
from mesoslite.master import Master
from mesoslite.master.allocator_messages import Applied, Granted, InverseAnswered, Recovered
from mesoslite.master.descriptions import Descriptions
from mesoslite.master.intake import Intake
from mesoslite.master.slices import Slices
from mesoslite.model import (
    AgentID,
    AgentInfo,
    AgentRemoved,
    AllocatorFailed,
    Decline,
    Error,
    ExecutorExited,
    Filters,
    FrameworkID,
    FrameworkInfo,
    Grant,
    InvalidRequest,
    Kill,
    KillTask,
    OperationUpdate,
    Reconcile,
    RegisterAgent,
    ReregisterAgent,
    Resources,
    Revive,
    ShutdownFramework,
    Source,
    StatusUpdate,
    Subscribe,
    Suppress,
    TaskID,
    TaskInfo,
    TaskRecord,
    TaskReference,
    TaskState,
    TaskStatus,
    Teardown,
    UpdateFramework,
)
from mesoslite.model.checking import FREED_IN_STEP
from mesoslite.model.messages import CompletedTasks

from .packing import over, packed, packed_infos, spoilt
from .stage import FakeAgent, FakeFramework, Stage, task

INFO = AgentInfo(hostname="host", port=5051, resources=Resources.parse("cpus:4;mem:1024"), id=AgentID("A"))
TASK = TaskInfo(task_id=TaskID("t"), name="t", agent_id=AgentID("A"), resources=Resources.of(cpus=1))
RECORD = TaskRecord(info=TASK, framework_id=FrameworkID("F"), state=TaskState.TASK_RUNNING)
FRAMEWORK = FrameworkInfo(name="f", id=FrameworkID("F"))
STATUS = TaskStatus(task_id=TaskID("t"), state=TaskState.TASK_RUNNING, source=Source.SOURCE_AGENT, timestamp=1.0)
MANY = 20_000
RESOURCE = ["cpus", 0, -1]  # less than nothing


def changed(value: Any, **fields: Any) -> Any:
    return msgspec.structs.replace(value, **fields)


def dropped(stage: Stage) -> float:
    return stage.master._process.actor._metrics.dropped_messages.value


def post(stage: Stage, to: la.PID[Any], message: object, sender: la.PID[Any] | None) -> None:
    la.post(to, message, sender=sender)
    stage.settle()


def update_of(**fields: Any) -> StatusUpdate:
    return StatusUpdate(
        framework_id=FrameworkID("F"), status=changed(STATUS, **fields), latest_state=TaskState.TASK_RUNNING
    )


MALFORMED: list[Any] = [
    RegisterAgent(changed(INFO, id=None, attributes=[{"name": 7}])),
    RegisterAgent(changed(INFO, id=None, hostname="\ud800")),
    RegisterAgent(7),  # type: ignore[arg-type]
    ReregisterAgent(info=INFO, tasks=spoilt(RECORD, statuses=7), frameworks=packed_infos(FRAMEWORK)),
    ReregisterAgent(info=INFO, tasks=spoilt(RECORD, name=None), frameworks=packed_infos(FRAMEWORK)),
    ReregisterAgent(info=INFO, tasks=spoilt(RECORD, resources=[RESOURCE]), frameworks=packed_infos(FRAMEWORK)),
    ReregisterAgent(info=INFO, tasks=(*packed(*([RECORD] * MANY))[:-1], b"\x91"), frameworks=packed_infos(FRAMEWORK)),
    ReregisterAgent(info=INFO, tasks=(b"",), frameworks=packed_infos(FRAMEWORK)),
    ReregisterAgent(info=INFO, tasks=(b"\xdc\xff\xff",), frameworks=packed_infos(FRAMEWORK)),
    ReregisterAgent(info=INFO, tasks=(RECORD,), frameworks=packed_infos(FRAMEWORK)),  # type: ignore[arg-type]
    ReregisterAgent(info=INFO, tasks=7, frameworks=packed_infos(FRAMEWORK)),  # type: ignore[arg-type]
    ReregisterAgent(info=INFO, frameworks=packed_infos(changed(FRAMEWORK, roles=(7,)))),
    ReregisterAgent(info=INFO, frameworks=(FRAMEWORK,)),  # type: ignore[arg-type]
    ReregisterAgent(info=INFO, frameworks=(b"",)),
    ReregisterAgent(info=INFO, frameworks=(packed_infos(FRAMEWORK)[0] + b"\x00",)),
    ReregisterAgent(info=INFO, completed_tasks=(changed(over(RECORD)[0], framework_id=["F"]),)),
    ReregisterAgent(info=INFO, completed_tasks=over(RECORD) * MANY + (changed(over(RECORD)[0], portions=[7]),)),
    update_of(unreachable_ns=2**80),
    update_of(labels=7),
    OperationUpdate(framework_id="F", operation_uuid=b"", status=7, latest_state="OPERATION_FINISHED"),  # type: ignore[arg-type]
    ExecutorExited(framework_id=FrameworkID("F"), executor_id=["e"]),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("message", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_no_message_of_an_agent_is_dropped_and_counted(stage: Stage, message: Any) -> None:
    agent = stage.agent()
    before = stage.state()

    stage.say(agent, message)

    assert dropped(stage) == 1
    assert stage.state() == before


@pytest.mark.parametrize(
    ("said", "is_back"),
    [({}, True), ({"hostname": "elsewhere"}, True), ({"checkpoint": 1}, False), ({"id": ["F"]}, False)],
    ids=str,
)
def test_what_agents_say_of_a_framework_that_is_known_is_looked_at(
    stage: Stage, said: dict[str, Any], is_back: bool
) -> None:
    own = changed(FRAMEWORK, checkpoint=True)
    stage.greet(ReregisterAgent(info=INFO, frameworks=packed_infos(own)))

    info = changed(INFO, id=AgentID("B"), hostname="another")
    stage.greet(ReregisterAgent(info=info, frameworks=packed_infos(changed(own, **said))))

    state = stage.state()
    assert [info.id for info in (agent.info for agent in state.agents)] == ["A", "B"][: 1 + is_back]
    assert (dropped(stage), [framework.info for framework in state.frameworks]) == (not is_back, [own])


def read_by(descriptions: Descriptions, packed: tuple[bytes, ...]) -> Any:
    steps = descriptions.reading(packed)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_what_agents_say_alike_of_a_framework_is_read_once_unless_it_is_long() -> None:
    descriptions, short, long = (
        Descriptions(),
        packed_infos(FRAMEWORK),
        packed_infos(changed(FRAMEWORK, name="f" * 2_000)),
    )

    assert read_by(descriptions, short)["F"] is read_by(descriptions, short)["F"]
    assert read_by(descriptions, long)["F"] is not read_by(descriptions, long)["F"]


def test_no_more_is_remembered_of_frameworks_than_has_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesoslite.master.descriptions.KEPT_MAX", 2)
    descriptions = Descriptions()

    for number in range(5):
        read_by(descriptions, packed_infos(changed(FRAMEWORK, id=FrameworkID(f"F{number}"))))

    assert len(descriptions._read) == 1


BAD_CALLS: list[Any] = [
    lambda framework_id: Suppress(framework_id, {"*": 1}),  # type: ignore[arg-type]
    lambda framework_id: Revive(framework_id, (["*"],)),  # type: ignore[arg-type]
    lambda framework_id: Kill(framework_id=framework_id, task_id={}),  # type: ignore[arg-type]
    lambda framework_id: Kill(framework_id=framework_id, task_id=TaskID("t"), grace_seconds="soon"),  # type: ignore[arg-type]
    lambda framework_id: Reconcile(framework_id, (None,) * MANY),  # type: ignore[arg-type]
    lambda framework_id: Decline(framework_id=framework_id, offer_ids=(), filters=Filters([])),  # type: ignore[arg-type]
    lambda framework_id: Subscribe(FrameworkInfo(name="x", id=framework_id, failover_timeout=2**80)),
    lambda framework_id: Suppress([framework_id]),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("make", BAD_CALLS, ids=range(len(BAD_CALLS)))
def test_what_is_no_call_is_answered_with_an_error_and_changes_nothing(stage: Stage, make: Any) -> None:
    framework = stage.framework()
    stage.agent()
    before = stage.state()

    stage.call(framework, make(stage.framework_id(framework)))

    assert len(stage.heard(framework, Error)) == 1
    assert dropped(stage) == 1
    assert stage.state() == before


def test_the_calls_of_strangers_are_counted(stage: Stage) -> None:
    framework = stage.framework()
    stranger = la.spawn(FakeFramework(stage.master, Subscribe(FrameworkInfo(name="x", roles=("a//b",)))))
    stage.settle()

    stage.call(stranger, Teardown(stage.framework_id(framework)))

    assert dropped(stage) == 1
    assert len(stage.state().frameworks) == 1


def test_what_is_logged_of_a_message_is_short_however_long_it_is(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.call(stage.framework(), Teardown(FrameworkID("x" * 1_000_000)))

    assert dropped(stage) == 1
    assert ["Teardown" in line and len(line) < 1_000 for line in caplog.messages] == [True]


# ---- senders ----


@pytest.mark.parametrize("who", ["master", "allocator", "registrar"])
@pytest.mark.parametrize(
    "message", [Subscribe(FrameworkInfo(name="x")), RegisterAgent(changed(INFO, id=None)), ReregisterAgent(info=INFO)]
)
def test_nobody_speaks_for_the_master_or_its_own_actors(stage: Stage, who: str, message: Any) -> None:
    post(stage, stage.master, message, getattr(stage, who))

    assert dropped(stage) == 1
    assert (stage.state().agents, stage.state().frameworks) == ((), ())


@pytest.mark.parametrize("cpus", [1, 100])
def test_only_the_allocator_grants(stage: Stage, cpus: int) -> None:
    agent, framework = stage.agent(), stage.framework(suppressed_roles=("*",))
    grant = Grant(
        framework_id=stage.framework_id(framework),
        role="*",
        agent_id=stage.agent_id(agent),
        resources=Resources.of(cpus=cpus),
    )

    post(stage, stage.master, Granted((grant,)), agent)

    assert dropped(stage) == 1
    assert stage.offers(framework) == []


def test_the_allocator_heeds_its_master_only(stage: Stage) -> None:
    agent, framework = stage.agent(), stage.framework()
    who: dict[str, Any] = {"framework_id": stage.framework_id(framework), "agent_id": stage.agent_id(agent)}

    for message in (
        Recovered(role="*", resources=Resources.of(cpus=100), **who),
        Recovered(framework_id=FrameworkID("f"), role=7, agent_id=AgentID("a"), resources=7),  # type: ignore[arg-type]
        Applied(AgentRemoved(stage.agent_id(agent))),
        InverseAnswered(accepted=False, **who),
    ):
        post(stage, stage.allocator, message, agent)
        post(stage, stage.allocator, message, None)

    assert stage.allocator._process.actor._metrics._dropped.value == 8
    assert len(stage.state().agents) == 1


# ---- order ----


def reconciling(stage: Stage) -> tuple[la.PID[FakeAgent], la.PID[FakeFramework], Reconcile]:
    """An agent that runs "task" for a framework, and a call of it that takes many slices."""
    agent, framework = stage.agent(), stage.framework(failover_timeout=60.0)
    stage.run(framework, agent, task(stage.offers(framework)[0]))
    named = tuple([TaskReference(TaskID(f"t{number}")) for number in range(MANY)])
    return agent, framework, Reconcile(stage.framework_id(framework), named)


def test_what_a_scheduler_has_called_before_it_ended_is_served(stage: Stage) -> None:
    agent, framework, reconcile = reconciling(stage)
    framework_id = stage.framework_id(framework)

    la.tell(framework, FakeFramework.call, reconcile)
    la.tell(framework, FakeFramework.call, Kill(framework_id=framework_id, task_id=TaskID("task")))
    la.tell(framework, FakeFramework.call, Teardown(framework_id))
    la.terminate(framework, inject=False)
    stage.settle()

    assert stage.state().frameworks == ()
    assert len(stage.heard(agent, KillTask)) == 1
    assert stage.heard(agent, ShutdownFramework) == [ShutdownFramework(framework_id)]


@pytest.mark.parametrize("name", ["good", "\ud800"])
def test_an_update_that_is_asked_for_waits_for_what_was_called_before(stage: Stage, name: str) -> None:
    _, framework, reconcile = reconciling(stage)
    framework_id = stage.framework_id(framework)
    info = FrameworkInfo(name=name, id=framework_id, failover_timeout=60.0)

    def call() -> la.Future[None]:
        la.post(stage.master, reconcile)
        la.post(stage.master, Teardown(framework_id))
        update = UpdateFramework(framework_id=framework_id, framework=info)
        return la.dispatch(stage.master, Master.update_framework, update, framework)

    answer = la.execute(framework, call)
    stage.settle()

    with pytest.raises(InvalidRequest, match="not subscribed" if name == "good" else "utf-8"):
        answer.get(timeout=60)
    assert stage.state().frameworks == ()


# ---- what is granted ----


@pytest.fixture
def forgetful() -> Iterator[Stage]:
    """A stage whose master remembers no framework that it has removed."""
    with la.Runtime() as runtime:
        made = Stage(runtime, max_completed_frameworks=0)
        yield made
        made.check_books()


# Goal: what was granted to a framework is void once that was removed: the allocator has given it away again.
def test_a_grant_for_a_framework_that_was_removed_and_came_back_is_void(forgetful: Stage) -> None:
    stage = forgetful
    agent = stage.agent()
    first = stage.framework(suppressed_roles=("*",))
    framework_id = stage.framework_id(first)
    seen = stage.allocator._process.actor._deltas
    grant = Grant(framework_id=framework_id, role="*", agent_id=stage.agent_id(agent), resources=Resources.of(cpus=1))

    stage.call(first, Teardown(framework_id))
    again = stage.framework(suppressed_roles=("*",), id=framework_id)
    post(stage, stage.master, Granted((grant,), seen=seen), stage.allocator)

    assert stage.framework_id(again) == framework_id
    assert stage.offers(again) == []
    assert stage.state().agents[0].offered == Resources()


# Goal: that an agent once had other resources excuses no later grant. Method: the same grant of runs that began before
# and after; the allocator never made it, so it goes no further.
@pytest.mark.parametrize(("known", "is_excused"), [(-1, True), (0, False)])
def test_a_grant_too_large_is_excused_only_if_it_was_decided_before_the_agent_changed(
    known: int, is_excused: bool
) -> None:
    with la.Runtime() as runtime:
        stage = Stage(runtime)
        agent, framework = stage.agent(), stage.framework(suppressed_roles=("*",))
        [entry] = stage.state().agents
        stage.say(agent, ReregisterAgent(info=changed(entry.info, resources=Resources.parse("cpus:2;mem:1024"))))
        seen = stage.allocator._process.actor._deltas
        framework_id, agent_id = stage.framework_id(framework), stage.agent_id(agent)
        grant = Grant(framework_id=framework_id, role="*", agent_id=agent_id, resources=Resources.of(cpus=3))

        made = la.execute(
            stage.master, lambda: stage.master._process.actor._accounts.offer(grant, "p", seen, seen + known)
        )

        if is_excused:
            assert made.get(timeout=60) is None
        else:
            with pytest.raises(AllocatorFailed, match="mend the policy"):
                made.get(timeout=60)


def listed(names: list[Any]) -> Reconcile:
    return Reconcile(FrameworkID("F"), tuple(names))


def completed(portions: list[Any]) -> ReregisterAgent:
    return ReregisterAgent(info=INFO, completed_tasks=(CompletedTasks(FrameworkID("F"), tuple(portions)),))


# Goal: to free very much takes long as well. Method: look after each step who else has the entries.
@pytest.mark.parametrize(
    ("entry", "make"),
    [
        (lambda number: TaskReference(TaskID(f"t{number}")), listed),
        (lambda number: b"%d" % (1_000 + number), completed),
    ],
    ids=["references", "portions"],
)
@pytest.mark.parametrize("last", [(), (7,)], ids=["right", "wrong"])
def test_a_large_message_is_let_go_of_in_steps(entry: Any, make: Any, last: tuple[Any, ...]) -> None:
    entries = [entry(number) for number in range(3_000)]
    alone = max([sys.getrefcount(each) for each in entries])
    slices = Slices(lambda: 0.0, lambda: None)
    slices.take("sender", iter([None, None]))  # so that what comes next waits
    ignore = lambda *_: None  # noqa: E731, a Mock would keep the message
    forgetful: Any = SimpleNamespace(received=ignore, refuse=ignore)
    sender: Any = "sender"
    ledger: Any = SimpleNamespace(framework_at=ignore)
    intake = Intake(ledger, slices, forgetful, set(), Mock())
    intake.take(make([*entries, *last]), sender, ignore)

    def count(_: object) -> int:
        return sum([sys.getrefcount(each) <= alone for each in entries])

    freed = [0, *map(count, slices._waiting[-1][1]), count(None)]

    assert freed[-1] == len(entries)
    assert max([after - before for before, after in pairwise(freed)]) <= FREED_IN_STEP
