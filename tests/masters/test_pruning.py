"""Agents that were lost or gone long ago, or too many of them, are forgotten."""

# Source: the names in comments are those of Mesos's tests (partition_tests).

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import libactor as la
from mesoslite.master import AgentOptions, Master
from mesoslite.model import InvalidRequest, Reconcile, TaskReference, TaskState, constants

from .stage import FakeAgent, Stage
from .test_agents import LOST_SECONDS, greeting, running, silence, states, stored

HOUR = 3600.0


def make(age: float = HOUR, count: int = 100) -> Iterator[Stage]:
    with la.Runtime() as runtime:
        made = Stage(
            runtime,
            AgentOptions(registry_gc_interval=900.0, registry_max_agent_age=age, registry_max_agent_count=count),
        )
        yield made
        made.check_books()


@pytest.fixture
def hourly() -> Iterator[Stage]:
    """A stage whose master forgets agents after an hour, and looks for them every quarter of one."""
    yield from make()


@pytest.fixture
def scarce() -> Iterator[Stage]:
    """A stage whose master remembers two of each."""
    yield from make(count=2)


def pass_time(stage: Stage, seconds: float) -> None:
    """Let time pass in steps of half a minute: nothing happens more often that counts here."""
    while seconds > 0:
        stage.runtime.clock.advance(min(seconds, 30))
        stage.settle()
        seconds -= 30


def lose(stage: Stage, *agents: la.PID[FakeAgent]) -> None:
    """Have agents be unreachable, one after the other."""
    for agent in agents:
        silence(stage, agent)
        pass_time(stage, LOST_SECONDS)


def gone(stage: Stage, agent: la.PID[FakeAgent]) -> None:
    la.dispatch(stage.master, Master.mark_agent_gone, stage.agent_id(agent)).get(timeout=60)
    pass_time(stage, 1)


def test_an_agent_that_was_unreachable_for_too_long_is_forgotten_and_not_before(hourly: Stage) -> None:
    # Source: PartitionTest.RegistryGcByAge
    lose(hourly, hourly.agent())
    pass_time(hourly, HOUR - 900)
    before = stored(hourly, "unreachable")

    pass_time(hourly, 1800)

    assert len(before) == 1
    assert stored(hourly, "unreachable") == set()


def test_an_agent_that_was_gone_for_too_long_is_forgotten(hourly: Stage) -> None:
    gone(hourly, hourly.agent())
    before = stored(hourly, "gone")

    pass_time(hourly, HOUR + 900)

    assert (len(before), stored(hourly, "gone")) == (1, set())


def test_the_oldest_beyond_the_count_are_forgotten_the_newest_stay(scarce: Stage) -> None:
    # Source: PartitionTest.RegistryGcByCount
    agents = [scarce.agent() for _ in range(4)]
    ids = [scarce.agent_id(agent) for agent in agents]
    lose(scarce, *agents[:3])

    pass_time(scarce, 900)

    assert stored(scarce, "unreachable") == set(ids[1:3])
    assert [agent.info.id for agent in scarce.state().agents] == [ids[3]]


def test_unreachable_and_gone_agents_are_counted_apart(scarce: Stage) -> None:
    agents = [scarce.agent() for _ in range(4)]
    lose(scarce, *agents[:2])
    for agent in agents[2:]:
        gone(scarce, agent)

    pass_time(scarce, 900)

    assert (len(stored(scarce, "unreachable")), len(stored(scarce, "gone"))) == (2, 2)


def test_a_task_on_a_forgotten_agent_is_unknown(hourly: Stage) -> None:
    agent, framework = running(hourly, capabilities=("PARTITION_AWARE",), failover_timeout=1e6)
    agent_id = hourly.agent_id(agent)
    [task] = hourly.state().frameworks[0].tasks
    lose(hourly, agent)
    pass_time(hourly, HOUR + 900)

    reference = TaskReference(task.info.task_id, agent_id)
    hourly.call(framework, Reconcile(hourly.framework_id(framework), (reference,)))

    assert states(hourly, framework)[-1] is TaskState.TASK_UNKNOWN


def test_a_forgotten_agent_may_come_back_all_the_same(hourly: Stage) -> None:
    agent, _ = running(hourly, failover_timeout=1e6)
    message = greeting(hourly)
    lose(hourly, agent)
    pass_time(hourly, HOUR + 900)

    silence(hourly, agent, lives=True)
    hourly.say(agent, message)

    assert stored(hourly, "agent") == {message.info.id}
    assert len(hourly.state().frameworks[0].tasks) == 1


@pytest.mark.parametrize("is_first", [True, False])
def test_an_agent_that_comes_back_while_it_is_being_forgotten_stays(hourly: Stage, is_first: bool) -> None:
    # Source: PartitionTest.RegistryGcRace
    agent, _ = running(hourly, failover_timeout=1e6)
    message = greeting(hourly)
    lose(hourly, agent)
    pass_time(hourly, HOUR + 600)
    actor: Any = hourly.master._process.actor
    hourly.registry.hold()
    silence(hourly, agent, lives=True)
    if is_first:
        hourly.say(agent, message)
    la.execute(hourly.master, actor._agents.pruning.run).get(timeout=60)
    if not is_first:
        hourly.say(agent, message)
    before = (stored(hourly, "agent"), stored(hourly, "unreachable"))

    hourly.registry.release()
    pass_time(hourly, 1)

    assert before == (set(), {message.info.id})
    assert (stored(hourly, "agent"), stored(hourly, "unreachable")) == ({message.info.id}, set())
    assert len(hourly.state().agents) == 1


def test_what_is_forgotten_together_is_one_store(hourly: Stage) -> None:
    lose(hourly, *[hourly.agent() for _ in range(3)])
    before = hourly.registry.stores

    pass_time(hourly, HOUR + 900)

    assert stored(hourly, "unreachable") == set()
    assert hourly.registry.stores - before <= 2  # they were lost minutes apart, so maybe not all at one time


def test_agents_may_be_remembered_for_as_long_as_anybody_can_say() -> None:
    for stage in make(age=constants.SECONDS_MAX):
        lose(stage, stage.agent())
        pass_time(stage, 1800)

        assert len(stored(stage, "unreachable")) == 1


@pytest.mark.parametrize(
    "option",
    [
        {"registry_gc_interval": 0.0},
        {"registry_gc_interval": float("nan")},
        {"registry_gc_interval": 1e10},
        {"registry_max_agent_age": -1.0},
        {"registry_max_agent_age": float("inf")},
        {"agent_reregister_timeout": float("inf")},
        {"registry_max_agent_count": -1},
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(option: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=next(iter(option))):
        AgentOptions(**option)
