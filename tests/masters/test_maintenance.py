"""Machines are scheduled to be serviced, taken down, and brought up; the registry knows of it first."""

# Source: the names in comments are those of Mesos's tests (master_maintenance_tests).

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import libactor as la
from mesoslite.master import Master, maintenance
from mesoslite.master.agent_entry import AgentEntry
from mesoslite.master.roster import Roster, machine_key
from mesoslite.master.shown.changes import Changes
from mesoslite.model import (
    AgentID,
    AgentInfo,
    AgentRegistered,
    InTransition,
    InvalidRequest,
    RegisterAgent,
    Rescind,
    Resources,
    ShutdownAgent,
    TaskState,
    Unavailability,
)
from mesoslite.model.registry import Machine, MachineID, MachineMode, Schedule, Window

from .stage import FakeAgent, Stage
from .test_agents import INFO, greeting, running, states, stored
from .test_draining import ask, do, standing

HOST, OTHER = MachineID("Host"), MachineID("elsewhere", "192.0.2.7")
LATER, LATEST = Unavailability(10**18), Unavailability(2 * 10**18, 10**12)


def schedule(*machines: MachineID, when: Unavailability = LATER) -> Schedule:
    return Schedule((Window(machines, when),))


def modes(stage: Stage) -> dict[str, str]:
    found: tuple[Machine, ...] = la.dispatch(stage.master, Master.machines).get(timeout=60)
    return {machine.id.hostname: machine.mode.value for machine in found}


def take_down(stage: Stage, *machines: MachineID) -> None:
    do(stage, Master.update_schedule, schedule(*machines))
    do(stage, Master.start_maintenance, machines)


def elsewhere(stage: Stage) -> la.PID[FakeAgent]:
    """An agent on another machine."""
    return stage.greet(RegisterAgent(AgentInfo(hostname="third", port=1, resources=Resources.parse("cpus:1;mem:99"))))


# ---- the schedule ----


def test_a_schedule_is_in_the_registry_before_it_is_answered_and_before_it_counts(stage: Stage) -> None:
    # Source: MasterMaintenanceTest.UpdateSchedule
    stage.registry.hold()
    asked = ask(stage, Master.update_schedule, schedule(HOST))
    before = (asked.is_pending(), modes(stage))

    stage.registry.release()
    asked.get(timeout=60)

    assert before == (True, {})
    assert modes(stage) == {"Host": "DRAINING"}
    assert len(stored(stage, "machine")) == len(stored(stage, "schedule")) == 1


def test_offers_of_agents_on_scheduled_machines_are_rescinded_and_made_anew(stage: Stage) -> None:
    # Source: MasterMaintenanceTest.PendingUnavailabilityTest
    stage.agent()
    elsewhere(stage)
    framework = stage.framework()

    do(stage, Master.update_schedule, schedule(HOST))
    stage.advance(2)

    assert len(stage.heard(framework, Rescind)) == 1
    assert len(standing(stage, framework)) == 2


def test_only_a_change_of_time_rescinds_offers_again(stage: Stage) -> None:
    stage.agent()
    framework = stage.framework()
    do(stage, Master.update_schedule, schedule(HOST))
    stage.advance(2)

    do(stage, Master.update_schedule, schedule(HOST, OTHER))
    same = len(stage.heard(framework, Rescind))
    do(stage, Master.update_schedule, schedule(HOST, OTHER, when=LATEST))

    assert (same, len(stage.heard(framework, Rescind))) == (1, 2)


def test_a_machine_that_is_left_out_is_up_again(stage: Stage) -> None:
    stage.agent()
    framework = stage.framework()
    do(stage, Master.update_schedule, schedule(HOST))
    stage.advance(2)

    do(stage, Master.update_schedule, Schedule())

    assert modes(stage) == {}
    assert stored(stage, "machine") == stored(stage, "schedule") == set()
    assert len(stage.heard(framework, Rescind)) == 2


def test_tasks_on_scheduled_machines_run_on(stage: Stage) -> None:
    _, framework = running(stage)

    do(stage, Master.update_schedule, schedule(HOST))

    assert states(stage, framework) == [TaskState.TASK_RUNNING]


# ---- down and up ----


def test_agents_on_a_machine_that_goes_down_are_told_to_stop_and_their_tasks_are_lost(stage: Stage) -> None:
    # Source: MasterMaintenanceTest.EnterMaintenanceMode
    agent, framework = running(stage)
    elsewhere(stage)

    take_down(stage, HOST)

    assert len(stage.heard(agent, ShutdownAgent)) == 1
    assert states(stage, framework)[1:] == [TaskState.TASK_LOST]
    assert [one.info.hostname for one in stage.state().agents] == ["third"]
    assert modes(stage) == {"Host": "DOWN"}


