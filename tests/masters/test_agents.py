"""Agents join, get lost, come back, and are given up; the registry knows of it first."""

# Source: the names in comments are those of Mesos's tests (partition_tests, slave_tests, master_tests,
#   fault_tolerance_tests, master_slave_reconciliation_tests, api_tests).

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

import libactor as la
from mesoslite.master import AgentOptions, Master
from mesoslite.master.observer import Observer
from mesoslite.model import (
    AgentID,
    AgentInfo,
    AgentRegistered,
    AgentReregistered,
    Attribute,
    Failure,
    Kill,
    KillTask,
    NotFound,
    Ping,
    Reason,
    RegisterAgent,
    ReregisterAgent,
    Rescind,
    Resources,
    RoleMinimum,
    ShutdownAgent,
    ShutdownFramework,
    TaskID,
    TaskRecord,
    TaskState,
    Teardown,
    UnregisterAgent,
)
from mesoslite.model.registry import MachineID, Schedule, StartMaintenance, Unavailability, UpdateSchedule, Window
from mesoslite.registry import MemoryStorage, Registrar

from .packing import infos_of, over, packed, packed_infos, spoilt, tasks_of
from .stage import FakeAgent, FakeFramework, Stage, task

LOST_SECONDS = 90  # from a pong that was the last to the end of the fifth ping without one
INFO = AgentInfo(hostname="host", port=5051, resources=Resources.parse("cpus:4;mem:1024"))


@pytest.fixture
def limited() -> Iterator[Stage]:
    """A stage whose master gives up one agent a minute."""
    with la.Runtime() as runtime:
        made = Stage(runtime, AgentOptions(agent_removal_rate_limit=(1, 60)))
        yield made
        made.check_books()


def running(stage: Stage, **details: Any) -> tuple[la.PID[FakeAgent], la.PID[FakeFramework]]:
    """An agent that runs "task" for a framework."""
    agent = stage.agent("cpus:4;mem:1024")
    framework = stage.framework(**details)
    stage.run(framework, agent, task(stage.offers(framework)[0]))
    return agent, framework


def greeting(stage: Stage, **changes: Any) -> ReregisterAgent:
    """What the one agent of the stage would say to register again."""
    state = stage.state()
    [agent] = state.agents
    return ReregisterAgent(
        info=msgspec.structs.replace(agent.info, **changes),
        tasks=packed(*[record for framework in state.frameworks for record in framework.tasks]),
        frameworks=packed_infos(*[framework.info for framework in state.frameworks]),
    )


def silence(stage: Stage, *agents: la.PID[FakeAgent], lives: bool = False) -> None:
    for agent in agents:
        la.tell(agent, FakeAgent.live, lives)
    stage.settle()


def cut_off(stage: Stage, agent: la.PID[FakeAgent]) -> None:
    """Break the connection to an agent that lives on."""
    actor: Any = stage.master._process.actor
    lose = actor._agents.removal.disconnect
    la.execute(stage.master, lambda: lose(actor._ledger.agent_at(agent), "the cable is cut")).get(timeout=60)
    stage.settle()


def stored(stage: Stage, kind: str) -> set[str]:
    return {key for at, key in stage.registry.rows if at == kind}


def counted(stage: Stage, name: str) -> float:
    return stage.runtime.metrics.snapshot().get(timeout=60)[f"master/{name}"]


def states(stage: Stage, framework: la.PID[FakeFramework]) -> list[TaskState]:
    return [status.state for status in stage.updates(framework)]


# ---- the registry first ----


def test_an_agent_is_told_its_id_once_the_registry_has_it_and_not_before(stage: Stage) -> None:
    stage.registry.hold()
    agent = stage.agent()
    before = (stage.heard(agent, AgentRegistered), stage.state().agents)

    stage.registry.release()
    stage.settle()

    assert before == ([], ())
    assert stored(stage, "agent") == {stage.agent_id(agent)}


def test_a_registration_that_is_repeated_while_it_is_stored_admits_one_agent(stage: Stage) -> None:
    # Source: MasterAuthorizationTest.DuplicateRegistration
    stage.registry.hold()
    agent = stage.agent()
    for _ in range(3):
        stage.say(agent, RegisterAgent(INFO))

    stage.registry.release()
    stage.settle()

    assert len(stored(stage, "agent")) == 1
    assert len(stage.heard(agent, AgentRegistered)) == 1


