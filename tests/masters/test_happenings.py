"""What each action tells whoever follows a master, in exact sequences; and that the books had changed by then."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

import libactor as la
from mesoslite.master import AgentOptions, Master
from mesoslite.master.chronicle import Chronicle
from mesoslite.model import (
    Accept,
    AgentID,
    ClusterState,
    Decline,
    ExecutorExited,
    ExecutorID,
    ExecutorInfo,
    InvalidRequest,
    Kill,
    Launch,
    OfferID,
    OperationID,
    ReregisterAgent,
    Reserve,
    Resources,
    Revive,
    Subscribe,
    Suppress,
    TaskState,
    Teardown,
    Unavailability,
    UnregisterAgent,
    UpdateFramework,
    happenings,
)
from mesoslite.model.registry import MachineID, QuotaConfig, Schedule, Weight, Window

from .packing import packed, packed_infos
from .stage import FakeFramework, Stage, task
from .test_accept import reserved
from .test_agents import cut_off, greeting

DETAILS: dict[str, Any] = {
    "failover_timeout": 100.0,
    "checkpoint": True,
    "capabilities": ("PARTITION_AWARE", "RESERVATION_REFINEMENT"),
    "roles": ("ads",),
}


class Follower(la.Actor):
    """Remembers what it is told."""

    def __init__(self) -> None:
        super().__init__(la.generate_id("follower"))
        self.told: list[Any] = []

    def note(self, happening: Any) -> None:
        self.told.append(happening)

    for kind in happenings.KINDS:
        note = la.handles(kind)(note)
    del kind

    def take(self) -> tuple[Any, ...]:
        told, self.told = tuple(self.told), []
        return told


class Tale:
    """A stage with an agent that runs "task" for a framework, and somebody who follows what happens from then on."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.agent = stage.agent()
        self.framework = stage.framework(**DETAILS)
        self.id = stage.framework_id(self.framework)
        self.task = task(stage.offers(self.framework)[0])
        stage.run(self.framework, self.agent, self.task)
        stage.advance(6)  # past the filter on the rest of that offer
        self.offer = stage.offers(self.framework)[-1]
        self.follower = follow(stage)

    def accept(self, *operations: Any) -> None:
        self.stage.call(self.framework, Accept(framework_id=self.id, offer_ids=(self.offer.id,), operations=operations))

    def report(self, state: TaskState, uuid: bytes = b"0123456789abcdef", latest: TaskState | None = None) -> None:
        self.stage.report(self.agent, self.id, self.task, state, uuid, latest)

    def call(self, call: Any) -> None:
        self.stage.call(self.framework, call)


def follow(stage: Stage, *kinds: type[happenings.Happening]) -> la.PID[Follower]:
    follower = la.spawn(Follower())
    wanted = (frozenset(kinds),) if kinds else ()
    la.dispatch(stage.master, Master.follow, follower, *wanted).get(timeout=60)
    return follower


def told(follower: la.PID[Follower]) -> tuple[Any, ...]:
    """What it was told since it was asked last."""
    return la.dispatch(follower, Follower.take).get(timeout=60)


def words(followed: tuple[Any, ...]) -> list[str]:
    """The kinds, with old and new state where there are some."""
    found = []
    for each in followed:
        word = type(each).__name__
        if hasattr(each, "old"):
            word += f" {each.old.name.partition('_')[2]}>{each.new.name.partition('_')[2]}"
        found.append(word)
    return found


@pytest.fixture
def stage() -> Iterator[Stage]:
    with la.Runtime() as runtime:
        made = Stage(runtime, AgentOptions(agent_reregister_timeout=600.0), offer_timeout=30.0)
        yield made
        made.check_books()


def decline(tale: Tale) -> None:
    tale.call(Decline(framework_id=tale.id, offer_ids=(tale.offer.id,)))


def accept_nothing(tale: Tale) -> None:
    tale.accept()


def launch(tale: Tale) -> None:
    tale.accept(Launch((task(tale.offer, "second"),)))


def launch_what_is_known_and_what_is_too_large(tale: Tale) -> None:
    tale.accept(Launch((task(tale.offer, "task"), task(tale.offer, "large", "cpus:99"), task(tale.offer, "good"))))


def launch_on_no_offer(tale: Tale) -> None:
    operation = Launch((task(tale.offer, "second"),))
    tale.call(Accept(framework_id=tale.id, offer_ids=(OfferID("nobody's"), tale.offer.id), operations=(operation,)))


