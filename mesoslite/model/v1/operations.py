"""Operations of an ACCEPT, and their statuses, as v1 JSON documents, written and read."""

# Who calls: decoding.py and encoding.py of this package.
# Source: Mesos include/mesos/v1/mesos.proto (Offer.Operation, OperationStatus).

import base64
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from ..errors import InvalidResources
from ..fields import Fields
from ..ids import AgentID, OperationID
from ..kinds import DiskType
from ..operations import (
    Create,
    Destroy,
    GrowVolume,
    Launch,
    LaunchGroup,
    Operation,
    OperationState,
    OperationStatus,
    Reserve,
    ShrinkVolume,
    Unreserve,
)
from ..resource_text import MILLI, to_milli
from ..resources import NOTHING, Resources
from ..task_groups import TaskGroup
from .parts import Document, decode_allocation_roles, encode_resources, wrap_id
from .tasks import decode_executor, decode_task, encode_executor, encode_task, only_role


def encode_operation(operation: Operation) -> Document:
    """Return an Offer.Operation."""
    kind, body = _ENCODERS[type(operation)](operation)
    document: Document = {"type": kind, kind.lower(): body}
    if operation.id is not None:
        document["id"] = wrap_id(operation.id)
    return document


def decode_operation(fields: Fields) -> Operation:
    """Return an operation, which says itself if its resources can never be.

    Raises: InvalidRequest, also for types that are not known here.
    """
    kind = fields.text("type")
    decode = _DECODERS.get(kind)
    if decode is None:
        raise fields.invalid("type", f"got {kind[:80]!r}, expected one of {', '.join(_DECODERS)}")
    given = fields.identifier_or_none("id")
    operation_id = OperationID(given) if given is not None else None
    body = fields.message(kind.lower())
    try:
        return decode(body, operation_id, False)
    except InvalidResources as error:
        return replace(decode(body, operation_id, True), unfit=str(error))


def decode_operation_body(kind: str, body: Fields) -> Operation:
    """Return the operation of a known type whose fields ``body`` has. Raises: InvalidRequest."""
    return _DECODERS[kind](body, None, False)


def encode_operation_status(status: OperationStatus) -> Document:
    """Return an OperationStatus; its uuid is wrapped, other than that of a task's status."""
    document: Document = {"state": status.state.name}
    if status.operation_id is not None:
        document["operation_id"] = wrap_id(status.operation_id)
    if status.message:
        document["message"] = status.message
    if status.converted:
        document["converted_resources"] = encode_resources(status.converted, form="new")
    if status.uuid is not None:
        document["uuid"] = {"value": base64.b64encode(status.uuid).decode()}
    if status.agent_id is not None:
        document["agent_id"] = wrap_id(status.agent_id)
    if status.provider_id is not None:
        document["resource_provider_id"] = wrap_id(status.provider_id)
    return document


def decode_operation_status(fields: Fields) -> OperationStatus:
    """Return an OperationStatus, whose resources of unknown sorts are left out. Raises: InvalidRequest."""
    operation_id = fields.identifier_or_none("operation_id")
    agent_id = fields.identifier_or_none("agent_id")
    return OperationStatus(
        state=fields.enum("state", OperationState),
        operation_id=OperationID(operation_id) if operation_id is not None else None,
        message=fields.text("message", ""),
        converted=Resources.decode(fields.messages("converted_resources"), lenient=True),
        uuid=fields.message("uuid").data("value") if fields.has("uuid") else None,
        agent_id=AgentID(agent_id) if agent_id is not None else None,
        provider_id=fields.identifier_or_none("resource_provider_id"),
    )


# ---- writing ----


def _launch(operation: Launch) -> tuple[str, Document]:
    return "LAUNCH", {"task_infos": [encode_task(task) for task in operation.tasks]}


def _launch_group(operation: LaunchGroup) -> tuple[str, Document]:
    tasks = [encode_task(task) for task in operation.group.tasks]
    return "LAUNCH_GROUP", {"executor": encode_executor(operation.executor), "task_group": {"tasks": tasks}}


def _reserve(operation: Reserve) -> tuple[str, Document]:
    document: Document = {"resources": _written(operation, operation.resources)}
    if operation.source:
        document["source"] = _written(operation, operation.source)
    return "RESERVE", document


def _unreserve(operation: Unreserve) -> tuple[str, Document]:
    return "UNRESERVE", {"resources": _written(operation, operation.resources)}


def _create(operation: Create) -> tuple[str, Document]:
    return "CREATE", {"volumes": _written(operation, operation.volumes)}


def _destroy(operation: Destroy) -> tuple[str, Document]:
    return "DESTROY", {"volumes": _written(operation, operation.volumes)}


def _grow_volume(operation: GrowVolume) -> tuple[str, Document]:
    parts = {"volume": operation.volume, "addition": operation.addition}
    return "GROW_VOLUME", {name: _written(operation, part)[0] for name, part in parts.items() if part}


