"""State: what a reader gets to see of a cluster at one moment."""

# Who calls: the master builds ClusterState, an agent AgentSnapshot; api/, cli/ and tests read them.
# Invariants: 1. per agent ``used + offered + free == info.resources``, shared volumes aside, which always are free.
#   2. over agents and over frameworks, used and offered sum to the same.
# Units: times are seconds since the epoch.

import msgspec

from .agents import AgentInfo
from .executors import ExecutorInfo
from .frameworks import FrameworkInfo
from .ids import ContainerID, FrameworkID, TaskID
from .offers import InverseOffer, Offer
from .operations import OperationStatus, ResourceOperation
from .resources import Resources
from .states import TaskState
from .tasks import TaskInfo, TaskStatus


class TaskRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task, its newest state, and its statuses, oldest first, one for each run of equal states.

    ``role`` is the one whose resources it uses, "" where nobody has said. ``update_state`` and ``update_uuid`` are of
    the status that its framework was sent last, which may be older than the newest; None where nobody has said.
    """

    info: TaskInfo
    framework_id: FrameworkID
    state: TaskState
    statuses: tuple[TaskStatus, ...] = ()
    role: str = ""
    update_state: TaskState | None = None
    update_uuid: bytes | None = None


class AgentState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An agent; only an active one is offered. ``pid`` is its actor's address.

    ``deactivated``: an operator does not want it to be active.
    """

    info: AgentInfo
    pid: str
    active: bool
    registered_time: float
    used: Resources
    offered: Resources
    free: Resources
    deactivated: bool = False


class FrameworkState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A framework; ``dominant_share`` is its largest share of the cluster in any one resource.

    ``recovered``: only agents have told of it, its scheduler is yet to come. ``reregistered_time`` is when that came
    back last, None if it never went.
    """

    info: FrameworkInfo
    active: bool
    connected: bool
    registered_time: float
    roles: tuple[str, ...]
    dominant_share: float
    used: Resources
    offered: Resources
    tasks: tuple[TaskRecord, ...] = ()
    completed_tasks: tuple[TaskRecord, ...] = ()
    offers: tuple[Offer, ...] = ()
    inverse_offers: tuple[InverseOffer, ...] = ()
    recovered: bool = False
    reregistered_time: float | None = None


class ClusterState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The whole cluster, as its master knows it."""

    master_id: str
    pid: str
    hostname: str
    port: int
    start_time: float
    version: str
    agents: tuple[AgentState, ...] = ()
    frameworks: tuple[FrameworkState, ...] = ()
    completed_frameworks: tuple[FrameworkState, ...] = ()


class TaskRun(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task as its agent knows it.

    ``pid`` is the operating system's id of its first process, None if it never started or has ended. ``sandbox`` is
    the absolute path of its directory; it stays when the task has ended. ``executor_container_id`` is that of its
    executor, None of a command.
    """

    task: TaskRecord
    container_id: ContainerID
    sandbox: str
    pid: int | None = None
    executor_container_id: ContainerID | None = None


class ExecutorRun(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An executor that a framework names, as its agent knows it, with the ids of tasks that it is yet to be sent.

    Its tasks run in its container and in its sandbox; of type DEFAULT it has no process, and they have containers of
    their own. The rest is as of TaskRun.
    """

    info: ExecutorInfo
    container_id: ContainerID
    sandbox: str
    role: str = ""
    pid: int | None = None
    queued: tuple[TaskID, ...] = ()
    has_ended: bool = False


class AgentFramework(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A framework as an agent knows it; a completed task is over and its last status acknowledged.

    A completed executor has ended, and so have all of its tasks.
    """

    info: FrameworkInfo
    tasks: tuple[TaskRun, ...] = ()
    completed_tasks: tuple[TaskRun, ...] = ()
    executors: tuple[ExecutorRun, ...] = ()
    completed_executors: tuple[ExecutorRun, ...] = ()


class NestedContainer(msgspec.Struct, frozen=True, gc=False):
    """A container in another one, which runs; ``container_id`` begins with those around it. ``pid`` as of TaskRun."""

    container_id: ContainerID
    pid: int | None = None


class StandaloneContainer(msgspec.Struct, frozen=True, gc=False):
    """A container of no framework, which runs: calls name it ``name``. ``pid`` as of TaskRun."""

    name: ContainerID
    container_id: ContainerID
    resources: Resources
    pid: int | None = None


class AgentOperation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An operation whose status is not acknowledged yet; None: the agent was never told what it was."""

    uuid: bytes
    framework_id: FrameworkID
    operation: ResourceOperation | None
    status: OperationStatus


class AgentSnapshot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All that an agent knows; a completed framework has no task here that is not completed.

    ``pid`` and ``master`` are the addresses of the actors, ``master`` None once it has gone.
    """

    info: AgentInfo
    pid: str
    master: str | None
    start_time: float
    frameworks: tuple[AgentFramework, ...] = ()
    completed_frameworks: tuple[AgentFramework, ...] = ()
    nested: tuple[NestedContainer, ...] = ()
    standalone: tuple[StandaloneContainer, ...] = ()
    operations: tuple[AgentOperation, ...] = ()