def reserve(tale: Tale) -> None:
    tale.accept(Reserve(reserved("cpus:1"), id=OperationID("o")))
    [message] = tale.stage.applied(tale.agent)
    tale.stage.answer(tale.agent, message)
    tale.stage.answer(tale.agent, message)


def reserve_too_much(tale: Tale) -> None:
    tale.accept(Reserve(reserved("cpus:99")))


def wait_for_no_answer(tale: Tale) -> None:
    tale.stage.advance(31)


def finish(tale: Tale) -> None:
    tale.report(TaskState.TASK_FINISHED, b"fedcba9876543210")
    tale.report(TaskState.TASK_FINISHED, b"fedcba9876543210")
    tale.stage.acknowledge(tale.framework, tale.task, b"fedcba9876543210")


def finish_ahead_of_what_is_told(tale: Tale) -> None:
    tale.report(TaskState.TASK_RUNNING, b"fedcba9876543210", latest=TaskState.TASK_FINISHED)
    tale.stage.acknowledge(tale.framework, tale.task, b"fedcba9876543210")


def kill(tale: Tale) -> None:
    tale.call(Kill(framework_id=tale.id, task_id=tale.task.task_id))
    tale.report(TaskState.TASK_KILLED, b"fedcba9876543210")


def kill_a_stranger(tale: Tale) -> None:
    tale.call(Kill(framework_id=tale.id, task_id=task(tale.offer, "nobody").task_id))


def suppress_and_revive(tale: Tale) -> None:
    tale.call(Suppress(tale.id, ("ads",)))
    tale.call(Revive(tale.id))


def update(tale: Tale) -> None:
    [framework] = tale.stage.state().frameworks
    info = msgspec.structs.replace(framework.info, roles=("b",))
    tale.call(UpdateFramework(framework_id=tale.id, framework=info))


def lose_the_framework(tale: Tale) -> None:
    tale.stage.lose(tale.framework)
    tale.stage.advance(99)


def lose_the_framework_for_good(tale: Tale) -> None:
    tale.stage.lose(tale.framework)
    tale.stage.advance(101)


def come_back_as_framework(tale: Tale) -> None:
    [framework] = tale.stage.state().frameworks
    tale.stage.lose(tale.framework)
    la.spawn(FakeFramework(tale.stage.master, Subscribe(framework.info, (), (), True)))
    tale.stage.settle()


def tear_down(tale: Tale) -> None:
    tale.call(Teardown(tale.id))


def cut_the_agent_off(tale: Tale) -> None:
    cut_off(tale.stage, tale.agent)


def cut_the_agent_off_for_good(tale: Tale) -> None:
    tale.stage.lose(tale.agent)
    tale.stage.advance(601)


def bring_the_agent_back(tale: Tale) -> None:
    message = greeting(tale.stage)
    cut_off(tale.stage, tale.agent)
    tale.stage.say(tale.agent, message)


def bring_the_unreachable_agent_back(tale: Tale) -> None:
    message = greeting(tale.stage)
    cut_the_agent_off_for_good(tale)
    told(tale.follower)
    tale.stage.greet(message)


def bring_the_unreachable_agent_back_without_its_task(tale: Tale) -> None:
    message = greeting(tale.stage)
    cut_the_agent_off_for_good(tale)
    told(tale.follower)
    tale.stage.greet(msgspec.structs.replace(message, tasks=()))


def unregister_the_agent(tale: Tale) -> None:
    tale.stage.say(tale.agent, UnregisterAgent(tale.stage.agent_id(tale.agent)))


def declare_the_agent_gone(tale: Tale) -> None:
    la.dispatch(tale.stage.master, Master.mark_agent_gone, tale.task.agent_id).get(timeout=60)
    tale.stage.settle()


def declare_the_unreachable_agent_gone(tale: Tale) -> None:
    cut_the_agent_off_for_good(tale)
    told(tale.follower)
    declare_the_agent_gone(tale)


def deactivate_and_reactivate_the_agent(tale: Tale) -> None:
    for call in (Master.deactivate_agent, Master.reactivate_agent):
        la.dispatch(tale.stage.master, call, tale.task.agent_id).get(timeout=60)
    tale.stage.settle()


def drain_the_agent(tale: Tale) -> None:
    la.dispatch(tale.stage.master, Master.drain_agent, tale.task.agent_id).get(timeout=60)
    tale.report(TaskState.TASK_KILLED, b"fedcba9876543210")
    tale.stage.acknowledge(tale.framework, tale.task, b"fedcba9876543210")


