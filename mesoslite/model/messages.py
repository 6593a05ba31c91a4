"""Messages between the master and its agents."""

# Who calls: agent/ sends the first group, master/ the second; a StatusUpdateAcknowledgement goes back to the
#   agent.
# Invariants: 1. an agent repeats RegisterAgent until AgentRegistered comes, and a StatusUpdate until it is
#   acknowledged.
#   2. of one task only one status update is under way at a time.
# Source: Mesos src/messages/messages.proto; these are our own, not Mesos's wire.

from typing import TypeAlias

import msgspec

from .agents import AgentInfo
from .frameworks import FrameworkInfo
from .ids import AgentID, FrameworkID, TaskID
from .states import TaskState
from .tasks import TaskInfo, TaskStatus


class RegisterAgent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An agent asks to join."""

    info: AgentInfo


class UnregisterAgent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An agent leaves for good; its tasks have ended or are lost."""

    agent_id: AgentID


class StatusUpdate(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A task's next unacknowledged status, and the newest state known to the agent, which frees resources."""

    framework_id: FrameworkID
    status: TaskStatus
    latest_state: TaskState


AgentMessage: TypeAlias = RegisterAgent | UnregisterAgent | StatusUpdate


class AgentRegistered(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The agent has joined under this id."""

    agent_id: AgentID


class RunTask(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Launch a task for a framework, whose info carries its id."""

    framework: FrameworkInfo
    task: TaskInfo


class KillTask(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """End a task; None leaves the grace to the task's own."""

    framework_id: FrameworkID
    task_id: TaskID
    grace_seconds: float | None = None


class StatusUpdateAcknowledgement(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The scheduler has dealt with the status of that uuid (16 bytes)."""

    agent_id: AgentID
    framework_id: FrameworkID
    task_id: TaskID
    uuid: bytes


class ShutdownFramework(msgspec.Struct, frozen=True, gc=False, tag=True):
    """End every task of a framework that is gone; nobody waits for their statuses."""

    framework_id: FrameworkID


class ShutdownAgent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The agent must end its tasks and stop, for the reason in the message."""

    message: str


MasterMessage: TypeAlias = (
    AgentRegistered | RunTask | KillTask | StatusUpdateAcknowledgement | ShutdownFramework | ShutdownAgent
)