def test_what_comes_before_the_registry_is_read_is_dropped_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    with la.Runtime() as runtime:
        stage = Stage(runtime)
        stage.registry.hold()
        stage.fail_over()
        agent = stage.agent()
        framework = stage.framework()
        dropped = counted(stage, "dropped_messages")

        stage.registry.release()
        stage.settle()
        stage.say(agent, RegisterAgent(INFO))

        assert dropped == 2
        assert [line.getMessage() for line in caplog.records if line.levelno >= logging.WARNING] == []
        assert len(stage.heard(agent, AgentRegistered)) == 1
        assert la.dispatch(framework, FakeFramework.heard).get(timeout=60) == ()


def test_a_master_whose_registry_fails_ends_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    with la.Runtime() as runtime:
        stage = Stage(runtime)
        stage.registry.fail_next(OSError("the disk is full"))
        agent = stage.agent()

        assert la.wait(stage.master, timeout=60)
        assert "the disk is full" in caplog.text
        assert stage.heard(agent, AgentRegistered) == []


def test_a_master_that_another_one_has_followed_ends_at_its_next_change() -> None:
    with la.Runtime() as runtime:
        stage = Stage(runtime)
        MemoryStorage(stage.registry).recover(la.dispatch(stage.master, Master.info).get(timeout=60))

        stage.agent()

        assert la.wait(stage.master, timeout=60)
        assert stored(stage, "agent") == set()


