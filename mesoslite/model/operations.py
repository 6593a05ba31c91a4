"""Operations: what a framework does with the resources of offers when it accepts them, and how operations go."""

# Who calls: frameworks and operators ask for them; validation_operations.py judges them, conversions.py says what they
#   do to resources.
# Invariant: ``id`` is set exactly if its framework wants to be told how the operation goes. Launches are told by the
#   statuses of their tasks and have none.
# What an operation is about (``source``, ``volume``, ``addition``) is one resource in Mesos; here it is Resources of
#   one portion, for an amount of nothing must be sayable to be refused.
# ``unfit`` says what is wrong with resources that can never be, which are left out then; such an operation is refused
#   as a whole, by the statuses of its tasks or by its own.
# Source: Mesos include/mesos/v1/mesos.proto (Offer.Operation, OperationState, OperationStatus).

from enum import Enum
from typing import TypeAlias

import msgspec

from .executors import ExecutorInfo
from .ids import AgentID, OperationID
from .resources import NOTHING, Resources
from .task_groups import TaskGroup
from .tasks import TaskInfo


class Launch(msgspec.Struct, frozen=True, gc=False, tag="LAUNCH"):
    """Launch tasks, each for itself."""

    tasks: tuple[TaskInfo, ...]
    id: OperationID | None = None  # refused; here to be seen
    unfit: str = ""


class LaunchGroup(msgspec.Struct, frozen=True, gc=False, tag="LAUNCH_GROUP"):
    """Launch tasks under one executor, all or none."""

    executor: ExecutorInfo
    group: TaskGroup
    id: OperationID | None = None  # refused; here to be seen
    unfit: str = ""


class Reserve(msgspec.Struct, frozen=True, gc=False, tag="RESERVE"):
    """Reserve for a role: ``resources`` as they are to be, with their new reservation last.

    ``source`` is what they are now, where that is not the same without its last reservation; operators may say it.
    """

    resources: Resources
    source: Resources = NOTHING
    id: OperationID | None = None
    allocation_roles: tuple[str, ...] = ()
    unfit: str = ""


class Unreserve(msgspec.Struct, frozen=True, gc=False, tag="UNRESERVE"):
    """Take the last reservation off ``resources``."""

    resources: Resources
    id: OperationID | None = None
    allocation_roles: tuple[str, ...] = ()
    unfit: str = ""


class Create(msgspec.Struct, frozen=True, gc=False, tag="CREATE"):
    """Make persistent volumes of reserved disk."""

    volumes: Resources
    id: OperationID | None = None
    allocation_roles: tuple[str, ...] = ()
    unfit: str = ""


class Destroy(msgspec.Struct, frozen=True, gc=False, tag="DESTROY"):
    """Make plain disk of persistent volumes; what is in them is lost."""

    volumes: Resources
    id: OperationID | None = None
    allocation_roles: tuple[str, ...] = ()
    unfit: str = ""


class GrowVolume(msgspec.Struct, frozen=True, gc=False, tag="GROW_VOLUME"):
    """Make a volume larger by disk of the same kind."""

    volume: Resources
    addition: Resources
    id: OperationID | None = None
    allocation_roles: tuple[str, ...] = ()
    unfit: str = ""


class ShrinkVolume(msgspec.Struct, frozen=True, gc=False, tag="SHRINK_VOLUME"):
    """Make a volume smaller by ``subtract`` thousandths."""

    volume: Resources
    subtract: int
    id: OperationID | None = None
    allocation_roles: tuple[str, ...] = ()
    unfit: str = ""


ResourceOperation: TypeAlias = Reserve | Unreserve | Create | Destroy | GrowVolume | ShrinkVolume
Operation: TypeAlias = Launch | LaunchGroup | ResourceOperation


class OperationState(Enum):
    """How far an operation is; names and numbers are Mesos's own."""

    OPERATION_UNSUPPORTED = 0
    OPERATION_PENDING = 1
    OPERATION_FINISHED = 2
    OPERATION_FAILED = 3
    OPERATION_ERROR = 4
    OPERATION_DROPPED = 5
    OPERATION_UNREACHABLE = 6
    OPERATION_GONE_BY_OPERATOR = 7
    OPERATION_RECOVERING = 8
    OPERATION_UNKNOWN = 9

    @property
    def is_terminal(self) -> bool:
        """Whether the operation is over: no other state follows."""
        return self in _TERMINAL


_TERMINAL = frozenset(
    {
        OperationState.OPERATION_FINISHED,
        OperationState.OPERATION_FAILED,
        OperationState.OPERATION_ERROR,
        OperationState.OPERATION_DROPPED,
        OperationState.OPERATION_GONE_BY_OPERATOR,
    }
)


class OperationStatus(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One report on an operation; ``uuid`` (16 bytes) is set exactly if it is to be acknowledged.

    ``converted`` is what the operation has made, once it is finished.
    """

    state: OperationState
    operation_id: OperationID | None = None
    message: str = ""
    converted: Resources = NOTHING
    uuid: bytes | None = None
    agent_id: AgentID | None = None
    provider_id: str | None = None