def run_an_executor(tale: Tale) -> None:
    contained = task(tale.offer, "second")
    executor = ExecutorInfo(executor_id=ExecutorID("e"), command=contained.command, resources=Resources.of(mem=32))
    tale.accept(Launch((msgspec.structs.replace(contained, command=None, executor=executor),)))
    tale.stage.say(tale.agent, ExecutorExited(framework_id=tale.id, executor_id=ExecutorID("e"), exit_status=7))


def service_the_machine(tale: Tale) -> None:
    machine = MachineID("host-of-no-agent")
    ask_each(
        tale,
        (Master.update_schedule, Schedule((Window((machine,), Unavailability(10**18)),))),
        (Master.start_maintenance, (machine,)),
        (Master.stop_maintenance, (machine,)),
    )


def take_the_machine_down(tale: Tale) -> None:
    machine = MachineID(tale.offer.hostname)
    ask_each(tale, (Master.update_schedule, Schedule((Window((machine,), Unavailability(10**18)),))))
    ask_each(tale, (Master.start_maintenance, (machine,)))


def entitle(tale: Tale) -> None:
    quota = QuotaConfig("ads", limits=(("cpus", 1_000),))
    ask_each(tale, (Master.update_quota, (quota,)), (Master.remove_quota, "ads"))
    ask_each(tale, (Master.update_weights, (Weight("other", 2.0),)))


def forget_the_unreachable_agent(tale: Tale) -> None:
    cut_the_agent_off_for_good(tale)
    told(tale.follower)
    tale.stage.runtime.clock.advance(tale.stage.agents.registry_max_agent_age + 1)
    tale.stage.settle()


def ask_each(tale: Tale, *asked: tuple[Any, Any]) -> None:
    for call, given in asked:
        la.dispatch(tale.stage.master, call, given).get(timeout=60)
        tale.stage.settle()


def end_the_master(tale: Tale) -> None:
    tale.stage.fail_over()


UPDATED = "TaskUpdated RUNNING>"
TABLE: list[tuple[Callable[[Tale], None], list[str]]] = [
    (decline, ["OffersDeclined"]),
    (accept_nothing, ["OffersAccepted"]),
    (launch, ["OffersAccepted", "TaskLaunched"]),
    (
        launch_what_is_known_and_what_is_too_large,
        ["OffersAccepted", "TaskLaunched", "TaskRefused", "TaskRefused"],
    ),
    (launch_on_no_offer, ["OfferRescinded", "TaskRefused"]),
    (reserve, ["OffersAccepted", "OperationBegun", "OperationUpdated PENDING>FINISHED"]),
    (reserve_too_much, ["OffersAccepted", "OperationRefused"]),
    (wait_for_no_answer, ["OfferExpired", "OfferMade"]),
    (finish, [UPDATED + "FINISHED", "TaskAcknowledged", "TaskRemoved"]),
    (finish_ahead_of_what_is_told, [UPDATED + "FINISHED", "TaskAcknowledged"]),
    (kill, ["TaskKillAsked", UPDATED + "KILLED"]),
    (kill_a_stranger, []),
    (suppress_and_revive, ["FrameworkSuppressed", "FrameworkRevived"]),
    (update, ["FrameworkUpdated", "OfferRescinded"]),
    (lose_the_framework, ["OfferRescinded", "FrameworkDisconnected"]),
    (
        lose_the_framework_for_good,
        ["OfferRescinded", "FrameworkDisconnected", UPDATED + "KILLED", "TaskRemoved", "FrameworkRemoved"],
    ),
    (
        come_back_as_framework,
        ["OfferRescinded", "FrameworkDisconnected", "FrameworkUpdated", "FrameworkConnected", "OfferMade"],
    ),
    (tear_down, ["OfferRescinded", UPDATED + "KILLED", "TaskRemoved", "FrameworkRemoved"]),
    (cut_the_agent_off, ["OfferRescinded", "AgentDisconnected"]),
    (
        cut_the_agent_off_for_good,
        ["OfferRescinded", "AgentDisconnected", UPDATED + "UNREACHABLE", "TaskRemoved", "AgentUnreachable"],
    ),
    (bring_the_agent_back, ["OfferRescinded", "AgentDisconnected", "AgentReturned"]),
    (bring_the_unreachable_agent_back, ["AgentReturned", "TaskReturned", "OfferMade"]),
    (
        bring_the_unreachable_agent_back_without_its_task,
        ["TaskUpdated UNREACHABLE>GONE", "TaskRemoved", "AgentReturned", "OfferMade"],
    ),
    (unregister_the_agent, ["OfferRescinded", UPDATED + "LOST", "TaskRemoved", "AgentRemoved"]),
    (declare_the_agent_gone, ["OfferRescinded", UPDATED + "GONE_BY_OPERATOR", "TaskRemoved", "AgentGone"]),
    (declare_the_unreachable_agent_gone, ["TaskUpdated UNREACHABLE>GONE_BY_OPERATOR", "TaskRemoved", "AgentGone"]),
    (deactivate_and_reactivate_the_agent, ["AgentDeactivated", "OfferRescinded", "AgentReactivated"]),
    (
        drain_the_agent,
        [
            *("AgentDeactivated", "OfferRescinded", "AgentDraining"),
            *(UPDATED + "KILLED", "TaskAcknowledged", "TaskRemoved", "AgentDrained"),
        ],
    ),
    (run_an_executor, ["OffersAccepted", "TaskLaunched", "ExecutorEnded"]),
    (service_the_machine, ["ScheduleUpdated", "MachinesDown", "MachinesUp"]),
    (
        take_the_machine_down,
        [
            *("ScheduleUpdated", "OfferRescinded", "OfferMade", "InverseOfferMade"),
            *("MachinesDown", "OfferRescinded", "InverseOfferRescinded"),
            *(UPDATED + "LOST", "TaskRemoved", "AgentRemoved"),
        ],
    ),
    (entitle, ["QuotaUpdated", "OfferRescinded", "QuotaUpdated", "WeightsUpdated"]),
    (forget_the_unreachable_agent, ["AgentsForgotten"]),
    (end_the_master, ["LeadershipEnded"]),
]


