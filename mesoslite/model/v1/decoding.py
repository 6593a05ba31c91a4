"""Decoding: v1 JSON documents as the vocabulary."""

# Who calls: api/ decodes what frameworks send, framework/ what a master sends; the latter may be a Mesos master.
# Invariants: 1. whatever the document, only InvalidRequest is raised, with the path of the field (../fields.py).
#   2. of a framework, what would change the meaning of a task and is not known here is refused, never passed over.
#   3. of a master, what is not known here is left out: resources of unknown sorts, events without a word.
# Source: Mesos include/mesos/v1/mesos.proto, scheduler/scheduler.proto; src/master/validation.cpp.

from collections.abc import Callable, Mapping

from ..calls import (
    Accept,
    AcceptInverseOffers,
    Acknowledge,
    AcknowledgeOperationStatus,
    Call,
    Decline,
    DeclineInverseOffers,
    Kill,
    OperationReference,
    Reconcile,
    ReconcileOperations,
    RequestResources,
    Revive,
    Shutdown,
    Subscribe,
    Suppress,
    TaskReference,
    Teardown,
    TellExecutor,
    UpdateFramework,
)
from ..domains import decode_domain
from ..errors import InvalidResources
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
from ..fields import Fields
from ..frameworks import FrameworkInfo, RoleMinimum
from ..ids import AgentID, ExecutorID, FrameworkID, OfferID, OperationID, TaskID
from ..labels import decode_labels
from ..offers import Filters, InverseOffer, Offer
from ..resources import Resources
from ..roles import DEFAULT_ROLE
from .attributes import decode_attributes
from .constraints import decode_constraints
from .operations import decode_operation, decode_operation_status
from .parts import decode_grace, decode_unavailability, decode_uuid, decode_wait_status
from .role_fields import decode_capabilities, decode_framework_roles
from .statuses import decode_status


def decode_call(document: object) -> Call:
    """Return the call that the body of a scheduler request is.

    Raises: InvalidRequest, which names the field, what it was and what was expected.
    """
    fields = Fields(document)
    kind = fields.text("type")
    decode = _CALLS.get(kind)
    if decode is None:
        raise fields.invalid("type", f"got {kind[:80]!r}, expected one of {', '.join(_CALLS)}")
    return decode(fields)


def decode_event(document: object, role: str = DEFAULT_ROLE) -> Event | None:
    """Return the event that a record of a scheduler's stream is; None for one that has no meaning here.

    ``role`` is the one of offers that do not say theirs, as a framework of one role gets them.
    Raises: InvalidRequest, as ``decode_call``.
    """
    fields = Fields(document)
    kind = fields.text("type")
    if kind == "OFFERS":
        return Offers(tuple([_offer(offer, role) for offer in fields.message("offers").messages("offers")]))
    decode = _EVENTS.get(kind)
    return decode(fields) if decode is not None else None


def decode_framework(fields: Fields) -> FrameworkInfo:
    """Return a FrameworkInfo; its own rules are for the master to check, and ``role_problem`` is for who answers.

    Raises: InvalidRequest.
    """
    capabilities = decode_capabilities(fields)
    framework_id = fields.identifier_or_none("id") or None  # an empty one counts as none
    return FrameworkInfo(
        name=fields.text("name"),
        user=fields.text("user"),
        roles=decode_framework_roles(fields, capabilities),
        id=FrameworkID(framework_id) if framework_id is not None else None,
        failover_timeout=fields.number("failover_timeout", 0.0),
        checkpoint=fields.boolean("checkpoint", False),
        hostname=fields.text("hostname", ""),
        webui_url=fields.text("webui_url", ""),
        capabilities=capabilities,
        labels=decode_labels(fields, "labels"),
        principal=fields.text("principal", ""),
        min_allocatable=_min_allocatable(fields),
    )


# ---- calls ----


def _framework_id(fields: Fields) -> FrameworkID:
    return FrameworkID(fields.identifier("framework_id"))


def _subscribe(fields: Fields) -> Subscribe:
    body = fields.message("subscribe")
    framework = decode_framework(body.message("framework_info"))
    framework_id = fields.identifier_or_none("framework_id") or None
    if framework_id != framework.id:
        raise fields.invalid(
            "framework_id", f"got {framework_id!r}, expected the id in subscribe.framework_info, {framework.id!r}"
        )
    return Subscribe(framework, body.texts("suppressed_roles"), decode_constraints(body))


def _update_framework(fields: Fields) -> UpdateFramework:
    body = fields.message("update_framework")
    return UpdateFramework(
        framework_id=_framework_id(fields),
        framework=decode_framework(body.message("framework_info")),
        suppressed_roles=body.texts("suppressed_roles"),
        constraints=decode_constraints(body),
    )


def _accept(fields: Fields) -> Accept:
    body = fields.message("accept")
    return Accept(
        framework_id=_framework_id(fields),
        offer_ids=_offer_ids(body),
        operations=tuple([decode_operation(operation) for operation in body.messages("operations")]),
        filters=_filters(body),
    )


