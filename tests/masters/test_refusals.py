"""Refusals: what a master does when the registry refuses, or changes nothing: it is never wedged half-way."""

# Source: Mesos src/master/master.cpp: CHECK(registrarResult.get()) for what its own books say that it fits; an agent
#   that is not admitted is told to shut down.

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

import libactor as la
from mesoslite.master import AgentOptions, Master
from mesoslite.model import (
    AgentID,
    AgentReregistered,
    Attribute,
    RegisterAgent,
    RegistryRefused,
    ReregisterAgent,
    ShutdownAgent,
    UnregisterAgent,
)
from mesoslite.model.registry import (
    AdmitAgent,
    DeactivateAgent,
    DrainAgent,
    MarkAgentDrained,
    MarkAgentGone,
    MarkAgentReachable,
    MarkAgentUnreachable,
    Prune,
    ReactivateAgent,
    RegistryOperation,
    RemoveAgent,
    StartMaintenance,
    StopMaintenance,
    UpdateAgent,
    UpdateQuota,
    UpdateSchedule,
    UpdateWeights,
    Weight,
)
from mesoslite.registry import Registrar

from . import stage as stages
from .stage import Stage
from .test_agents import INFO, LOST_SECONDS, silence, stored
from .test_draining import ask, do
from .test_entitlements import quota
from .test_maintenance import HOST, schedule


class Refusing(Registrar):
    """A registrar that refuses operations of the kind ``refused``, and does all others."""

    refused: type[RegistryOperation] | None = None

    def apply_all(self, operations: tuple[RegistryOperation, ...]) -> la.Future[tuple[bool | Exception, ...]]:
        done = super().apply_all(tuple([one for one in operations if type(one) is not self.refused]))

        def merge(answers: tuple[bool | Exception, ...]) -> tuple[bool | Exception, ...]:
            rest = iter(answers)
            return tuple([_refusal() if type(one) is self.refused else next(rest) for one in operations])

        return done.then(merge)


def _refusal() -> RegistryRefused:
    return RegistryRefused("as told")


def refuse(stage: Stage, kind: type[RegistryOperation] | None) -> None:
    stage.registrar._process.actor.refused = kind


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(stages, "Registrar", Refusing)
    with la.Runtime() as runtime:
        made = Stage(runtime, AgentOptions(registry_max_agent_age=0.0))
        yield made
        made.check_books()


# ---- what follows from the books alone ----


def _silent(stage: Stage) -> None:
    silence(stage, stage.fakes[0])
    stage.advance(LOST_SECONDS)


def _leaving(stage: Stage) -> None:
    stage.say(stage.fakes[0], UnregisterAgent(stage.agent_id(stage.fakes[0])))


def _forgotten(stage: Stage) -> None:
    do(stage, Master.mark_agent_gone, stage.agent_id(stage.fakes[0]))
    stage.advance(1)
    la.tell(stage.master, Master._prune)
    stage.settle()


@pytest.mark.parametrize(
    ("kind", "happen"), [(MarkAgentUnreachable, _silent), (RemoveAgent, _leaving), (Prune, _forgotten)]
)
def test_a_master_whose_books_are_not_the_registrys_ends_and_the_next_begins_with_that(
    stage: Stage, kind: type[RegistryOperation], happen: Callable[[Stage], None]
) -> None:
    stage.agent()
    refuse(stage, kind)

    happen(stage)

    assert la.wait(stage.master, 60)
    kept = stored(stage, "agent") | stored(stage, "gone")
    stage.fail_over()
    assert len(kept) == 1
    assert stored(stage, "agent") | stored(stage, "gone") == kept


# ---- what agents ask for ----


def test_an_agent_that_is_not_admitted_is_told_to_shut_down_and_another_may_come_from_there(stage: Stage) -> None:
    refuse(stage, AdmitAgent)
    agent = stage.agent()
    [told] = stage.heard(agent, ShutdownAgent)

    refuse(stage, None)
    stage.say(agent, RegisterAgent(INFO))

    assert "as told" in told.message
    assert stored(stage, "agent") == {stage.agent_id(agent)}