@pytest.mark.parametrize(("act", "expected"), TABLE, ids=[act.__name__ for act, _ in TABLE])
def test_each_action_tells_exactly_this(stage: Stage, act: Callable[[Tale], None], expected: list[str]) -> None:
    tale = Tale(stage)

    act(tale)

    assert words(told(tale.follower)) == expected


def test_what_begins_is_told_from_the_first_offer_on(stage: Stage) -> None:
    follower = follow(stage)

    agent = stage.agent()
    framework = stage.framework()
    stage.run(framework, agent, task(stage.offers(framework)[0]))

    followed = told(follower)
    added, entered, made, accepted, launched, updated = followed
    assert words(followed) == [
        "AgentAdded",
        "FrameworkAdded",
        "OfferMade",
        "OffersAccepted",
        "TaskLaunched",
        "TaskUpdated STAGING>RUNNING",
    ]
    assert (added.agent_id, added.pid) == (stage.agent_id(agent), str(agent))
    assert (entered.framework_id, entered.info.id, entered.recovered) == (*[stage.framework_id(framework)] * 2, False)
    assert accepted.offers == (made.offer,)
    assert (launched.offer_id, launched.task.task_id, launched.role) == (made.offer.id, "task", "*")
    assert (updated.status.state, updated.agent_id) == (TaskState.TASK_RUNNING, stage.agent_id(agent))


def test_a_new_master_tells_what_it_finds_and_who_does_not_come_back(stage: Stage) -> None:
    agent = stage.agent()
    framework = stage.framework(failover_timeout=100.0, checkpoint=True)
    stage.run(framework, agent, task(stage.offers(framework)[0]))
    stage.agent()
    state = stage.state()
    message = greeting_of(state, stage.agent_id(agent))
    stage.fail_over()
    follower = follow(stage)

    stage.greet(message)
    returned = told(follower)
    stage.advance(601)

    assert words(returned) == ["FrameworkAdded", "AgentReturned", "TaskReturned"]
    assert (returned[0].recovered, returned[1].entered, returned[2].state) == (True, True, TaskState.TASK_RUNNING)
    ended, unreachable = told(follower)
    assert (type(ended), ended.missing) == (happenings.RecoveryEnded, 1)
    assert type(unreachable) is happenings.AgentUnreachable


def greeting_of(state: ClusterState, agent_id: AgentID) -> ReregisterAgent:
    [info] = [agent.info for agent in state.agents if agent.info.id == agent_id]
    [framework] = state.frameworks
    return ReregisterAgent(info=info, tasks=packed(*framework.tasks), frameworks=packed_infos(framework.info))


# ---- the books had changed ----


