"""Long work: what is asked for in one message and takes long is done in slices, and the books are true in between."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import libactor as la
from mesoslite.master import Master
from mesoslite.master.removal import ENTRIES_IN_STEP
from mesoslite.master.slices import STEPS_MAX
from mesoslite.model import (
    PARTITION_AWARE,
    Accept,
    ApplyOperation,
    ClusterState,
    Decline,
    Error,
    FrameworkInfo,
    Kill,
    KillTask,
    Launch,
    LaunchGroup,
    Offer,
    OfferID,
    Operation,
    OperationID,
    OperationState,
    Reason,
    Reconcile,
    Reserve,
    Resources,
    Revive,
    RunTask,
    ShutdownFramework,
    Subscribe,
    Subscribed,
    Suppress,
    TaskGroup,
    TaskID,
    TaskInfo,
    TaskReference,
    TaskState,
    Teardown,
    happenings,
)

from .stage import FakeAgent, FakeFramework, Stage, task
from .test_accept import default_executor

MANY = 3_000  # tasks; the clock stands still, so a slice is STEPS_MAX steps of 32
LARGE = "cpus:100;mem:10000"
SMALL = "cpus:0.01;mem:1"


class Moment:
    """Messages that the master has in its mailbox all at once, and what it was like after them."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._doings: list[Any] = []
        self._states: list[la.Future[ClusterState]] = []
        self.answers: list[la.Future[Any]] = []

    def post(self, sender: la.PID[Any], message: object) -> None:
        self._doings.append(lambda: la.post(self._stage.master, message, sender=sender))

    def exits(self, pid: la.PID[Any]) -> None:
        """The master hears that the connection to that actor is broken."""
        self._doings.append(lambda: la.tell(self._stage.master, Master.on_exited, pid, None))

    def look(self) -> None:
        self._doings.append(lambda: self._states.append(la.dispatch(self._stage.master, Master.state)))

    def ask(self, what: Any, *arguments: Any) -> None:
        """Have the master asked; the answer is among ``answers``."""
        self._doings.append(lambda: self.answers.append(la.dispatch(self._stage.master, what, *arguments)))

    def turn(self) -> None:
        """Have the master do a slice before what comes next is in its mailbox."""
        self._doings.append(None)

    def _do(self) -> None:
        while self._doings:
            doing = self._doings.pop(0)
            if doing is None:
                la.execute(self._stage.master, self._do)
                return
            doing()

    def come(self) -> list[ClusterState]:
        """Let it all happen; return what was seen."""
        la.execute(self._stage.master, self._do).get(timeout=60)
        self._stage.settle()
        states = [state.get(timeout=60) for state in self._states]
        for state in states:
            for agent in state.agents:
                assert agent.used + agent.offered + agent.free == agent.info.resources
        return states


def tasks_of(offer: Offer, count: int = MANY) -> tuple[TaskInfo, ...]:
    one = task(offer, resources=SMALL)
    return tuple([msgspec.structs.replace(one, task_id=TaskID(f"t{number}")) for number in range(count)])


def accept(offer: Offer, *operations: Operation) -> Accept:
    return Accept(framework_id=offer.framework_id, offer_ids=(offer.id,), operations=operations)


def launched(stage: Stage, agent: la.PID[FakeAgent]) -> list[TaskID]:
    return [message.task.task_id for message in stage.heard(agent, RunTask)]


@pytest.fixture
def offered(stage: Stage) -> tuple[la.PID[FakeAgent], la.PID[FakeFramework], Offer]:
    """An agent, a framework, and the offer of all of the one to the other."""
    agent = stage.agent(LARGE)
    framework = stage.framework(capabilities=(PARTITION_AWARE,), failover_timeout=60.0)
    [offer] = stage.offers(framework)
    return agent, framework, offer


Offered = tuple[la.PID[FakeAgent], la.PID[FakeFramework], Offer]


# ---- ACCEPT ----


