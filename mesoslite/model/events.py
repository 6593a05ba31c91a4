"""Events: what the master tells a framework, one frozen struct each, named as in Mesos's scheduler API."""

# Who calls: master/ sends them; framework/ and api/ read them.
# Invariant: Subscribed is the first event of a subscription and Error its last.
# Source: Mesos include/mesos/v1/scheduler/scheduler.proto (Event).

from typing import TypeAlias

import msgspec

from .domains import FaultDomain
from .ids import AgentID, ExecutorID, FrameworkID, OfferID
from .offers import InverseOffer, Offer
from .operations import OperationStatus
from .tasks import TaskStatus


class Subscribed(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="SUBSCRIBED"):
    """The subscription stands under this id; heartbeats will follow at this interval."""

    framework_id: FrameworkID
    master_id: str
    heartbeat_interval_seconds: float
    domain: FaultDomain | None = None  # of the master


class Offers(msgspec.Struct, frozen=True, gc=False, tag="OFFERS"):
    """Resources to accept or decline."""

    offers: tuple[Offer, ...]


class Rescind(msgspec.Struct, frozen=True, gc=False, tag="RESCIND"):
    """The offer no longer stands."""

    offer_id: OfferID


class InverseOffers(msgspec.Struct, frozen=True, gc=False, tag="INVERSE_OFFERS"):
    """Agents to leave, or not; to be accepted or declined."""

    inverse_offers: tuple[InverseOffer, ...]


class RescindInverseOffer(msgspec.Struct, frozen=True, gc=False, tag="RESCIND_INVERSE_OFFER"):
    """The inverse offer no longer stands."""

    inverse_offer_id: OfferID


class Update(msgspec.Struct, frozen=True, gc=False, tag="UPDATE"):
    """The status of a task; to be acknowledged if it carries a uuid."""

    status: TaskStatus


class UpdateOperationStatus(msgspec.Struct, frozen=True, gc=False, tag="UPDATE_OPERATION_STATUS"):
    """How an operation with an id goes; to be acknowledged if it carries a uuid."""

    status: OperationStatus


class ExecutorMessage(msgspec.Struct, frozen=True, gc=False, tag="MESSAGE"):
    """Bytes from an executor of the framework's own."""

    agent_id: AgentID
    executor_id: ExecutorID
    data: bytes


class Failure(msgspec.Struct, frozen=True, gc=False, tag="FAILURE"):
    """The agent is lost; with an ``executor_id``, only that executor on it has ended, None: nobody knows how."""

    agent_id: AgentID
    executor_id: ExecutorID | None = None
    exit_status: int | None = None


class Error(msgspec.Struct, frozen=True, gc=False, tag="ERROR"):
    """The subscription has ended, for the reason in the message."""

    message: str


class Heartbeat(msgspec.Struct, frozen=True, gc=False, tag="HEARTBEAT"):
    """The master is alive."""


Event: TypeAlias = (
    Subscribed
    | Offers
    | Rescind
    | InverseOffers
    | RescindInverseOffer
    | Update
    | UpdateOperationStatus
    | ExecutorMessage
    | Failure
    | Error
    | Heartbeat
)
