"""Encoding: the vocabulary as v1 JSON documents, the way Mesos writes them."""

# Who calls: api/ writes events, framework/ writes calls; both turn the document into bytes.
# Mesos's rules: snake_case, ids wrapped as {"value": ...}, enums by name, bytes as base64, scalars as doubles, fields
#   with a declared default always written, empty lists and unset fields left out.
# Source: Mesos include/mesos/v1/mesos.proto, scheduler/scheduler.proto; 3rdparty/stout/include/stout/protobuf.hpp.

import base64
from collections.abc import Callable, Mapping
from typing import Any

from ..calls import (
    Accept,
    AcceptInverseOffers,
    Acknowledge,
    AcknowledgeOperationStatus,
    Call,
    Decline,
    DeclineInverseOffers,
    Kill,
    Reconcile,
    ReconcileOperations,
    RequestResources,
    Revive,
    Shutdown,
    Subscribe,
    Suppress,
    Teardown,
    TellExecutor,
    UpdateFramework,
)
from ..domains import encode_domain
from ..events import (
    Error,
    Event,
    ExecutorMessage,
    Failure,
    Heartbeat,
    InverseOffers,
    Offers,
    Rescind,
    RescindInverseOffer,
    Subscribed,
    Update,
    UpdateOperationStatus,
)
from ..frameworks import MULTI_ROLE, FrameworkInfo, RoleMinimum
from ..labels import encode_labels
from ..offers import Filters, InverseOffer, Offer
from ..resource_text import MILLI
from .attributes import encode_attributes
from .constraints import encode_constraints
from .operations import encode_operation, encode_operation_status
from .parts import (
    Document,
    encode_duration,
    encode_number,
    encode_resources,
    encode_unavailability,
    encode_wait_status,
    wrap_id,
    wrap_ids,
)
from .statuses import encode_status


def encode_call(call: Call) -> Document:
    """Return the call as the body of a scheduler request."""
    return _CALLS[type(call)](call)


def encode_event(
    event: Event,
    *,
    multi_role: bool = True,
    refined: bool = False,
    master_info: Mapping[str, Any] | None = None,
) -> Document:
    """Return the event as a record of a scheduler's stream.

    ``multi_role`` says whether the framework has that capability; others are not told the role of an offer.
    ``refined`` says whether it has RESERVATION_REFINEMENT, and so is told of reservations in the new form.
    ``master_info`` is added to what a Subscribed says of the master; agents in the master's program have its address.
    """
    if isinstance(event, Offers):
        here = (master_info or {}).get("address", {}).get("ip", "")
        offers = [encode_offer(offer, multi_role=multi_role, refined=refined, here=here) for offer in event.offers]
        return {"type": "OFFERS", "offers": {"offers": offers}}
    if isinstance(event, Subscribed):
        return _subscribed(event, master_info or {})
    if isinstance(event, Update):
        return {"type": "UPDATE", "update": {"status": encode_status(event.status)}}
    if isinstance(event, UpdateOperationStatus):
        status = encode_operation_status(event.status)
        return {"type": "UPDATE_OPERATION_STATUS", "update_operation_status": {"status": status}}
    if isinstance(event, Rescind):
        return {"type": "RESCIND", "rescind": {"offer_id": wrap_id(event.offer_id)}}
    if isinstance(event, InverseOffers):
        asked = [encode_inverse_offer(one, refined=refined) for one in event.inverse_offers]
        return {"type": "INVERSE_OFFERS", "inverse_offers": {"inverse_offers": asked}}
    if isinstance(event, RescindInverseOffer):
        rescind = {"inverse_offer_id": wrap_id(event.inverse_offer_id)}
        return {"type": "RESCIND_INVERSE_OFFER", "rescind_inverse_offer": rescind}
    if isinstance(event, ExecutorMessage):
        return {"type": "MESSAGE", "message": _message(event)}
    if isinstance(event, Failure):
        return {"type": "FAILURE", "failure": _failure(event)}
    if isinstance(event, Error):
        return {"type": "ERROR", "error": {"message": event.message}}
    assert isinstance(event, Heartbeat)
    return {"type": "HEARTBEAT"}


def encode_framework(info: FrameworkInfo) -> Document:
    """Return a FrameworkInfo."""
    document: Document = {
        "user": info.user,
        "name": info.name,
        "failover_timeout": encode_number(info.failover_timeout),
        "checkpoint": info.checkpoint,
    }
    if info.id is not None:
        document["id"] = wrap_id(info.id)
    document.update(encode_roles(info))
    if info.hostname:
        document["hostname"] = info.hostname
    if info.webui_url:
        document["webui_url"] = info.webui_url
    if info.capabilities:
        document["capabilities"] = [{"type": capability} for capability in info.capabilities]
    if info.labels:
        document["labels"] = encode_labels(info.labels)
    if info.principal:
        document["principal"] = info.principal
    if info.min_allocatable:
        document["offer_filters"] = encode_offer_filters(info)
    return document