def test_an_agent_whose_change_is_refused_is_as_it_was_and_may_say_it_again(stage: Stage) -> None:
    agent = stage.agent()
    [before] = stage.state().agents
    info = msgspec.structs.replace(before.info, attributes=(Attribute("rack", "r1"),))
    refuse(stage, UpdateAgent)
    stage.say(agent, ReregisterAgent(info=info))
    [then] = stage.state().agents
    answers = stage.heard(agent, AgentReregistered)

    refuse(stage, None)
    stage.say(agent, ReregisterAgent(info=info))

    assert (answers, then) == ([], before)
    assert stage.state().agents[0].info == info
    assert len(stage.heard(agent, AgentReregistered)) == 1


# Method: it was given up once, and comes back; its time, which was over once more meanwhile, is not forgotten.
def test_an_agent_whose_return_is_refused_stays_unreachable_and_may_come_back(stage: Stage) -> None:
    stage.agent()
    [before] = stage.state().agents
    _silent(stage)
    refuse(stage, MarkAgentReachable)
    agent = stage.greet(ReregisterAgent(info=before.info))
    then = (stored(stage, "unreachable"), stage.state().agents, stage.heard(agent, AgentReregistered))

    refuse(stage, None)
    stage.say(agent, ReregisterAgent(info=before.info))

    assert then == ({before.info.id}, (), [])
    assert len(stage.heard(agent, AgentReregistered)) == 1


# ---- what operators ask for ----


def _schedule(stage: Stage) -> None:
    do(stage, Master.update_schedule, schedule(HOST))


def _take_down(stage: Stage) -> None:
    _schedule(stage)
    do(stage, Master.start_maintenance, (HOST,))


def _deactivate(stage: Stage) -> None:
    do(stage, Master.deactivate_agent, _first(stage))


def _first(stage: Stage) -> AgentID:
    return stage.agent_id(stage.fakes[0])


ASKED: list[tuple[type[RegistryOperation], Callable[[Stage], None], Any, Callable[[Stage], Any]]] = [
    (MarkAgentGone, lambda stage: None, Master.mark_agent_gone, _first),
    (DrainAgent, lambda stage: None, Master.drain_agent, _first),
    (DeactivateAgent, lambda stage: None, Master.deactivate_agent, _first),
    (ReactivateAgent, _deactivate, Master.reactivate_agent, _first),
    (UpdateSchedule, lambda stage: None, Master.update_schedule, lambda stage: schedule(HOST)),
    (StartMaintenance, _schedule, Master.start_maintenance, lambda stage: (HOST,)),
    (StopMaintenance, _take_down, Master.stop_maintenance, lambda stage: (HOST,)),
    (UpdateQuota, lambda stage: None, Master.update_quota, lambda stage: (quota("ads", "cpus:1"),)),
    (UpdateWeights, lambda stage: None, Master.update_weights, lambda stage: (Weight("ads", 2.0),)),
]


@pytest.mark.parametrize(("kind", "prepare", "what", "argument"), ASKED, ids=[one[0].__name__ for one in ASKED])
def test_who_is_refused_hears_so_nothing_has_changed_and_it_may_be_asked_again(
    stage: Stage, kind: type[RegistryOperation], prepare: Callable[[Stage], None], what: Any, argument: Any
) -> None:
    stage.agent()
    prepare(stage)
    rows, state = dict(stage.registry.rows), stage.state()
    refuse(stage, kind)

    with pytest.raises(RegistryRefused, match="as told"):
        do(stage, what, argument(stage))
    then = (dict(stage.registry.rows), stage.state())
    refuse(stage, None)
    do(stage, what, argument(stage))

    assert then == (rows, state)
    assert stage.registry.rows != rows


def test_an_agent_that_could_not_be_noted_as_drained_is_draining_and_may_be_drained_again(stage: Stage) -> None:
    agent = stage.agent()
    refuse(stage, MarkAgentDrained)
    do(stage, Master.drain_agent, stage.agent_id(agent))
    refuse(stage, None)
    still = ask(stage, Master.reactivate_agent, stage.agent_id(agent)).exception()

    do(stage, Master.drain_agent, stage.agent_id(agent))
    stage.settle()

    assert "is draining" in str(still)
    do(stage, Master.reactivate_agent, stage.agent_id(agent))