def _decline(fields: Fields) -> Decline:
    body = fields.message("decline")
    return Decline(framework_id=_framework_id(fields), offer_ids=_offer_ids(body), filters=_filters(body))


def _accept_inverse_offers(fields: Fields) -> AcceptInverseOffers:
    body = fields.message("accept_inverse_offers")
    ids = _offer_ids(body, "inverse_offer_ids")
    return AcceptInverseOffers(framework_id=_framework_id(fields), inverse_offer_ids=ids, filters=_filters(body))


def _decline_inverse_offers(fields: Fields) -> DeclineInverseOffers:
    body = fields.message("decline_inverse_offers")
    ids = _offer_ids(body, "inverse_offer_ids")
    return DeclineInverseOffers(framework_id=_framework_id(fields), inverse_offer_ids=ids, filters=_filters(body))


def _kill(fields: Fields) -> Kill:
    body = fields.message("kill")
    agent_id = body.identifier_or_none("agent_id")
    return Kill(
        framework_id=_framework_id(fields),
        task_id=TaskID(body.identifier("task_id")),
        agent_id=AgentID(agent_id) if agent_id is not None else None,
        grace_seconds=decode_grace(body),
    )


def _acknowledge(fields: Fields) -> Acknowledge:
    body = fields.message("acknowledge")
    return Acknowledge(
        framework_id=_framework_id(fields),
        agent_id=AgentID(body.identifier("agent_id")),
        task_id=TaskID(body.identifier("task_id")),
        uuid=decode_uuid(body),
    )


def _reconcile(fields: Fields) -> Reconcile:
    references = []
    for task in fields.message("reconcile").messages("tasks"):
        agent_id = task.identifier_or_none("agent_id")
        reference = TaskReference(
            TaskID(task.identifier("task_id")), AgentID(agent_id) if agent_id is not None else None
        )
        references.append(reference)
    return Reconcile(_framework_id(fields), tuple(references))


def _acknowledge_operation_status(fields: Fields) -> AcknowledgeOperationStatus:
    body = fields.message("acknowledge_operation_status")
    if body.has("resource_provider_id"):
        raise body.invalid("resource_provider_id", "is set, and no agent has resource providers here; leave it out")
    is_wrapped = isinstance(body.values().get("uuid"), Mapping)  # pymesos sends back the whole OperationStatus
    return AcknowledgeOperationStatus(
        framework_id=_framework_id(fields),
        operation_id=OperationID(body.identifier("operation_id")),
        uuid=decode_uuid(body.message("uuid"), "value") if is_wrapped else decode_uuid(body),
        agent_id=AgentID(body.identifier("agent_id")),
    )


def _reconcile_operations(fields: Fields) -> ReconcileOperations:
    operations = fields.message_or_empty("reconcile_operations").messages("operations")
    references = [
        OperationReference(OperationID(each.identifier("operation_id")), _agent_id_or_none(each)) for each in operations
    ]
    return ReconcileOperations(_framework_id(fields), tuple(references))


def _suppress(fields: Fields) -> Suppress:
    return Suppress(_framework_id(fields), fields.message_or_empty("suppress").texts("roles"))


def _revive(fields: Fields) -> Revive:
    return Revive(_framework_id(fields), fields.message_or_empty("revive").texts("roles"))


def _request(fields: Fields) -> RequestResources:
    for request in fields.message("request").messages("requests"):
        request.identifier_or_none("agent_id")
        Resources.decode(request.messages("resources"), lenient=True)
    return RequestResources(_framework_id(fields))


def _executor_at(body: Fields) -> tuple[AgentID, ExecutorID]:
    return AgentID(body.identifier("agent_id")), ExecutorID(body.identifier("executor_id"))


def _tell_executor(fields: Fields) -> TellExecutor:
    body = fields.message("message")
    agent_id, executor_id = _executor_at(body)
    data = body.data("data")
    return TellExecutor(framework_id=_framework_id(fields), agent_id=agent_id, executor_id=executor_id, data=data)


def _shutdown(fields: Fields) -> Shutdown:
    agent_id, executor_id = _executor_at(fields.message("shutdown"))
    return Shutdown(framework_id=_framework_id(fields), agent_id=agent_id, executor_id=executor_id)


def _teardown(fields: Fields) -> Teardown:
    return Teardown(_framework_id(fields))


_CALLS: dict[str, Callable[[Fields], Call]] = {
    "SUBSCRIBE": _subscribe,
    "ACCEPT": _accept,
    "DECLINE": _decline,
    "ACCEPT_INVERSE_OFFERS": _accept_inverse_offers,
    "DECLINE_INVERSE_OFFERS": _decline_inverse_offers,
    "KILL": _kill,
    "ACKNOWLEDGE": _acknowledge,
    "RECONCILE": _reconcile,
    "ACKNOWLEDGE_OPERATION_STATUS": _acknowledge_operation_status,
    "RECONCILE_OPERATIONS": _reconcile_operations,
    "SUPPRESS": _suppress,
    "REVIVE": _revive,
    "REQUEST": _request,
    "MESSAGE": _tell_executor,
    "SHUTDOWN": _shutdown,
    "TEARDOWN": _teardown,
    "UPDATE_FRAMEWORK": _update_framework,
}


