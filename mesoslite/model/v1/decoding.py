"""Decoding: v1 JSON documents as the vocabulary."""

# Who calls: api/ decodes what frameworks send, framework/ what a master sends; the latter may be a Mesos master.
# Invariants: 1. whatever the document, only InvalidRequest is raised, with the path of the field (../fields.py).
#   2. of a framework, what would change the meaning of a task and is not known here is refused, never passed over.
#   3. of a master, what is not known here is left out: resources of unknown sorts, events without a word.
# Source: Mesos include/mesos/v1/mesos.proto, scheduler/scheduler.proto; src/master/validation.cpp.

from collections.abc import Callable

from ..calls import (
    Accept,
    Acknowledge,
    Call,
    Decline,
    Kill,
    Reconcile,
    Revive,
    Subscribe,
    Suppress,
    TaskReference,
    Teardown,
)
from ..events import Error, Event, Failure, Heartbeat, Offers, Rescind, Subscribed, Update
from ..fields import Fields
from ..frameworks import DEFAULT_ROLE, MULTI_ROLE, FrameworkInfo
from ..ids import AgentID, ExecutorID, FrameworkID, OfferID, TaskID
from ..labels import decode_labels
from ..offers import Filters, Offer
from ..resources import Resources
from ..states import Reason, Source, TaskState
from ..tasks import CommandInfo, TaskInfo, TaskStatus

_NANOSECONDS = 1_000_000_000
_UUID_BYTES = 16
_TASK_NOT_READ = ("executor", "container", "health_check", "check", "limits", "max_completion_time")
_COMMAND_NOT_READ = ("uris", "user")


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


def decode_event(document: object) -> Event | None:
    """Return the event that a record of a scheduler's stream is; None for one that has no meaning here.

    Raises: InvalidRequest, as ``decode_call``.
    """
    fields = Fields(document)
    decode = _EVENTS.get(fields.text("type"))
    return decode(fields) if decode is not None else None


def decode_framework(fields: Fields) -> FrameworkInfo:
    """Return a FrameworkInfo; its own rules are for the master to check.

    Raises: InvalidRequest, also if ``role`` and ``roles`` do not go with the capabilities.
    """
    capabilities = tuple([entry.text("type", "UNKNOWN") for entry in fields.messages("capabilities")])
    framework_id = fields.identifier_or_none("id")
    return FrameworkInfo(
        name=fields.text("name"),
        user=fields.text("user"),
        roles=_framework_roles(fields, MULTI_ROLE in capabilities),
        id=FrameworkID(framework_id) if framework_id is not None else None,
        failover_timeout=fields.number("failover_timeout", 0.0),
        checkpoint=fields.boolean("checkpoint", False),
        hostname=fields.text("hostname", ""),
        webui_url=fields.text("webui_url", ""),
        capabilities=capabilities,
    )


def decode_task(fields: Fields) -> TaskInfo:
    """Return a TaskInfo. Raises: InvalidRequest, also for what a task cannot be given here."""
    _refuse(fields, _TASK_NOT_READ)
    command = fields.message("command")
    _refuse(command, _COMMAND_NOT_READ)
    return TaskInfo(
        task_id=TaskID(fields.identifier("task_id")),
        name=fields.text("name"),
        agent_id=AgentID(fields.identifier("agent_id")),
        resources=Resources.decode(fields.messages("resources")),
        command=CommandInfo(
            value=command.text("value", ""),
            shell=command.boolean("shell", True),
            arguments=command.texts("arguments"),
            environment=_environment(command.message_or_empty("environment")),
        ),
        labels=decode_labels(fields, "labels"),
        kill_grace_seconds=_grace_seconds(fields),
    )


def decode_status(fields: Fields) -> TaskStatus:
    """Return a TaskStatus."""
    agent_id = fields.identifier_or_none("agent_id")
    executor_id = fields.identifier_or_none("executor_id")
    return TaskStatus(
        task_id=TaskID(fields.identifier("task_id")),
        state=fields.enum("state", TaskState),
        source=fields.enum_or_none("source", Source) or Source.SOURCE_MASTER,
        timestamp=fields.number("timestamp", 0.0),
        agent_id=AgentID(agent_id) if agent_id is not None else None,
        executor_id=ExecutorID(executor_id) if executor_id is not None else None,
        reason=fields.enum_or_none("reason", Reason),
        message=fields.text("message", ""),
        uuid=fields.data("uuid") if fields.has("uuid") else None,
        labels=decode_labels(fields, "labels"),
    )


# ---- calls ----


def _framework_id(fields: Fields) -> FrameworkID:
    return FrameworkID(fields.identifier("framework_id"))


def _subscribe(fields: Fields) -> Subscribe:
    body = fields.message("subscribe")
    framework = decode_framework(body.message("framework_info"))
    framework_id = fields.identifier_or_none("framework_id")
    if framework_id != framework.id:
        raise fields.invalid(
            "framework_id", f"got {framework_id!r}, expected the id in subscribe.framework_info, {framework.id!r}"
        )
    return Subscribe(framework)


def _accept(fields: Fields) -> Accept:
    body = fields.message("accept")
    tasks: list[TaskInfo] = []
    for operation in body.messages("operations"):
        kind = operation.text("type")
        if kind != "LAUNCH":
            raise operation.invalid("type", f"got {kind[:80]!r}; only LAUNCH is known here")
        tasks += [decode_task(task) for task in operation.message("launch").messages("task_infos")]
    return Accept(
        framework_id=_framework_id(fields), offer_ids=_offer_ids(body), tasks=tuple(tasks), filters=_filters(body)
    )


