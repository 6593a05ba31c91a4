"""AgentEntry: what the master's books say of one agent."""

# Who calls: the ledger keeps them, in the master actor; whoever decides about an agent reads them. What is used or
#   offered of one is changed by ledger.py and holdings.py alone, which keep the sums.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

import libactor as la
from mesoslite.model import (
    NOTHING,
    AgentID,
    AgentInfo,
    ExecutorID,
    FrameworkID,
    InverseOffer,
    Offer,
    OfferID,
    Resources,
    TaskID,
    once,
)

from .posting import post
from .roster import host_of

if TYPE_CHECKING:
    from mesoslite.model import AgentRegistered, KillTask, Order, Unavailability
    from mesoslite.model.maintenance import InverseAnswer

    from .holdings import Holding
    from .operations import ExecutorEntry, OperationEntry
    from .tasks import TaskEntry


class AgentEntry(msgspec.Struct, eq=False, gc=False):
    """A registered agent. ``info`` is what it came with; ``total`` is that as it was reserved and made volumes of.

    A struct, which the collector does not look at: there are tens of thousands, and none leads back to itself.
    ``connected``: it is there; if not, it is waited for, and its offers are taken back. ``active``: it may be offered.
    """

    id: AgentID
    info: AgentInfo
    pid: la.PID[Any]
    registered_time: float  # seconds since the epoch
    total: Resources = NOTHING  # left out: what is in ``info``
    resized: int = 0  # with which delta the allocator was told that it has other resources; before, it knew others
    version: str = ""  # of the API that it speaks
    epoch: int = 0  # of the master that it is told this by
    reregistered_time: float | None = None
    connected: bool = True
    active: bool = True
    disconnections: int = 0  # tells the timer of its return whether it is still about the present loss
    entered: int = 0  # with which delta the allocator was told of it
    unavailability: Unavailability | None = None  # as the allocator was told
    scheduled: int = 0  # with which delta it was told another one than it had entered the agent with
    used: Resources = NOTHING
    offered: Resources = NOTHING
    tasks: dict[TaskEntry, None] = {}  # those that hold resources, in the order in which they came
    ended: dict[TaskEntry, None] = {}  # that are not acknowledged, likewise
    offers: dict[OfferID, Offer] = {}
    holdings: dict[OfferID, Holding] = {}  # `offered` counts them
    inverse_offers: dict[FrameworkID, InverseOffer] = {}  # who is asked to leave it
    answers: dict[FrameworkID, InverseAnswer] = {}  # the last one of each, to these
    executors: dict[tuple[FrameworkID, ExecutorID], ExecutorEntry] = {}
    operations: dict[bytes, OperationEntry] = {}  # by uuid, until they are dealt with
    kills: dict[tuple[FrameworkID, TaskID], KillTask] = msgspec.field(
        default_factory=dict
    )  # asked for; repeated on a return

    def __post_init__(self) -> None:
        self.total = self.total or self.info.resources

    @property
    def held(self) -> Resources:
        """What is used or offered, shared volumes aside."""
        return self.used.not_shared() + self.offered.not_shared()

    @property
    def host(self) -> str:
        """The address of its machine."""
        return host_of(self.pid.address)

    @property
    def is_empty(self) -> bool:
        """Whether nothing runs on it, and nothing of what ran is to be acknowledged."""
        return not (self.tasks or self.ended or self.operations)

    @property
    def is_short(self) -> bool:
        """Whether less is there than is used or offered."""
        return not self.total.contains(once(self.used + self.offered))

    @property
    def free(self) -> Resources:
        """What is neither used nor offered; shared volumes always are free."""
        held = self.held
        return held.shortfall(self.total) if self.is_short else self.total - held

    def executors_of(self, framework_id: FrameworkID) -> tuple[ExecutorID, ...]:
        """The executors of a framework there."""
        return tuple([executor_id for owner, executor_id in self.executors if owner == framework_id])

    def fits(self, resources: Resources) -> bool:
        """Whether that much is neither used nor offered."""
        if self.used or self.offered:
            resources = once(resources) + self.held
        return self.total.contains(resources)

    def send(self, message: AgentRegistered | Order) -> None:
        """Post ``message`` to the agent, with its id and the master's epoch, unless it has them."""
        if message.epoch != self.epoch or message.agent_id != self.id:
            message = replace(message, epoch=self.epoch, agent_id=self.id)
        post(self.pid, message, self.id)
