"""Calls: what a framework tells the master, one frozen struct each, named as in Mesos's scheduler API."""

# Who calls: framework/ checks and sends them, in one process or over HTTP; master/ and api/ read them.
# Invariants: every call but Subscribe carries the framework's id; the tag tells calls apart when a ``Call``
#   is decoded.
# Source: Mesos include/mesos/v1/scheduler/scheduler.proto (Call).

from typing import TypeAlias

import msgspec

from .errors import InvalidRequest
from .frameworks import FrameworkInfo
from .ids import AgentID, FrameworkID, OfferID, TaskID
from .offers import Filters
from .tasks import TaskInfo


class Subscribe(msgspec.Struct, frozen=True, gc=False, tag="SUBSCRIBE"):
    """Register, or come back with the id that ``framework`` carries."""

    framework: FrameworkInfo


class Accept(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="ACCEPT"):
    """Launch tasks on offers of one agent; what they leave is given back under ``filters``."""

    framework_id: FrameworkID
    offer_ids: tuple[OfferID, ...]
    tasks: tuple[TaskInfo, ...]
    filters: Filters = Filters()


class Decline(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="DECLINE"):
    """Give offers back under ``filters``."""

    framework_id: FrameworkID
    offer_ids: tuple[OfferID, ...]
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


class Suppress(msgspec.Struct, frozen=True, gc=False, tag="SUPPRESS"):
    """Ask for no offers to these roles; no role at all means every role of the framework."""

    framework_id: FrameworkID
    roles: tuple[str, ...] = ()


class Revive(msgspec.Struct, frozen=True, gc=False, tag="REVIVE"):
    """Ask for offers to these roles again and drop their filters; no role at all means every role."""

    framework_id: FrameworkID
    roles: tuple[str, ...] = ()


class Teardown(msgspec.Struct, frozen=True, gc=False, tag="TEARDOWN"):
    """Remove the framework and all of its tasks."""

    framework_id: FrameworkID


FrameworkCall: TypeAlias = Accept | Decline | Kill | Acknowledge | Reconcile | Suppress | Revive | Teardown
Call: TypeAlias = Subscribe | FrameworkCall


def checked_call(call: Call) -> Call:
    """Return ``call`` if all in it is of the declared types and can be sent; a struct does not look when it is made.

    Raises: InvalidRequest that names the field, such as ``tasks[0].command.environment[0][1]``.
    Cost: O(size), some microseconds for a task.
    """
    try:
        return msgspec.msgpack.decode(msgspec.msgpack.encode(call), type=type(call))
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        raise InvalidRequest(f"{type(call).__name__.lower()}: {str(error).replace('`$.', '`')}") from error