# Goal: nobody waits for it. Method: look at the master right behind the call, and after the second slice.
def test_an_accept_of_many_tasks_is_done_in_slices(stage: Stage, offered: Offered) -> None:
    agent, framework, offer = offered
    moment = Moment(stage)
    moment.post(framework, accept(offer, Launch(tasks_of(offer))))
    moment.turn()
    moment.look()

    [early] = moment.come()

    assert 0 < len(early.frameworks[0].tasks) < MANY
    assert early.agents[0].offered + early.agents[0].used == Resources.parse(LARGE)
    assert launched(stage, agent) == [each.task_id for each in tasks_of(offer)]
    assert stage.state().agents[0].free == Resources.parse(LARGE) - Resources.parse("cpus:30;mem:3000")


def test_a_group_of_very_many_tasks_is_refused_in_slices_and_what_is_beside_it_is_done(
    stage: Stage, offered: Offered
) -> None:
    agent, framework, offer = offered
    tasks = tasks_of(offer, 20_000)
    crowd, beside = LaunchGroup(default_executor(), TaskGroup(tasks[1:])), Launch(tasks[:1])
    moment = Moment(stage)
    moment.post(framework, accept(offer, crowd, beside))
    for _ in range(12):
        moment.turn()
        moment.ask(Master.framework_story, offer.framework_id)

    moment.come()

    early = [answer.get(timeout=60).refused for answer in moment.answers]
    assert any(some and some[-1].task_id != tasks[-1].task_id for some in early)
    refused = stage.updates(framework)
    assert [each.task_id for each in refused] == [each.task_id for each in tasks[1:]]
    assert {(each.state, each.reason) for each in refused} == {(TaskState.TASK_ERROR, Reason.REASON_TASK_GROUP_INVALID)}
    assert refused[0].message == "launch group: it has 19999 tasks and is launched as a whole; name 256 at most"
    assert launched(stage, agent) == [tasks[0].task_id]
    assert stage.state().agents[0].free == Resources.parse(LARGE) - Resources.parse(SMALL)


def test_a_group_of_very_many_tasks_on_no_offer_is_answered_in_slices(stage: Stage, offered: Offered) -> None:
    _agent, framework, offer = offered
    tasks = tasks_of(offer)
    group = LaunchGroup(default_executor(), TaskGroup(tasks))

    stage.call(framework, Accept(framework_id=offer.framework_id, offer_ids=(OfferID("none"),), operations=(group,)))

    lost = stage.updates(framework)
    assert [each.task_id for each in lost] == [each.task_id for each in tasks]
    assert {each.state for each in lost} == {TaskState.TASK_DROPPED}


def test_what_the_same_framework_asks_for_next_waits_for_it(stage: Stage, offered: Offered) -> None:
    agent, framework, offer = offered
    last = tasks_of(offer)[-1].task_id
    moment = Moment(stage)
    moment.post(framework, accept(offer, Launch(tasks_of(offer))))
    moment.post(framework, Kill(framework_id=offer.framework_id, task_id=last))

    moment.come()

    assert [message.task_id for message in stage.heard(agent, KillTask)] == [last]
    assert stage.updates(framework) == []


def test_a_task_that_is_named_twice_far_apart_is_refused_once(stage: Stage, offered: Offered) -> None:
    agent, framework, offer = offered
    tasks = tasks_of(offer, 100)

    stage.call(framework, accept(offer, Launch((*tasks, tasks[0]))))

    assert launched(stage, agent) == [each.task_id for each in tasks]
    [status] = stage.updates(framework)
    assert (status.task_id, status.state, status.reason) == ("t0", TaskState.TASK_ERROR, Reason.REASON_TASK_INVALID)


def test_tasks_that_do_not_fit_into_what_those_before_have_left_are_refused(stage: Stage, offered: Offered) -> None:
    agent, framework, offer = offered
    large = task(offer, name="large", resources="cpus:98;mem:1")

    stage.call(framework, accept(offer, Launch((*tasks_of(offer, 100), large, task(offer, "more", "cpus:3;mem:1")))))

    assert launched(stage, agent)[-1] == "large"
    assert [status.task_id for status in stage.updates(framework)] == ["more"]


