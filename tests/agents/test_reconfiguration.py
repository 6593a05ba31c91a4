"""Agents that begin anew as something else: another configuration, after a reboot, to clean up."""

import pytest
from msgspec import structs

from mesoslite.agent import RecoveryOptions
from mesoslite.agent.recovery.compatibility import incompatibility
from mesoslite.model import (
    NO_FRAMEWORK,
    AgentInfo,
    ApplyOperation,
    Attribute,
    FaultDomain,
    OperationAcknowledgement,
    OperationState,
    Reason,
    RegisterAgent,
    ReregisterAgent,
    Reservation,
    ReservationType,
    Reserve,
    Resources,
    TaskState,
)

from .house import AGENT, House, make_framework

KEPT = structs.replace(make_framework(), checkpoint=True)
ADDITIVE = RecoveryOptions(reconfiguration_policy="additive", boot_id="1")
RESERVED = Resources.parse("cpus:2").pushed(Reservation(ReservationType.DYNAMIC, "web"))
RESERVE = ApplyOperation(framework_id=NO_FRAMEWORK, operation_uuid=b"o" * 16, operation=Reserve(RESERVED))

HERE, THERE = FaultDomain("a", "1"), FaultDomain("a", "2")


@pytest.fixture
def house(closed_house: House) -> House:
    """A house whose agent was killed while a task ran on what remains of a reservation."""
    closed_house.open(recovery=RecoveryOptions(boot_id="1"), id="slave(1)")
    closed_house.send(RESERVE)
    closed_house.run(framework=KEPT)
    closed_house.acknowledge_all()
    closed_house.fall()
    return closed_house


def info(
    resources: str = "cpus:2", *, port: int = 1, domain: FaultDomain | None = None, **attributes: str
) -> AgentInfo:
    pairs = tuple([Attribute(name, value) for name, value in attributes.items()])
    return AgentInfo(hostname="h", port=port, resources=Resources.parse(resources), attributes=pairs, domain=domain)


@pytest.mark.parametrize(
    ("new", "equal", "additive"),
    [
        (info(rack="1"), None, None),
        (info(port=2, rack="1"), "port", "port"),
        (info("cpus:3;mem:1", rack="1"), "cpus:3", None),
        (info("cpus:1", rack="1"), "cpus:1", "missing"),
        (info(rack="1", ssd="yes"), "ssd:yes", None),
        (info(rack="2"), "rack:2", "rack:1"),
        (info(), "no attributes", "rack:1"),
    ],
)
def test_each_policy_says_what_may_be_another(new, equal, additive):
    for policy, words in (("equal", equal), ("additive", additive)):
        problem = incompatibility(info(rack="1"), new, policy)

        assert problem is None if words is None else words in (problem or "")


# Source: SlaveCompatibilityTest.Equal, Additive
def test_a_port_that_nobody_chose_may_be_another(house):
    assert incompatibility(info(), info(port=2), "equal", has_any_port=True) is None
    house.boxes.left.clear()  # it knows another port
    house.come_back(RecoveryOptions(boot_id="1", has_any_port=True), port=5052)

    [greeting] = [message for message in house.master.heard if isinstance(message, ReregisterAgent)]
    assert (greeting.info.id, greeting.info.port) == (AGENT, 5052)


@pytest.mark.parametrize(
    ("old", "new", "equal", "additive"),
    [
        (HERE, HERE, None, None),
        (None, HERE, "none and is a/1", None),
        (HERE, None, "a/1 and is none", "a/1 and is none"),
        (HERE, THERE, "a/1 and is a/2", "a/1 and is a/2"),
    ],
)
def test_a_domain_can_only_be_added(old, new, equal, additive):
    for policy, words in (("equal", equal), ("additive", additive)):
        problem = incompatibility(info(domain=old), info(domain=new), policy)

        assert problem is None if words is None else words in (problem or "")


def test_an_agent_that_is_configured_otherwise_does_not_begin(house):
    house.come_back(RecoveryOptions(boot_id="1"), resources="cpus:8;mem:1024")
    house.wait()

    assert house.master.heard == []
    assert house.boxes.made == []
    assert not house.boxes.is_closed


def test_an_agent_with_more_goes_on_if_it_may(house):
    house.come_back(ADDITIVE, resources="cpus:8;mem:2048")

    (greeting,) = [one for one in house.master.heard if isinstance(one, ReregisterAgent)]
    assert greeting.info.id == AGENT
    assert greeting.total == Resources.parse("cpus:6;mem:2048") + RESERVED


def test_what_is_reserved_and_how_that_went_is_there_after_a_restart(house):
    house.come_back(RecoveryOptions(boot_id="1"))

    (greeting,) = [one for one in house.master.heard if isinstance(one, ReregisterAgent)]
    assert greeting.total == Resources.parse("cpus:2;mem:1024") + RESERVED
    (update,) = house.operation_updates()
    assert (update.operation_uuid, update.latest_state) == (b"o" * 16, OperationState.OPERATION_FINISHED)


def test_an_operation_that_was_acknowledged_is_not_told_or_done_again(closed_house):
    house = closed_house
    house.open(recovery=RecoveryOptions(boot_id="1"), id="slave(1)")
    house.send(RESERVE)
    status = house.operation_updates()[0].status
    assert status.uuid is not None
    house.send(OperationAcknowledgement(operation_uuid=b"o" * 16, status_uuid=status.uuid))

    house.fall()
    house.come_back(RecoveryOptions(boot_id="1"))
    house.send(RESERVE)

    assert house.operation_updates() == []


def test_after_a_reboot_all_that_ran_has_failed_and_the_agent_is_the_same(house):
    house.boxes.left.clear()
    house.come_back(RecoveryOptions(boot_id="2"))

    (update,) = house.updates()
    assert update.status.state is TaskState.TASK_FAILED
    assert update.status.reason is Reason.REASON_EXECUTOR_TERMINATED
    assert update.status.message == "Machine was rebooted"
    assert house.snapshot().info.id == AGENT


def test_after_a_reboot_an_agent_that_is_configured_otherwise_is_another(house):
    house.boxes.left.clear()
    house.come_back(RecoveryOptions(boot_id="2"), port=5052, resources="cpus:4;mem:1024")

    message = house.master.heard[0]
    assert isinstance(message, RegisterAgent)
    assert message.total == Resources.parse("cpus:2;mem:1024") + RESERVED
    assert house.operation_updates() == []


def test_an_agent_with_less_than_is_reserved_on_it_does_not_begin(house):
    house.come_back(RecoveryOptions(boot_id="2"), resources="cpus:1;mem:1024")
    house.wait()

    assert house.master.heard == []


def test_cleaning_up_ends_what_is_left_and_the_agent(house):
    house.come_back(RecoveryOptions(recover="cleanup", boot_id="1"))
    house.wait()
    assert len(house.boxes.orphans) == 1
    assert house.master.heard == []

    house.boxes.left.clear()
    house.come_back(RecoveryOptions(boot_id="1"))
    assert isinstance(house.master.heard[0], RegisterAgent)