def test_no_agent_registers_from_a_machine_that_is_down_and_any_from_one_that_is_up_again(stage: Stage) -> None:
    # Source: MasterMaintenanceTest.BringDownMachines, BringUpMachines
    take_down(stage, HOST)
    refused = stage.agent()
    do(stage, Master.stop_maintenance, (HOST,))

    agent = stage.agent()

    assert len(stage.heard(refused, ShutdownAgent)) == 1
    assert len(stage.heard(agent, AgentRegistered)) == 1
    assert modes(stage) == {}


def test_a_machine_that_is_up_again_is_out_of_the_schedule_and_others_stay(stage: Stage) -> None:
    do(stage, Master.update_schedule, Schedule((Window((HOST,), LATER), Window((OTHER,), LATEST))))
    do(stage, Master.start_maintenance, (HOST,))

    do(stage, Master.stop_maintenance, (MachineID("hOST"),))

    assert la.dispatch(stage.master, Master.schedule).get(timeout=60) == schedule(OTHER, when=LATEST)


def test_a_new_master_knows_the_schedule_and_what_is_down(stage: Stage) -> None:
    # Source: MasterMaintenanceTest.FailoverWhileDown
    running(stage)
    message = greeting(stage)
    take_down(stage, HOST)
    do(stage, Master.update_schedule, schedule(HOST, OTHER))
    stage.fail_over()

    back = stage.greet(message)

    assert modes(stage) == {"Host": "DOWN", "elsewhere": "DRAINING"}
    assert la.dispatch(stage.master, Master.schedule).get(timeout=60) == schedule(HOST, OTHER)
    assert len(stage.heard(back, ShutdownAgent)) == 1


def test_a_down_machine_may_be_serviced_at_another_time_and_stays_down(stage: Stage) -> None:
    take_down(stage, HOST)

    do(stage, Master.update_schedule, schedule(HOST, when=LATEST))

    assert modes(stage) == {"Host": MachineMode.DOWN.value}


# ---- what is refused ----


@pytest.mark.parametrize(
    "wanted",
    [
        schedule(),
        schedule(HOST, MachineID("host")),
        Schedule((Window((HOST,), LATER), Window((HOST,), LATEST))),
        schedule(MachineID()),
        schedule(MachineID("a", "no address")),
        schedule(MachineID(5)),  # type: ignore[arg-type]
        schedule(HOST, when=Unavailability(-1)),
        schedule(HOST, when=Unavailability(1, -1)),
        schedule(HOST, when=Unavailability(10**30)),
        schedule(HOST, when=None),  # type: ignore[arg-type]
        Schedule((None,)),  # type: ignore[arg-type]
        Schedule([]),  # type: ignore[arg-type]
        None,
    ],
)
def test_what_no_schedule_can_be_is_refused_and_nothing_has_changed(stage: Stage, wanted: Any) -> None:
    # Source: MasterMaintenanceTest.UpdateSchedule (validation)
    with pytest.raises(InvalidRequest, match="maintenance"):
        do(stage, Master.update_schedule, wanted)
    assert (modes(stage), stored(stage, "machine")) == ({}, set())


def test_a_machine_that_is_down_is_not_left_out(stage: Stage) -> None:
    take_down(stage, HOST)

    with pytest.raises(InvalidRequest, match="machine Host is down and cannot be left out"):
        do(stage, Master.update_schedule, schedule(OTHER))


def test_only_draining_machines_go_down_and_only_those_that_are_down_go_up(stage: Stage) -> None:
    # Source: MasterMaintenanceTest.BringDownMachines
    with pytest.raises(InvalidRequest, match="up, and not in the schedule, expected DRAINING"):
        do(stage, Master.start_maintenance, (HOST,))
    do(stage, Master.update_schedule, schedule(HOST, OTHER))
    with pytest.raises(InvalidRequest, match="is DRAINING, expected DOWN"):
        do(stage, Master.stop_maintenance, (HOST,))
    do(stage, Master.start_maintenance, (HOST,))
    with pytest.raises(InvalidRequest, match="is DOWN, expected DRAINING"):
        do(stage, Master.start_maintenance, (OTHER, HOST))
    assert modes(stage) == {"Host": "DOWN", "elsewhere": "DRAINING"}


@pytest.mark.parametrize("machines", [(), None, ("host",), (HOST, HOST)])
def test_machines_that_are_none_or_named_twice_are_refused(stage: Stage, machines: Any) -> None:
    do(stage, Master.update_schedule, schedule(HOST))

    with pytest.raises(InvalidRequest, match="maintenance"):
        do(stage, Master.start_maintenance, machines)


@pytest.mark.parametrize(
    ("address", "wanted"),
    [("10.0.0", "one such as"), ("[::1]", "one such as"), ("2001:DB8::1", "2001:db8::1"), ("0:0::1", "::1")],
)
def test_an_address_is_written_as_it_is_compared(stage: Stage, address: str, wanted: str) -> None:
    with pytest.raises(InvalidRequest, match=f"as the address of a machine, expected {wanted}"):
        do(stage, Master.update_schedule, schedule(MachineID(ip=address)))