def test_many_operations_are_done_in_their_order(stage: Stage, offered: Offered) -> None:
    agent, framework, offer = offered
    stage.call(framework, Teardown(offer.framework_id))
    framework = stage.framework(roles=("r",), capabilities=("RESERVATION_REFINEMENT",))
    [offer] = stage.offers(framework)
    reserves = [_reserve(number) for number in range(20)]

    stage.call(framework, accept(offer, *reserves, Launch((task(offer, resources="cpus:1;mem:1"),))))

    assert [message.operation for message in stage.heard(agent, ApplyOperation)] == reserves
    assert launched(stage, agent) == ["task"]


def test_of_many_operations_a_second_one_of_an_id_is_refused(stage: Stage, offered: Offered) -> None:
    agent, framework, offer = offered
    stage.call(framework, Teardown(offer.framework_id))
    framework = stage.framework(roles=("r",), capabilities=("RESERVATION_REFINEMENT",))
    [offer] = stage.offers(framework)
    first = _reserve(0, OperationID("x"))

    stage.call(framework, accept(offer, first, *[_reserve(number) for number in range(1, 20)], first))

    assert len(stage.applied(agent)) == 20
    [status] = stage.operation_statuses(framework)
    assert (status.operation_id, status.state) == ("x", OperationState.OPERATION_ERROR)


def _reserve(number: int, id: OperationID | None = None) -> Reserve:
    text = (
        '[{"name": "mem", "type": "SCALAR", "scalar": {"value": 1}, "reservations": [{"type": "DYNAMIC", "role": "r", '
        f'"labels": {{"labels": [{{"key": "n", "value": "{number}"}}]}}}}]}}]'
    )
    return Reserve(Resources.parse(text), id=id)


# Master::_accept with an agent that is gone by then: SlaveRemoved, AgentDisconnected
def test_when_the_agent_is_lost_in_between_each_task_is_told_of_once(stage: Stage, offered: Offered) -> None:
    agent, framework, offer = offered
    moment = Moment(stage)
    moment.post(framework, accept(offer, Launch(tasks_of(offer))))
    moment.turn()
    moment.exits(agent)

    moment.come()

    statuses = stage.updates(framework)
    assert sorted(status.task_id for status in statuses) == sorted(each.task_id for each in tasks_of(offer))
    by_state = {state: [one for one in statuses if one.state is state] for state in TaskState}
    started = len(launched(stage, agent))
    assert 0 < started < MANY
    assert len(by_state[TaskState.TASK_LOST]) == started
    assert len(by_state[TaskState.TASK_DROPPED]) == MANY - started
    assert {status.reason for status in statuses} == {Reason.REASON_AGENT_DISCONNECTED}
    assert stage.state().agents[0].free == Resources.parse(LARGE)


def test_when_the_framework_ends_in_between_nothing_is_kept(stage: Stage, offered: Offered) -> None:
    agent, framework, offer = offered
    stage.call(framework, Teardown(offer.framework_id))
    framework = stage.framework()
    [offer] = stage.offers(framework)
    successor = stage.framework(roles=("a//b",))  # refused, so it is nobody yet
    moment = Moment(stage)
    moment.post(framework, accept(offer, Launch(tasks_of(offer))))
    moment.turn()
    moment.post(successor, Subscribe(FrameworkInfo(name="test", id=offer.framework_id)))
    moment.post(successor, Teardown(offer.framework_id))

    moment.come()

    assert 0 < len(launched(stage, agent)) < MANY
    assert stage.heard(agent, ShutdownFramework)[-1] == ShutdownFramework(offer.framework_id)
    assert stage.state().agents[0].used.is_empty
    assert stage.state().frameworks == ()


def test_what_is_no_task_among_many_is_an_error_and_changes_nothing(stage: Stage, offered: Offered) -> None:
    _agent, framework, offer = offered
    wrong: Any = (*tasks_of(offer, 100), "no task")

    stage.call(framework, accept(offer, Launch(wrong)))

    assert "Expected `object`, got `str`" in stage.heard(framework, Error)[0].message
    assert stage.state().agents[0].offered == Resources.parse(LARGE)


