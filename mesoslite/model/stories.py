"""Stories: what a master remembers of one task, and of what its framework has done with offers."""

# Who calls: master/history.py tells them; the API and `mesoslite why` show them.

from enum import StrEnum

import msgspec

from .frameworks import FrameworkInfo
from .happenings import AnyHappening, TaskRefused
from .ids import AgentID, TaskID
from .maintenance import InverseAnswer
from .offers import Unavailability
from .states import TaskState
from .tasks import TaskStatus


class FrameworkStanding(StrEnum):
    """Where a framework stands."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    RECOVERED = "recovered"  # only agents have told of it
    REMOVED = "removed"


class PlannedService(msgspec.Struct, frozen=True, gc=False):
    """The service that is planned for a machine where a task runs.

    ``is_asked``: the task's framework has an offer to leave it that it has not answered; ``answer`` is its last one.
    """

    agent_id: AgentID
    unavailability: Unavailability
    is_asked: bool
    answer: InverseAnswer | None


class TaskStory(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is remembered of one task of one framework, oldest first.

    ``state`` is the one it is in, or ended in; None if it was never launched. ``earlier`` are statuses from before this
    master had the task. ``forgotten`` happenings are left out after the first of them. ``service`` is planned for its
    agent, while the task is there. ``agent_id`` is where it is or was; None if the
    books have no such task.
    """

    framework: FrameworkInfo
    standing: FrameworkStanding
    task_id: TaskID
    state: TaskState | None
    earlier: tuple[TaskStatus, ...]
    happenings: tuple[AnyHappening, ...]
    forgotten: int
    service: PlannedService | None = None
    agent_id: AgentID | None = None


class FrameworkStory(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is remembered of what a framework has done with offers.

    ``suppressed`` are the roles that it wants no offers for. ``declined`` counts offers; the last were declined at
    ``declined_time``, for ``refuse_seconds``. ``refused`` are the newest of its tasks that were not launched.
    """

    framework: FrameworkInfo
    standing: FrameworkStanding
    tasks: int  # that are not over
    offers: int  # that it has not answered
    suppressed: tuple[str, ...]
    declined: int
    declined_time: float | None
    refuse_seconds: float
    refused: tuple[TaskRefused, ...]
