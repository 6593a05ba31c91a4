"""Messages between the master and its agents."""

# Who calls: agent/ sends the first group, master/ the second; a StatusUpdateAcknowledgement goes back to the
#   agent.
# Invariants: 1. an agent repeats RegisterAgent until AgentRegistered comes, ReregisterAgent until AgentReregistered
#   does, and a StatusUpdate until it is acknowledged.
#   2. of one task only one status update is under way at a time.
#   3. an operation goes by the uuid that its master gave it, 16 bytes: ids are the frameworks' own, and few have one.
#   4. what a master sends bears the epoch of its leadership; an agent that has obeyed a later one refuses it. It also
#   names the agent that it is meant for, since it may come late, to another start at that address; None: whoever is
#   there.
# Source: Mesos src/messages/messages.proto; these are our own, not Mesos's wire. Epochs are ours.

from typing import TypeAlias

import msgspec

from .agents import AgentInfo
from .constants import AGENT_PING_SECONDS, AGENT_PINGS_MISSED_MAX
from .executors import ExecutorInfo
from .frameworks import FrameworkInfo
from .ids import AgentID, ExecutorID, FrameworkID, TaskID
from .operations import OperationState, OperationStatus, ResourceOperation
from .resources import NOTHING, Resources
from .states import TaskState
from .task_groups import TaskGroup
from .tasks import TaskInfo, TaskStatus
from .version import API_VERSION


class RegisterAgent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An agent asks to join; ``version`` is that of the API it speaks.

    ``incarnation`` tells one start of the agent from another at its address, empty if it does not say. ``total`` is all
    that it has, with what was reserved there for an agent before it; left out: as in ``info``.
    """

    info: AgentInfo
    version: str = API_VERSION
    incarnation: bytes = b""
    total: Resources = NOTHING


class CompletedTasks(msgspec.Struct, frozen=True, gc=False):
    """Tasks of one framework that are over, in portions (task_records.py)."""

    framework_id: FrameworkID
    portions: tuple[bytes, ...]


class PresentExecutor(msgspec.Struct, frozen=True, gc=False):
    """An executor that runs on an agent, under the role whose resources it uses; its info names its framework."""

    info: ExecutorInfo
    role: str = ""


class ReregisterAgent(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """An agent that has an id asks to go on under it, and tells what it runs.

    ``total`` is all that it has now, left out: as in ``info``. ``tasks`` are those that live or whose last status is
    not acknowledged, in portions (task_records.py), ``completed_tasks`` those that are over;
    ``executors`` are those that live; ``frameworks`` (packed_frameworks.py) are those of these and of ``tasks``, and
    others with statuses that are not acknowledged.
    ``number`` grows with each of an ``incarnation``, 0 if it does not say: what comes late is told by it.
    """

    info: AgentInfo
    total: Resources = NOTHING
    tasks: tuple[bytes, ...] = ()
    frameworks: tuple[bytes, ...] = ()
    completed_tasks: tuple[CompletedTasks, ...] = ()
    executors: tuple[PresentExecutor, ...] = ()
    version: str = API_VERSION
    incarnation: bytes = b""
    number: int = 0


class Pong(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The answer to a Ping, to whoever has sent that."""


class UnregisterAgent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An agent leaves for good; its tasks have ended or are lost."""

    agent_id: AgentID


class StatusUpdate(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A task's next unacknowledged status, and the newest state known to the agent, which frees resources."""

    framework_id: FrameworkID
    status: TaskStatus
    latest_state: TaskState