def test_a_change_that_the_registrar_cannot_make_ends_the_master(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> bool:
        raise TypeError("a row of a wrong shape")

    with la.Runtime() as runtime:
        stage = Stage(runtime)
        monkeypatch.setattr(stage.registrar._process.actor, "_changing", fail)

        stage.agent()

        assert la.wait(stage.master, timeout=60)
        assert "a row of a wrong shape" in caplog.text


def test_an_agent_that_leaves_is_out_of_the_registry_before_its_tasks_are_lost(stage: Stage) -> None:
    # Source: SlaveTest.Shutdown
    agent, framework = running(stage)
    agent_id = stage.agent_id(agent)
    stage.registry.hold()
    stage.say(agent, UnregisterAgent(agent_id))
    before = states(stage, framework)

    stage.registry.release()
    stage.settle()

    assert before == [TaskState.TASK_RUNNING]
    assert states(stage, framework)[1:] == [TaskState.TASK_LOST]
    assert stage.heard(framework, Failure) == [Failure(agent_id)]
    assert stored(stage, "agent") == set()
    assert stage.state().agents == ()


# ---- a new master ----


def test_an_agent_brings_its_tasks_and_their_frameworks_to_a_new_master(stage: Stage) -> None:
    # Source: MasterTest.RecoveredSlaveCanReregister, RecoveredFramework
    running(stage, failover_timeout=3600.0)
    message, before = greeting(stage), stage.registry.epoch
    stage.fail_over()

    agent = stage.greet(message)

    [entry] = stage.state().frameworks
    assert [record.state for record in entry.tasks] == [TaskState.TASK_RUNNING]
    assert (entry.connected, entry.active) == (False, False)
    assert stage.state().agents[0].used == Resources.parse("cpus:1;mem:128")
    assert [welcome.agent_id for welcome in stage.heard(agent, AgentReregistered)] == [message.info.id]
    assert stored(stage, "agent") == {message.info.id}
    assert stage.registry.epoch > before


def test_a_framework_finds_its_tasks_at_a_new_master_and_is_offered_the_rest(stage: Stage) -> None:
    # Source: FaultToleranceTest.MasterFailover
    running(stage, failover_timeout=3600.0)
    message = greeting(stage)
    stage.fail_over()
    agent = stage.greet(message)

    framework = stage.framework(id=infos_of(message)[0].id, failover_timeout=3600.0)
    stage.report(agent, stage.framework_id(framework), tasks_of(message)[0].info, TaskState.TASK_FINISHED)

    assert stage.offers(framework)[0].resources == Resources.parse("cpus:3;mem:896")
    assert states(stage, framework) == [TaskState.TASK_FINISHED]


def test_a_task_that_comes_back_uses_the_role_that_it_was_launched_for(stage: Stage) -> None:
    stage.agent()
    framework = stage.framework(roles=("ads", "web"), capabilities=("MULTI_ROLE",))
    stage.accept(framework, stage.offers(framework)[0], task(stage.offers(framework)[0]))
    role = stage.offers(framework)[0].role
    message = greeting(stage)
    stage.fail_over()

    stage.greet(message)

    assert [record.role for record in stage.state().frameworks[0].tasks] == [role]


def test_history_comes_back_for_frameworks_that_are_known(stage: Stage) -> None:
    # Source: FaultToleranceTest.ReregisterCompletedFrameworks
    running(stage)
    message = greeting(stage)
    ended = TaskRecord(
        info=msgspec.structs.replace(tasks_of(message)[0].info, task_id="over"),
        framework_id=tasks_of(message)[0].framework_id,
        state=TaskState.TASK_FINISHED,
    )
    stranger = msgspec.structs.replace(ended, framework_id="stranger")
    stage.fail_over()

    stage.greet(msgspec.structs.replace(message, completed_tasks=over(ended, ended, stranger)))

    [entry] = stage.state().frameworks
    assert [record.info.task_id for record in entry.completed_tasks] == ["over"]


def test_agents_that_do_not_come_back_to_a_new_master_are_given_up(stage: Stage) -> None:
    agents = [stage.agent() for _ in range(3)]
    ids = {stage.agent_id(agent) for agent in agents}
    stage.fail_over()
    framework = stage.framework()

    stage.runtime.clock.advance(599)
    stage.settle()
    before = stored(stage, "unreachable")
    stage.runtime.clock.advance(1)
    stage.settle()

    assert before == set()
    assert stored(stage, "unreachable") == ids
    assert {event.agent_id for event in stage.heard(framework, Failure)} == ids
    assert counted(stage, "recovery_slave_removals") == 3


def test_agents_that_do_not_come_back_are_given_up_as_fast_as_the_limit_lets_and_a_return_counts(
    limited: Stage,
) -> None:
    # Source: MasterTest.RateLimitRecoveredSlaveRemoval, CancelRecoveredSlaveRemoval
    for _ in range(3):
        limited.agent()
    infos = [agent.info for agent in limited.state().agents]
    limited.fail_over()

    limited.runtime.clock.advance(600)
    limited.settle()
    first = stored(limited, "unreachable")
    limited.greet(ReregisterAgent(info=infos[2]))
    limited.advance(180)

    assert first == {infos[0].id}
    assert stored(limited, "unreachable") == {infos[0].id, infos[1].id}
    assert counted(limited, "slave_unreachable_canceled") == 1


def test_a_new_master_that_misses_too_many_agents_ends(caplog: pytest.LogCaptureFixture) -> None:
    with la.Runtime() as runtime:
        stage = Stage(runtime, AgentOptions(recovery_agent_removal_limit=0.5))
        infos = [AgentInfo(hostname="host", port=1, resources=INFO.resources) for _ in range(4)]
        ids = [stage.agent_id(stage.greet(RegisterAgent(info))) for info in infos]
        stage.fail_over()
        stage.greet(ReregisterAgent(info=msgspec.structs.replace(INFO, id=ids[0])))

        runtime.clock.advance(600)
        stage.settle()

        assert la.wait(stage.master, timeout=60)
        assert "3 of 4 agents have not come back" in caplog.text
        assert stored(stage, "unreachable") == set()


# ---- coming back to a master that knows the agent ----


def test_an_agent_that_registers_again_without_need_loses_nothing(stage: Stage) -> None:
    # Source: PartitionTest.SpuriousSlaveReregistration
    agent, framework = running(stage)
    before, stores = stage.state(), stage.registry.stores

    stage.say(agent, greeting(stage))

    assert stage.state().frameworks == before.frameworks
    assert states(stage, framework) == [TaskState.TASK_RUNNING]
    [welcome] = stage.heard(agent, AgentReregistered)
    assert (welcome.unconfirmed, stage.registry.stores) == ((), stores)


def test_an_agent_is_asked_about_tasks_that_it_does_not_name(stage: Stage) -> None:
    # Source: MasterSlaveReconciliationTest.ReconcileLostTask, ReconcileDroppedTask
    for capabilities, state in (((), TaskState.TASK_LOST), (("PARTITION_AWARE",), TaskState.TASK_DROPPED)):
        agent, framework = running(stage, capabilities=capabilities)

        stage.say(agent, msgspec.structs.replace(greeting(stage), tasks=()))

        [welcome] = stage.heard(agent, AgentReregistered)
        assert [(one.task_id, one.state) for one in welcome.unconfirmed] == [("task", state)]
        assert states(stage, framework) == [TaskState.TASK_RUNNING]
        stage.say(agent, UnregisterAgent(stage.agent_id(agent)))
        stage.lose(framework)


def test_a_lost_connection_takes_offers_back_and_a_return_makes_new_ones(stage: Stage) -> None:
    agent, framework = running(stage, checkpoint=True)
    stage.advance(6)
    offer = stage.offers(framework)[-1]
    message = greeting(stage)

    stage.lose(agent)
    gone = (stage.heard(framework, Rescind), stage.state().agents[0].active, states(stage, framework))
    stage.advance(10)
    offers = len(stage.offers(framework))
    returned = stage.greet(message)
    stage.advance(1)

    assert gone == ([Rescind(offer.id)], False, [TaskState.TASK_RUNNING])
    assert stage.state().agents[0].active
    assert len(stage.offers(framework)) == offers + 1
    assert stage.heard(returned, AgentReregistered)[0].unconfirmed == ()
    assert states(stage, framework) == [TaskState.TASK_RUNNING]


def test_tasks_that_were_counted_lost_with_the_connection_are_found_again(stage: Stage) -> None:
    # Source: MasterTest.LostTaskCleanup
    agent, framework = running(stage)
    message = greeting(stage)
    stage.lose(agent)

    stage.greet(message)

    assert [(status.state, status.reason) for status in stage.updates(framework)[1:]] == [
        (TaskState.TASK_LOST, Reason.REASON_AGENT_DISCONNECTED),
        (TaskState.TASK_RUNNING, Reason.REASON_AGENT_REREGISTERED),
    ]
    [entry] = stage.state().frameworks
    assert (len(entry.tasks), entry.completed_tasks) == (1, ())
    assert stage.state().agents[0].used == Resources.parse("cpus:1;mem:128")


def test_a_kill_that_got_lost_with_the_connection_is_sent_again(stage: Stage) -> None:
    agent, framework = running(stage, checkpoint=True)
    message = greeting(stage)
    stage.lose(agent)
    stage.call(framework, Kill(framework_id=stage.framework_id(framework), task_id=tasks_of(message)[0].info.task_id))

    returned = stage.greet(message)

    assert [kill.task_id for kill in stage.heard(returned, KillTask)] == ["task"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"hostname": "elsewhere"}, "different IP / hostname"), ({"resources": Resources.parse("cpus:0.5")}, "its tasks")],
)
def test_an_agent_that_cannot_be_the_one_it_says_is_shut_down(stage: Stage, changes: Any, reason: str) -> None:
    agent, _ = running(stage)
    before = stage.state()
    message = msgspec.structs.replace(greeting(stage, **changes), tasks=())

    stage.say(agent, message)

    assert reason in stage.heard(agent, ShutdownAgent)[0].message
    assert stage.state() == before


