"""Records: what a master keeps in great numbers, as structs whose bytes are kept and never decoded to be shown."""

# Who calls: whoever packs a message at the edge; api/projections_v0.py and projections_v1.py say how they are shown.
# Invariant: fields are only ever appended, with defaults: records of other versions are read by position.
# Units: amounts and scalar attributes are thousandths; times and durations are nanoseconds, a status's timestamp is
#   seconds, as in Mesos. What no part of a master looks into is any: a document in the form that both APIs show.
# Source: Mesos include/mesos/v1/mesos.proto (Resource, Task, TaskStatus, ExecutorInfo, AgentInfo).

from enum import Enum
from typing import Any

import msgspec

from .executors import ExecutorType
from .kinds import Reservation, ValueType
from .labels import Label
from .states import Reason, Source, TaskState


class DrainState(Enum):
    """How far the draining of an agent is."""

    UNKNOWN = 0
    DRAINING = 1
    DRAINED = 2


class Range(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Whole numbers from ``begin`` to ``end``, both included."""

    begin: int
    end: int


class Resource(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An amount. ``role`` is the one it is reserved for, ``*`` if none; ``allocation_role`` the one it is given to."""

    name: str
    type: ValueType
    scalar: int | None = None
    ranges: tuple[Range, ...] = ()
    items: tuple[str, ...] = ()
    role: str = "*"
    allocation_role: str | None = None
    revocable: bool = False
    shared: bool = False
    reservations: tuple[Reservation, ...] = ()
    provider_id: str | None = None
    disk: Any = None


class Status(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One report on a task."""

    task_id: str
    state: TaskState
    timestamp: float
    source: Source | None = None
    reason: Reason | None = None
    message: str | None = None
    uuid: bytes | None = None
    healthy: bool | None = None
    agent_id: str | None = None
    executor_id: str | None = None
    labels: tuple[Label, ...] = ()
    data: bytes | None = None
    unreachable_time: int | None = None
    container_status: Any = None
    check_status: Any = None
    limitation: Any = None


class Task(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A task as a master keeps it, with its statuses, oldest first. ``executor_id`` is empty for a command."""

    task_id: str
    name: str
    framework_id: str
    agent_id: str
    state: TaskState
    resources: tuple[Resource, ...] = ()
    statuses: tuple[Status, ...] = ()
    executor_id: str = ""
    role: str = "*"
    labels: tuple[Label, ...] = ()
    user: str | None = None
    limits: dict[str, float] = {}
    status_update_state: TaskState | None = None
    status_update_uuid: bytes | None = None
    discovery: Any = None
    container: Any = None
    health_check: Any = None
    kill_policy: Any = None


class Uri(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A file that is fetched before a command starts."""

    value: str
    executable: bool | None = None
    extract: bool = True
    cache: bool | None = None
    output_file: str | None = None


class Command(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What to execute."""

    value: str | None = None
    shell: bool | None = None  # None: nobody said, which is as true
    arguments: tuple[str, ...] = ()
    user: str | None = None
    uris: tuple[Uri, ...] = ()
    environment: Any = None


class Executor(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An executor of a framework, on an agent."""

    executor_id: str
    framework_id: str
    agent_id: str
    command: Command | None = None
    name: str = ""
    resources: tuple[Resource, ...] = ()
    role: str | None = None
    labels: tuple[Label, ...] = ()
    type: ExecutorType | None = None
    source: str | None = None
    data: bytes | None = None
    shutdown_grace_period: int | None = None
    container: Any = None
    discovery: Any = None


class Attribute(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A property of a machine."""

    name: str
    type: ValueType
    scalar: int | None = None
    ranges: tuple[Range, ...] = ()
    items: tuple[str, ...] = ()
    text: str | None = None


class Domain(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Where a machine is, as far as failures spread."""

    region: str
    zone: str


class Drain(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """That an agent is drained, and how."""

    state: DrainState
    max_grace_period: int | None = None
    mark_gone: bool = False


class Agent(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An agent as a master keeps it; ``resources`` is all it has, ``used`` and ``offered`` are parts of that."""

    id: str
    hostname: str
    port: int
    pid: str
    version: str
    registered_time: int
    resources: tuple[Resource, ...] = ()
    used: tuple[Resource, ...] = ()
    offered: tuple[Resource, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    capabilities: tuple[str, ...] = ()
    active: bool = True
    deactivated: bool = False
    reregistered_time: int | None = None
    domain: Domain | None = None
    drain: Drain | None = None
    estimated_drain_start_time: int | None = None


class Framework(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A framework as a master keeps it. ``role`` is for those without the capability of several roles.

    ``resources`` is what it uses and what it is offered, together. Its tasks, offers and executors are records of
    their own.
    """

    id: str
    name: str
    user: str
    registered_time: int
    role: str | None = None
    roles: tuple[str, ...] = ()
    hostname: str = ""
    webui_url: str = ""
    principal: str | None = None
    pid: str | None = None
    failover_timeout: float = 0.0  # seconds, as in Mesos
    checkpoint: bool = False
    active: bool = True
    connected: bool = True
    recovered: bool = False
    reregistered_time: int | None = None
    unregistered_time: int | None = None
    capabilities: tuple[str, ...] = ()
    labels: tuple[Label, ...] = ()
    resources: tuple[Resource, ...] = ()
    used: tuple[Resource, ...] = ()
    offered: tuple[Resource, ...] = ()
    offer_constraints: Any = None
    offer_filters: Any = None


class Offer(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Resources of an agent that a framework may use for ``role``."""

    id: str
    framework_id: str
    agent_id: str
    hostname: str
    role: str
    resources: tuple[Resource, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    executor_ids: tuple[str, ...] = ()
    domain: Domain | None = None
    url: Any = None
    unavailability: Any = None


class Operation(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An operation on resources; ``uuid`` is base64. ``info`` and statuses are documents of the v1 API.

    ``statuses`` is the newest that was heard; ``latest_status`` the newest that its agent knows.
    """

    uuid: str
    agent_id: str
    info: Any
    latest_status: Any
    framework_id: str | None = None
    statuses: tuple[Any, ...] = ()