class OperationUpdate(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """How an operation went, until that is acknowledged.

    ``total`` is all that the agent has now, set if it has not done what the master expected it to do. ``decided`` are
    then the uuids of the operations that it has dealt with, and that may not have been heard of yet: what they did is
    in ``total``.
    """

    framework_id: FrameworkID
    operation_uuid: bytes
    status: OperationStatus
    latest_state: OperationState
    total: Resources | None = None
    decided: tuple[bytes, ...] = ()


class ExecutorExited(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """An executor has ended, or was never started; None: how it ended is not known."""

    framework_id: FrameworkID
    executor_id: ExecutorID
    exit_status: int | None = None


class ExecutorToFramework(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Bytes of an executor for its framework, sent once."""

    framework_id: FrameworkID
    executor_id: ExecutorID
    agent_id: AgentID
    data: bytes


AgentMessage: TypeAlias = (
    RegisterAgent
    | ReregisterAgent
    | UnregisterAgent
    | StatusUpdate
    | OperationUpdate
    | ExecutorExited
    | ExecutorToFramework
    | Pong
)


class AgentRegistered(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The agent has joined under this id; it is pinged more often than every ``ping_timeout_seconds``."""

    agent_id: AgentID
    ping_timeout_seconds: float = AGENT_PING_SECONDS * AGENT_PINGS_MISSED_MAX
    epoch: int = 0


class UnconfirmedTask(msgspec.Struct, frozen=True, gc=False):
    """A task that an agent did not name; if it does not know it, it is to say that it is in this ``state``."""

    framework_id: FrameworkID
    task_id: TaskID
    state: TaskState


class UnconfirmedExecutor(msgspec.Struct, frozen=True, gc=False):
    """An executor that an agent did not name; if it is not there, the agent is to say that it has ended."""

    framework_id: FrameworkID
    executor_id: ExecutorID


class AgentReregistered(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The agent may go on; of tasks in ``unconfirmed``, and of ``executors``, it is to say what is with them.

    All that were launched up to the number ``launches``, and that may be under way to it still, are among these, or
    over: a launch of theirs that comes later is not done any more.
    """

    agent_id: AgentID
    unconfirmed: tuple[UnconfirmedTask, ...] = ()
    executors: tuple[UnconfirmedExecutor, ...] = ()
    ping_timeout_seconds: float = AGENT_PING_SECONDS * AGENT_PINGS_MISSED_MAX
    epoch: int = 0
    launches: int = 0


class Ping(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The master lives; unless ``connected``, it has lost the agent, which is to register again."""

    connected: bool
    epoch: int = 0


class RunTask(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Launch a task for a framework, whose info carries its id; ``starts_executor``: its executor is not there yet.

    ``role`` is the one whose resources it uses. ``number`` tells this launch from any other of the same epoch; 0: the
    master does not say.
    """

    framework: FrameworkInfo
    task: TaskInfo
    starts_executor: bool = False
    role: str = ""
    number: int = 0
    epoch: int = 0
    agent_id: AgentID | None = None


class RunGroup(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Launch tasks under one executor, all or none; as RunTask."""

    framework: FrameworkInfo
    executor: ExecutorInfo
    group: TaskGroup
    starts_executor: bool = False
    role: str = ""
    number: int = 0
    epoch: int = 0
    agent_id: AgentID | None = None


class ApplyOperation(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Do an operation to what the agent has, for a framework or NO_FRAMEWORK; ``operation_uuid`` is new."""

    framework_id: FrameworkID
    operation_uuid: bytes
    operation: ResourceOperation
    epoch: int = 0
    agent_id: AgentID | None = None


class OperationAcknowledgement(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The status of that uuid, of that operation (16 bytes each), has been dealt with."""

    operation_uuid: bytes
    status_uuid: bytes
    epoch: int = 0
    agent_id: AgentID | None = None


class OperationsExpected(msgspec.Struct, frozen=True, gc=False, tag=True):
    """These operations are under way as the master knows; the agent tells those dropped that it has never heard of."""

    operations: tuple[tuple[FrameworkID, bytes], ...]
    epoch: int = 0
    agent_id: AgentID | None = None


class KillTask(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """End a task; None leaves the grace to the task's own."""

    framework_id: FrameworkID
    task_id: TaskID
    grace_seconds: float | None = None
    epoch: int = 0
    agent_id: AgentID | None = None


class Drain(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """End every task, with a grace of at most that many seconds; None leaves it to the tasks.

    ``mark_gone``: the agent is declared gone when it is empty, and that is what tasks are told to have ended of.
    """

    max_grace_seconds: float | None = None
    mark_gone: bool = False
    epoch: int = 0
    agent_id: AgentID | None = None


class StatusUpdateAcknowledgement(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The scheduler has dealt with the status of that uuid (16 bytes)."""

    agent_id: AgentID
    framework_id: FrameworkID
    task_id: TaskID
    uuid: bytes
    epoch: int = 0


class UpdateFrameworkInfo(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A framework, named by the id in ``framework``, is subscribed anew: this is what it says of itself now.

    What it has not acknowledged is to be sent again at once.
    """

    framework: FrameworkInfo
    epoch: int = 0
    agent_id: AgentID | None = None


class ShutdownFramework(msgspec.Struct, frozen=True, gc=False, tag=True):
    """End every task of a framework that is gone; nobody waits for their statuses."""

    framework_id: FrameworkID
    epoch: int = 0
    agent_id: AgentID | None = None


class FrameworkToExecutor(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Bytes of a framework for an executor of its own, sent once."""

    framework_id: FrameworkID
    executor_id: ExecutorID
    data: bytes
    epoch: int = 0
    agent_id: AgentID | None = None


class ShutdownExecutor(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """End an executor with all of its tasks."""

    framework_id: FrameworkID
    executor_id: ExecutorID
    epoch: int = 0
    agent_id: AgentID | None = None


class ShutdownAgent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The agent must end its tasks and stop, for the reason in the message."""

    message: str
    epoch: int = 0
    agent_id: AgentID | None = None


Order: TypeAlias = (
    AgentReregistered
    | RunTask
    | RunGroup
    | ApplyOperation
    | OperationAcknowledgement
    | OperationsExpected
    | KillTask
    | Drain
    | StatusUpdateAcknowledgement
    | UpdateFrameworkInfo
    | ShutdownFramework
    | FrameworkToExecutor
    | ShutdownExecutor
    | ShutdownAgent
)
"""What a master sends to the agent that it names."""

MasterMessage: TypeAlias = AgentRegistered | Ping | Order