@pytest.mark.parametrize(
    ("address", "ip"),
    [("10.0.0.7:5051", "10.0.0.7"), ("[2001:db8::7]:5051", "2001:db8::7"), ("[2001:DB8:0::7]:5051", "2001:db8::7")],
)
def test_an_agent_is_on_the_machine_of_its_address(address: str, ip: str) -> None:
    pid: Any = SimpleNamespace(address=address)
    roster, machine = Roster(Changes()), Machine(MachineID(ip=ip), MachineMode.DOWN, LATER)
    roster.machines[machine_key(machine.id)] = machine
    agent = AgentEntry(id=AgentID("m-S0"), info=INFO, pid=pid, registered_time=0.0)

    assert roster.machine_of(INFO, agent.pid.address) is machine


# Goal: no agent on a machine that was taken down. Method: its machine is in the schedule under each of its names.
@pytest.mark.parametrize("down", range(3))
def test_an_agent_is_down_whichever_name_of_its_machine_is(down: int) -> None:
    names = [MachineID("host", "10.0.0.7"), MachineID("HOST"), MachineID(ip="10.0.0.7")]
    roster = Roster(Changes())
    for at, name in enumerate(names):
        mode = MachineMode.DOWN if at == down else MachineMode.DRAINING
        roster.machines[machine_key(name)] = Machine(name, mode, LATER)

    assert roster.is_down(INFO, "10.0.0.7:5051")
    assert not roster.is_down(AgentInfo(hostname="other", port=1, resources=INFO.resources), "10.0.0.8:5051")


def test_a_change_is_refused_while_another_is_stored(stage: Stage) -> None:
    stage.registry.hold()
    first = ask(stage, Master.update_schedule, schedule(HOST))

    second = ask(stage, Master.update_schedule, schedule(OTHER))
    stage.registry.release()

    first.get(timeout=60)
    with pytest.raises(InTransition, match="ask again"):
        second.get(timeout=60)
    do(stage, Master.update_schedule, schedule(OTHER))
    assert modes(stage) == {"elsewhere": "DRAINING"}


# Goal: nobody waits for ten thousand machines. Method: a ping behind the request is answered before it reaches the
# registry, after a slice for each machine; another request is refused meanwhile.
def test_a_large_schedule_is_looked_at_in_slices(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "MACHINES_IN_STEP", 1)
    actor: Any = stage.master._process.actor
    monkeypatch.setattr(actor._slices, "_now", iter(range(10_000)).__next__)  # each slice is over at once
    apply, advance, steps = actor._agents.maintenance._durability.apply, actor._slices.advance, list[str]()
    slices: list[None] = []

    def advanced() -> None:
        slices.append(None)
        advance()

    def applied(*change: Any) -> None:
        steps.append("stored")
        apply(*change)

    monkeypatch.setattr(actor._agents.maintenance._durability, "apply", applied)
    monkeypatch.setattr(actor._slices, "advance", advanced)
    wanted = schedule(*[MachineID(f"host{number}") for number in range(20)])

    def ask_both() -> tuple[la.Future[None], la.Future[None]]:
        asked = [la.dispatch(stage.master, Master.update_schedule, one) for one in (wanted, schedule(HOST))]
        la.dispatch(stage.master, Master.ping).on_any(lambda _: steps.append("answered"))
        return asked[0], asked[1]

    first, second = la.execute(stage.master, ask_both).get(timeout=5)
    first.get(timeout=5)

    with pytest.raises(InTransition, match="ask again"):
        second.get(timeout=5)
    assert steps == ["answered", "stored"]
    assert len(slices) >= 20
    assert len(modes(stage)) == 20


# Likewise for machines that go down, and come up again.
def test_many_machines_are_taken_down_and_brought_up_in_slices(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    machines = tuple([MachineID(f"host{number}") for number in range(20)])
    do(stage, Master.update_schedule, schedule(*machines))
    monkeypatch.setattr(maintenance, "MACHINES_IN_STEP", 1)
    actor: Any = stage.master._process.actor
    monkeypatch.setattr(actor._slices, "_now", iter(range(10_000)).__next__)  # each slice is over at once
    advance, slices = actor._slices.advance, list[None]()

    def advanced() -> None:
        slices.append(None)
        advance()

    monkeypatch.setattr(actor._slices, "advance", advanced)
    do(stage, Master.start_maintenance, machines)
    down, at = set(modes(stage).values()), len(slices)
    do(stage, Master.stop_maintenance, machines)

    assert (down, modes(stage)) == ({"DOWN"}, {})
    assert min(at, len(slices) - at) >= 19


def test_a_large_schedule_that_ends_in_what_cannot_be_is_refused_and_others_are_not(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "MACHINES_IN_STEP", 1)
    wrong = schedule(*[MachineID(f"host{number}") for number in range(5)], MachineID())

    refused = ask(stage, Master.update_schedule, wrong)
    do(stage, Master.update_schedule, schedule(OTHER))

    with pytest.raises(InvalidRequest, match="expected a machine's host name"):
        refused.get(timeout=5)
    assert modes(stage) == {"elsewhere": "DRAINING"}