def test_who_listens_sees_the_books_as_they_are_after_what_it_hears(stage: Stage) -> None:
    tale = Tale(stage)
    ledger = stage.master._process.actor._ledger  # type: ignore[attr-defined]
    seen: list[tuple[str, Resources, int]] = []

    def look(happening: happenings.Happening) -> None:
        [agent] = ledger.agents.values()
        seen.append((type(happening).__name__, agent.used, len(ledger.offers)))

    ledger.chronicle.listen(look)
    launch(tale)
    finish(tale)

    one, two = Resources.parse("cpus:1;mem:128"), Resources.parse("cpus:2;mem:256")
    assert seen == [
        ("OffersAccepted", one, 0),
        ("TaskLaunched", two, 0),
        ("TaskUpdated", one, 0),
        ("TaskAcknowledged", one, 0),
        ("TaskRemoved", one, 0),
    ]


# ---- who is told ----


def test_a_follower_hears_only_the_kinds_it_asked_for_and_its_last_word_counts(stage: Stage) -> None:
    tale = Tale(stage)
    only = follow(stage, happenings.TaskLaunched, happenings.OfferMade)
    la.dispatch(stage.master, Master.follow, tale.follower, frozenset({happenings.OffersAccepted})).get(timeout=60)

    launch(tale)

    assert words(told(only)) == ["TaskLaunched"]
    assert words(told(tale.follower)) == ["OffersAccepted"]


def test_a_follower_is_given_the_cluster_as_it_was_before_the_first_that_it_hears(stage: Stage) -> None:
    stage.agent()
    follower = la.spawn(Follower())

    state = la.dispatch(stage.master, Master.follow, follower).get(timeout=60)
    stage.agent()

    assert len(state.agents) == 1
    assert words(told(follower)) == ["AgentAdded"]


def test_a_follower_that_has_ended_is_told_nothing_and_disturbs_nobody(stage: Stage) -> None:
    tale = Tale(stage)
    chronicle: Chronicle = stage.master._process.actor._chronicle  # type: ignore[attr-defined]

    stage.lose(tale.follower)
    launch(tale)

    assert tale.follower not in chronicle._told


# Goal: who comes to follow does not keep others waiting, however many follow. Method: the lines that are run for one
# more, and for one less.
@pytest.mark.parametrize("count", [2, 200])
def test_one_more_follower_costs_no_look_at_each_of_the_others(count: int) -> None:
    chronicle = Chronicle(lambda: 0.0)
    listeners: list[list[Any]] = [[] for _ in range(count)]
    for heard in listeners[1:]:
        chronicle.listen(heard.append)
    lines = 0

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    chronicle.listen(listeners[0].append)
    chronicle.forget(listeners[0].append)
    sys.settrace(before)

    assert lines < 20 * len(happenings.KINDS)


@pytest.mark.parametrize("kind", [str, happenings.Happening, "TaskLaunched"])
def test_what_is_no_kind_is_refused(stage: Stage, kind: Any) -> None:
    follower = la.spawn(Follower())

    with pytest.raises(InvalidRequest, match="is no kind of happening"):
        la.dispatch(stage.master, Master.follow, follower, frozenset({kind})).get(timeout=60)


def test_a_listener_that_raises_is_told_no_more_and_the_others_are(caplog: pytest.LogCaptureFixture) -> None:
    chronicle, heard = Chronicle(lambda: 7.0), []

    def fail(happening: Any) -> None:
        heard.append("failed")
        raise OSError("the disk is full")

    chronicle.listen(fail)
    chronicle.listen(heard.append)
    chronicle.tell(happenings.LeadershipEnded, "m")
    chronicle.tell(happenings.LeadershipEnded, "m")

    assert heard == ["failed", *[happenings.LeadershipEnded(7.0, "m")] * 2]
    assert "the disk is full" in caplog.text


def test_nothing_is_made_for_nobody() -> None:
    made = []

    def clock() -> float:
        made.append("a happening")
        return 1.0

    chronicle = Chronicle(clock)
    chronicle.listen(print, [happenings.TaskRemoved])

    chronicle.tell(happenings.LeadershipEnded, "m")

    assert made == []


def test_every_kind_can_be_written_and_read(stage: Stage) -> None:
    tale = Tale(stage)
    finish(tale)
    followed = told(tale.follower)

    tags = [msgspec.json.decode(msgspec.json.encode(each, enc_hook=str))["type"] for each in followed]

    assert tags == ["TaskUpdated", "TaskAcknowledged", "TaskRemoved"]
    assert len(happenings.KINDS) == len(happenings.AnyHappening.__args__)  # type: ignore[attr-defined]
