"""FrameworkEntry: what the master's books say of one framework."""

# Who calls: the ledger keeps them, in the master actor; whoever decides about a framework reads them, and posts events
#   to its scheduler through them, which counts those. What is used or offered is changed by ledger.py and
#   holdings.py alone.

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import PARTITION_AWARE, constants

from .completed import Completed
from .figures import EVENTS, new_figures
from .posting import post
from .running_sum import RunningSum

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Set

    from mesoslite.model import (
        AgentID,
        Event,
        ExecutorID,
        FrameworkID,
        FrameworkInfo,
        InverseOffer,
        Offer,
        OfferID,
        OperationID,
        Resources,
        RoleConstraints,
        TaskID,
    )

    from .holdings import Holding
    from .operations import ExecutorEntry, OperationEntry
    from .tasks import TaskEntry


@dataclass(slots=True)
class FrameworkEntry:
    """A framework that has subscribed, connected or not, or that only agents have told of: then it has no address."""

    id: FrameworkID
    info: FrameworkInfo
    address: la.PID[Any] | None  # where it subscribed from last; None as long as only agents have told of it
    registered_time: float  # seconds since the epoch
    reregistered_time: float | None = None  # of the last time that it came back
    unregistered_time: float | None = None  # when it was removed
    connected: bool = True
    is_ending: bool = False  # it is being removed, in slices, and nobody reaches it any more
    disconnections: int = 0  # tells a failover timer whether it is still about the present loss
    entered: int = 0  # with which delta the allocator was told of it
    holds: RunningSum = field(default_factory=RunningSum)  # ``used``, as it is counted
    offerings: RunningSum = field(default_factory=RunningSum)  # what is offered, as ``holds``
    tasks: dict[TaskID, TaskEntry] = field(default_factory=dict)
    completed: Completed = field(default_factory=lambda: Completed(constants.COMPLETED_TASKS_MAX))
    unreachable: dict[TaskID, TaskEntry] = field(default_factory=dict)  # on agents out of reach, oldest first
    unreachable_max: int = constants.UNREACHABLE_TASKS_MAX
    offers: dict[OfferID, Offer] = field(default_factory=dict)
    holdings: dict[OfferID, Holding] = field(default_factory=dict)  # `offered` counts them
    inverse_offers: dict[AgentID, InverseOffer] = field(default_factory=dict)  # what it is asked to leave
    executors: dict[tuple[AgentID, ExecutorID], ExecutorEntry] = field(default_factory=dict)
    constraints: tuple[RoleConstraints, ...] = ()  # which agents it wants to be offered
    operations: dict[bytes, OperationEntry] = field(default_factory=dict)  # by uuid, until they are dealt with
    operation_uuids: dict[OperationID, bytes] = field(default_factory=dict)  # of those that have an id
    figures: list[int] = field(default_factory=new_figures)  # what is counted of it (figures.py)
    metric_name: str = ""  # of its row among the metrics

    @property
    def pid(self) -> la.PID[Any]:
        """Where it subscribed from last; nobody asks that of one that never has."""
        assert self.address is not None
        return self.address

    @property
    def used(self) -> Resources:
        """What its tasks, executors and operations hold, scalars only."""
        return self.holds.total

    @property
    def offered(self) -> Resources:
        """What it is offered and has not answered, scalars only."""
        return self.offerings.total

    @property
    def recovered(self) -> bool:
        """Whether only agents have told of it, and its scheduler is yet to come."""
        return self.address is None

    @property
    def partition_aware(self) -> bool:
        """Whether it wants to be told TASK_DROPPED, _UNKNOWN and _GONE apart; else all of them are TASK_LOST."""
        return PARTITION_AWARE in self.info.capabilities

    def send(self, event: Event) -> bool:
        """Post ``event`` to its scheduler, and count it, unless that is more than its connection takes.

        Nobody asks that of one that has never subscribed.
        """
        is_sent = post(self.pid, event, self.id)
        self.figures[EVENTS[type(event)]] += is_sent
        return is_sent

    def standing(self, offer_ids: Iterable[OfferID]) -> list[Offer]:
        """Those of the offers named that stand and are this framework's, each once."""
        return [self.offers[offer_id] for offer_id in dict.fromkeys(offer_ids) if offer_id in self.offers]

    def knows_none(self, task_ids: Set[TaskID]) -> bool:
        """Whether no task with any of these ids is in the books, nor in the history."""
        return self.tasks.keys().isdisjoint(task_ids) and not self.remembers_any(task_ids)

    def remembers_any(self, task_ids: Collection[TaskID]) -> bool:
        """Whether there is history of tasks with any of these ids."""
        if self.unreachable and not self.unreachable.keys().isdisjoint(task_ids):
            return True
        return self.completed.has_any(task_ids)
