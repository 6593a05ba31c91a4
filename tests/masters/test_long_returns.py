"""Long returns: an agent with very many tasks comes back in slices, and what happens in between is not lost."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
import pytest

import libactor as la
from mesoslite.master import Master, slices
from mesoslite.master.arrivals import Arrival
from mesoslite.master.brought import Brought
from mesoslite.master.returns import TASKS_IN_STEP
from mesoslite.model import (
    PARTITION_AWARE,
    Accept,
    Acknowledge,
    AgentReregistered,
    Create,
    Drain,
    FrameworkID,
    GrowVolume,
    InTransition,
    Kill,
    KillTask,
    Launch,
    Pong,
    Reconcile,
    RegisterAgent,
    ReregisterAgent,
    Reserve,
    Resources,
    ShutdownAgent,
    ShutdownFramework,
    Source,
    StatusUpdate,
    TaskID,
    TaskInfo,
    TaskRecord,
    TaskReference,
    TaskState,
    TaskStatus,
    Teardown,
)
from mesoslite.model.messages import CompletedTasks
from mesoslite.model.registry import MachineID, Schedule, Unavailability, Window
from mesoslite.model.task_records import PORTION_TASKS

from .packing import infos_of, packed, packed_infos
from .stage import FakeAgent, Stage, task
from .test_accept import begin, reserved, volume
from .test_draining import drain_state
from .test_long_work import LARGE, SMALL, Moment

STEPS_MAX = 16  # in a slice, in place of 64, so that few tasks are many
MANY = 2_250
FEW = MANY // 8
FIRST, LAST = TaskID("t0"), TaskID(f"t{MANY - 1}")
FRAMEWORK = FrameworkID("former-0000")
ALL = Resources.parse("cpus:22.5;mem:2250")
ENDED = TaskState.TASK_FINISHED
# The clock stands still: a slice is STEPS_MAX steps. After so many the tasks are read, and some of them are entered.
TURNS = -(-MANY // PORTION_TASKS) // STEPS_MAX + 1


class Away:
    """An agent that runs many tasks of a framework, and a new master that has not heard of them yet."""

    def __init__(self, stage: Stage, **details: Any) -> None:
        self.stage = stage
        stage.agent(LARGE)
        [before] = stage.state().agents
        stage.fail_over()
        details = {"capabilities": (PARTITION_AWARE,), "failover_timeout": 60.0, "checkpoint": True, **details}
        self.framework = stage.framework(id=FRAMEWORK, **details)
        [described] = stage.state().frameworks
        assert before.info.id is not None
        self.agent_id = before.info.id
        self.tasks = [self.record(number) for number in range(MANY)]
        infos = packed_infos(described.info)
        self.message = ReregisterAgent(info=before.info, tasks=packed(*self.tasks), frameworks=infos)
        self.agent = la.spawn(FakeAgent(stage.master, Resources(), Pong()))
        stage.fakes.append(self.agent)
        stage.settle()

    def record(self, number: int) -> TaskRecord:
        info = TaskInfo(
            task_id=TaskID(f"t{number}"), name="t", agent_id=self.agent_id, resources=Resources.parse(SMALL)
        )
        return TaskRecord(info=info, framework_id=FRAMEWORK, state=TaskState.TASK_RUNNING, role="*")

    def amid(self, message: object = None) -> Moment:
        """Some of the tasks are entered, others are not yet."""
        moment = Moment(self.stage)
        moment.post(self.agent, message or self.message)
        for _ in range(TURNS):
            moment.turn()
        return moment

    def states(self, task_id: TaskID) -> list[TaskState]:
        return [status.state for status in self.stage.updates(self.framework) if status.task_id == task_id]

    def back(self) -> list[Any]:
        return self.stage.heard(self.agent, AgentReregistered)

    def end(self, task_id: TaskID) -> StatusUpdate:
        status = TaskStatus(
            task_id=task_id,
            state=TaskState.TASK_FINISHED,
            source=Source.SOURCE_AGENT,
            timestamp=1.0,
            agent_id=self.agent_id,
            uuid=b"u" * 16,
        )
        return StatusUpdate(framework_id=FRAMEWORK, status=status, latest_state=TaskState.TASK_FINISHED)


@pytest.fixture(autouse=True)
def short_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "STEPS_MAX", STEPS_MAX)


@pytest.fixture
def away(stage: Stage) -> Away:
    return Away(stage)


def test_an_agent_with_many_tasks_comes_back_in_slices(stage: Stage, away: Away) -> None:
    moment = away.amid()
    moment.look()

    [early] = moment.come()

    [agent] = early.agents
    assert TASKS_IN_STEP < len(early.frameworks[0].tasks) < MANY
    assert not agent.active
    [agent] = stage.state().agents
    assert (agent.active, agent.used) == (True, ALL)
    assert len(stage.state().frameworks[0].tasks) == MANY
    assert len(away.back()) == 1
    [offer] = stage.offers(away.framework)
    assert offer.resources == Resources.parse(LARGE) - ALL


def test_nothing_is_said_of_a_task_that_is_not_entered_yet(stage: Stage, away: Away) -> None:
    asked = Reconcile(FRAMEWORK, (TaskReference(LAST, away.agent_id), TaskReference(LAST), TaskReference(FIRST)))
    moment = away.amid()
    moment.post(away.framework, asked)
    moment.come()
    early = away.states(FIRST), away.states(LAST)

    stage.call(away.framework, asked)

    assert early == ([TaskState.TASK_RUNNING], [])
    assert away.states(LAST) == [TaskState.TASK_RUNNING] * 2


def test_a_task_is_killed_once_it_is_entered(stage: Stage, away: Away) -> None:
    moment = away.amid()
    moment.post(away.framework, Kill(framework_id=FRAMEWORK, task_id=FIRST))
    moment.post(away.framework, Kill(framework_id=FRAMEWORK, task_id=LAST))
    moment.come()
    early = {kill.task_id for kill in stage.heard(away.agent, KillTask)}

    stage.call(away.framework, Kill(framework_id=FRAMEWORK, task_id=LAST))

    assert early == {FIRST}
    assert {kill.task_id for kill in stage.heard(away.agent, KillTask)} == {FIRST, LAST}
    assert away.states(LAST) == []


def test_what_the_agent_reports_meanwhile_waits_for_its_tasks(stage: Stage, away: Away) -> None:
    moment = away.amid()
    moment.post(away.agent, away.end(LAST))
    moment.post(away.agent, away.end(FIRST))

    moment.come()

    assert away.states(FIRST) == away.states(LAST) == [TaskState.TASK_FINISHED]
    assert stage.state().agents[0].used == ALL - Resources.parse(SMALL) - Resources.parse(SMALL)


def test_an_agent_that_repeats_itself_meanwhile_is_answered_again(stage: Stage, away: Away) -> None:
    moment = away.amid()
    moment.post(away.agent, away.message)
    moment.come()

    assert len(away.back()) == 2
    assert stage.state().agents[0].used == ALL
    assert stage.heard(away.agent, KillTask) == []


def test_an_agent_that_goes_meanwhile_has_gone_with_all_its_tasks(stage: Stage) -> None:
    away = Away(stage, checkpoint=False)
    moment = away.amid()
    moment.exits(away.agent)

    moment.come()

    [agent] = stage.state().agents
    assert not agent.active
    assert (agent.used, stage.state().frameworks[0].tasks) == (Resources(), ())
    assert away.states(LAST) == [TaskState.TASK_LOST]


def test_a_framework_that_ends_meanwhile_leaves_nothing(stage: Stage, away: Away) -> None:
    moment = away.amid()
    moment.post(away.framework, Teardown(FRAMEWORK))

    moment.come()

    [agent] = stage.state().agents
    assert (agent.active, agent.used) == (True, Resources())
    assert stage.heard(away.agent, ShutdownFramework)


def test_a_machine_that_is_taken_down_meanwhile_is_down(stage: Stage, away: Away) -> None:
    host = MachineID(hostname="host")
    window = Window((host,), Unavailability(10**18))
    la.dispatch(stage.master, Master.update_schedule, Schedule((window,))).get(timeout=60)
    moment = away.amid()
    moment._doings.append(lambda: la.dispatch(stage.master, Master.start_maintenance, (host,)))

    moment.come()

    assert stage.state().agents == ()
    assert stage.heard(away.agent, ShutdownAgent)
    assert stage.state().frameworks[0].tasks == ()


def test_an_agent_is_not_declared_gone_while_it_comes_back(stage: Stage, away: Away) -> None:
    asked: list[la.Future[None]] = []
    moment = away.amid()
    moment._doings.append(lambda: asked.append(la.dispatch(stage.master, Master.mark_agent_gone, away.agent_id)))

    moment.come()

    with pytest.raises(InTransition, match="ask again"):
        asked[0].get(timeout=60)
    assert stage.state().agents[0].used == ALL


def test_a_registered_agent_that_brings_many_more_tasks_is_compared_in_slices(stage: Stage, away: Away) -> None:
    few = msgspec.structs.replace(away.message, tasks=packed(*away.tasks[:FEW]))
    stage.say(away.agent, few)
    moment = Moment(stage)
    moment.post(away.agent, away.message)
    for _ in range(2 * TURNS + 1):
        moment.look()
        moment.turn()

    looks = moment.come()

    counts = [len(each.frameworks[0].tasks) for each in looks]
    assert any(FEW < count < MANY for count in counts)
    assert all(each.agents[0].active == (len(each.frameworks[0].tasks) in (FEW, MANY)) for each in looks)
    assert stage.state().agents[0].used == ALL
    assert [len(answer.unconfirmed) for answer in away.back()] == [0, 0]


def test_tasks_that_a_registered_agent_does_not_name_are_asked_about_in_slices(stage: Stage, away: Away) -> None:
    stage.say(away.agent, away.message)

    stage.say(away.agent, msgspec.structs.replace(away.message, tasks=packed(away.tasks[0])))

    [_, answer] = away.back()
    assert {task.task_id for task in answer.unconfirmed} == {task.info.task_id for task in away.tasks[1:]}


def test_one_that_registers_anew_meanwhile_at_that_address_waits(stage: Stage, away: Away) -> None:
    moment = away.amid()
    moment.post(away.agent, RegisterAgent(msgspec.structs.replace(away.message.info, id=None)))

    moment.come()

    [agent] = stage.state().agents
    assert agent.info.id == away.agent_id
    assert agent.used == ALL


def test_who_asks_while_all_agents_come_back_is_answered_before_they_are_entered(stage: Stage) -> None:
    agents = [stage.agent() for _ in range(5)]
    infos = [agent.info for agent in stage.state().agents]
    stage.fail_over()
    moment = Moment(stage)
    for agent, info in zip(agents, infos, strict=True):
        moment.post(agent, ReregisterAgent(info=info))
    moment.look()
    moment.turn()
    moment.look()

    early, late = moment.come()

    assert (len(early.agents), len(late.agents)) == (0, 5)


def test_agents_that_are_durable_at_once_are_entered_in_slices(stage: Stage) -> None:
    agents = [stage.agent() for _ in range(5)]
    infos = [agent.info for agent in stage.state().agents]
    stage.fail_over()
    actor = stage.master._process.actor
    counts: list[int] = []
    moment = Moment(stage)
    for agent, info in zip(agents, infos, strict=True):
        what = [Arrival(ReregisterAgent(info=info), Brought({}, (), set(), ()), agent, False)]
        moment._doings.append(partial(actor._agents._registration._durable, what))
        moment._doings.append(lambda: counts.append(len(actor._ledger.agents)))

    moment.come()

    assert (counts, len(stage.state().agents)) == ([0] * 5, 5)


# Goal: an agent is not taken for drained whose tasks are not in the books yet. Method: of what it brings the first is
# of a framework that ends meanwhile, and the next of one that is over already: it is empty by the books for a while.
def test_an_agent_is_not_drained_before_all_its_tasks_are_entered(stage: Stage, away: Away) -> None:
    ends = stage.framework(id=FrameworkID("ends-0000"), checkpoint=True)
    over = stage.framework(id=FrameworkID("over-0000"), checkpoint=True)
    [_, *infos] = [each.info for each in stage.state().frameworks]
    stage.call(over, Teardown(FrameworkID("over-0000")))
    la.dispatch(stage.master, Master.drain_agent, away.agent_id, None, False).get(timeout=60)
    first, *most = [away.record(number) for number in range(2 * MANY)]
    tasks = (
        msgspec.structs.replace(first, framework_id=FrameworkID("ends-0000")),
        *[msgspec.structs.replace(one, framework_id=FrameworkID("over-0000"), state=ENDED) for one in most],
        away.record(2 * MANY),
    )
    frameworks = (*packed_infos(*infos), *away.message.frameworks)
    moment = Moment(stage)
    moment.post(away.agent, msgspec.structs.replace(away.message, tasks=packed(*tasks), frameworks=frameworks))
    for _ in range(2 * MANY // PORTION_TASKS // STEPS_MAX + 1):
        moment.turn()
    moment.look()
    moment.post(ends, Teardown(FrameworkID("ends-0000")))
    moment.look()

    looks = moment.come()

    assert [sum([len(each.tasks) for each in look.frameworks]) for look in looks] == [1, 0]
    assert len(stage.state().frameworks[0].tasks) == 1
    assert drain_state(stage) == "DRAINING"
    assert stage.heard(away.agent, Drain)


def test_an_agent_whose_return_is_refused_is_drained_all_the_same(stage: Stage, away: Away) -> None:
    stage.say(away.agent, msgspec.structs.replace(away.message, tasks=packed(away.tasks[0])))
    stage.say(away.agent, away.end(FIRST))
    la.dispatch(stage.master, Master.drain_agent, away.agent_id, None, False).get(timeout=60)
    moment = Moment(stage)
    spoilt = (*away.message.tasks, b"")  # its last portion is none
    moment.post(away.agent, msgspec.structs.replace(away.message, tasks=spoilt))
    moment.turn()
    acknowledgement = Acknowledge(framework_id=FRAMEWORK, agent_id=away.agent_id, task_id=FIRST, uuid=b"u" * 16)
    moment.post(away.framework, acknowledgement)
    moment.come()

    assert drain_state(stage) == "DRAINED"
    assert len(away.back()) == 1


def test_very_many_frameworks_are_entered_in_slices(stage: Stage, away: Away) -> None:
    [info] = infos_of(away.message)
    many = [msgspec.structs.replace(info, id=FrameworkID(f"other-{number:04}")) for number in range(750)]
    moment = Moment(stage)
    moment.post(away.agent, msgspec.structs.replace(away.message, tasks=(), frameworks=packed_infos(info, *many)))
    for _ in range(2):
        moment.turn()
    moment.look()

    [early] = moment.come()

    assert 1 < len(early.frameworks) < 751
    assert early.agents == ()
    assert len(stage.state().frameworks) == 751


def test_no_more_completed_tasks_are_read_than_are_remembered(stage: Stage, away: Away) -> None:
    over = [msgspec.structs.replace(one, state=ENDED) for one in away.tasks[:1_100]]
    completed = (CompletedTasks(FRAMEWORK, (*packed(*over), b"no tasks")),)

    stage.say(away.agent, msgspec.structs.replace(away.message, tasks=(), completed_tasks=completed))

    [framework] = stage.state().frameworks
    assert [each.info.task_id for each in framework.completed_tasks] == [f"t{number}" for number in range(1_000)]


# Goal: the allocator does not hold for ever what an operation held whose framework has ended. Method: that ends while
# the agent brings tasks of another one, when the allocator does not know the agent.
def test_what_an_operation_holds_goes_with_its_framework_while_its_agent_brings_tasks(stage: Stage) -> None:
    agent, framework = begin(stage, f"{LARGE};disk:1000")
    stage.act(framework, Reserve(reserved("disk:100")), Create(volume(50)), refuse_seconds=0)
    stage.advance(1)
    stage.act(framework, GrowVolume(volume(50), reserved("disk:10")))
    [known], [mine] = stage.state().agents, [each.info for each in stage.state().frameworks]
    assert known.info.id is not None
    one = TaskInfo(task_id=FIRST, name="t", agent_id=known.info.id, resources=Resources.parse(SMALL))
    tasks = [
        TaskRecord(
            info=msgspec.structs.replace(one, task_id=TaskID(f"t{number}")),
            framework_id=FRAMEWORK,
            state=TaskState.TASK_RUNNING,
            role="*",
        )
        for number in range(MANY)
    ]
    moment = Moment(stage)
    info = msgspec.structs.replace(known.info, resources=Resources.parse(f"{LARGE};disk:1000"))
    frameworks = packed_infos(mine, msgspec.structs.replace(mine, id=FRAMEWORK, roles=("*",)))
    returns = ReregisterAgent(info=info, total=known.info.resources, tasks=packed(*tasks), frameworks=frameworks)
    moment.post(agent, returns)
    for _ in range(TURNS + 2):  # its tasks are compared before any is entered
        moment.turn()
    moment.look()
    assert mine.id is not None
    moment.post(framework, Teardown(mine.id))

    [early] = moment.come()

    assert 0 < len(early.frameworks[1].tasks) < MANY
    assert stage.state().agents[0].used == ALL  # and the stage compares the allocator's books


# Goal: no id names two tasks. Method: a framework launches a task under an id that an agent has brought, which was
# compared with the books, and is not entered yet.
def test_a_task_that_is_launched_meanwhile_under_the_same_id_is_the_one(stage: Stage, away: Away) -> None:
    other = stage.agent()
    stage.say(away.agent, msgspec.structs.replace(away.message, tasks=()))
    stage.advance(1)
    offer = next(each for each in stage.offers(away.framework) if each.agent_id == stage.agent_id(other))
    launched = task(offer, LAST)
    moment = Moment(stage)
    moment.post(away.agent, away.message)
    for _ in range(TURNS + 2):
        moment.turn()
    moment.look()
    launch = Launch((launched,))
    moment.post(away.framework, Accept(framework_id=FRAMEWORK, offer_ids=(offer.id,), operations=(launch,)))

    [early] = moment.come()

    assert 0 < len(early.frameworks[0].tasks) < MANY
    [framework] = stage.state().frameworks
    assert [each.info.agent_id for each in framework.tasks if each.info.task_id == LAST] == [offer.agent_id]
    assert [kill.task_id for kill in stage.heard(away.agent, KillTask)] == [LAST]


# Goal: who only looks does not make those wait who work. Method: an agent brings one more task, behind many lookups.
def test_an_agent_does_not_wait_for_those_who_look_tasks_up(stage: Stage, away: Away) -> None:
    stage.say(away.agent, msgspec.structs.replace(away.message, tasks=packed(*away.tasks[1:])))
    moment = Moment(stage)
    for _ in range(20):
        moment.ask(Master.tasks_named, "none", "")
    moment.post(away.agent, away.message)
    for _ in range(2 * TURNS + 1):
        moment.turn()
    moment.look()

    [look] = moment.come()

    assert len(look.frameworks[0].tasks) == MANY
    assert [answer.get(timeout=60) for answer in moment.answers] == [()] * 20