def test_an_agent_that_has_changed_is_stored_and_offered_as_it_is_now(stage: Stage) -> None:
    agent, framework = running(stage)
    stage.advance(6)
    offer = stage.offers(framework)[-1]
    message = greeting(stage, attributes=(Attribute("rack", "b"),), resources=Resources.parse("cpus:8;mem:1024"))
    stage.registry.hold()
    stage.say(agent, message)
    before = stage.state().agents[0].info

    stage.registry.release()
    stage.settle()

    assert before.attributes == ()
    assert stage.state().agents[0].info == message.info
    assert stage.heard(framework, Rescind) == [Rescind(offer.id)]
    assert stage.offers(framework)[-1].resources == Resources.parse("cpus:7;mem:896")


def test_tasks_of_a_framework_that_was_removed_meanwhile_are_ended(stage: Stage) -> None:
    # Source: PartitionTest.PartitionedSlaveOrphanedTask
    agent, framework = running(stage, checkpoint=True)
    message = greeting(stage)
    stage.lose(agent)
    stage.call(framework, Teardown(stage.framework_id(framework)))

    returned = stage.greet(message)

    assert stage.heard(returned, ShutdownFramework) == [ShutdownFramework(infos_of(message)[0].id)]
    assert stage.state().agents[0].used.is_empty


