"""Two things under way for one agent: each is judged by what has become of it when the registry has answered."""

# Method: the registry is held, and something else is asked of it first, so that both are answered in one batch.

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

import libactor as la
from mesoslite.master import AgentOptions, Master, named
from mesoslite.model import (
    Accept,
    AgentReregistered,
    Attribute,
    Conflict,
    Filters,
    FrameworkID,
    Launch,
    Resources,
    UnregisterAgent,
)
from mesoslite.model.registry import QuotaConfig

from .packing import infos_of, packed_infos
from .stage import FakeAgent, Stage, task
from .test_agents import LOST_SECONDS, greeting, running, silence, stored
from .test_pruning import HOUR, lose, pass_time

MANY = 100  # tasks: they are struck off in several steps


@pytest.fixture
def limited() -> Iterator[Stage]:
    """A stage whose master gives up one agent a minute, and forgets agents after an hour."""
    with la.Runtime() as runtime:
        made = Stage(runtime, AgentOptions(agent_removal_rate_limit=(1, 60), registry_max_agent_age=HOUR))
        yield made
        made.check_books()


def run_many(stage: Stage) -> la.PID[FakeAgent]:
    """An agent with so many tasks that it is struck off in slices."""
    agent, framework = stage.agent("cpus:200;mem:4096"), stage.framework()
    offer = stage.offers(framework)[0]
    tasks = tuple([task(offer, f"task-{number}", "cpus:1") for number in range(MANY)])
    stage.call(
        framework,
        Accept(
            framework_id=offer.framework_id, offer_ids=(offer.id,), operations=(Launch(tasks),), filters=Filters(0.0)
        ),
    )
    return agent


def hold(stage: Stage) -> None:
    """Hold the registry, with a change of something else under way: what is asked next is answered together."""
    stage.registry.hold()
    stage.agent("cpus:1;mem:64")


def release(stage: Stage) -> None:
    stage.registry.release()
    stage.settle()


def test_the_turn_of_an_agent_that_has_gone_is_given_to_the_next(limited: Stage) -> None:
    agents = [limited.agent() for _ in range(4)]
    ids = [limited.agent_id(agent) for agent in agents]
    silence(limited, *agents)
    limited.advance(LOST_SECONDS)
    first = stored(limited, "unreachable")

    limited.say(agents[1], UnregisterAgent(ids[1]))
    la.dispatch(limited.master, Master.mark_agent_gone, ids[2]).get(timeout=60)
    limited.advance(60)

    assert (first, stored(limited, "unreachable")) == ({ids[0]}, {ids[0], ids[3]})


# Goal: what comes and goes between two stores ends nobody. Method: the row that says so was never stored.
def test_a_quota_that_is_taken_back_at_once_is_none(stage: Stage) -> None:
    hold(stage)
    given = la.dispatch(stage.master, Master.update_quota, (QuotaConfig("ads", (), (("cpus", 1000),)),))
    taken = la.dispatch(stage.master, Master.remove_quota, "ads")
    stage.settle()

    release(stage)

    given.get(timeout=60)
    taken.get(timeout=60)
    assert (stored(stage, "quota"), stored(stage, "capability")) == (set(), set())


def test_an_agent_that_is_declared_gone_as_it_is_drained_is_gone(stage: Stage) -> None:
    agent_id = stage.agent_id(stage.agent())
    hold(stage)
    drained = la.dispatch(stage.master, Master.drain_agent, agent_id)
    gone = la.dispatch(stage.master, Master.mark_agent_gone, agent_id)
    stage.settle()

    release(stage)

    drained.get(timeout=60)
    gone.get(timeout=60)
    assert (stored(stage, "gone"), stored(stage, "capability")) == ({agent_id}, set())


@pytest.mark.parametrize("what", [Master.drain_agent, Master.deactivate_agent])
def test_who_asks_for_an_agent_that_is_being_struck_off_by_then_hears_that_it_is_gone(stage: Stage, what: Any) -> None:
    agent = run_many(stage)
    agent_id, message = stage.agent_id(agent), greeting(stage)
    hold(stage)
    stage.say(agent, UnregisterAgent(agent_id))
    asked = la.dispatch(stage.master, what, agent_id)
    stage.settle()

    release(stage)

    with pytest.raises(Conflict, match=f"agent {agent_id} has gone meanwhile"):
        asked.get(timeout=60)
    assert agent_id not in stored(stage, "agent")
    stage.say(agent, message)  # under its id it is a new one
    [back] = [each for each in stage.state().agents if each.info.id == agent_id]
    assert (back.active, back.deactivated) == (True, False)


def test_an_agent_that_leaves_while_its_return_is_stored_has_left(stage: Stage) -> None:
    agent, _ = running(stage)
    agent_id = stage.agent_id(agent)
    message = greeting(stage, attributes=(Attribute("rack", "r2"),))
    hold(stage)
    stage.say(agent, message)
    stage.say(agent, UnregisterAgent(agent_id))

    release(stage)

    assert agent_id not in stored(stage, "agent")
    assert agent_id not in [each.info.id for each in stage.state().agents]


# Method: it names so many frameworks, each entered in a slice of its own, that the registry answers amid these.
def test_an_agent_that_is_deactivated_as_it_comes_to_a_new_master_is_not_offered(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    running(stage)
    message = greeting(stage)
    [info] = infos_of(message)
    many = tuple([msgspec.structs.replace(info, id=FrameworkID(f"other-{number}")) for number in range(1_000)])
    stage.fail_over()
    framework = stage.framework()
    actor: Any = stage.master._process.actor
    monkeypatch.setattr(named, "IN_STEP", 1)
    monkeypatch.setattr(actor._slices, "_now", iter(range(100_000)).__next__)  # each slice is over at once

    agent = la.spawn(
        FakeAgent(stage.master, Resources(), msgspec.structs.replace(message, frameworks=packed_infos(info, *many)))
    )
    asked = la.dispatch(stage.master, Master.deactivate_agent, message.info.id)
    stage.settle()
    asked.get(timeout=60)
    stage.advance(2)

    assert [each.deactivated for each in stage.state().agents] == [True]
    assert stage.offers(framework) == []
    assert stage.heard(agent, AgentReregistered)


def test_an_agent_that_is_forgotten_as_it_comes_back_is_as_it_was(limited: Stage) -> None:
    agent, _ = running(limited, failover_timeout=1e6)
    agent_id, message = limited.agent_id(agent), greeting(limited)
    la.dispatch(limited.master, Master.deactivate_agent, agent_id).get(timeout=60)
    lose(limited, agent)
    pass_time(limited, HOUR + 600)
    actor: Any = limited.master._process.actor
    hold(limited)
    silence(limited, agent, lives=True)
    limited.say(agent, msgspec.structs.replace(message, number=message.number + 1))
    la.execute(limited.master, actor._agents.pruning.run).get(timeout=60)

    release(limited)

    [back] = [each for each in limited.state().agents if each.info.id == agent_id]
    limited.fail_over()
    again = limited.greet(msgspec.structs.replace(message, number=message.number + 2))
    [later] = [each for each in limited.state().agents if each.info.id == agent_id]
    assert again is not None
    assert (back.deactivated, later.deactivated) == (True, True)
