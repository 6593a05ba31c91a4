"""Maintenance: how far the machines are that are to be serviced, and what frameworks have said to that."""

# Who calls: the master makes a MaintenanceStatus for operators.
# Source: Mesos include/mesos/v1/maintenance/maintenance.proto (ClusterStatus),
#   include/mesos/v1/allocator/allocator.proto (InverseOfferStatus).

import msgspec

from .ids import AgentID, FrameworkID
from .registry import MachineID


class InverseAnswer(msgspec.Struct, frozen=True, gc=False):
    """Whether a framework has last agreed to leave an agent; ``time`` is seconds since the epoch."""

    framework_id: FrameworkID
    agent_id: AgentID
    accepted: bool
    time: float


class DrainingMachine(msgspec.Struct, frozen=True, gc=False):
    """A machine that is to be serviced, and the answers of those who were asked to leave its agents."""

    id: MachineID
    answers: tuple[InverseAnswer, ...] = ()


class MaintenanceStatus(msgspec.Struct, frozen=True, gc=False):
    """The machines of the schedule: those that are in use still, and those that are being serviced."""

    draining: tuple[DrainingMachine, ...] = ()
    down: tuple[MachineID, ...] = ()