# ---- pings ----


def test_an_agent_that_answers_pings_stays(stage: Stage) -> None:
    agent = stage.agent()

    stage.advance(300)

    assert stage.state().agents[0].active
    assert stage.heard(agent, Ping)[-1] == Ping(connected=True, epoch=stage.registry.epoch)
    assert len(stage.heard(agent, Ping)) == 21


@pytest.mark.parametrize(
    ("capabilities", "state"), [((), TaskState.TASK_LOST), (("PARTITION_AWARE",), TaskState.TASK_UNREACHABLE)]
)
def test_an_agent_that_does_not_answer_five_pings_is_unreachable(
    stage: Stage, capabilities: tuple[str, ...], state: TaskState
) -> None:
    # Source: PartitionTest.PartitionedSlave
    agent, framework = running(stage, capabilities=capabilities)
    stage.advance(0.5)
    silence(stage, agent)

    stage.advance(LOST_SECONDS - 1)
    before = states(stage, framework)
    stage.advance(1)

    assert before == [TaskState.TASK_RUNNING]
    status = stage.updates(framework)[-1]
    assert (status.state, status.reason) == (state, Reason.REASON_AGENT_REMOVED)
    assert status.unreachable_ns is not None
    assert stage.heard(framework, Failure) == [Failure(stage.agent_id(agent))]
    assert (stored(stage, "agent"), stored(stage, "unreachable")) == (set(), {stage.agent_id(agent)})
    assert stage.state().agents == ()
    assert stage.state().frameworks[0].tasks == ()


@pytest.mark.parametrize("capabilities", [(), ("PARTITION_AWARE",)])
def test_an_unreachable_agent_that_comes_back_has_its_tasks_still(stage: Stage, capabilities: tuple[str, ...]) -> None:
    # Source: PartitionTest.ReregisterSlavePartitionAware, ReregisterSlaveNotPartitionAware
    agent, framework = running(stage, capabilities=capabilities)
    message = greeting(stage)
    silence(stage, agent)
    stage.advance(LOST_SECONDS)

    stage.say(agent, message)

    status = stage.updates(framework)[-1]
    assert (status.state, status.reason) == (TaskState.TASK_RUNNING, Reason.REASON_AGENT_REREGISTERED)
    assert stored(stage, "agent") == {stage.agent_id(agent)}
    [entry] = stage.state().frameworks
    assert (len(entry.tasks), entry.completed_tasks) == (1, ())


def test_a_task_that_never_got_there_is_over_when_its_agent_comes_back(stage: Stage) -> None:
    # Source: PartitionTest.ReregisterPartitionedAgentWithEnrouteTask
    agent, _ = running(stage, capabilities=("PARTITION_AWARE",))
    message = msgspec.structs.replace(greeting(stage), tasks=())
    silence(stage, agent)
    stage.advance(LOST_SECONDS)

    stage.say(agent, message)

    [entry] = stage.state().frameworks
    assert [record.state for record in entry.completed_tasks] == [TaskState.TASK_GONE]
    assert entry.tasks == ()


def test_what_an_unreachable_agent_reports_is_dropped_and_it_is_not_shut_down(stage: Stage) -> None:
    # Source: PartitionTest.PartitionedSlaveStatusUpdates
    agent, framework = running(stage)
    message = greeting(stage)
    silence(stage, agent)
    stage.advance(LOST_SECONDS)
    updates = len(stage.updates(framework))

    stage.report(agent, stage.framework_id(framework), tasks_of(message)[0].info, TaskState.TASK_FINISHED)

    assert len(stage.updates(framework)) == updates
    assert stage.heard(agent, ShutdownAgent) == []