def encode_offer_filters(info: FrameworkInfo) -> Document:
    """Return OfferFilters by role."""
    return {each.role: _offer_filter(each) for each in info.min_allocatable}


def _offer_filter(minimum: RoleMinimum) -> Document:
    alternatives = [
        {"quantities": {name: {"value": milli / MILLI} for name, milli in each.quantities}}
        for each in minimum.alternatives
    ]
    return {"min_allocatable_resources": {"quantities": alternatives}}


def encode_roles(info: FrameworkInfo) -> Document:
    """Return the roles of a framework in the field that its capabilities ask for; v0 documents have the same."""
    if MULTI_ROLE in info.capabilities or len(info.roles) != 1:
        return {"roles": list(info.roles)}
    return {"role": info.roles[0]}


def encode_offer(offer: Offer, *, multi_role: bool = True, refined: bool = False, here: str = "") -> Document:
    """Return an Offer; ``multi_role`` and ``refined`` as in ``encode_event``, ``here`` as in ``encode_url``."""
    document: Document = {
        "id": wrap_id(offer.id),
        "framework_id": wrap_id(offer.framework_id),
        "agent_id": wrap_id(offer.agent_id),
        "hostname": offer.hostname,
        "url": encode_url(offer, here),
        "resources": encode_resources(offer.resources, offer.role if multi_role else None, "new" if refined else "old"),
    }
    if multi_role:
        document["allocation_info"] = {"role": offer.role}
    if offer.attributes:
        document["attributes"] = encode_attributes(offer.attributes)
    if offer.domain is not None:
        document["domain"] = encode_domain(offer.domain)
    if offer.executor_ids:
        document["executor_ids"] = wrap_ids(offer.executor_ids)
    if offer.unavailability is not None:
        document["unavailability"] = encode_unavailability(offer.unavailability)
    return document


def encode_url(offer: Offer, here: str = "") -> Document:
    """Return the URL at which the agent of an offer is reached; ``here`` is the address of one without its own."""
    ip = offer.ip or here
    address = {"hostname": offer.hostname, "port": offer.port, **({"ip": ip} if ip else {})}
    return {"scheme": "http", "address": address, "path": offer.path}


def encode_inverse_offer(inverse: InverseOffer, *, refined: bool) -> Document:
    document: Document = {
        "id": wrap_id(inverse.id),
        "framework_id": wrap_id(inverse.framework_id),
        "agent_id": wrap_id(inverse.agent_id),
        "unavailability": encode_unavailability(inverse.unavailability),
    }
    if inverse.resources:
        document["resources"] = encode_resources(inverse.resources, form="new" if refined else "old")
    return document


def _message(message: ExecutorMessage | TellExecutor) -> Document:
    return {**_executor_at(message), "data": base64.b64encode(message.data).decode()}


def _executor_at(message: ExecutorMessage | TellExecutor | Shutdown) -> Document:
    return {"agent_id": wrap_id(message.agent_id), "executor_id": wrap_id(message.executor_id)}


def _failure(event: Failure) -> Document:
    document: Document = {"agent_id": wrap_id(event.agent_id)}
    if event.executor_id is not None:
        document["executor_id"] = wrap_id(event.executor_id)
        if event.exit_status is not None:
            document["status"] = encode_wait_status(event.exit_status)
    return document


def _subscribed(event: Subscribed, master_info: Mapping[str, Any]) -> Document:
    domain = {"domain": encode_domain(event.domain)} if event.domain is not None else {}
    return {
        "type": "SUBSCRIBED",
        "subscribed": {
            "framework_id": wrap_id(event.framework_id),
            "heartbeat_interval_seconds": float(event.heartbeat_interval_seconds),
            "master_info": {"id": event.master_id, **master_info, **domain},
        },
    }


def _subscribe(call: Subscribe) -> Document:
    document: Document = {"type": "SUBSCRIBE", "subscribe": _subscription(call)}
    if call.framework.id is not None:
        document["framework_id"] = wrap_id(call.framework.id)
    return document


def _update_framework(call: UpdateFramework) -> Document:
    update = _subscription(call)
    return {"type": "UPDATE_FRAMEWORK", "framework_id": wrap_id(call.framework_id), "update_framework": update}


def _subscription(call: Subscribe | UpdateFramework) -> Document:
    document: Document = {"framework_info": encode_framework(call.framework)}
    if call.suppressed_roles:
        document["suppressed_roles"] = list(call.suppressed_roles)
    if call.constraints:
        document["offer_constraints"] = encode_constraints(call.constraints)
    return document


def _accept(call: Accept) -> Document:
    accept: Document = {"offer_ids": wrap_ids(call.offer_ids), "filters": _filters(call.filters)}
    if call.operations:
        accept["operations"] = [encode_operation(operation) for operation in call.operations]
    return {"type": "ACCEPT", "framework_id": wrap_id(call.framework_id), "accept": accept}


