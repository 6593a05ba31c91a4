"""Tasks: what a framework asks to run, and the statuses that tell how it goes."""

# Who calls: frameworks build TaskInfo; executors, agents and the master build TaskStatus.
# Invariants: 1. ``TaskStatus.uuid`` is set exactly if a status is repeated until it is acknowledged.
#   2. the exit status of a command travels as a label, because Mesos has no field for it.
# Values are only checked where a master must be able to answer with a TASK_ERROR: see validation_tasks.py.
# Source: Mesos include/mesos/v1/mesos.proto (TaskInfo, TaskStatus).

import msgspec

from .checks import CheckInfo, HealthCheck
from .commands import CommandInfo
from .documents import FrozenDocument, document_problem
from .executors import ExecutorInfo
from .ids import AgentID, ExecutorID, TaskID
from .kinds import Volume
from .labels import Label
from .resources import Resources
from .states import Reason, Source, TaskState

EXIT_STATUS_LABEL = "exit_status"
STATUSES_MAX = 100  # of a history


class VolumePlace(msgspec.Struct, frozen=True, gc=False):
    """Where a task sees the volume of that role and id."""

    role: str
    persistence_id: str
    volume: Volume


class TaskInfo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task to launch on the agent of an offer: a command, or what an executor knows what to make of.

    Units: ``kill_grace_seconds`` is the time between asking the task to end and killing it; None leaves it to
    the default of constants.py. ``max_completion_seconds`` is how long it may run. ``limits`` are ((name, units), ...),
    what it may use at most where that is more than its resources, without end if infinite.
    ``allocation_roles`` are those that its resources were said to be allocated to; none said is the role of the offer.
    ``volume_places`` is set by a master, for volumes that it sees otherwise than they were made (volume_places.py).
    """

    task_id: TaskID
    name: str
    agent_id: AgentID
    resources: Resources
    command: CommandInfo | None = None
    labels: tuple[Label, ...] = ()
    kill_grace_seconds: float | None = None
    executor: ExecutorInfo | None = None
    max_completion_seconds: float | None = None
    check: CheckInfo | None = None
    health_check: HealthCheck | None = None
    limits: tuple[tuple[str, float], ...] = ()
    data: bytes | None = None
    container: FrozenDocument | None = None
    discovery: FrozenDocument | None = None
    allocation_roles: tuple[str, ...] = ()
    volume_places: tuple[VolumePlace, ...] = ()

    @property
    def user(self) -> str | None:
        """The account that its command, or that of its executor, is said to run as; None: nobody said."""
        command = self.command or (self.executor.command if self.executor is not None else None)
        return (command.user if command is not None else "") or None


class TaskStatus(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One report on a task.

    Units: ``timestamp`` is seconds since the epoch. ``uuid`` is 16 bytes, or None if no acknowledgement is
    wanted. ``unreachable_ns`` is since when its agent cannot be reached, nanoseconds since the epoch.
    ``healthy`` is None if nobody has looked. ``data`` is for the framework alone, and not kept once it is told.
    ``check_status``, ``container_status`` and ``limitation`` are Mesos's CheckStatusInfo, ContainerStatus and
    TaskResourceLimitation.
    """

    task_id: TaskID
    state: TaskState
    source: Source
    timestamp: float
    agent_id: AgentID | None = None
    executor_id: ExecutorID | None = None
    reason: Reason | None = None
    message: str = ""
    uuid: bytes | None = None
    labels: tuple[Label, ...] = ()
    unreachable_ns: int | None = None
    healthy: bool | None = None
    data: bytes | None = None
    check_status: FrozenDocument | None = None
    container_status: FrozenDocument | None = None
    limitation: FrozenDocument | None = None

    @property
    def exit_status(self) -> int | None:
        """How the command ended: 0 to 255 is its exit code, -n is death by signal n, None is not known.

        A label of that name which is no such number, as a framework's executor may set, counts as not known.
        """
        for label in self.labels:
            if label.key == EXIT_STATUS_LABEL:
                return _exit_status(label.value or "")
        return None

    def with_exit_status(self, exit_status: int) -> "TaskStatus":
        """Return a copy that says how the command ended, in the form of ``exit_status`` above."""
        others = tuple([label for label in self.labels if label.key != EXIT_STATUS_LABEL])
        return msgspec.structs.replace(self, labels=(*others, Label(EXIT_STATUS_LABEL, str(exit_status))))


def append_status(statuses: list[TaskStatus], status: TaskStatus) -> None:
    """Add ``status`` to a history that holds the newest of each run of equal states, oldest first.

    Its data is left out, which may be large, as in Mesos. Of more than STATUSES_MAX the first and the newest are held.
    """
    if status.data is not None:
        status = msgspec.structs.replace(status, data=None)
    if statuses and statuses[-1].state is status.state:
        statuses[-1] = status
    else:
        statuses.append(status)
        if len(statuses) > STATUSES_MAX:
            del statuses[1]


def status_problem(status: TaskStatus) -> str | None:
    """Return why a status cannot be kept, as the end of a sentence; None if it can."""
    problem = document_problem("container_status", status.container_status)
    if status.check_status is not None:
        problem = problem or document_problem("check_status", status.check_status)
    if status.limitation is not None:
        problem = problem or document_problem("limitation", status.limitation)
    return problem


def _exit_status(text: str) -> int | None:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 3):
        return None
    exit_status = int(text)
    return exit_status if exit_status <= 255 else None
