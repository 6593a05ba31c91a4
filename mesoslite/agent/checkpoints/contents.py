"""Contents: what is in the checkpoint files of an agent, one struct a kind."""

# Who calls: checkpoints.py makes and writes them, reading.py reads them; recovery makes an agent of them again.
# slave.info is an AgentInfo and framework.info a FrameworkInfo, each with its id; the others are here.
# Source: Mesos src/messages/messages.proto (StatusUpdateRecord, ResourceState), src/slave/state.hpp.

from typing import TypeAlias

import msgspec

from mesoslite.model import (
    ContainerConfig,
    ContainerID,
    Drain,
    ExecutorInfo,
    FrameworkID,
    OperationStatus,
    Reason,
    ResourceOperation,
    Resources,
    TaskInfo,
    TaskState,
    TaskStatus,
    Termination,
)


class ExecutorCheckpoint(msgspec.Struct, frozen=True, gc=False):
    """An executor that a framework names, as it was started."""

    info: ExecutorInfo
    role: str = ""


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """An executor is to be killed; what its tasks are told when it has ended."""

    state: TaskState
    reason: Reason
    message: str


class TaskCheckpoint(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task as it was launched.

    ``container_id`` is its own, if that is not the one below which it lies: of a group that the agent runs. Tasks of an
    executor that came together bear the same ``batch``, which counts up; ``is_group``: they came as a group.
    """

    task: TaskInfo
    role: str = ""
    container_id: ContainerID | None = None
    batch: int = 0
    is_group: bool = False


class Reported(msgspec.Struct, frozen=True, gc=False, tag="UPDATE"):
    """A status that is to be delivered."""

    status: TaskStatus


class Acknowledged(msgspec.Struct, frozen=True, gc=False, tag="ACK"):
    """The status of that uuid was delivered."""

    uuid: bytes


class AskedToEnd(msgspec.Struct, frozen=True, gc=False, tag="KILL"):
    """The task was asked to end at a time, in seconds since the epoch, and to be killed so many seconds later.

    None leaves that to its executor. ``drain`` is what it was asked for, if that; ``has_overrun``, if it had run as
    long as it may.
    """

    time: float
    grace_seconds: float | None = None
    drain: Drain | None = None
    has_overrun: bool = False


TaskEvent: TypeAlias = Reported | Acknowledged | AskedToEnd
"""What is in a task's log, in the order in which it came about."""


class OperationCheckpoint(msgspec.Struct, frozen=True, gc=False):
    """An operation whose status is not acknowledged yet; None: nobody has told what it was."""

    operation_uuid: bytes
    framework_id: FrameworkID
    status: OperationStatus
    operation: ResourceOperation | None = None


class ResourcesCheckpoint(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an agent has, ``total``, and what of that it was ``configured`` with; its operations, and which are done."""

    configured: Resources
    total: Resources
    operations: tuple[OperationCheckpoint, ...] = ()
    done: tuple[bytes, ...] = ()


class StandaloneCheckpoint(msgspec.Struct, frozen=True, gc=False):
    """A standalone container that calls name ``name``, as it was launched, and how it has ended, if it has."""

    name: ContainerID
    config: ContainerConfig
    termination: Termination | None = None