def test_many_tasks_on_offers_that_do_not_stand_are_answered_in_slices(stage: Stage, offered: Offered) -> None:
    _agent, framework, offer = offered
    other = stage.framework(name="other", capabilities=(PARTITION_AWARE,))
    call = Accept(
        framework_id=offer.framework_id, offer_ids=(offer.id, offer.id), operations=(Launch(tasks_of(offer)),)
    )
    moment = Moment(stage)
    moment.post(framework, call)
    moment.post(other, Reconcile(stage.framework_id(other), (TaskReference(TaskID("x")),)))

    moment.come()

    assert [status.task_id for status in stage.updates(framework)] == [each.task_id for each in tasks_of(offer)]
    assert {status.reason for status in stage.updates(framework)} == {Reason.REASON_INVALID_OFFERS}
    assert len(stage.updates(other)) == 1


# ---- the end of a framework ----


def test_a_framework_with_many_tasks_ends_at_once_and_its_tasks_in_slices(stage: Stage, offered: Offered) -> None:
    agent, framework, offer = offered
    stage.call(framework, accept(offer, Launch(tasks_of(offer))))
    moment = Moment(stage)
    moment.post(framework, Teardown(offer.framework_id))
    moment.look()

    [early] = moment.come()

    assert 0 < len(early.frameworks[0].tasks) < MANY
    assert not early.frameworks[0].connected
    assert stage.heard(agent, ShutdownFramework) == [ShutdownFramework(offer.framework_id)]
    [ended] = stage.state().completed_frameworks
    assert {each.state for each in ended.completed_tasks} == {TaskState.TASK_KILLED}
    assert stage.state().agents[0].free == Resources.parse(LARGE)


def test_a_framework_that_is_ending_is_neither_known_nor_counted_as_lost(stage: Stage, offered: Offered) -> None:
    _agent, framework, offer = offered
    stage.call(framework, accept(offer, Launch(tasks_of(offer))))
    lost = ("frameworks_disconnected", "frameworks_inactive")
    moment = Moment(stage)
    moment.post(framework, Teardown(offer.framework_id))
    moment.look()
    moment.ask(Master.framework_principal, offer.framework_id)
    for name in lost:
        moment.ask(Master.count, name)

    [early] = moment.come()

    assert early.frameworks[0].tasks
    assert [answer.get(timeout=60) for answer in moment.answers] == [None, 0, 0]


def test_who_comes_while_it_ends_is_refused_under_its_id_and_new_without(stage: Stage, offered: Offered) -> None:
    _agent, framework, offer = offered
    stage.call(framework, accept(offer, Launch(tasks_of(offer))))
    moment = Moment(stage)
    moment.post(framework, Teardown(offer.framework_id))
    moment.post(framework, Subscribe(FrameworkInfo(name="anew")))
    moment.look()
    moment.come()

    late = stage.framework(id=offer.framework_id)

    assert [event.framework_id == offer.framework_id for event in stage.heard(framework, Subscribed)] == [True, False]
    assert "has been removed" in stage.heard(late, Error)[0].message


# ---- the loss of an agent ----


def test_an_agent_with_many_tasks_is_struck_off_in_slices(stage: Stage, offered: Offered) -> None:
    agent, framework, offer = offered
    tasks = tasks_of(offer)
    stage.call(framework, accept(offer, Launch(tasks)))
    agent_id = stage.agent_id(agent)

    gone = la.dispatch(stage.master, Master.mark_agent_gone, agent_id)
    stage.settle()

    gone.get(timeout=60)
    statuses = stage.updates(framework)
    assert [status.task_id for status in statuses] == [each.task_id for each in tasks]
    assert {status.state for status in statuses} == {TaskState.TASK_GONE_BY_OPERATOR}
    assert stage.state().agents == ()


