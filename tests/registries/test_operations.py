"""Operations: what each changes, when it is refused, and what a master must be able to do afterwards."""

# Goal: Mesos's rules, one test each (registrar_tests.cpp). Method: decide and commit on books, without any storage.

import pytest
from msgspec.structs import replace

from mesoslite.model import (
    AGENT_DRAINING,
    QUOTA_V2,
    AgentID,
    InvalidRequest,
    RegistryRefused,
    Unavailability,
)
from mesoslite.model.registry import (
    AdmitAgent,
    DeactivateAgent,
    DrainAgent,
    DrainInfo,
    DrainState,
    GoneAgent,
    MachineID,
    MachineMode,
    MarkAgentDrained,
    MarkAgentGone,
    MarkAgentReachable,
    MarkAgentUnreachable,
    Prune,
    QuotaConfig,
    ReactivateAgent,
    RegistryAgent,
    RegistryOperation,
    RegistryState,
    RemoveAgent,
    Schedule,
    StartMaintenance,
    StopMaintenance,
    UnreachableAgent,
    UpdateAgent,
    UpdateQuota,
    UpdateSchedule,
    UpdateWeights,
    Weight,
    Window,
)
from mesoslite.registry.books import Books, Change

from .house import agent, decide

ID = AgentID("m-S1")
ONE, TWO, THREE = MachineID("one"), MachineID("two", "10.0.0.2"), MachineID(ip="10.0.0.3")
SOON, LATER = Unavailability(10**18), Unavailability(2 * 10**18, 10**12)


def books(*operations: RegistryOperation) -> Books:
    """Books after these operations."""
    made = Books(RegistryState())
    for operation in operations:
        apply(made, operation)
    return made


def apply(target: Books, operation: RegistryOperation) -> bool:
    change = decide(target, operation)
    target.commit(change)
    return change != Change()


def refused(target: Books, operation: RegistryOperation) -> str:
    """The words an operation is refused with; the books are as before."""
    before = (dict(target.agents), dict(target.unreachable), dict(target.gone))
    with pytest.raises(RegistryRefused) as caught:
        decide(target, operation)
    assert (target.agents, target.unreachable, target.gone) == before
    return str(caught.value)


def test_an_agent_is_admitted_once():
    target = books()

    assert apply(target, AdmitAgent(agent(1)))
    assert target.agents == {"m-S1": RegistryAgent(agent(1))}
    assert "is admitted already" in refused(target, AdmitAgent(agent(1)))


def test_an_id_that_is_unreachable_or_gone_is_not_admitted():
    lost = books(AdmitAgent(agent(1)), MarkAgentUnreachable(ID, 7))
    gone = books(AdmitAgent(agent(1)), MarkAgentGone(ID, 7))

    assert "is unreachable already" in refused(lost, AdmitAgent(agent(1)))
    assert "is gone already" in refused(gone, AdmitAgent(agent(1)))


def test_an_agent_without_an_id_is_refused():
    with pytest.raises(InvalidRequest, match="has no id"):
        decide(books(), AdmitAgent(replace(agent(1), id=None)))


def test_what_is_no_operation_is_refused():
    with pytest.raises(InvalidRequest, match="got AgentInfo, expected an operation"):
        decide(books(), agent(1))


def test_an_update_changes_what_an_agent_says_and_keeps_the_rest():
    target = books(AdmitAgent(agent(1)), DrainAgent(ID))
    other = replace(agent(1), hostname="other")

    assert apply(target, UpdateAgent(other))
    assert target.agents["m-S1"] == RegistryAgent(other, DrainInfo(DrainState.DRAINING), True)
    assert not apply(target, UpdateAgent(other))
    assert "is not admitted" in refused(target, UpdateAgent(agent(2)))


