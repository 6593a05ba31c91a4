"""Executor events: what an agent tells an executor, one frozen struct each, named by tag as in Mesos's executor API."""

# Who calls: agent/ posts them to the executor's actor, api/ writes them, framework/ reads them.
# Source: Mesos include/mesos/v1/executor/executor.proto (Event).

from typing import TypeAlias

import msgspec

from .agents import AgentInfo
from .executors import ExecutorInfo
from .frameworks import FrameworkInfo
from .ids import ContainerID, TaskID
from .task_groups import TaskGroup
from .tasks import TaskInfo


class ExecutorSubscribed(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="SUBSCRIBED"):
    """The executor is known; tasks follow. ``container_id`` is None where the agent does not say."""

    executor: ExecutorInfo
    framework: FrameworkInfo
    agent: AgentInfo
    container_id: ContainerID | None = None


class LaunchTask(msgspec.Struct, frozen=True, gc=False, tag="LAUNCH"):
    """Start a task."""

    task: TaskInfo


class LaunchTasks(msgspec.Struct, frozen=True, gc=False, tag="LAUNCH_GROUP"):
    """Start tasks that live and end together."""

    group: TaskGroup


class EndTask(msgspec.Struct, frozen=True, gc=False, tag="KILL"):
    """End a task; None leaves the grace to the task's own."""

    task_id: TaskID
    grace_seconds: float | None = None


class UpdateAcknowledged(msgspec.Struct, frozen=True, gc=False, tag="ACKNOWLEDGED"):
    """The agent has the status of that uuid (16 bytes), and sees to it that it arrives."""

    task_id: TaskID
    uuid: bytes


class FrameworkMessage(msgspec.Struct, frozen=True, gc=False, tag="MESSAGE"):
    """Bytes from the framework."""

    data: bytes


class EndExecutor(msgspec.Struct, frozen=True, gc=False, tag="SHUTDOWN"):
    """End all tasks, and then itself; the agent kills what is there when the grace is over."""


class ExecutorError(msgspec.Struct, frozen=True, gc=False, tag="ERROR"):
    """The subscription has ended, for the reason in the message."""

    message: str


class AgentAlive(msgspec.Struct, frozen=True, gc=False, tag="HEARTBEAT"):
    """The agent is there."""


ExecutorEvent: TypeAlias = (
    ExecutorSubscribed
    | LaunchTask
    | LaunchTasks
    | EndTask
    | UpdateAcknowledged
    | FrameworkMessage
    | EndExecutor
    | ExecutorError
    | AgentAlive
)