def _decline(call: Decline) -> Document:
    decline = {"offer_ids": wrap_ids(call.offer_ids), "filters": _filters(call.filters)}
    return {"type": "DECLINE", "framework_id": wrap_id(call.framework_id), "decline": decline}


def _answer(call: AcceptInverseOffers | DeclineInverseOffers, name: str) -> Document:
    answer = {"inverse_offer_ids": wrap_ids(call.inverse_offer_ids), "filters": _filters(call.filters)}
    return {"type": name.upper(), "framework_id": wrap_id(call.framework_id), name: answer}


def _tell_executor(call: TellExecutor) -> Document:
    return {"type": "MESSAGE", "framework_id": wrap_id(call.framework_id), "message": _message(call)}


def _shutdown(call: Shutdown) -> Document:
    return {"type": "SHUTDOWN", "framework_id": wrap_id(call.framework_id), "shutdown": _executor_at(call)}


def _kill(call: Kill) -> Document:
    kill: Document = {"task_id": wrap_id(call.task_id)}
    if call.agent_id is not None:
        kill["agent_id"] = wrap_id(call.agent_id)
    if call.grace_seconds is not None:
        kill["kill_policy"] = {"grace_period": encode_duration(call.grace_seconds)}
    return {"type": "KILL", "framework_id": wrap_id(call.framework_id), "kill": kill}


def _acknowledge(call: Acknowledge) -> Document:
    acknowledge = {
        "agent_id": wrap_id(call.agent_id),
        "task_id": wrap_id(call.task_id),
        "uuid": base64.b64encode(call.uuid).decode(),
    }
    return {"type": "ACKNOWLEDGE", "framework_id": wrap_id(call.framework_id), "acknowledge": acknowledge}


def _reconcile(call: Reconcile) -> Document:
    tasks = []
    for reference in call.tasks:
        task: Document = {"task_id": wrap_id(reference.task_id)}
        if reference.agent_id is not None:
            task["agent_id"] = wrap_id(reference.agent_id)
        tasks.append(task)
    reconcile = {"tasks": tasks} if tasks else {}
    return {"type": "RECONCILE", "framework_id": wrap_id(call.framework_id), "reconcile": reconcile}


def _acknowledge_operation_status(call: AcknowledgeOperationStatus) -> Document:
    acknowledge: Document = {
        "uuid": base64.b64encode(call.uuid).decode(),
        "operation_id": wrap_id(call.operation_id),
    }
    if call.agent_id is not None:
        acknowledge["agent_id"] = wrap_id(call.agent_id)
    return {
        "type": "ACKNOWLEDGE_OPERATION_STATUS",
        "framework_id": wrap_id(call.framework_id),
        "acknowledge_operation_status": acknowledge,
    }


def _reconcile_operations(call: ReconcileOperations) -> Document:
    operations = []
    for reference in call.operations:
        operation: Document = {"operation_id": wrap_id(reference.operation_id)}
        if reference.agent_id is not None:
            operation["agent_id"] = wrap_id(reference.agent_id)
        operations.append(operation)
    return {
        "type": "RECONCILE_OPERATIONS",
        "framework_id": wrap_id(call.framework_id),
        "reconcile_operations": {"operations": operations} if operations else {},
    }


def _roles(call: Suppress | Revive, name: str) -> Document:
    document: Document = {"type": name.upper(), "framework_id": wrap_id(call.framework_id)}
    if call.roles:
        document[name] = {"roles": list(call.roles)}
    return document


def _request(call: RequestResources) -> Document:
    return {"type": "REQUEST", "framework_id": wrap_id(call.framework_id), "request": {}}


def _teardown(call: Teardown) -> Document:
    return {"type": "TEARDOWN", "framework_id": wrap_id(call.framework_id)}


_CALLS: dict[type, Callable[[Any], Document]] = {
    Subscribe: _subscribe,
    Accept: _accept,
    Decline: _decline,
    AcceptInverseOffers: lambda call: _answer(call, "accept_inverse_offers"),
    DeclineInverseOffers: lambda call: _answer(call, "decline_inverse_offers"),
    Kill: _kill,
    Acknowledge: _acknowledge,
    Reconcile: _reconcile,
    AcknowledgeOperationStatus: _acknowledge_operation_status,
    ReconcileOperations: _reconcile_operations,
    Suppress: lambda call: _roles(call, "suppress"),
    Revive: lambda call: _roles(call, "revive"),
    RequestResources: _request,
    TellExecutor: _tell_executor,
    Shutdown: _shutdown,
    Teardown: _teardown,
    UpdateFramework: _update_framework,
}


def _filters(filters: Filters) -> Document:
    return {"refuse_seconds": encode_number(filters.refuse_seconds)}