def _decline(fields: Fields) -> Decline:
    body = fields.message("decline")
    return Decline(framework_id=_framework_id(fields), offer_ids=_offer_ids(body), filters=_filters(body))


def _kill(fields: Fields) -> Kill:
    body = fields.message("kill")
    agent_id = body.identifier_or_none("agent_id")
    return Kill(
        framework_id=_framework_id(fields),
        task_id=TaskID(body.identifier("task_id")),
        agent_id=AgentID(agent_id) if agent_id is not None else None,
        grace_seconds=_grace_seconds(body),
    )


def _acknowledge(fields: Fields) -> Acknowledge:
    body = fields.message("acknowledge")
    uuid = body.data("uuid")
    if len(uuid) != _UUID_BYTES:
        raise body.invalid("uuid", f"got {len(uuid)} bytes, expected {_UUID_BYTES}; send back the uuid of the status")
    return Acknowledge(
        framework_id=_framework_id(fields),
        agent_id=AgentID(body.identifier("agent_id")),
        task_id=TaskID(body.identifier("task_id")),
        uuid=uuid,
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


def _suppress(fields: Fields) -> Suppress:
    return Suppress(_framework_id(fields), fields.message_or_empty("suppress").texts("roles"))


def _revive(fields: Fields) -> Revive:
    return Revive(_framework_id(fields), fields.message_or_empty("revive").texts("roles"))


def _teardown(fields: Fields) -> Teardown:
    return Teardown(_framework_id(fields))


_CALLS: dict[str, Callable[[Fields], Call]] = {
    "SUBSCRIBE": _subscribe,
    "ACCEPT": _accept,
    "DECLINE": _decline,
    "KILL": _kill,
    "ACKNOWLEDGE": _acknowledge,
    "RECONCILE": _reconcile,
    "SUPPRESS": _suppress,
    "REVIVE": _revive,
    "TEARDOWN": _teardown,
}


# ---- events ----


def _subscribed(fields: Fields) -> Subscribed:
    body = fields.message("subscribed")
    return Subscribed(
        framework_id=_framework_id(body),
        master_id=body.message_or_empty("master_info").text("id", ""),
        heartbeat_interval_seconds=body.number("heartbeat_interval_seconds", 0.0),
    )


def _offers(fields: Fields) -> Offers:
    return Offers(tuple([_offer(offer) for offer in fields.message("offers").messages("offers")]))


def _offer(fields: Fields) -> Offer:
    address = fields.message_or_empty("url").message_or_empty("address")
    return Offer(
        id=OfferID(fields.identifier("id")),
        framework_id=_framework_id(fields),
        agent_id=AgentID(fields.identifier("agent_id")),
        hostname=fields.text("hostname"),
        resources=Resources.decode(fields.messages("resources"), lenient=True),
        role=fields.message_or_empty("allocation_info").text("role", DEFAULT_ROLE),
        port=address.whole("port", 0),
    )


def _failure(fields: Fields) -> Failure | None:
    body = fields.message("failure")
    if body.has("executor_id"):  # an executor has ended, its agent lives
        return None
    return Failure(AgentID(body.identifier("agent_id")))


_EVENTS: dict[str, Callable[[Fields], Event | None]] = {
    "SUBSCRIBED": _subscribed,
    "OFFERS": _offers,
    "RESCIND": lambda fields: Rescind(OfferID(fields.message("rescind").identifier("offer_id"))),
    "UPDATE": lambda fields: Update(decode_status(fields.message("update").message("status"))),
    "FAILURE": _failure,
    "ERROR": lambda fields: Error(fields.message("error").text("message")),
    "HEARTBEAT": lambda fields: Heartbeat(),
}


# ---- parts ----


def _framework_roles(fields: Fields, multi_role: bool) -> tuple[str, ...]:
    if multi_role:
        if fields.has("role"):
            raise fields.invalid("role", "is set by a framework with the capability MULTI_ROLE; set roles instead")
        return fields.texts("roles")
    if fields.texts("roles"):
        raise fields.invalid(
            "roles", "is set by a framework without the capability MULTI_ROLE; set role, or declare it"
        )
    return (fields.text("role", DEFAULT_ROLE),)


def _refuse(fields: Fields, names: tuple[str, ...]) -> None:
    for name in names:
        if fields.has(name):
            raise fields.invalid(name, "is set, and would not be honoured here; leave it out")


def _offer_ids(fields: Fields) -> tuple[OfferID, ...]:
    return tuple([OfferID(text) for text in fields.identifiers("offer_ids")])


def _filters(fields: Fields) -> Filters:
    filters = fields.message_or_empty("filters")
    return Filters(filters.number("refuse_seconds")) if filters.has("refuse_seconds") else Filters()


def _grace_seconds(fields: Fields) -> float | None:
    period = fields.message_or_empty("kill_policy").message_or_empty("grace_period")
    if not period.has("nanoseconds"):
        return None
    nanoseconds = period.whole("nanoseconds")
    if nanoseconds < 0:
        raise period.invalid("nanoseconds", f"got {nanoseconds}, expected zero or more")
    return nanoseconds / _NANOSECONDS


def _environment(fields: Fields) -> tuple[tuple[str, str], ...]:
    variables = []
    for variable in fields.messages("variables"):
        if variable.text("type", "VALUE") != "VALUE":
            raise variable.invalid("type", f"got {variable.text('type')[:80]!r}; only VALUE is known here")
        variables.append((variable.text("name"), variable.text("value")))
    return tuple(variables)
