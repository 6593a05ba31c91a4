"""Executor calls: what an executor tells its agent, one frozen struct each, named by tag as in Mesos's executor API."""

# Who calls: framework/ makes and sends them, api/ reads them, agent/ acts on them.
# Invariant: the status of an ExecutorUpdate bears a uuid, by which the executor knows the acknowledgement.
# Source: Mesos include/mesos/v1/executor/executor.proto (Call).

from typing import TypeAlias

import msgspec

from .ids import ContainerID, ExecutorID, FrameworkID
from .tasks import TaskInfo, TaskStatus


class ExecutorSubscribe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="SUBSCRIBE"):
    """Begin to receive events, or again: then with the tasks and statuses that were not acknowledged yet."""

    framework_id: FrameworkID
    executor_id: ExecutorID
    unacknowledged_tasks: tuple[TaskInfo, ...] = ()
    unacknowledged_updates: tuple[TaskStatus, ...] = ()


class ExecutorUpdate(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="UPDATE"):
    """How a task goes."""

    framework_id: FrameworkID
    executor_id: ExecutorID
    status: TaskStatus


class TellFramework(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="MESSAGE"):
    """Bytes for the framework, at most once."""

    framework_id: FrameworkID
    executor_id: ExecutorID
    data: bytes


class ExecutorAlive(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="HEARTBEAT"):
    """The executor is there; a connection that nobody uses may be cut."""

    framework_id: FrameworkID
    executor_id: ExecutorID


class ExecutorClaims(msgspec.Struct, frozen=True, gc=False):
    """Which start of an executor somebody has proved to be."""

    framework_id: FrameworkID
    executor_id: ExecutorID
    container_id: ContainerID


ExecutorCall: TypeAlias = ExecutorSubscribe | ExecutorUpdate | TellFramework | ExecutorAlive