def test_a_second_ping_that_is_missed_while_the_first_loss_is_stored_does_nothing(stage: Stage) -> None:
    # Source: PartitionTest.FailHealthChecksTwice, MasterTest.AgentReregistrationDuringMarkingUnreachable
    agent, framework = running(stage)
    message = greeting(stage)
    silence(stage, agent)
    stage.advance(LOST_SECONDS - 1)
    stage.registry.hold()
    stage.advance(17)  # one more ping is missed; the registrar waits 20 s for a store
    stage.say(agent, message)

    stage.registry.release()
    stage.settle()

    assert stored(stage, "unreachable") == {stage.agent_id(agent)}
    assert len(stage.heard(framework, Failure)) == 1
    assert stage.heard(agent, AgentReregistered) == []


def test_agents_are_given_up_no_faster_than_the_limit_and_an_answer_saves_one(limited: Stage) -> None:
    # Source: SlaveTest.RateLimitSlaveRemoval, CancelSlaveRemoval
    agents = [limited.agent() for _ in range(3)]
    silence(limited, *agents)

    limited.advance(LOST_SECONDS)
    first = stored(limited, "unreachable")
    silence(limited, agents[1], lives=True)
    limited.advance(180)

    assert len(first) == 1
    assert stored(limited, "unreachable") == {limited.agent_id(agents[0]), limited.agent_id(agents[2])}


def test_an_agent_that_the_master_has_lost_hears_so_by_ping(stage: Stage) -> None:
    agent = stage.agent()
    actor: Any = stage.master._process.actor
    la.execute(
        stage.master, lambda: actor._agents.removal.disconnect(actor._ledger.agent_at(agent), "the cable is cut")
    ).get(timeout=60)

    stage.advance(15)

    assert stage.heard(agent, Ping)[-1] == Ping(connected=False, epoch=stage.registry.epoch)


def test_an_agent_that_only_answers_pings_is_given_up_after_a_time(stage: Stage) -> None:
    # Source: MasterTest.AgentRestartNoReregister
    agent = stage.agent()
    actor: Any = stage.master._process.actor
    la.execute(
        stage.master, lambda: actor._agents.removal.disconnect(actor._ledger.agent_at(agent), "the cable is cut")
    ).get(timeout=60)

    stage.advance(599)
    before = stored(stage, "unreachable")
    stage.advance(1)

    assert (before, stored(stage, "unreachable")) == (set(), {stage.agent_id(agent)})


def test_a_master_whose_observer_fails_ends() -> None:
    with la.Runtime() as runtime:
        stage = Stage(runtime)
        stage.agent()
        actor: Any = stage.master._process.actor

        la.tell(actor._agents._observer, Observer.forget, [])
        stage.settle()

        assert la.wait(stage.master, timeout=60)


# ---- gone ----


def test_an_agent_that_is_declared_gone_is_shut_down_and_never_comes_back(stage: Stage) -> None:
    # Source: MasterAPITest.MarkRegisteredAgentGone, TaskUpdatesUponAgentGone
    agent, framework = running(stage, capabilities=("PARTITION_AWARE",))
    message = greeting(stage)

    gone = la.dispatch(stage.master, Master.mark_agent_gone, stage.agent_id(agent))
    stage.settle()
    again = stage.greet(message)

    assert gone.get(timeout=60) is None
    status = stage.updates(framework)[-1]
    assert (status.state, status.reason) == (
        TaskState.TASK_GONE_BY_OPERATOR,
        Reason.REASON_AGENT_REMOVED_BY_OPERATOR,
    )
    assert [told.message for told in stage.heard(agent, ShutdownAgent)] == ["Agent has been marked gone"]
    assert [told.message for told in stage.heard(again, ShutdownAgent)] == ["Agent has been marked gone"]
    meant = [la.dispatch(one, FakeAgent.meant_for).get(timeout=60) for one in (agent, again)]
    assert meant == [{message.info.id}] * 2
    assert stored(stage, "gone") == {stage.agent_id(agent)}
    assert stage.state().agents == ()