def _shrink_volume(operation: ShrinkVolume) -> tuple[str, Document]:
    document: Document = {"subtract": {"value": operation.subtract / MILLI}}
    if operation.volume:
        document["volume"] = _written(operation, operation.volume)[0]
    return "SHRINK_VOLUME", document


def _written(operation: Any, resources: Resources) -> list[Document]:
    return encode_resources(resources, only_role(operation.allocation_roles))


_ENCODERS: dict[type, Callable[[Any], tuple[str, Document]]] = {
    Launch: _launch,
    LaunchGroup: _launch_group,
    Reserve: _reserve,
    Unreserve: _unreserve,
    Create: _create,
    Destroy: _destroy,
    GrowVolume: _grow_volume,
    ShrinkVolume: _shrink_volume,
}


# ---- reading ----

# With ``lenient``, resources that can never be are left out.


def _read_launch(body: Fields, operation_id: OperationID | None, lenient: bool) -> Launch:
    return Launch(tuple([decode_task(task, lenient=lenient) for task in body.messages("task_infos")]), operation_id)


def _read_launch_group(body: Fields, operation_id: OperationID | None, lenient: bool) -> LaunchGroup:
    tasks = tuple([decode_task(task, lenient=lenient) for task in body.message("task_group").messages("tasks")])
    return LaunchGroup(decode_executor(body.message("executor"), lenient=lenient), TaskGroup(tasks), operation_id)


def _read_reserve(body: Fields, operation_id: OperationID | None, lenient: bool) -> Reserve:
    resources, source = (Resources.decode(body.messages(name), lenient=lenient) for name in ("resources", "source"))
    return Reserve(resources, source, operation_id, decode_allocation_roles(body, "resources", "source"))


def _read_unreserve(body: Fields, operation_id: OperationID | None, lenient: bool) -> Unreserve:
    resources = Resources.decode(body.messages("resources"), lenient=lenient)
    return Unreserve(resources, operation_id, decode_allocation_roles(body, "resources"))


def _read_create(body: Fields, operation_id: OperationID | None, lenient: bool) -> Create:
    volumes = Resources.decode(body.messages("volumes"), lenient=lenient)
    return Create(volumes, operation_id, decode_allocation_roles(body, "volumes"))


def _read_destroy(body: Fields, operation_id: OperationID | None, lenient: bool) -> Destroy:
    volumes = Resources.decode(body.messages("volumes"), lenient=lenient)
    return Destroy(volumes, operation_id, decode_allocation_roles(body, "volumes"))


def _read_grow_volume(body: Fields, operation_id: OperationID | None, lenient: bool) -> GrowVolume:
    volume, addition = (Resources.decode([body.message(name)], lenient=lenient) for name in ("volume", "addition"))
    return GrowVolume(volume, addition, operation_id, decode_allocation_roles(body, "volume", "addition"))


def _read_shrink_volume(body: Fields, operation_id: OperationID | None, lenient: bool) -> ShrinkVolume:
    volume = Resources.decode([body.message("volume")], lenient=lenient)
    return ShrinkVolume(volume, _decode_subtract(body), operation_id, decode_allocation_roles(body, "volume"))


# No agent has resource providers, whose disks these two are about: read as what makes and removes volumes, of none.


def _read_create_disk(body: Fields, operation_id: OperationID | None, lenient: bool) -> Create:
    Resources.decode([body.message("source")], lenient=lenient)
    body.enum("target_type", DiskType)
    return Create(NOTHING, operation_id, decode_allocation_roles(body, "source"), _unprovided(body))


def _read_destroy_disk(body: Fields, operation_id: OperationID | None, lenient: bool) -> Destroy:
    Resources.decode([body.message("source")], lenient=lenient)
    return Destroy(NOTHING, operation_id, decode_allocation_roles(body, "source"), _unprovided(body))


def _unprovided(body: Fields) -> str:
    return f"{body.where('source')}: is of no resource provider, of which no agent has any"


def _decode_subtract(body: Fields) -> int:
    """The thousandths of an amount to take away; below zero too, which the master refuses."""
    units = body.message("subtract").number("value")
    try:
        return -to_milli("disk", -units) if units < 0 else to_milli("disk", units)
    except InvalidResources as error:
        raise body.invalid("subtract", str(error)) from error


_DECODERS: dict[str, Callable[[Fields, OperationID | None, bool], Operation]] = {
    "LAUNCH": _read_launch,
    "LAUNCH_GROUP": _read_launch_group,
    "RESERVE": _read_reserve,
    "UNRESERVE": _read_unreserve,
    "CREATE": _read_create,
    "DESTROY": _read_destroy,
    "GROW_VOLUME": _read_grow_volume,
    "SHRINK_VOLUME": _read_shrink_volume,
    "CREATE_DISK": _read_create_disk,
    "DESTROY_DISK": _read_destroy_disk,
}