def test_an_agent_becomes_unreachable_and_comes_back_as_it_was():
    target = books(AdmitAgent(agent(1)), DrainAgent(ID, 5.0, True))
    drain = DrainInfo(DrainState.DRAINING, 5.0, True)

    assert apply(target, MarkAgentUnreachable(ID, 7))
    assert (target.agents, target.unreachable) == ({}, {"m-S1": UnreachableAgent(ID, 7, drain, True)})
    assert "is not admitted" in refused(target, MarkAgentUnreachable(ID, 8))
    assert apply(target, MarkAgentReachable(agent(1)))
    assert (target.agents, target.unreachable) == ({"m-S1": RegistryAgent(agent(1), drain, True)}, {})
    assert target.deactivated == 1


def test_reachable_is_no_change_for_the_admitted_and_admits_the_forgotten():
    target = books(AdmitAgent(agent(1)))

    assert not apply(target, MarkAgentReachable(agent(1)))
    assert apply(target, MarkAgentReachable(agent(2)))
    assert target.agents.keys() == {"m-S1", "m-S2"}


def test_who_is_gone_does_not_come_back():
    target = books(AdmitAgent(agent(1)))

    assert apply(target, MarkAgentGone(ID, 9))
    assert (target.agents, target.gone) == ({}, {"m-S1": GoneAgent(ID, 9)})
    assert "is gone" in refused(target, MarkAgentReachable(agent(1)))
    assert "is gone already" in refused(target, MarkAgentGone(ID, 9))
    assert "neither admitted nor unreachable" in refused(target, MarkAgentGone(AgentID("m-S2"), 9))


def test_an_unreachable_agent_can_be_gone():
    target = books(AdmitAgent(agent(1)), MarkAgentUnreachable(ID, 7), MarkAgentGone(ID, 9))

    assert (target.unreachable, target.gone) == ({}, {"m-S1": GoneAgent(ID, 9)})


def test_a_removed_agent_is_forgotten():
    target = books(AdmitAgent(agent(1)))

    assert apply(target, RemoveAgent(ID))
    assert target.agents == {}
    assert "is not admitted" in refused(target, RemoveAgent(ID))


def test_prune_forgets_whom_it_names_if_they_are_still_so():
    target = books(*[AdmitAgent(agent(n)) for n in range(5)])
    ids = [AgentID(f"m-S{n}") for n in range(5)]
    for agent_id in ids[:2]:
        apply(target, MarkAgentUnreachable(agent_id, 1))
    apply(target, MarkAgentGone(ids[2], 1))

    assert apply(target, Prune((ids[0], ids[0], ids[3]), (ids[2], ids[1])))
    assert (target.unreachable.keys(), target.gone, target.agents.keys()) == ({ids[1]}, {}, {ids[3], ids[4]})
    assert not apply(target, Prune((ids[0],), (ids[2],)))


def test_draining_takes_a_master_that_knows_it_until_the_last_one_is_reactivated():
    target = books(AdmitAgent(agent(1)), AdmitAgent(agent(2)), MarkAgentUnreachable(AgentID("m-S2"), 1))

    assert apply(target, DrainAgent(ID, 3.0))
    assert apply(target, DeactivateAgent(AgentID("m-S2")))
    assert target.capabilities.keys() == {AGENT_DRAINING}
    assert apply(target, ReactivateAgent(AgentID("m-S2")))
    assert target.capabilities.keys() == {AGENT_DRAINING}
    assert apply(target, ReactivateAgent(ID))
    assert target.capabilities == {}
    assert target.agents["m-S1"] == RegistryAgent(agent(1))


@pytest.mark.parametrize("end", [RemoveAgent(ID), MarkAgentGone(ID, 1)])
def test_who_leaves_while_draining_takes_nothing_of_later_masters(end):
    target = books(AdmitAgent(agent(1)), DrainAgent(ID), end)

    assert (target.capabilities, target.deactivated) == ({}, 0)


def test_pruning_the_last_draining_agent_takes_nothing_of_later_masters():
    target = books(AdmitAgent(agent(1)), DrainAgent(ID), MarkAgentUnreachable(ID, 1))
    assert target.capabilities.keys() == {AGENT_DRAINING}

    apply(target, Prune((ID,)))

    assert (target.capabilities, target.deactivated) == ({}, 0)


