"""Arrivals: agents that come back at the same time are entered together, with the same outcome as one by one."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import libactor as la
from mesoslite.master import Master
from mesoslite.master.agent_accounts import AgentAccounts
from mesoslite.master.allocator_messages import AgentsCame
from mesoslite.master.arrivals import AGENTS_IN_STEP, Arrival
from mesoslite.master.brought import Brought
from mesoslite.master.portions import NO_TASKS
from mesoslite.master.returns import Returns
from mesoslite.master.slices import STEPS_MAX
from mesoslite.model import (
    AgentAdded,
    AgentID,
    AgentInfo,
    AgentReregistered,
    FrameworkID,
    FrameworkInfo,
    KillTask,
    Pong,
    ReregisterAgent,
    Resources,
    ShutdownFramework,
    Source,
    StatusUpdate,
    TaskID,
    TaskInfo,
    TaskRecord,
    TaskState,
    TaskStatus,
    Teardown,
)
from mesoslite.model.task_records import PORTION_TASKS

from .packing import packed, packed_infos
from .stage import FakeAgent, Stage
from .test_long_work import Moment

FRAMEWORKS = [FrameworkID(f"former-{number}") for number in range(3)]
INFOS = packed_infos(*[FrameworkInfo(name="former", id=one) for one in FRAMEWORKS])
RUNNING, FINISHED, LOST = TaskState.TASK_RUNNING, TaskState.TASK_FINISHED, TaskState.TASK_LOST
COUNT = 2 * AGENTS_IN_STEP + 3


def record(agent: int, name: str, framework: int = 0, state: TaskState = RUNNING, role: str = "*") -> TaskRecord:
    info = TaskInfo(
        task_id=TaskID(name), name="t", agent_id=AgentID(f"back-{agent}"), resources=Resources.parse("cpus:1;mem:10")
    )
    return TaskRecord(info=info, framework_id=FRAMEWORKS[framework], state=state, role=role)


def records(agent: int) -> list[TaskRecord]:
    """Tasks of two frameworks, two of which run and one of which has ended."""
    return [
        record(agent, f"{agent}-a"),
        record(agent, f"{agent}-b", 1, role="ads"),
        record(agent, f"{agent}-c", 1, FINISHED),
    ]


def message(agent: int, *tasks: TaskRecord, **details: Any) -> ReregisterAgent:
    info = AgentInfo(hostname=f"h{agent}", port=5051, resources=Resources.parse("cpus:4;mem:99"), id=name(agent))
    return ReregisterAgent(info=info, tasks=packed(*tasks), frameworks=INFOS, **details)


def name(agent: int) -> AgentID:
    return AgentID(f"back-{agent}")


class Arriving:
    """Agents that nobody has heard of come to a master, all at once; ``alone`` are those that were entered alone."""

    def __init__(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stage = stage
        self.fakes: dict[int, la.PID[FakeAgent]] = {}
        self.alone: list[AgentID] = []
        self.together: list[int] = []  # how many were entered in each step
        self._note(monkeypatch)
        self.come({99: message(99)})  # after which the frameworks are there
        self.alone.clear()

    def _note(self, monkeypatch: pytest.MonkeyPatch) -> None:
        enter: Callable[..., Any] = Returns.enter

        def noted(returns: Returns, agent: Any, told: ReregisterAgent, brought: Brought) -> Any:
            self.alone.append(agent.id)
            return enter(returns, agent, told, brought)

        monkeypatch.setattr(Returns, "enter", noted)
        together: Callable[..., Any] = AgentAccounts.enter_together

        def counted(accounts: AgentAccounts, entries: list[Any], groups: list[Any]) -> None:
            self.together.append(len(entries))
            together(accounts, entries, groups)

        monkeypatch.setattr(AgentAccounts, "enter_together", counted)

    def fake(self, agent: int) -> la.PID[FakeAgent]:
        if agent not in self.fakes:
            self.fakes[agent] = la.spawn(FakeAgent(self.stage.master, Resources(), Pong()))
            self.stage.fakes.append(self.fakes[agent])
            self.stage.settle()
        return self.fakes[agent]

    def come(self, messages: dict[int, ReregisterAgent], *doings: Callable[[Moment], object]) -> None:
        """All agents say so, and then something is done, before the registry has answered."""
        moment = Moment(self.stage)
        for agent, told in messages.items():
            moment.post(self.fake(agent), told)
        moment.turn()
        for doing in doings:
            doing(moment)
        moment.come()
        self.stage.check_books()

    def heard(self, agent: int, kind: type) -> list[Any]:
        return self.stage.heard(self.fakes[agent], kind)

    def agents(self) -> dict[AgentID, Any]:
        return {agent.info.id: agent for agent in self.stage.state().agents if agent.info.id is not None}

    def tasks(self) -> dict[tuple[FrameworkID, TaskID], tuple[AgentID, TaskState, str]]:
        return {
            (task.framework_id, task.info.task_id): (task.info.agent_id, task.state, task.role)
            for framework in self.stage.state().frameworks
            for task in framework.tasks
        }


@pytest.fixture
def arriving(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Arriving:
    return Arriving(stage, monkeypatch)


def test_agents_that_come_at_once_are_entered_together_with_all_that_they_bring(arriving: Arriving) -> None:
    arriving.come({agent: message(agent, *records(agent)) for agent in range(COUNT)})

    assert (arriving.alone, arriving.together) == ([], [AGENTS_IN_STEP, AGENTS_IN_STEP, 3])
    check_that_all_are_there(arriving)
    assert [len(arriving.heard(agent, AgentReregistered)) for agent in range(COUNT)] == [1] * COUNT


@pytest.mark.parametrize("size", [1, 2])
def test_also_if_each_brings_several_portions(arriving: Arriving, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr("mesoslite.model.task_records.PORTION_TASKS", size)

    arriving.come({agent: message(agent, *records(agent)) for agent in range(COUNT)})

    assert (arriving.alone, sum(arriving.together)) == ([], COUNT)
    check_that_all_are_there(arriving)


def check_that_all_are_there(arriving: Arriving) -> None:
    assert arriving.tasks() == {
        (FRAMEWORKS[kind], TaskID(f"{agent}-{letter}")): (name(agent), state, role)
        for agent in range(COUNT)
        for letter, kind, state, role in [("a", 0, RUNNING, "*"), ("b", 1, RUNNING, "ads"), ("c", 1, FINISHED, "*")]
    }
    agents = arriving.agents()
    assert {str(agents[name(agent)].used) for agent in range(COUNT)} == {str(Resources.parse("cpus:2;mem:20"))}


def test_what_agents_have_alike_is_kept_once(arriving: Arriving) -> None:
    arriving.come({agent: message(agent) for agent in range(3)})

    ledger = arriving.stage.master._process.actor._ledger
    assert len({id(agent.info.resources) for agent in ledger.agents.values()}) == 1
    assert len({id(agent.total) for agent in ledger.agents.values()}) == 1


def test_of_thousands_that_wait_for_the_registry_the_collector_looks_at_no_entry(arriving: Arriving) -> None:
    pid = arriving.fake(0)
    brought = Brought({}, (NO_TASKS,), frozenset(), ())

    assert not any(gc.is_tracked(one) for one in (NO_TASKS, brought, Arrival(message(0), brought, pid, False)))


def test_agents_that_the_registry_has_as_they_are_come_together_as_well(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Arriving(stage, monkeypatch)
    before.come({agent: message(agent, *records(agent)) for agent in range(COUNT)})
    stage.fail_over()
    after = Arriving(stage, monkeypatch)

    after.come({agent: message(agent, *records(agent)) for agent in range(COUNT)})

    assert after.alone == []
    assert len(after.tasks()) == 3 * COUNT
    assert [len(after.heard(agent, AgentReregistered)) for agent in range(COUNT)] == [1] * COUNT


def test_the_first_of_many_are_back_before_the_last_are_read(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Arriving(stage, monkeypatch)
    before.come({agent: message(agent) for agent in range(2 * STEPS_MAX)})
    stage.fail_over()
    after = Arriving(stage, monkeypatch)
    moment = Moment(stage)
    for agent in range(2 * STEPS_MAX):
        moment.post(after.fake(agent), message(agent))
    moment.turn()
    moment.look()

    [state] = moment.come()

    assert AGENTS_IN_STEP < len(state.agents) < 2 * STEPS_MAX


def test_the_more_tasks_the_fewer_agents_are_entered_in_a_step(
    arriving: Arriving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mesoslite.master.arrivals.TASKS_IN_STEP", 7)

    arriving.come({agent: message(agent, *records(agent)) for agent in range(5)})

    assert (arriving.alone, arriving.together) == ([], [2, 2, 1])


def test_one_with_more_than_fits_into_a_step_is_entered_by_itself_in_several(
    arriving: Arriving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mesoslite.master.arrivals.TASKS_IN_STEP", 2)
    monkeypatch.setattr("mesoslite.model.task_records.PORTION_TASKS", 2)

    arriving.come({0: message(0, *records(0)), 1: message(1, *records(1)[:2])})

    assert (arriving.alone, arriving.together) == ([name(0)], [1])
    assert len(arriving.tasks()) == 5


def test_agents_without_tasks_come_together(arriving: Arriving) -> None:
    arriving.come({agent: message(agent) for agent in range(COUNT)})

    assert (arriving.alone, len(arriving.agents())) == ([], COUNT + 1)


def test_of_two_that_bring_one_task_the_second_is_told_to_end_it(arriving: Arriving) -> None:
    arriving.come({0: message(0, record(0, "x")), 1: message(1, record(1, "x"), record(1, "y")), 2: message(2)})

    assert arriving.tasks().keys() == {(FRAMEWORKS[0], TaskID("x")), (FRAMEWORKS[0], TaskID("y"))}
    assert arriving.tasks()[FRAMEWORKS[0], TaskID("x")] == (name(0), RUNNING, "*")
    assert [kill.task_id for kill in arriving.heard(1, KillTask)] == [TaskID("x")]
    assert arriving.heard(0, KillTask) == []


@pytest.mark.parametrize("kind", [{"role": "ads"}, {"state": TaskState.TASK_STARTING}])
def test_also_if_they_bring_it_in_different_roles_or_states(arriving: Arriving, kind: dict[str, Any]) -> None:
    arriving.come({0: message(0, record(0, "x")), 1: message(1, record(1, "x", **kind))})

    assert list(arriving.tasks().values()) == [(name(0), RUNNING, "*")]
    assert [kill.task_id for kill in arriving.heard(1, KillTask)] == [TaskID("x")]


def test_one_id_may_be_that_of_two_frameworks(arriving: Arriving) -> None:
    arriving.come({0: message(0, record(0, "x"), record(0, "x", 1)), 1: message(1, record(1, "x", 2))})

    assert (arriving.alone, len(arriving.tasks())) == ([], 3)


def test_of_one_agent_that_names_a_task_twice_nothing_is_believed(arriving: Arriving) -> None:
    twice = [record(1, "x"), record(1, "x", state=FINISHED)]

    arriving.come({0: message(0, *records(0)), 1: message(1, *twice), 2: message(2, *records(2))})

    assert arriving.agents().keys() == {name(99), name(0), name(2)}


def test_nor_if_that_is_in_different_portions(arriving: Arriving) -> None:
    messages = {
        agent: message(agent, *[record(agent, f"{agent}-{number}") for number in range(PORTION_TASKS)], last)
        for agent, last in [(1, record(1, "1-0")), (2, record(2, "2-x"))]
    }
    for agent, told in messages.items():
        large = msgspec.structs.replace(told.info, resources=Resources.parse("cpus:99;mem:9999"))
        messages[agent] = msgspec.structs.replace(told, info=large)

    arriving.come(messages)

    assert arriving.agents().keys() == {name(99), name(2)}
    assert len(arriving.tasks()) == PORTION_TASKS + 1


def test_a_task_that_another_agent_has_already_is_ended(arriving: Arriving) -> None:
    arriving.come({0: message(0, record(0, "x"))})

    arriving.come({1: message(1, record(1, "x")), 2: message(2, *records(2))})

    assert arriving.tasks()[FRAMEWORKS[0], TaskID("x")] == (name(0), RUNNING, "*")
    assert [kill.task_id for kill in arriving.heard(1, KillTask)] == [TaskID("x")]
    assert name(2) in arriving.agents()


def test_two_agents_at_one_address_make_way_for_each_other(arriving: Arriving) -> None:
    arriving.fakes[1] = arriving.fake(0)

    arriving.come({0: message(0, *records(0)), 1: message(1, *records(1)), 2: message(2, *records(2))})

    assert arriving.agents().keys() == {name(99), name(1), name(2)}
    assert [told.agent_id for told in arriving.heard(0, AgentReregistered)] == [name(0), name(1)]


def test_tasks_of_a_framework_that_ends_meanwhile_are_not_entered(arriving: Arriving) -> None:
    scheduler = arriving.stage.framework(id=FRAMEWORKS[1])

    arriving.come(
        {agent: message(agent, *records(agent)) for agent in range(3)},
        lambda moment: moment.post(scheduler, Teardown(FRAMEWORKS[1])),
    )

    assert {key[0] for key in arriving.tasks()} == {FRAMEWORKS[0]}
    assert [len(arriving.heard(agent, ShutdownFramework)) for agent in range(3)] == [1, 1, 1]


def test_tasks_of_a_framework_that_is_ending_are_not_entered(arriving: Arriving) -> None:
    framework = arriving.stage.master._process.actor._ledger.frameworks[FRAMEWORKS[2]]
    framework.is_ending = True

    arriving.come({agent: message(agent, record(agent, f"{agent}", agent)) for agent in range(3)})

    assert {key[0] for key in arriving.tasks()} == {FRAMEWORKS[0], FRAMEWORKS[1]}


def test_frameworks_that_took_tasks_for_lost_hear_of_each_that_they_live(arriving: Arriving) -> None:
    scheduler = arriving.stage.framework(id=FRAMEWORKS[0])
    [info] = [one.info for one in arriving.stage.state().frameworks if one.info.id == FRAMEWORKS[0]]
    alike = {"frameworks": packed_infos(info)}

    arriving.come(
        {agent: msgspec.structs.replace(message(agent, record(agent, f"{agent}")), **alike) for agent in range(3)}
    )

    told = {status.task_id: status.state for status in arriving.stage.updates(scheduler)}
    assert told == {TaskID(f"{agent}"): RUNNING for agent in range(3)}


def test_tasks_that_name_no_role_are_in_the_first_of_their_framework(arriving: Arriving) -> None:
    arriving.come({agent: message(agent, record(agent, f"{agent}", role="")) for agent in range(3)})

    assert {role for _, _, role in arriving.tasks().values()} == {"*"}


def test_agents_that_are_not_to_be_offered_stay_so_and_the_others_are_offered(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Arriving(stage, monkeypatch)
    before.come({agent: message(agent) for agent in range(3)})
    la.dispatch(stage.master, Master.deactivate_agent, name(1)).get(timeout=60)
    stage.fail_over()
    after = Arriving(stage, monkeypatch)

    after.come({agent: message(agent) for agent in range(3)})
    scheduler = stage.framework(id=FRAMEWORKS[0])

    assert after.alone == []
    offered = {offer.agent_id for offer in stage.offers(scheduler)}
    assert offered == {name(99), name(0), name(2)}


def test_a_grant_of_one_that_came_with_others_is_good_as_soon_as_the_allocator_knows_it(arriving: Arriving) -> None:
    arriving.come({agent: message(agent) for agent in range(3)})

    ledger = arriving.stage.master._process.actor._ledger
    deltas = arriving.stage.allocator._process.actor._deltas
    assert all(agent.entered <= deltas for agent in ledger.agents.values())


def test_the_allocator_believes_nobody_else_that_agents_have_come(arriving: Arriving) -> None:
    added = AgentAdded(agent_id=name(7), hostname="h", total=Resources.parse("cpus:1"))
    la.post(arriving.stage.allocator, AgentsCame((added,)), sender=arriving.fake(0))
    arriving.stage.settle()

    arriving.stage.check_books()


def test_layouts_are_forgotten_when_there_are_too_many(arriving: Arriving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesoslite.master.portions.KEPT_MAX", 2)
    messages = {
        agent: message(agent, *[record(agent, f"{agent}-{number}") for number in range(agent % 4 + 1)])
        for agent in range(9)
    }
    less = msgspec.structs.replace(messages[3].info, resources=Resources.parse("cpus:1;mem:99"))
    messages[3] = msgspec.structs.replace(messages[3], info=less)

    arriving.come(messages)

    assert arriving.agents().keys() == {name(agent) for agent in (99, 0, 1, 2, 4, 5, 6, 7, 8)}
    portions = arriving.stage.master._process.actor._agents._registration._portions
    assert len(portions._layouts) <= 2


def test_so_are_those_of_agents_with_several_portions(arriving: Arriving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesoslite.master.portions.KEPT_MAX", 2)
    monkeypatch.setattr("mesoslite.model.task_records.PORTION_TASKS", 1)

    arriving.come(
        {
            agent: message(agent, *[record(agent, f"{agent}-{number}") for number in range(agent % 3 + 2)])
            for agent in range(9)
        }
    )

    assert (arriving.alone, len(arriving.tasks())) == ([], 27)
    portions = arriving.stage.master._process.actor._agents._registration._portions
    assert len(portions._joined) <= 2


def test_what_an_agent_says_right_behind_its_return_waits_for_that(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Arriving(stage, monkeypatch)
    before.come({agent: message(agent, *records(agent)) for agent in range(3)})
    stage.fail_over()
    after = Arriving(stage, monkeypatch)
    status = TaskStatus(
        task_id=TaskID("1-a"),
        state=FINISHED,
        source=Source.SOURCE_AGENT,
        timestamp=1.0,
        agent_id=name(1),
        uuid=b"u" * 16,
    )
    over = StatusUpdate(framework_id=FRAMEWORKS[0], status=status, latest_state=FINISHED)
    moment = Moment(stage)
    for agent in range(3):
        moment.post(after.fake(agent), message(agent, *records(agent)))
        if agent == 1:
            moment.post(after.fake(agent), over)

    moment.come()

    assert after.tasks()[FRAMEWORKS[0], TaskID("1-a")] == (name(1), FINISHED, "*")
    assert after.alone == [name(1)]


# Goal: whatever several agents bring at one time, the books are true, and nobody is forgotten. Method: ids of tasks
# are few, so that some come twice; some agents name no roles, or a framework that nobody knows; some share an address.
@pytest.mark.parametrize("seed", range(16))
def test_random_agents_come_at_once(stage: Stage, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    rng = random.Random(seed)
    monkeypatch.setattr("mesoslite.model.task_records.PORTION_TASKS", rng.choice((1, 2, PORTION_TASKS)))
    arriving = Arriving(stage, monkeypatch)
    if rng.random() < 0.5:
        arriving.come({agent: drawn(rng, agent) for agent in range(6)})
        stage.fail_over()
        arriving = Arriving(stage, monkeypatch)
    for agent in rng.sample(range(6), 6):
        arriving.fakes[agent] = arriving.fake(0) if agent and rng.random() < 0.1 else arriving.fake(agent)
    shared = [agent for agent in range(6) if list(arriving.fakes.values()).count(arriving.fakes[agent]) > 1]

    arriving.come({agent: drawn(rng, agent) for agent in range(6)})

    there = set(arriving.agents())
    assert {name(agent) for agent in range(6) if agent not in shared} <= there
    assert bool(shared) == bool({name(agent) for agent in shared} - there)
    welcomed = {told.agent_id for agent in range(6) for told in arriving.heard(agent, AgentReregistered)}
    assert there - {name(99)} <= welcomed
    assert {agent_id for agent_id, _, _ in arriving.tasks().values()} <= there


def drawn(rng: random.Random, agent: int) -> ReregisterAgent:
    """Some tasks of all frameworks, each id once of each."""
    keys = {(f"{rng.randrange(40)}", rng.randrange(3)) for _ in range(rng.randrange(4))}
    roles = ("*", "ads") if rng.random() < 0.8 else ("", "ads")
    tasks = [
        record(agent, task, framework, rng.choice((RUNNING, FINISHED)), rng.choice(roles))
        for task, framework in sorted(keys)
    ]
    told = message(agent, *tasks)
    if rng.random() < 0.8:
        return told
    other = packed_infos(FrameworkInfo(name="other", id=FrameworkID(f"other-{rng.randrange(2)}")))
    return msgspec.structs.replace(told, frameworks=(*told.frameworks, *other))