# ---- events ----


def _subscribed(fields: Fields) -> Subscribed:
    body = fields.message("subscribed")
    return Subscribed(
        framework_id=_framework_id(body),
        master_id=body.message_or_empty("master_info").text("id", ""),
        heartbeat_interval_seconds=body.number("heartbeat_interval_seconds", 0.0),
        domain=decode_domain(body.message_or_empty("master_info").message_or_empty("domain")),
    )


def _offer(fields: Fields, role: str) -> Offer:
    url = fields.message_or_empty("url")
    address = url.message_or_empty("address")
    return Offer(
        id=OfferID(fields.identifier("id")),
        framework_id=_framework_id(fields),
        agent_id=AgentID(fields.identifier("agent_id")),
        hostname=fields.text("hostname"),
        resources=Resources.decode(fields.messages("resources"), lenient=True),
        role=fields.message_or_empty("allocation_info").text("role", role),
        port=address.whole("port", 0),
        unavailability=decode_unavailability(fields, "unavailability"),
        attributes=decode_attributes(fields, "attributes"),
        executor_ids=tuple([ExecutorID(text) for text in fields.identifiers("executor_ids")]),
        ip=address.text("ip", ""),
        path=url.text("path", ""),
        domain=decode_domain(fields.message_or_empty("domain")),
    )


def _inverse_offers(fields: Fields) -> InverseOffers:
    return InverseOffers(
        tuple([_inverse_offer(one) for one in fields.message("inverse_offers").messages("inverse_offers")])
    )


def _inverse_offer(fields: Fields) -> InverseOffer:
    unavailability = decode_unavailability(fields, "unavailability")
    if unavailability is None:
        raise fields.invalid("unavailability", "is missing, expected when the agent is to be serviced")
    return InverseOffer(
        id=OfferID(fields.identifier("id")),
        framework_id=_framework_id(fields),
        agent_id=AgentID(fields.identifier("agent_id")),
        unavailability=unavailability,
        resources=Resources.decode(fields.messages("resources"), lenient=True),
    )


def _rescind_inverse_offer(fields: Fields) -> RescindInverseOffer:
    return RescindInverseOffer(OfferID(fields.message("rescind_inverse_offer").identifier("inverse_offer_id")))


def _executor_message(fields: Fields) -> ExecutorMessage:
    body = fields.message("message")
    return ExecutorMessage(*_executor_at(body), body.data("data"))


def _failure(fields: Fields) -> Failure:
    body = fields.message("failure")
    executor_id = body.identifier_or_none("executor_id")
    return Failure(
        AgentID(body.identifier("agent_id")),
        ExecutorID(executor_id) if executor_id is not None else None,
        decode_wait_status(body.whole("status")) if executor_id is not None and body.has("status") else None,
    )


_EVENTS: dict[str, Callable[[Fields], Event | None]] = {
    "SUBSCRIBED": _subscribed,
    "RESCIND": lambda fields: Rescind(OfferID(fields.message("rescind").identifier("offer_id"))),
    "INVERSE_OFFERS": _inverse_offers,
    "RESCIND_INVERSE_OFFER": _rescind_inverse_offer,
    "UPDATE": lambda fields: Update(decode_status(fields.message("update").message("status"))),
    "UPDATE_OPERATION_STATUS": lambda fields: UpdateOperationStatus(
        decode_operation_status(fields.message("update_operation_status").message("status"))
    ),
    "MESSAGE": _executor_message,
    "FAILURE": _failure,
    "ERROR": lambda fields: Error(fields.message("error").text("message")),
    "HEARTBEAT": lambda fields: Heartbeat(),
}


# ---- parts ----


def _min_allocatable(fields: Fields) -> tuple[RoleMinimum, ...]:
    filters, found = fields.message_or_empty("offer_filters"), []
    for role in filters.names():
        each = filters.message(role)
        if each.has("min_allocatable_resources"):
            alternatives = each.message("min_allocatable_resources").messages("quantities")
            found.append(RoleMinimum(role, tuple([_quantities(entry) for entry in alternatives])))
    return tuple(found)


def _quantities(fields: Fields) -> Resources:
    quantities = fields.message("quantities")
    amounts = {name: quantities.message(name).number("value") for name in quantities.names()}
    try:
        return Resources.from_mapping(amounts)
    except InvalidResources as error:
        raise fields.invalid("quantities", f"are no amounts: {error}") from error


def _offer_ids(fields: Fields, name: str = "offer_ids") -> tuple[OfferID, ...]:
    return tuple([OfferID(text) for text in fields.identifiers(name)])


def _agent_id_or_none(fields: Fields) -> AgentID | None:
    agent_id = fields.identifier_or_none("agent_id")
    return AgentID(agent_id) if agent_id is not None else None


def _filters(fields: Fields) -> Filters:
    filters = fields.message_or_empty("filters")
    return Filters(filters.number("refuse_seconds")) if filters.has("refuse_seconds") else Filters()