def test_only_a_draining_agent_becomes_drained():
    target = books(AdmitAgent(agent(1)))

    assert "is not draining" in refused(target, MarkAgentDrained(ID))
    apply(target, DrainAgent(ID, 3.0, True))
    assert apply(target, MarkAgentDrained(ID))
    assert target.agents["m-S1"] == RegistryAgent(agent(1), DrainInfo(DrainState.DRAINED, 3.0, True), True)
    assert "is not draining" in refused(target, MarkAgentDrained(ID))


def test_draining_again_without_a_grace_keeps_the_one_there_was():
    target = books(AdmitAgent(agent(1)), DrainAgent(ID, 3.0, True), MarkAgentDrained(ID), DrainAgent(ID))

    assert target.agents["m-S1"].drain == DrainInfo(DrainState.DRAINING, 3.0, False)


@pytest.mark.parametrize("kind", [DrainAgent, MarkAgentDrained, DeactivateAgent, ReactivateAgent])
def test_of_agents_that_nobody_knows_nothing_changes(kind):
    assert not apply(books(), kind(ID))


def test_a_schedule_drains_its_machines_and_forgets_the_others():
    target = books(UpdateSchedule(Schedule((Window((ONE, TWO), SOON),))), StartMaintenance((TWO, THREE)))
    assert [target.machines[key].mode for key in sorted(target.machines)] == [MachineMode.DRAINING, MachineMode.DOWN]

    assert apply(target, UpdateSchedule(Schedule((Window((MachineID("TWO", "10.0.0.2"), THREE), LATER),))))

    told = {(machine.id, machine.mode, machine.unavailability) for machine in target.machines.values()}
    assert told == {(TWO, MachineMode.DOWN, LATER), (THREE, MachineMode.DRAINING, LATER)}
    assert not apply(target, UpdateSchedule(target.schedule))


def test_maintenance_that_is_over_leaves_nothing_behind():
    target = books(UpdateSchedule(Schedule((Window((ONE, TWO), SOON), Window((THREE,), LATER)))))

    assert apply(target, StartMaintenance((ONE, THREE)))
    assert not apply(target, StartMaintenance((ONE, THREE)))
    assert apply(target, StopMaintenance((MachineID("ONE"), THREE)))
    assert target.schedule == Schedule((Window((TWO,), SOON),))
    assert apply(target, StopMaintenance((TWO,)))
    assert (target.machines, target.schedule) == ({}, Schedule())
    assert not apply(target, StopMaintenance((TWO,)))


def test_quota_takes_a_master_that_knows_it_until_there_is_none():
    target = books()
    ads = QuotaConfig("ads", (("cpus", 4_000),), (("cpus", 8_000),))

    assert not apply(target, UpdateQuota((QuotaConfig("ads"),)))
    assert apply(target, UpdateQuota((ads, QuotaConfig("web", limits=(("mem", 1),)))))
    assert target.capabilities.keys() == {QUOTA_V2}
    assert not apply(target, UpdateQuota((ads,)))
    assert apply(target, UpdateQuota((QuotaConfig("web"),)))
    assert target.capabilities.keys() == {QUOTA_V2}
    assert apply(target, UpdateQuota((QuotaConfig("ads"),)))
    assert (target.quotas, target.capabilities) == ({}, {})


def test_a_quota_moved_from_one_role_to_another_in_one_operation_keeps_the_capability():
    limit = (("cpus", 1_000),)
    target = books(UpdateQuota((QuotaConfig("ads", limits=limit),)))

    apply(target, UpdateQuota((QuotaConfig("web", limits=limit), QuotaConfig("ads"))))

    assert (target.quotas.keys(), target.capabilities.keys()) == ({"web"}, {QUOTA_V2})


def test_weights_change_when_they_differ():
    target = books()

    assert not apply(target, UpdateWeights(()))
    assert apply(target, UpdateWeights((Weight("ads", 2.0), Weight("web", 3.0))))
    assert not apply(target, UpdateWeights((Weight("ads", 2.0),)))
    assert apply(target, UpdateWeights((Weight("ads", 2.5),)))
    assert target.weights == {"ads": Weight("ads", 2.5), "web": Weight("web", 3.0)}
