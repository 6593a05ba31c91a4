"""Calls: what a framework tells the master, one frozen struct each, named as in Mesos's scheduler API."""

# Who calls: framework/ checks and sends them, in one process or over HTTP; master/ and api/ read them.
# Invariants: every call but Subscribe carries the framework's id; the tag tells calls apart when a ``Call``
#   is decoded.
# Source: Mesos include/mesos/v1/scheduler/scheduler.proto (Call).

from typing import TypeAlias

import msgspec

from .constraints import RoleConstraints
from .frameworks import FrameworkInfo
from .ids import AgentID, ExecutorID, FrameworkID, OfferID, OperationID, TaskID
from .offers import Filters
from .operations import Operation


class Subscribe(msgspec.Struct, frozen=True, gc=False, tag="SUBSCRIBE"):
    """Register, or come back with the id that ``framework`` carries; no offers come to ``suppressed_roles``.

    ``constraints`` name a role at most once. With ``force`` it takes the place of whoever is subscribed under its id;
    without, it is refused while somebody is.
    """

    framework: FrameworkInfo
    suppressed_roles: tuple[str, ...] = ()
    constraints: tuple[RoleConstraints, ...] = ()
    force: bool = True


class UpdateFramework(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="UPDATE_FRAMEWORK"):
    """Say all anew that a Subscribe says, and stay subscribed."""

    framework_id: FrameworkID
    framework: FrameworkInfo
    suppressed_roles: tuple[str, ...] = ()
    constraints: tuple[RoleConstraints, ...] = ()


class Accept(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="ACCEPT"):
    """Do ``operations``, in order, with offers of one agent and role; what they leave is given back under ``filters``.

    Without operations it is a Decline.
    """

    framework_id: FrameworkID
    offer_ids: tuple[OfferID, ...]
    operations: tuple[Operation, ...] = ()
    filters: Filters = Filters()


class Decline(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="DECLINE"):
    """Give offers back under ``filters``."""

    framework_id: FrameworkID
    offer_ids: tuple[OfferID, ...]
    filters: Filters = Filters()


class AcceptInverseOffers(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="ACCEPT_INVERSE_OFFERS"):
    """Say that the agents of these inverse offers will be left in time; it is not asked again as ``filters`` say."""

    framework_id: FrameworkID
    inverse_offer_ids: tuple[OfferID, ...]
    filters: Filters = Filters()


class DeclineInverseOffers(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="DECLINE_INVERSE_OFFERS"):
    """Say that the agents of these inverse offers cannot be left; it is not asked again as ``filters`` say."""

    framework_id: FrameworkID
    inverse_offer_ids: tuple[OfferID, ...]
    filters: Filters = Filters()


class Kill(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="KILL"):
    """End a task; None leaves the grace to the task's own."""

    framework_id: FrameworkID
    task_id: TaskID
    agent_id: AgentID | None = None
    grace_seconds: float | None = None


class Acknowledge(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="ACKNOWLEDGE"):
    """Say that the status of that uuid (16 bytes) was dealt with and need not be repeated."""

    framework_id: FrameworkID
    agent_id: AgentID
    task_id: TaskID
    uuid: bytes


class TaskReference(msgspec.Struct, frozen=True, gc=False):
    """A task to reconcile, and the agent it was last seen on."""

    task_id: TaskID
    agent_id: AgentID | None = None


class Reconcile(msgspec.Struct, frozen=True, gc=False, tag="RECONCILE"):
    """Ask for the states of these tasks; no task at all asks for all that the master knows."""

    framework_id: FrameworkID
    tasks: tuple[TaskReference, ...] = ()


class AcknowledgeOperationStatus(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="ACKNOWLEDGE_OPERATION_STATUS"
):
    """Say that the operation status of that uuid (16 bytes) was dealt with and need not be repeated."""

    framework_id: FrameworkID
    operation_id: OperationID
    uuid: bytes
    agent_id: AgentID | None = None


class OperationReference(msgspec.Struct, frozen=True, gc=False):
    """An operation to reconcile, and the agent whose resources it is about."""

    operation_id: OperationID
    agent_id: AgentID | None = None


class ReconcileOperations(msgspec.Struct, frozen=True, gc=False, tag="RECONCILE_OPERATIONS"):
    """Ask how these operations are; none at all asks for all that have an id and that the master knows."""

    framework_id: FrameworkID
    operations: tuple[OperationReference, ...] = ()


class Suppress(msgspec.Struct, frozen=True, gc=False, tag="SUPPRESS"):
    """Ask for no offers to these roles; no role at all means every role of the framework."""

    framework_id: FrameworkID
    roles: tuple[str, ...] = ()


class Revive(msgspec.Struct, frozen=True, gc=False, tag="REVIVE"):
    """Ask for offers to these roles again and drop their filters; no role at all means every role."""

    framework_id: FrameworkID
    roles: tuple[str, ...] = ()


class RequestResources(msgspec.Struct, frozen=True, gc=False, tag="REQUEST"):
    """Say what would be of use. No allocator of Mesos's does anything with that, so what is asked for is not kept."""

    framework_id: FrameworkID


class TellExecutor(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="MESSAGE"):
    """Send bytes to an executor of the framework's own, which get there once, or never."""

    framework_id: FrameworkID
    agent_id: AgentID
    executor_id: ExecutorID
    data: bytes


class Shutdown(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="SHUTDOWN"):
    """End an executor of the framework's own, with all of its tasks."""

    framework_id: FrameworkID
    agent_id: AgentID
    executor_id: ExecutorID


class Teardown(msgspec.Struct, frozen=True, gc=False, tag="TEARDOWN"):
    """Remove the framework and all of its tasks."""

    framework_id: FrameworkID


FrameworkCall: TypeAlias = (
    Accept
    | Decline
    | AcceptInverseOffers
    | DeclineInverseOffers
    | Kill
    | Acknowledge
    | Reconcile
    | AcknowledgeOperationStatus
    | ReconcileOperations
    | Suppress
    | Revive
    | RequestResources
    | TellExecutor
    | Shutdown
    | Teardown
    | UpdateFramework
)
Call: TypeAlias = Subscribe | FrameworkCall