def test_tasks_of_an_unreachable_agent_that_is_declared_gone_are_over(stage: Stage) -> None:
    # Source: MasterAPITest.UnreachableAgentMarkedGone
    agent, framework = running(stage, capabilities=("PARTITION_AWARE",))
    silence(stage, agent)
    stage.advance(LOST_SECONDS)

    la.dispatch(stage.master, Master.mark_agent_gone, stage.agent_id(agent))
    stage.settle()

    assert states(stage, framework)[-1] is TaskState.TASK_GONE_BY_OPERATOR
    assert (stored(stage, "gone"), stored(stage, "unreachable")) == ({stage.agent_id(agent)}, set())


def test_an_agent_that_nobody_knows_cannot_be_declared_gone(stage: Stage) -> None:
    future = la.dispatch(stage.master, Master.mark_agent_gone, AgentID("nobody"))
    stage.settle()

    assert isinstance(future.exception(), NotFound)


# ---- what is refused ----


def test_agents_of_a_machine_that_is_being_serviced_are_shut_down(stage: Stage) -> None:
    machine = MachineID("HOST")
    window = Window((machine,), Unavailability(0))
    for operation in (UpdateSchedule(Schedule((window,))), StartMaintenance((machine,))):
        la.dispatch(stage.registrar, Registrar.apply, operation)
        stage.settle()
    stage.fail_over()

    agent = stage.agent()

    assert stage.heard(agent, ShutdownAgent)[0].message == "Machine is `DOWN`"
    assert stage.state().agents == ()


WRONG: list[Any] = [
    RegisterAgent(msgspec.structs.replace(INFO, hostname=7)),  # type: ignore[arg-type]
    RegisterAgent(msgspec.structs.replace(INFO, hostname="h" * 256)),
    RegisterAgent(msgspec.structs.replace(INFO, resources="cpus:1")),  # type: ignore[arg-type]
    RegisterAgent(msgspec.structs.replace(INFO, resources=Resources.parse(""))),
    RegisterAgent(INFO, version="0.28.1"),  # MasterTest.IgnoreOldAgentRegistration
    RegisterAgent(INFO, version="new"),
    RegisterAgent(INFO, version="1.12.0+" + "x" * 256),
    RegisterAgent(INFO, version=1),  # type: ignore[arg-type]
    RegisterAgent(None),  # type: ignore[arg-type]
    RegisterAgent(INFO, incarnation=7),  # type: ignore[arg-type]
    RegisterAgent(INFO, incarnation=b"1" * 65),
    ReregisterAgent(info=msgspec.structs.replace(INFO, id="a"), number="1"),  # type: ignore[arg-type]
    ReregisterAgent(info=INFO),
    ReregisterAgent(info=msgspec.structs.replace(INFO, id="a/b")),
    ReregisterAgent(info=msgspec.structs.replace(INFO, id="a"), tasks=(1,)),  # type: ignore[arg-type]
    ReregisterAgent(info=msgspec.structs.replace(INFO, id="a"), tasks=7),  # type: ignore[arg-type]
    ReregisterAgent(info=msgspec.structs.replace(INFO, id="a"), frameworks=(None,)),  # type: ignore[arg-type]
    UnregisterAgent(AgentID("another")),
]


@pytest.mark.parametrize("message", WRONG)
def test_what_no_agent_can_be_is_dropped_and_counted(stage: Stage, message: Any) -> None:
    # Source: RegisterSlaveValidationTest.DropInvalidRegistration, DropInvalidReregistration
    agent = stage.agent()
    before = stage.state()

    stage.say(agent, message)

    assert counted(stage, "dropped_messages") == 1
    assert stage.state() == before


def test_what_cannot_be_stored_however_it_is_made_ends_nobody(stage: Stage) -> None:
    deep: Any = ()
    for _ in range(100_000):
        deep = (deep,)

    stage.greet(RegisterAgent(msgspec.structs.replace(INFO, attributes=deep)))

    assert stage.state().agents == ()