def test_a_task_of_an_agent_that_is_being_struck_off_is_not_told_to_be_over(stage: Stage, offered: Offered) -> None:
    agent, framework, offer = offered
    stage.call(framework, accept(offer, Launch(tasks_of(offer))))
    la.tell(agent, FakeAgent.live, False)
    stage.settle()
    other = stage.framework(name="other", capabilities=(PARTITION_AWARE,))
    asked = Reconcile(stage.framework_id(other), (TaskReference(TaskID("x"), offer.agent_id),))
    stage.advance(89)

    stage.advance(1)
    stage.call(other, asked)

    assert {status.state for status in stage.updates(framework)} == {TaskState.TASK_UNREACHABLE}
    assert len(stage.updates(framework)) == MANY
    assert [status.state for status in stage.updates(other)] == [TaskState.TASK_UNREACHABLE]


# Goal: nobody waits for it. Method: more tasks were there than are told of in a step; pings that are sent as the first
# are told of are answered before the last is.
def test_that_an_unreachable_agent_is_gone_is_told_in_slices(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    agent, framework = stage.agent(LARGE), stage.framework(capabilities=(PARTITION_AWARE,), checkpoint=True)
    [offer] = stage.offers(framework)
    stage.call(framework, accept(offer, Launch(tasks_of(offer, ENTRIES_IN_STEP + 8))))
    agent_id = offer.agent_id
    stage.lose(agent)
    stage.advance(601)
    actor: Any = stage.master._process.actor
    monkeypatch.setattr(actor._slices, "_now", iter(range(10_000)).__next__)  # each slice is over at once
    steps: list[str] = []
    conclude, told = actor._agents.removal._conclude, actor._ledger.chronicle.tell

    def concluded(*about: Any) -> None:
        conclude(*about)
        la.dispatch(stage.master, Master.ping).on_any(lambda _: steps.append("ping"))

    def tell(kind: Any, *fields: Any) -> None:
        told(kind, *fields)
        if kind is happenings.AgentGone:
            steps.append("gone")

    monkeypatch.setattr(actor._agents.removal, "_conclude", concluded)
    monkeypatch.setattr(actor._ledger.chronicle, "tell", tell)

    la.dispatch(stage.master, Master.mark_agent_gone, agent_id).get(timeout=60)
    stage.settle()

    assert steps == ["ping"] * ENTRIES_IN_STEP + ["gone"] + ["ping"] * 8
    assert [each.state for each in stage.updates(framework)][-1] is TaskState.TASK_GONE_BY_OPERATOR


# ---- DECLINE ----


# Goal: nobody waits for it. Method: an offer is named first, another last; once the ids are checked, and some of them
# dealt with, the one has gone and the other stands.
def test_a_decline_of_many_offers_is_done_in_slices(stage: Stage, offered: Offered) -> None:
    _, framework, offer = offered
    stage.agent("cpus:1;mem:100")
    last = stage.offers(framework)[-1]
    unknown = [OfferID(f"nobody's-{number}") for number in range(5 * 64 * STEPS_MAX)]
    moment = Moment(stage)
    moment.post(framework, Decline(framework_id=offer.framework_id, offer_ids=(offer.id, *unknown, last.id)))
    for _ in range(7):
        moment.turn()
    moment.look()

    [early] = moment.come()

    assert {each.id for each in early.frameworks[0].offers} == {last.id}
    assert stage.state().frameworks[0].offers == ()


# Goal: what is refused costs no more than it has to, and is not told at length. Method: 100,000 roles of others.
@pytest.mark.parametrize("call", [Suppress, Revive])
def test_very_many_roles_of_others_are_passed_over(stage: Stage, offered: Offered, call: Any, caplog: Any) -> None:
    _, framework, offer = offered
    before = stage.state()

    stage.call(framework, call(offer.framework_id, ("x" * 1000,) * 100_000))

    assert stage.state() == before
    assert 0 < max([len(record.getMessage()) for record in caplog.records if "is not in role" in record.msg]) < 300


def test_the_steps_of_these_tests_take_several_slices() -> None:
    assert MANY > 32 * (STEPS_MAX + 1)