def wrong_tasks(stage: Stage) -> list[ReregisterAgent]:
    """Registrations of the agent of the stage whose tasks do not add up."""
    right = greeting(stage)
    [record] = tasks_of(right)
    large = msgspec.structs.replace(record.info, resources=Resources.parse("cpus:5"))
    elsewhere = msgspec.structs.replace(record.info, agent_id=AgentID("elsewhere"))
    nameless = msgspec.structs.replace(record.info, task_id=TaskID("a/b"))
    ended = msgspec.structs.replace(record, state=TaskState.TASK_FINISHED)
    infos = [msgspec.structs.replace(record.info, task_id=TaskID(f"t{number}")) for number in range(200)]
    over_many = [msgspec.structs.replace(ended, info=info) for info in infos]
    minimum = RoleMinimum("*", (Resources.parse("cpus:1"),))
    [framework] = [each.info for each in stage.state().frameworks]
    strange = [
        msgspec.structs.replace(framework, **{"id": "new", **changes})
        for changes in (
            {"roles": ("a//b",)},
            {"roles": ()},
            {"min_allocatable": (minimum, minimum)},
            {"id": ""},
            {"id": None},
        )
    ]
    return [
        *[msgspec.structs.replace(right, frameworks=packed_infos(framework, each)) for each in strange],
        msgspec.structs.replace(right, tasks=packed(msgspec.structs.replace(record, role="-x"))),
        msgspec.structs.replace(right, completed_tasks=over(msgspec.structs.replace(record, role="-x"))),
        msgspec.structs.replace(right, tasks=packed(record, record)),
        msgspec.structs.replace(right, tasks=packed(record) * 2),
        *[msgspec.structs.replace(right, tasks=packed(*over_many, one)) for one in (over_many[0], over_many[100])],
        msgspec.structs.replace(right, tasks=(*right.tasks, b"\x90")),
        msgspec.structs.replace(right, tasks=(b"\xdc\x00\x00", *right.tasks)),
        msgspec.structs.replace(right, tasks=(b"\xdc\x00\x41" + packed(record)[0][1:] * 65,)),
        msgspec.structs.replace(right, frameworks=()),
        msgspec.structs.replace(right, frameworks=right.frameworks * 2),
        msgspec.structs.replace(right, tasks=packed(msgspec.structs.replace(record, info=large))),
        msgspec.structs.replace(right, tasks=packed(msgspec.structs.replace(record, info=elsewhere))),
        msgspec.structs.replace(right, tasks=packed(msgspec.structs.replace(record, info=nameless))),
        msgspec.structs.replace(right, tasks=spoilt(record, state="TASK_RUNNING")),
    ]


def test_tasks_that_do_not_add_up_are_dropped_with_the_message(stage: Stage) -> None:
    agent, _ = running(stage)
    messages, before = wrong_tasks(stage), stage.state()

    for number, message in enumerate(messages, 1):
        stage.say(agent, message)

        assert counted(stage, "dropped_messages") == number
    assert stage.state() == before


def test_an_agent_that_says_to_be_another_one_is_not_believed(stage: Stage) -> None:
    stage.agent()
    message = greeting(stage)
    impostor = stage.agent()

    stage.say(impostor, message)

    assert counted(stage, "dropped_messages") == 1
    assert stage.heard(impostor, AgentReregistered) == []


def test_an_agent_of_another_cluster_is_taken_in_as_it_is(stage: Stage) -> None:
    agent = stage.greet(ReregisterAgent(info=msgspec.structs.replace(INFO, id=AgentID("other-S7"))))

    assert [entry.info.id for entry in stage.state().agents] == ["other-S7"]
    assert stored(stage, "agent") == {"other-S7"}
    assert len(stage.heard(agent, AgentReregistered)) == 1


def test_a_new_agent_takes_the_place_of_a_lost_one_at_its_address(stage: Stage) -> None:
    agent = stage.agent()
    first = stage.agent_id(agent)
    actor: Any = stage.master._process.actor
    la.execute(
        stage.master, lambda: actor._agents.removal.disconnect(actor._ledger.agent_at(agent), "the cable is cut")
    ).get(timeout=60)

    stage.say(agent, RegisterAgent(INFO))

    [entry] = stage.state().agents
    assert entry.info.id != first
    assert stored(stage, "agent") == {entry.info.id}
    assert counted(stage, "slave_removals/reason_registered") == 1
